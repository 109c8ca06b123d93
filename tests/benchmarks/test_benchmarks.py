"""The benchmarks' own functions, on settings so small that they cost seconds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import binom

from audit.stats import AverageDifference, Difference, Proportion, Ratio
from benchmarks import by_group, coverage, discovered_slices, exact, flip_rate, gates, metric_frame, populations, slices
from benchmarks.trials import Limit, table
from tests.unplugged import Point

if TYPE_CHECKING:
    from numpy.random import Generator

    from benchmarks.populations.case import Case, Drawn

CHEAP = (
    "Proportion",
    "Difference",
    "Ratio",
    "AverageDifference",
    "WeightedShare",
    "WeightedMean",
    "Auc",
    "AucDifference",
    "AveragePrecision",
    "PairedPrecision",
    "ClassMean",
    "GroupJackknife",
    "BettingMean",
    "ChosenDifference",
    "Mean",
    "PairedMean",
    "MeanDifference",
    "MeanRatio",
    "Explained",
    "RootMeanSquare",
    "Coefficient",
    "Departure",
    "SquaredDistance",
    "SmoothCalibrationError",
    "KolmogorovSmirnov",
    "StabilityIndex",
    "Census",
)


def test_a_limit_allows_three_monte_carlo_errors() -> None:
    assert Limit(0.025).holds(0.0, 1000)
    assert Limit(0.025).holds(0.039, 1000)
    assert not Limit(0.025).holds(0.041, 1000)
    assert not Limit(0.025, "=").holds(0.0, 1000)
    assert Limit(0.0).holds(0.0, 1000)
    assert not Limit(0.0).holds(0.01, 1000)


def test_a_table_lines_up() -> None:
    assert table(("what", "n"), [("a", "1"), ("long name", "1,000")]).split("\n") == [
        "what           n",
        "---------  -----",
        "a              1",
        "long name  1,000",
    ]


def test_what_papers_state_is_found() -> None:
    figures = exact.published()
    assert len(figures) == 14
    assert [one.name for one in figures if not one.holds] == []


@pytest.mark.parametrize("kind", [Difference, Ratio])
def test_definitions_agree_with_the_package(kind: type[Difference | Ratio]) -> None:
    """Twenty-five and thirty rows, every outcome."""
    n, m, p, q = 25, 30, 0.4, 0.3
    weight = np.outer(binom.pmf(np.arange(n + 1), n, p), binom.pmf(np.arange(m + 1), m, q))
    ends = np.array([[kind(Proportion(x, n), Proportion(y, m)).bounds(0.025, 0.025) for y in range(m + 1)] for x in range(n + 1)])
    truth = p - q if kind is Difference else p / q
    misses = exact.difference_misses if kind is Difference else exact.ratio_misses
    assert misses(n, m, p, q) == pytest.approx((weight[ends[..., 0] > truth].sum(), weight[ends[..., 1] < truth].sum()), abs=1e-6)


@pytest.mark.parametrize("kind", CHEAP)
def test_a_fast_case_of_each_kind_covers(kind: str) -> None:
    case = populations.by_kind()[kind][0]
    assert coverage.simulated(case, fast=True).holds
    assert len(coverage.simulated(case, fast=True).row()) == len(coverage.HEAD)


@pytest.mark.parametrize("kind", [kind for kind in CHEAP if kind != "Census"])
def test_an_interval_that_is_unplugged_is_marked(kind: str) -> None:
    case = populations.by_kind()[kind][0]

    def unplugged(rng: Generator, trials: int) -> Drawn:
        return ((Point(estimate), truth) for estimate, truth in case.draw(rng, trials))

    seen = coverage.simulated(replace(case, draw=unplugged), fast=True)
    assert not seen.holds
    assert seen.row()[-1] == "OUTSIDE"


SPANNING = ("Difference", "Ratio", "AverageDifference", "MeanDifference")


def _across(kind: str) -> Case:
    """The case of the kind whose people pull the two groups farthest apart."""
    return next(one for one in populations.by_kind()[kind] if "entities in" in one.name and one.truth.endswith(("opposite", "both alike")))


@pytest.mark.parametrize("kind", SPANNING)
def test_people_in_both_groups_cover(kind: str) -> None:
    assert coverage.simulated(replace(_across(kind), trials=6000), fast=True).holds


@pytest.mark.parametrize("kind", SPANNING[:3])
def test_people_in_both_groups_taken_as_two_samples_are_marked(kind: str) -> None:
    """As the interval was before it knew of them; that of weighted shares has exact ends, which hide it."""
    case = _across(kind)

    def apart(rng: Generator, trials: int) -> Drawn:
        for estimate, truth in case.draw(rng, trials):
            assert isinstance(estimate, (Difference, Ratio, AverageDifference))
            if isinstance(estimate, AverageDifference):
                hits, alarms = (replace(one, correlation=0.0, shared=0.0) for one in (estimate.first, estimate.second))
                yield AverageDifference(hits, alarms, 0.0), truth
            else:
                yield replace(estimate, correlation=0.0, shared=0.0), truth

    assert not coverage.simulated(replace(case, draw=apart, trials=20_000), fast=True).holds


def test_windows_of_two_bins_cover_and_the_index_itself_as_upper_end_is_marked() -> None:
    """The noncentral chi-square alone has that end where both windows fit to the row."""
    case = next(one for one in populations.by_kind()["StabilityIndex"] if "2 bins" in one.name)

    def collapsed(rng: Generator, trials: int) -> Drawn:
        return ((Point(one) if one.value < 0.001 else one, truth) for one, truth in case.draw(rng, trials))

    assert coverage.simulated(case, fast=True).holds
    assert not coverage.simulated(replace(case, draw=collapsed, trials=12_000), fast=True).holds


def test_every_case_has_a_name_of_its_own() -> None:
    cases = coverage.chosen(fast=False)
    assert len({(one.name, one.truth, one.alpha) for one in cases}) == len(cases)
    assert set(populations.by_kind()) <= {one.name.split(",")[0] for one in coverage.chosen(fast=True)}
    assert coverage.chosen(fast=False, only=["Census"]) == populations.by_kind()["Census"]


def test_the_judge_errs_and_decides_as_it_may() -> None:
    for gate in gates.of(200)[:1] + gates.of(500)[2:4]:
        assert flip_rate.on_the_bound(gate, 400)[1]
        line, holds = flip_rate.off_the_bound(gate, gate.off[1], 400)
        assert holds
        assert len(line) == len(flip_rate.OFF)


def test_a_judge_that_never_decides_or_looks_at_points_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = gates.of(500)[0]
    monkeypatch.setattr(flip_rate, "status", lambda *_: "inconclusive")
    assert flip_rate.on_the_bound(gate, 400)[1]
    assert not flip_rate.off_the_bound(gate, gate.off[0], 400)[1]
    monkeypatch.setattr(flip_rate, "status", lambda gate, estimates: "pass" if estimates[0].value >= gate.bound else "fail")
    assert not flip_rate.on_the_bound(gate, 400)[1]


def test_the_share_decided_is_enumerated() -> None:
    """Against the package's own ends."""
    ends = [Proportion(hits, 200).bounds(0.025, 0.025) for hits in range(201)]
    decided = np.array([low >= 0.9 or high < 0.9 for low, high in ends])
    assert exact.share_decided(200, 0.95, 0.9) == pytest.approx(binom.pmf(np.arange(201), 200, 0.95)[decided].sum())


