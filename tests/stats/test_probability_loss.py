from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from audit.evidence import OVERALL, Evidence, Member
from audit.phrases import message
from audit.stats import Mean, PairedProbabilityLoss, ProbabilityLoss, RootMeanSquare
from audit.stats.mean import few_rows, half_of_sum
from audit.stats.probability_loss import RowLosses
from benchmarks.populations import Case, hard
from tests.judged import finding
from tests.misses import most

ALPHA = 0.025
SURE = [*hard.catastrophic_losses()[::2], hard.catastrophic_pairs()[0]]


def rows(confidence: float, n: int, wrong: int) -> RowLosses:
    """So many rows of one confidence, the first ones wrong."""
    stated, is_wrong = np.full(n, confidence), np.arange(n) < wrong
    return RowLosses(np.where(is_wrong, 5.0, 0.1), np.full(n, 0.1), np.full(n, 5.0), stated, is_wrong)


def test_a_sample_without_an_error_is_no_proof_of_none() -> None:
    """By hand: none wrong of 300 leaves 1 - .025^(1/300) = 1.22 % possible, which cost 4.9 each."""
    found = ProbabilityLoss.of(rows(0.999, 300, 0), high=36.0)
    possible = 0.1 + (1 - ALPHA ** (1 / 300)) * 4.9
    assert found.value == pytest.approx(0.1)
    assert found.errors.bounds(0.5, ALPHA)[1] == pytest.approx(possible - 0.1)
    assert found.bounds(ALPHA, ALPHA)[1] >= possible


def test_two_models_without_an_error_may_differ_either_way() -> None:
    found = PairedProbabilityLoss.of(rows(0.999, 300, 0), rows(0.999, 300, 0), high=36.0)
    low, high = found.bounds(ALPHA, ALPHA)
    assert high >= (1 - ALPHA ** (1 / 300)) * 4.9
    assert low == pytest.approx(-high)


@pytest.mark.parametrize("case", SURE, ids=lambda case: case.name)
def test_the_upper_end_holds_where_a_sure_model_is_seldom_wrong(case: Case) -> None:
    trials = 250
    ends = [(*found.bounds(ALPHA, ALPHA), truth) for found, truth in case.draw(np.random.default_rng(1), trials)]
    low, high, truth = np.transpose(ends)
    assert np.mean(high < truth) <= most(ALPHA, trials)
    assert np.mean(low > truth) <= most(0.03, trials)


def test_it_erred_in_every_third_sample_before() -> None:
    drawn = islice(hard.catastrophic_losses()[0].draw(np.random.default_rng(2), 100), 100)
    assert np.mean([found.mean.bounds(ALPHA, ALPHA)[1] < truth for found, truth in drawn if isinstance(found, ProbabilityLoss)]) > 0.25


def test_few_rows_that_hold_half_of_a_sum() -> None:
    assert half_of_sum(np.array([5.0, 1, 1, 1, 1, 1])) == (1, 6)
    assert half_of_sum(np.array([0.0, 0, 2, 2])) == (1, 2)
    assert half_of_sum(np.zeros(3)) == (0, 0)
    rng = np.random.default_rng(3)
    assert few_rows(RootMeanSquare.of(rng.normal(size=500))) is None
    assert few_rows(Mean.of(rng.exponential(size=500) * (rng.random(500) < 0.1), low=0.0)) is None, "rows without an error do not count"
    heavy = few_rows(RootMeanSquare.of(rng.standard_t(2, 2000)))
    assert heavy is not None
    assert heavy[0] < 0.06 * heavy[1]


def test_a_few_rows_that_hold_half_of_the_error_bar_a_pass() -> None:
    """Ten errors of 40 among 490 of a half: eight hold half of the squares. What fails still fails."""
    seen = RootMeanSquare.of(np.r_[np.full(10, 40.0), np.full(490, 0.5)])
    evidence = Evidence((Member(OVERALL, seen),), "root mean squared error", 500)
    found = finding("performance/root_mean_squared_error", evidence, max=1000.0)
    assert found.status == "inconclusive"
    assert f"{few_rows(seen)[0]} of 500 rows with an error hold half of it" in message(found)  # type: ignore[index]  # there are few
    assert finding("performance/root_mean_squared_error", evidence, max=0.1).status == "fail"


@pytest.mark.parametrize("case", [*hard.uneven_means(), *hard.uneven_shares()], ids=lambda case: case.name)
def test_uneven_entities_are_covered(case: Case) -> None:
    trials = 200
    ends = [(*found.bounds(ALPHA, ALPHA), truth, found.support) for found, truth in case.draw(np.random.default_rng(4), trials)]
    low, high, truth, support = np.transpose(ends)
    assert max(np.mean(high < truth), np.mean(low > truth)) <= most(0.031, trials)
    assert support.max() < 17, "one half of the rows, or Zipf's sizes: about 4 and 16 entities of equal size"
