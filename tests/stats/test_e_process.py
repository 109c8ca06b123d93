"""Evidence over time: its expectation where the bound is kept, what it says of changes, and how it is stored."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import logsumexp, ndtr
from scipy.stats import binom, norm

from audit.errors import InputError
from audit.stats import BettingMean, Census, KolmogorovSmirnov, Mean, Proportion
from audit.stats.distance import largest_distance
from audit.stats.e_process import BETS, CERTAIN, Detector, log_e_values, log_normal_bets, log_share_bets, log_threshold

if TYPE_CHECKING:
    from numpy.typing import NDArray


def alarm_days(e_values: NDArray[np.float64], threshold: float) -> NDArray[np.int64]:
    """(runs,) first window, counted from 1, at which the detector of (runs, windows, bets) log e-values alarms; one more than all if none.

    The recursion by itself, M(t) = (M(t - 1) + 1) e(t).
    """
    runs, windows, _ = e_values.shape
    m, days = np.zeros((runs, len(BETS))), np.full(runs, windows + 1)
    for t in range(windows):
        m = (m + 1) * np.exp(e_values[:, t])
        days = np.where((days > windows) & (m.mean(axis=1) >= threshold), t + 1, days)
    return days


@pytest.mark.parametrize("n", [1, 2, 7, 50, 400, 3000])
@pytest.mark.parametrize("share", [1e-6, 0.003, 0.1, 0.5, 0.9, 0.9999])
def test_the_mean_e_value_on_the_bound_is_one_and_below_it_less(n: int, share: float) -> None:
    hits = np.arange(n + 1)
    log_e = np.array([log_share_bets(int(one), n, share) for one in hits])

    def mean_at(true: float) -> NDArray[np.float64]:
        found: NDArray[np.float64] = np.exp(logsumexp(log_e + binom.logpmf(hits, n, true)[:, None], axis=0))
        return found

    assert mean_at(share) == pytest.approx(np.ones(len(BETS)), rel=1e-6)
    assert np.all(mean_at(share * 0.8) <= 1)


def test_a_worked_example() -> None:
    """9 errors of 50 where the bound is .1: the bet of 0.8 standard errors is on .1 + .8 sqrt(.09 / 50) = .13394."""
    found = log_e_values(Proportion(9, 50), 0.1, floor=False)
    assert found[1] == pytest.approx(9 * math.log(1.3394112550) + 41 * math.log(0.86605887450 / 0.9), abs=1e-6)
    assert log_e_values(Proportion(41, 50), 0.9, floor=True) == pytest.approx(found)


def test_normal_bets_have_mean_one_over_uniform_p_values() -> None:
    for place, bet in enumerate(BETS):
        above, _ = quad(lambda z, bet=bet: norm.pdf(z) * math.exp(bet * z - bet**2 / 2), 0, 40)
        assert above + 0.5 * math.exp(log_normal_bets(None)[place]) == pytest.approx(1)


@pytest.mark.parametrize("floor", [False, True])
def test_other_estimates_are_betted_on_by_the_level_at_which_they_would_fail(*, floor: bool) -> None:
    """A mean of 1.3 with 100 rows of deviation 1 is about 3 standard errors from 1."""
    mean = Mean(0.7 if floor else 1.3, 1.0, 0.0, 100, 100)
    found = log_e_values(mean, 1.0, floor=floor)
    z = (found[0] + BETS[0] ** 2 / 2) / BETS[0]
    level = float(ndtr(-z))
    assert z == pytest.approx(2.93, abs=0.02)  # Student's t of 99
    assert mean.bounds(level, level)[1 if floor else 0] == pytest.approx(1.0, abs=1e-6)
    assert found == pytest.approx(log_normal_bets(z))
    assert log_e_values(mean, 1.4 if not floor else 0.6, floor=floor) == pytest.approx(np.log(2 * norm.cdf(-np.array(BETS))))


def test_a_bounded_loss_counts_as_so_much_of_an_error() -> None:
    """Its e-value is at most that of bets on each loss; errors of 0 and 1 are those of a share; with entities the interval decides."""
    losses = np.random.default_rng(2).beta(1.0, 4.0, 200)
    found = log_e_values(BettingMean.of(losses), 0.15, floor=False)
    larger = 0.15 + np.array(BETS) * math.sqrt(0.15 * 0.85 / 200)
    stakes = (larger - 0.15) / (0.15 * 0.85)
    assert np.all(found <= [np.log1p(stake * (losses - 0.15)).sum() + 1e-9 for stake in stakes])
    assert found[1] > 0
    flags: NDArray[np.float64] = (np.arange(50) < 9).astype(float)
    assert log_e_values(BettingMean.of(flags), 0.1, floor=False) == pytest.approx(log_share_bets(9, 50, 0.1))
    assert log_e_values(BettingMean.of(3.0 * flags, high=3.0), 0.3, floor=False) == pytest.approx(log_share_bets(9, 50, 0.1))
    assert log_e_values(BettingMean.of(1.0 - flags), 0.9, floor=True) == pytest.approx(log_share_bets(9, 50, 0.1))
    clustered = BettingMean.of(flags, np.arange(50) // 2)
    assert log_e_values(clustered, 0.1, floor=False)[3] < log_share_bets(9, 50, 0.1)[3]


def test_dependent_rows_are_betted_on_by_their_interval() -> None:
    alone, clustered = Proportion(18, 100), Proportion(18, 100, entities=40, design_effect=2.0, effective_entities=40.0)
    assert np.all(log_e_values(clustered, 0.1, floor=False)[2:] < log_e_values(alone, 0.1, floor=False)[2:])


def test_an_interval_that_is_no_number_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mean, "bounds", lambda *_: (math.nan, math.nan))
    with pytest.raises(ArithmeticError, match="has the ends nan"):
        log_e_values(Mean(1.0, 1.0, 0.0, 100, 100), 1.0, floor=False)


def test_too_few_rows_for_an_interval_tell_nothing() -> None:
    few = Mean(9.0, 0.1, 0.0, 20, 20)
    assert np.array_equal(log_e_values(few, 1.0, floor=False), np.zeros(len(BETS)))
    detector = Detector().updated(np.full(len(BETS), 1.0))
    after = detector.updated(log_e_values(few, 1.0, floor=False))
    assert after.log_statistic == pytest.approx(detector.log_statistic)
    assert (after.windows, after.since) == (2, 0)
    assert np.array_equal(log_share_bets(0, 0, 0.1), np.zeros(len(BETS)))


@pytest.mark.parametrize(
    ("estimate", "bound", "floor", "beyond"),
    [
        (Census(3, 100), 2, False, True),
        (Census(2, 100), 2, False, False),
        (Census(1, 100), 2, True, True),
        (Proportion(1, 1000), 0.0, False, True),
        (Proportion(0, 1000), 0.0, False, False),
        (Proportion(0, 1000), -0.1, False, True),
        (Proportion(1000, 1000), 1.0, False, False),
        (Proportion(999, 1000), 1.0, True, True),
        (Proportion(0, 1000), 0.0, True, False),
    ],
)
def test_what_is_certain_alarms_at_once_and_ends_at_once(estimate: Proportion | Census, bound: float, beyond: bool, floor: bool) -> None:  # noqa: FBT001  # parametrized
    detector = Detector().updated(log_e_values(estimate, bound, floor=floor))
    assert detector.log_statistic == pytest.approx(CERTAIN if beyond else -math.inf)
    assert detector.since == (0 if beyond else None)
    assert detector.updated(np.full(len(BETS), -math.inf)).log_statistic == -math.inf


@pytest.mark.parametrize("bound", [math.inf, -math.inf, math.nan])
def test_a_bound_that_is_not_finite_is_refused(bound: float) -> None:
    with pytest.raises(ValueError, match="finite bound"):
        log_e_values(Proportion(1, 2), bound, floor=False)


def test_evidence_beyond_the_largest_float_stays_finite() -> None:
    detector = Detector()
    for _ in range(200):
        detector = detector.updated(log_e_values(Proportion(9_000_000, 10_000_000), 0.1, floor=False))
    assert 1e5 < detector.log_statistic <= CERTAIN
    assert Detector.of(json.loads(json.dumps(detector.to_list()))) == detector


def test_the_detector_is_the_recursion_of_the_paper() -> None:
    log_e = np.random.default_rng(3).normal(-0.1, 1, size=(60, len(BETS)))
    detector, m = Detector(), np.zeros(len(BETS))
    for step, row in enumerate(log_e):
        detector, m = detector.updated(row), (m + 1) * np.exp(row)
        assert detector.log_statistic == pytest.approx(math.log(m.mean()))
        sums = np.array([log_e[start : step + 1].sum(axis=0) for start in range(step + 1)])
        if sums.max() > 0:
            assert detector.since == np.unravel_index(int(np.argmax(sums)), sums.shape)[0]


def test_an_alarm_ends_after_the_harm_and_its_first_day_does_not_move() -> None:
    limit, plain, cut = log_threshold(365, 1), Detector(), Detector()
    first: dict[str, int] = {}
    for day in range(150):
        log_e = log_share_bets(25 if 50 <= day < 80 else 4, 50, 0.1)
        plain, cut = plain.updated(log_e), cut.updated(log_e, ceiling=limit)
        for name, one in (("plain", plain), ("cut", cut)):
            if one.log_statistic >= limit:
                first.setdefault(name, day)
    assert first["plain"] == first["cut"]
    assert plain.log_statistic >= limit > cut.log_statistic


@given(st.integers(1, 500), st.floats(0.001, 0.999), st.data())
def test_more_errors_are_more_evidence(n: int, share: float, data: st.DataObject) -> None:
    errors = data.draw(st.integers(0, n - 1))
    assert np.all(log_share_bets(errors, n, share) < log_share_bets(errors + 1, n, share))
    fewer, more = (Detector().updated(log_share_bets(one, n, share)) for one in (errors, errors + 1))
    assert fewer.log_statistic < more.log_statistic


@given(st.floats(0, 1), st.floats(0, 0.5), st.integers(50, 5000))
def test_a_larger_distance_is_no_less_evidence(statistic: float, bound: float, rows: int) -> None:
    one, other = (log_e_values(KolmogorovSmirnov(d, rows, rows), bound, floor=False) for d in (statistic, min(1.0, statistic + 0.05)))
    assert other.max() >= one.max() - 1e-6


@given(st.lists(st.lists(st.floats(-800, 800), min_size=len(BETS), max_size=len(BETS)), max_size=8))
def test_a_stored_detector_reads_back_the_same(rows: list[list[float]]) -> None:
    detector = Detector()
    for row in rows:
        detector = detector.updated(np.array(row))
    assert Detector.of(json.loads(json.dumps(detector.to_list(), allow_nan=False))) == detector


@pytest.mark.parametrize("stored", [[], [1] * 5, [-1] + [0] * 12, [1.5] + [0] * 12, [1] + [math.nan] * 12, [2] + [0] * 11 + [2]])
def test_a_damaged_state_is_refused(stored: list[float]) -> None:
    with pytest.raises(InputError, match="state of a detector"):
        Detector.of(stored)


@pytest.mark.parametrize("log_e", [np.zeros(2), np.full(len(BETS), math.nan)])
def test_e_values_of_another_shape_are_refused(log_e: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="e-values"):
        Detector().updated(log_e)


@pytest.mark.parametrize(("windows", "weight"), [(0, 1), (365, 0), (365, 1.5), (math.nan, 1)])
def test_a_threshold_needs_windows_and_a_share(windows: float, weight: float) -> None:
    with pytest.raises(ValueError, match="threshold"):
        log_threshold(windows, weight)


def shares(rng: np.random.Generator, rate: float, runs: int, windows: int) -> NDArray[np.float64]:
    by_errors = np.array([log_share_bets(errors, 50, 0.1) for errors in range(51)])
    found: NDArray[np.float64] = by_errors[rng.binomial(50, rate, (runs, windows))]
    return found


def test_on_the_bound_false_alarms_are_as_far_apart_as_promised() -> None:
    """Mean windows until the first alarm at a threshold of 50, on the bound itself: 50 at least."""
    days = alarm_days(shares(np.random.default_rng(5), 0.1, 1500, 400), 50)
    assert days.mean() - 3 * days.std() / math.sqrt(len(days)) >= 50


def test_of_means_and_distances_too() -> None:
    """By p-values, with a new sample of the reference each time; normal and exponential losses, and a distance of exactly .1."""
    rng = np.random.default_rng(6)
    losses = rng.exponential(1.0, (20_000, 60))
    of_means = [log_e_values(Mean.of(row, low=0.0), 1.0, floor=False) for row in losses[:4000]]
    moved = rng.normal(size=(1500, 2, 300))
    moved[:, 1] += 2 * norm.ppf(0.55)  # the distance of two normal laws is 2 Phi(shift / 2) - 1
    distances = [KolmogorovSmirnov(largest_distance(*pair), 300, 300) for pair in moved]
    of_distances = [log_e_values(one, 0.1, floor=False) for one in distances]
    for found in (of_means, of_distances):
        days = alarm_days(np.array(found)[rng.integers(0, len(found), (800, 300))], 50)
        assert days.mean() - 3 * days.std() / math.sqrt(len(days)) >= 50


@pytest.mark.parametrize(("rate", "days"), [(0.15, 10), (0.12, 30)])
def test_a_rise_of_the_error_rate_is_found_in_time(rate: float, days: int) -> None:
    """50 labels a day, a bound of .1, one false alarm in 365 days: after 100 quiet days on the bound, the median delay."""
    rng, runs = np.random.default_rng(7), 1500
    found = alarm_days(np.concatenate([shares(rng, 0.1, runs, 100), shares(rng, rate, runs, 120)], axis=1), 365)
    assert np.median(found[found > 100] - 100) <= days


def test_the_change_is_dated() -> None:
    rng, starts = np.random.default_rng(8), []
    for _ in range(40):
        detector = Detector()
        for rate in (0.1,) * 60 + (0.2,) * 8:
            detector = detector.updated(log_share_bets(int(rng.binomial(50, rate)), 50, 0.1))
        starts.append(detector.since)
    assert abs(float(np.median(np.array(starts, dtype=float))) - 60) <= 1
