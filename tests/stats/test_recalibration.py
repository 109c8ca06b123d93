from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar
from scipy.special import expit

from audit.stats import Coefficient, Departure
from audit.stats.recalibration import line, logits, unfit
from tests.misses import most

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Sample: TypeAlias = tuple[NDArray[np.float64], NDArray[np.bool_]]

ALPHA = 0.025
rows = st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=8, max_size=40)


def drawn(rng: Generator, n: int, slope: float = 1.0, intercept: float = 0.0, centre: float = 0.0) -> Sample:
    """Stated probabilities, and events whose true log odds are `intercept` + `slope` times the stated ones."""
    x = rng.normal(centre, 1.5, n)
    return expit(x), rng.random(n) < expit(intercept + slope * x)


def test_a_worked_example() -> None:
    """Two probabilities: the line goes through both observed shares. Of 40 rows given .2 ten come true, of 40 given .8 thirty."""
    said = np.repeat([0.2, 0.8], 40)
    hit = np.concatenate([np.arange(40) < 10, np.arange(40) < 30])
    found = line(said, hit)
    assert found.slope.value == pytest.approx(math.log(3) / math.log(4))
    assert found.intercept.value == pytest.approx(0, abs=1e-9)
    assert found.slope.support == 40
    # On a line that fits, the slope's lower end is where 2 (logL(max) - logL) is the chi-square point 1.96^2.
    logit = logits(said)

    def lost(slope: float) -> float:
        def loss(intercept: float) -> float:
            return float(np.logaddexp(0, np.where(hit, -1, 1) * (intercept + slope * logit)).sum())

        return float(2 * (minimize_scalar(loss, bracket=(-1, 1)).fun - loss_of_best) - 1.959964**2)

    loss_of_best = float(np.logaddexp(0, np.where(hit, -1, 1) * found.slope.value * logit).sum())
    assert found.slope.design_effect == pytest.approx(1 / (1 - 1 / 40) ** 2)  # each of 40 rows alike has a leverage of 1 / 40
    alone = replace(found.slope, design_effect=1.0)
    assert alone.bounds(ALPHA, ALPHA)[0] == pytest.approx(brentq(lost, 0.1, found.slope.value), abs=1e-3)
    assert alone.bounds(ALPHA, ALPHA)[1] == pytest.approx(brentq(lost, found.slope.value, 2.0), abs=1e-3)


def test_agrees_with_scikit_learn() -> None:
    """The unpenalised logistic regression of the event on the logits."""
    from sklearn.linear_model import LogisticRegression

    said, hit = drawn(np.random.default_rng(1), 400, 0.6, 0.3)
    model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000).fit(logits(said)[:, None], hit)
    assert line(said, hit).slope.value == pytest.approx(float(model.coef_[0, 0]), abs=1e-6)


@given(rows)
def test_the_other_event_has_the_same_slope_and_the_opposite_intercept(some: list[tuple[int, bool]]) -> None:
    """Mirrored ends too; what has no line has none mirrored either."""
    said, hit = np.array([tenths for tenths, _ in some], dtype=float) / 10, np.array([one for _, one in some])
    if reason := unfit(said, hit):
        assert unfit(1 - said, ~hit) is not None, reason
        return
    here, there = line(said, hit), line(1 - said, ~hit)
    assert there.slope.value == pytest.approx(here.slope.value, abs=1e-5)
    assert there.intercept.value == pytest.approx(-here.intercept.value, abs=1e-5)
    low, high = here.intercept.bounds(0.01, 0.05)
    assert there.intercept.bounds(0.05, 0.01) == pytest.approx((-high, -low), abs=1e-4)
    assert low < here.intercept.value < high