def test_fifty_slices() -> None:
    for scene in slices.scenes()[1:4]:
        passed, failed = slices.statuses(scene, 60, 7)
        assert scene.passed.holds(passed, 60)
        assert scene.failed.holds(failed, 60)
    assert slices.point_gate(slices.scenes()[0], 60, 7) == 0


def test_the_frame_is_fairlearns() -> None:
    pytest.importorskip("fairlearn", reason="compares with fairlearn")
    rows = metric_frame.drawn(400, np.random.default_rng(3))
    found = by_group.ours(rows, [metric_frame.FAMILY], metrics=metric_frame.METRICS)
    assert metric_frame.ours(rows) == by_group.intervals(found) == 5 * 6 + 4 * 30
    theirs = by_group.theirs(rows, metric_frame.FAMILY, metrics=metric_frame.METRICS, boot=2)
    assert by_group.largest_difference(found, [theirs]) < 1e-12


def test_discovered_slices_are_held_against_what_is_true() -> None:
    """Forty tables: without a weak slice hardly any is named, of three planted ones most are found, and gaps hold."""
    null = discovered_slices.simulated(discovered_slices.Scene("null", discovered_slices.clean(600, 0.1), 0), 40, seed=1)
    assert sum(one.named > 0 for one in null) <= 6
    scene = discovered_slices.Scene("planted", discovered_slices.weak_columns(4000), 0)
    found = discovered_slices.simulated(scene, 10, seed=2)
    cells, holds = discovered_slices.planted_line(scene, found, 1.0)
    assert holds
    assert cells[1] == "10"
    assert np.mean([one.recall[1] for one in found]) > 0.7
    assert np.mean([one.precision[1] for one in found]) > 0.7


def test_a_search_that_names_by_chance_is_marked() -> None:
    chance = discovered_slices.Outcome(named=1, proposed=10, recall=(0.0, 0.0, 0.0), precision=(0.0, 0.0), false=1.0, missed=1.0)
    scene = discovered_slices.Scene("null", discovered_slices.clean(600, 0.1), 0)
    assert discovered_slices.null_line(scene, [chance] * 20, 1.0)[0][-1] == "BROKEN"
    assert discovered_slices.planted_line(scene, [chance] * 20, 1.0)[0][-1] == "BROKEN"
