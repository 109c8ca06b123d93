"""The benchmark of a monitored year computes what the package computes, and marks what is outside its limits; on few runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kstwobign

from audit.metrics import bins
from audit.metrics.windows import Feature
from audit.stats import KolmogorovSmirnov, StabilityIndex
from audit.stats.distance import largest_distance
from audit.stats.e_process import BETS, Detector, log_e_values
from benchmarks import monitor_year, monitored
from benchmarks.monitored import NEVER, Windows
from benchmarks.page import printed_table


def test_the_page_on_monitoring_has_a_place_for_the_table() -> None:
    page = Path(__file__).parents[2] / "docs" / "monitoring.md"
    assert printed_table(page, "monitor_year").count("---") > 1


def test_an_alarm_comes_on_the_detectors_day() -> None:
    log_e = np.random.default_rng(0).normal(0.1, 0.6, size=(80, 5, 2, len(BETS)))
    days = monitored.alarm_days(iter(log_e), 300.0)
    for run in range(5):
        detectors, expected = [Detector(), Detector()], NEVER
        for day in range(80):
            detectors = [one.updated(log_e[day, run, member]) for member, one in enumerate(detectors)]
            if expected == NEVER and max(one.log_statistic for one in detectors) >= np.log(300.0):
                expected = day + 1
        assert days[run] == expected
    assert np.any(days != NEVER)


def test_distances_and_their_e_values_are_the_packages() -> None:
    rng, sizes = np.random.default_rng(1), Windows(400, 90)
    reference = monitored.sorted_uniform(rng, (), 400)
    current = monitored.moved(monitored.sorted_uniform(rng, (30,), 90), np.linspace(0, 1, 30)[:, None])
    found = monitored.distances(reference, current)
    assert found == pytest.approx([largest_distance(reference, row) for row in current])
    log_e = monitored.of_values(found, lambda d: KolmogorovSmirnov(d, 400, 90), 0.1)
    assert log_e == pytest.approx(np.array([log_e_values(KolmogorovSmirnov(d, 400, 90), 0.1, floor=False) for d in found]))
    assert monitored.p_values(found, sizes)[3] == pytest.approx(kstwobign.sf(found[3] * np.sqrt(400 * 90 / 490)))


def test_indices_are_those_of_the_check() -> None:
    """Their means over many windows, with a reference of 2,000 rows and ten bins, without drift and with a true index of .1."""
    rng, sizes = np.random.default_rng(2), Windows(2000, 500)
    for shift in (0.0, monitored.shift_of_index(0.1)):
        fast = np.concatenate([monitored.indices(rng, sizes, 50, shift=shift) for _ in range(20)])
        pairs = [(rng.normal(size=2000), rng.normal(shift, 1.0, size=500)) for _ in range(300)]
        slow = [bins.of(Feature("x", numeric=True, reference=a, current=b), 10).index for a, b in pairs]
        assert fast.mean() == pytest.approx(np.mean(slow), abs=4 * np.std(slow) / np.sqrt(300))
        assert fast.mean() == pytest.approx(StabilityIndex(0.0, 10, 2000, 500).expected_value(0.1 if shift else 0.0), abs=0.006)


def test_benjamini_hochberg_looks_at_every_rank() -> None:
    p = np.array([[0.02, 0.04, 0.9], [0.02, 0.03, 0.9], [0.04, 0.05, 0.05], [0.9, 0.9, 0.9]])
    assert monitored.false_by_benjamini_hochberg(p, 0.05).tolist() == [False, True, True, False]


def test_a_shift_has_the_distance_it_is_named_by() -> None:
    ranks = np.linspace(0.0001, 0.9999, 9999)
    assert np.abs(monitored.moved(ranks, monitored.shift_of(0.1)) - ranks).max() == pytest.approx(0.1, abs=1e-4)


def test_other_estimates_are_drawn_on_their_bounds() -> None:
    """The mean of 300 windows is the bound, apart from the noise that enlarges a distance."""
    found = monitored.on_the_bound(np.random.default_rng(4), 300)
    for name, (estimates, bound) in found.items():
        values = np.array([one.value for one in estimates])
        expected = estimates[0].expected_value(bound) if isinstance(estimates[0], (KolmogorovSmirnov, StabilityIndex)) else bound
        assert values.mean() == pytest.approx(expected, abs=max(4 * values.std() / np.sqrt(300), 0.006)), name
    lines = list(monitor_year.other_estimates(np.random.default_rng(5), 20, 3))
    assert [len(line) for line in lines] == [len(monitor_year.HEADS["others"])] * len(found)


def test_limits_hold_on_few_runs_and_are_marked_where_they_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A threshold of exp(-5) alarms at once, one of exp(40) too late."""
    rng = np.random.default_rng(3)
    assert monitor_year.on_the_bound(rng, 0.10, 300)[1]
    assert monitor_year.delay(rng, 0.10, 0.15, 300)[1]
    monkeypatch.setattr(monitor_year, "FEATURES", 3)
    lines, holds = monitor_year.quiet_years(rng, Windows(500, 100), 1)
    assert holds
    assert [len(line) for line in lines] == [len(monitor_year.HEADS["quiet"])] * 5
    monkeypatch.setattr(monitor_year, "log_threshold", lambda *_: -5.0)
    monkeypatch.setattr(monitor_year, "FEATURES", 1)
    lines, holds = monitor_year.quiet_years(rng, Windows(500, 100), 6)
    assert not holds
    assert lines[0][-1] == "BROKEN"
    assert monitor_year.on_the_bound(rng, 0.10, 50)[0][-1] == "BROKEN"
    monkeypatch.setattr(monitor_year, "log_threshold", lambda *_: 40.0)
    assert monitor_year.delay(rng, 0.10, 0.15, 50)[0][-1] == "BROKEN"
