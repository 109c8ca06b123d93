"""Detectors of changes, pinned to river 0.26.1, and differences at a moment that the data chose.

river's figures are those that this prints in an environment of its own (`pip install river==0.26.1`), with `stream` as below:

    python - <<'END'
    from river import drift
    def rows(detector, values):
        found = []
        for row, value in enumerate(values):
            detector.update(value)
            if detector.drift_detected:
                found.append((row, getattr(detector, "width", None)))
        return found
    for kind in ("errors", "losses", "slow"):
        print(kind, rows(drift.ADWIN(), stream(kind)), rows(drift.ADWIN(clock=1), stream(kind)))
        print(rows(drift.PageHinkley(threshold=20, mode="up"), stream(kind)), rows(drift.PageHinkley(threshold=5, mode="up"), stream(kind)))
    END
"""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.stats import ChosenDifference, Difference, Proportion
from audit.stats.change_points import Adwin, adwin, e_detector, page_hinkley, sharpest_cut

STREAMS = ("errors", "losses", "slow")
ADWIN = {"errors": [(3167, 544), (5343, 896)], "losses": [(2751, 960)], "slow": [(4255, 3744)]}
ADWIN_EVERY_ROW = {"errors": [3143, 5315], "losses": [2726], "slow": [4242]}
PAGE_HINKLEY = {"errors": [3126, 4460], "losses": [3070], "slow": [1968, 3269, 4311, 5910]}
PAGE_HINKLEY_OF_5 = {"losses": [2620]}


def stream(kind: str) -> list[float]:
    rng = random.Random(12345)  # noqa: S311  # river's figures are for these draws
    if kind == "errors":
        return [float(rng.random() < rate) for rate in (0.1,) * 3000 + (0.25,) * 2000 + (0.1,) * 2000]
    if kind == "losses":
        return [rng.betavariate(2, 18 if row < 2500 else 12) for row in range(5000)]
    return [float(rng.random() < 0.1 + 0.2 * row / 6000) for row in range(6000)]


@pytest.mark.parametrize("kind", STREAMS)
def test_adwin_is_rivers(kind: str) -> None:
    """The rows of its changes and the width of its window there."""
    values = np.array(stream(kind))
    assert [(row, row + 1 - since) for row, since in adwin(values, delta=0.002)] == ADWIN[kind]
    assert [row for row, _ in adwin(values, delta=0.002, clock=1)] == ADWIN_EVERY_ROW[kind]


@pytest.mark.parametrize("kind", STREAMS)
def test_page_hinkley_is_rivers(kind: str) -> None:
    values = np.array(stream(kind))
    assert [row for row, _ in page_hinkley(values, threshold=20, tolerance=0.005)] == PAGE_HINKLEY[kind]
    if kind in PAGE_HINKLEY_OF_5:
        assert [row for row, _ in page_hinkley(values, threshold=5, tolerance=0.005)] == PAGE_HINKLEY_OF_5[kind]


def test_the_window_holds_what_came_since_the_change() -> None:
    detector = Adwin()
    for value in [0.0] * 640 + [1.0] * 320:
        detector.update(value)
    assert 320 <= detector.width <= 400


def test_page_hinkley_by_hand() -> None:
    """Thirty zeros, then ones: after k ones the sum is the ones' distances from the mean so far, less the tolerance of each row."""
    values = np.array([0.0] * 30 + [1.0] * 20)
    total, means = 0.0, np.cumsum(values) / np.arange(1, 51)
    sums = np.array([total := total + value - mean for value, mean in zip(values, means, strict=True)])
    first = int(np.argmax(sums - np.minimum.accumulate(sums) > 5))
    assert page_hinkley(values, threshold=5, tolerance=0.0, fading=1.0)[0] == (first, 30)


def test_the_e_detector_finds_a_rise_and_dates_it() -> None:
    rng = np.random.default_rng(0)
    errors = rng.random(8000) < np.repeat([0.1, 0.25], [5000, 3000])
    ((row, since),) = e_detector(errors, false_alarm_every=1000)
    assert 5000 < row < 5400
    assert abs(since - 5000) <= 100
    assert e_detector(errors[:5000], false_alarm_every=1000) == []
    assert e_detector(errors[:60], false_alarm_every=1000) == []


def test_the_sharpest_cut_by_hand() -> None:
    """Zeros, then ones: at the first one; only cuts between the given rows count."""
    values = np.array([0.0] * 7 + [1.0] * 5)
    assert sharpest_cut(values, 0, 11) == 7
    assert sharpest_cut(values, 0, 4) == 4
    assert sharpest_cut(values, 9, 11) == 9
    assert sharpest_cut(values[:2], 0, 1) == 1


def test_without_a_change_alarms_are_as_rare_as_asked() -> None:
    """About 750 blocks in each of 20 streams, one false alarm in 1,000 blocks allowed; the margin of the expected rate makes them rarer."""
    rng = np.random.default_rng(1)
    assert sum(len(e_detector(rng.random(50_000) < 0.1, false_alarm_every=1000)) for _ in range(20)) <= 6


@given(st.lists(st.booleans(), min_size=1, max_size=300))
def test_moments_lie_within_the_stream_and_before_their_detection(errors: list[bool]) -> None:
    values = np.array(errors)
    found = [
        *adwin(values.astype(float), delta=0.5, clock=1),
        *page_hinkley(values.astype(float), threshold=1, tolerance=0.001),
        *e_detector(values, false_alarm_every=2),
    ]
    assert all(0 <= since <= row < len(errors) for row, since in found)


def test_a_chosen_difference_has_its_share_of_the_level() -> None:
    difference = Difference(Proportion(40, 200), Proportion(20, 300))
    chosen = ChosenDifference(difference, 0.01)
    assert chosen.value == difference.value
    assert chosen.bounds(0.025, 0.05) == difference.bounds(0.00025, 0.0005)
    assert (chosen.n, chosen.support) == (difference.n, difference.support)
    assert chosen.with_sample_size(2).difference == difference.with_sample_size(2)
    moved = chosen.with_value(0.2)
    assert moved is not None
    assert moved.value == pytest.approx(0.2, abs=0.005)


@pytest.mark.parametrize("share", [0.0, 1.5, float("nan")])
def test_a_share_outside_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share of the level"):
        ChosenDifference(Difference(Proportion(1, 2), Proportion(1, 2)), share)
