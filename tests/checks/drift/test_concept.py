"""A rise of the error rate is found by three detectors, dated, and judged by an interval that knows of the choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from audit.evidence import Lines
from audit.stats import ChosenDifference, Difference, Proportion
from audit.stats.change_points import adwin, page_hinkley
from audit.testing import assert_complete, assert_crash_blocks, assert_refused
from tests import realdata
from tests.judged import status
from tests.misses import most
from tests.support import measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from audit.evidence import Evidence

CHECK = "drift/concept"
DETECTORS = ("adwin", "page_hinkley", "e_detector")
ELEC_ADWIN = [(2847, 2336), (6207, 800), (13407, 6176), (15775, 2112), (27071, 5152), (31007, 1888), (36159, 1568)]
ELEC_PAGE_HINKLEY = [2688, 8219, 16412, 21359, 31289, 36139]
"""river 0.26.1 on elec2's errors of "as half an hour before": the changes of `drift.ADWIN()` and `drift.PageHinkley(mode="up")`, by the
command in tests/stats/test_change_points.py."""


def answers(wrong: Any, **columns: Any) -> pd.DataFrame:
    """A table whose rows are wrong where the flags say so."""
    row = np.arange(len(wrong))
    label, flags = row % 2, np.asarray(wrong, dtype=bool)
    return pd.DataFrame({"label": label.astype(str), "prediction": (label ^ flags).astype(str), "x": row} | columns)


def risen(n: int = 6000, rates: tuple[float, float] = (0.1, 0.25), seed: int = 0) -> pd.DataFrame:
    """Two thirds of the rows at the first rate, then the second; a row every half hour."""
    flags = np.random.default_rng(seed).random(n) < np.repeat(rates, [2 * n // 3, n - 2 * n // 3])
    return answers(flags, when=pd.date_range("2026-01-01", periods=n, freq="30min").astype(str))


def only(found: Evidence) -> ChosenDifference:
    (member,) = found.members
    assert isinstance(member.estimate, ChosenDifference)
    return member.estimate


def test_a_worked_example_without_a_change() -> None:
    """1 error in the first 10 rows and 3 in the last 10; half of the level."""
    flags = [*(row == 4 for row in range(10)), *(row % 4 == 0 for row in range(10))]
    found = measure(CHECK, subject(answers(flags)))
    assert only(found) == ChosenDifference(Difference(Proportion(3, 10), Proportion(1, 10)), 0.5)
    assert found.notes[0] == "overall: no change found by ADWIN; error rate 0.100 before row 11, 0.300 since, the middle of the rows."


def test_a_worked_example_with_a_change() -> None:
    """300 right rows, then 100 wrong ones: from 0 to 1, at the first wrong one; half of the level is shared by 399 moments."""
    found = measure(CHECK, subject(answers([False] * 300 + [True] * 100)))
    assert only(found) == ChosenDifference(Difference(Proportion(100, 100), Proportion(0, 300)), 0.5 / 399)
    assert found.notes[0] == "overall: the error rate rose from 0.000 to 1.000 on row 301, found by ADWIN."


@pytest.mark.parametrize("detector", DETECTORS)
def test_each_detector_finds_the_rise_and_dates_it(detector: str) -> None:
    """Row 4,000 of a half-hourly stream is on 25 March."""
    found = measure(CHECK, subject(risen().sample(frac=1, random_state=1), time="when"), detector=detector)
    assert only(found).value == pytest.approx(0.15, abs=0.03)
    assert status(CHECK, found, max=0.05) == "fail"
    assert any(day in found.notes[0] for day in ("2026-03-24", "2026-03-25", "2026-03-26"))
    (figure,) = found.figures
    assert isinstance(figure, Lines)
    before, since = figure.curves[1:]
    assert (before.y[0], since.y[0]) == pytest.approx((0.1, 0.25), abs=0.02)
    assert before.x[1] == since.x[0] == pytest.approx(4000 / 48, abs=2)


def test_a_fall_is_no_rise() -> None:
    found = measure(CHECK, subject(risen(rates=(0.3, 0.1))))
    assert only(found).value < -0.1
    assert "fell from" in found.notes[0]
    assert status(CHECK, found, max=0.02) == "pass"


def test_the_interval_decides() -> None:
    found = measure(CHECK, subject(risen()))
    low, high = only(found).bounds(0.025, 0.025)
    assert [status(CHECK, found, max=bound) for bound in (low - 0.001, only(found).value + 0.001, high)] == ["fail", "inconclusive", "pass"]
    assert status(CHECK, unplugged(found), max=only(found).value + 0.001) == "pass"


@pytest.mark.parametrize("detector", DETECTORS)
def test_without_a_change_it_rarely_fails_however_readily_a_moment_is_chosen(detector: str) -> None:
    """The detectors are so eager that nearly every stream has a moment."""
    eager: Any = {"adwin": {"delta": 0.9}, "page_hinkley": {"threshold": 3.0}, "e_detector": {"false_alarm_every": 2}}[detector]
    rng, trials = np.random.default_rng(4), 60
    found = [measure(CHECK, subject(answers(rng.random(600) < 0.2)), detector=detector, **eager) for _ in range(trials)]
    assert np.mean([status(CHECK, one, max=0.0) == "fail" for one in found]) <= most(0.025, trials)
    if detector == "page_hinkley":
        assert np.mean(["rose" in one.notes[0] for one in found]) > 0.9
        naive = [only(one).difference.bounds(0.025, 0.025)[0] > 0 for one in found]
        assert np.mean(naive) > most(0.025, trials)


def test_further_moments_are_told() -> None:
    rates = np.repeat(np.tile([0.02, 0.5], 4), 600)
    notes = measure(CHECK, subject(answers(np.random.default_rng(5).random(4800) < rates))).notes
    assert notes[1].startswith("overall: changes also on row ")
    assert notes[1].endswith(" and 3 times more.")


def test_slices_have_moments_of_their_own() -> None:
    n = 3000
    region = np.where(np.arange(n) % 2 == 0, "n", "s")
    flags = np.random.default_rng(6).random(n) < np.where((region == "s") & (np.arange(n) >= 2000), 0.5, 0.1)
    table = answers(flags, region=region)
    found = measure(CHECK, subject(table, by=(("region",),)))
    assert [note.split(":")[1].split()[0] for note in found.notes[:2]] == ["no", "the"]
    few = pd.concat([table, answers([True], region="w").assign(x=-1)], ignore_index=True)
    lacking = measure(CHECK, subject(few, by=(("region",),)))
    assert [str(one.name) for one in lacking.unmeasured] == ["region=w"]
    assert status(CHECK, lacking, max=0.9, by=(("region",),)) == "inconclusive"


def test_entities_widen_the_interval() -> None:
    flags = np.repeat(np.random.default_rng(7).random(60) < 0.4, 20)
    table = answers(flags, person=np.repeat(np.arange(60), 20))
    alone, clustered = (only(measure(CHECK, seen)) for seen in (subject(table), subject(table, group="person")))
    assert np.ptp(clustered.bounds(0.025, 0.025)) > 1.2 * np.ptp(alone.bounds(0.025, 0.025))


def test_the_e_detector_says_when_it_has_too_few_rows() -> None:
    found = measure(CHECK, subject(answers([False, True] * 30)), detector="e_detector")
    assert "no change found by the e-detector, which needs 50 rows after the first quarter" in found.notes[0]


def test_it_behaves() -> None:
    seen = subject(risen(400), time="when")
    assert_complete(CHECK, seen)
    assert_crash_blocks(CHECK, seen)


def test_what_it_cannot_order_is_refused() -> None:
    assert_refused(CHECK, subject(answers([True])), "an order needs two")
    assert_refused(CHECK, subject(answers([True, False], when=["2026-01-01", None]), time="when"), "tells no time in 1 of 2 rows")


@pytest.mark.parametrize(
    "params",
    [{"detector": "page_hinkley", "delta": 0.1}, {"threshold": 3.0}, {"detector": "kswin"}, {"delta": 0.0}, {"delta": 1.0}],
)
def test_parameters_of_another_detector_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        measure(CHECK, subject(answers([True, False])), **params)


@pytest.mark.data
def test_electricity_prices_drift_as_river_says() -> None:
    """elec2 by the rule "as half an hour before"."""
    label = pd.read_csv(realdata.path("elec2") / "elec.csv.gz")["class"].astype(str)
    table = pd.DataFrame({"label": label[1:], "prediction": label.shift()[1:]}).reset_index(drop=True)
    errors = (table.label != table.prediction).to_numpy()
    assert [(row, row + 1 - since) for row, since in adwin(errors.astype(float), delta=0.002)] == ELEC_ADWIN
    assert [row for row, _ in page_hinkley(errors.astype(float), threshold=50, tolerance=0.005)] == ELEC_PAGE_HINKLEY
    found = measure(CHECK, subject(table))
    assert status(CHECK, found, max=0.1) == "pass"
    assert "changes also on" in found.notes[1]