@pytest.mark.parametrize(("n", "centre", "slope"), [(200, 0.0, 1.0), (300, -2.0, 0.6), (300, 0.0, 1.5)])
def test_coverage(n: int, centre: float, slope: float) -> None:
    """Both ends of the slope, and of its distance from 1: conservative on the ideal at the end that faces pass."""
    rng, trials = np.random.default_rng(2), 300
    found = [line(*drawn(rng, n, slope, 0.0, centre)).slope for _ in range(trials)]
    ends = np.array([one.bounds(ALPHA, ALPHA) for one in found])
    far = np.array([Departure(one, 1.0).bounds(ALPHA, ALPHA) for one in found])
    for missed in (ends[:, 0] > slope, ends[:, 1] < slope, far[:, 0] > abs(slope - 1), far[:, 1] < abs(slope - 1)):
        assert np.mean(missed) <= most(ALPHA, trials)


def test_a_line_that_does_not_fit_widens_the_ends() -> None:
    """What is said to be nearly sure is a coin's fall: against the line that fits best of all, the model's own variance is too small."""
    rng, trials = np.random.default_rng(3), 300

    def sample(n: int) -> Sample:
        x = np.where(rng.random(n) < 0.1, rng.choice([-6.0, 6.0], n), rng.normal(0, 1.5, n))
        return expit(x), rng.random(n) < np.where(np.abs(x) > 5, 0.5, expit(x))

    truth = line(*sample(400_000)).slope.value
    found = [line(*sample(400)).slope for _ in range(trials)]

    def missed(slopes: list[Coefficient]) -> float:
        return float(np.mean([not low <= truth <= high for low, high in (one.bounds(ALPHA, ALPHA) for one in slopes)]))

    assert missed(found) <= most(2 * ALPHA, trials)
    assert missed([replace(one, design_effect=1.0) for one in found]) > 0.08


def test_entities_cover() -> None:
    """Rows that come in fours, all alike: without entities the ends err far too often."""
    rng, trials, person = np.random.default_rng(4), 250, np.repeat(np.arange(120), 4)
    missed = np.zeros(2)
    for _ in range(trials):
        said, hit = drawn(rng, 120)
        for i, clusters in enumerate((person, None)):
            low, high = line(said[person], hit[person], clusters).slope.bounds(ALPHA, ALPHA)
            missed[i] += not low <= 1.0 <= high
    assert missed[0] / trials <= most(2 * ALPHA, trials)
    assert missed[1] / trials > 0.2


def test_every_row_its_own_entity_changes_little() -> None:
    said, hit = drawn(np.random.default_rng(5), 300)
    alone, apart = line(said, hit).slope, line(said, hit, np.arange(300)).slope
    assert apart.design_effect == pytest.approx(alone.design_effect)
    assert apart.bounds(ALPHA, ALPHA) == pytest.approx(alone.bounds(ALPHA, ALPHA), rel=0.01)


def test_a_likelihood_that_never_falls_leaves_an_end_open() -> None:
    """One row out of order: nearly separated, so a far level has no upper end; a near one has."""
    said = np.linspace(0.05, 0.95, 12)
    hit = np.arange(12) >= 6
    hit[[5, 6]] = True, False
    slope = line(said, hit).slope
    assert slope.bounds(1e-12, 1e-12)[1] == math.inf
    assert slope.bounds(0.5, 0.5) == (slope.value, slope.value)
    assert Departure(slope, 1.0).bounds(1e-12, 1e-12)[1] == math.inf


@pytest.mark.parametrize(
    ("said", "hit", "reason"),
    [
        ([0.2, 0.4, 0.6], [1, 1, 1], "in every row"),
        ([0.2, 0.4, 0.6], [0, 0, 0], "in no row"),
        ([0.3, 0.3, 0.3], [0, 1, 0], "no slope"),
        ([0.2, 0.4, 0.6], [0, 0, 1], "parts the rows"),
        ([0.2, 0.4, 0.6], [1, 0, 0], "parts the rows"),
    ],
)
def test_what_has_no_line_is_refused(said: list[float], hit: list[int], reason: str) -> None:
    assert reason in str(unfit(np.array(said), np.array(hit, dtype=bool)))
    with pytest.raises(ValueError, match=reason):
        line(np.array(said), np.array(hit, dtype=bool))
