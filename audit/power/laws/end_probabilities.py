"""The chance that an estimate's ends clear a bound, by its kind."""

from __future__ import annotations

import math
from functools import singledispatch
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from audit.power.laws.decision_rule import Asked, Chances
from audit.power.laws.departures import distance
from audit.power.laws.proportions import first, one_share, two_shares
from audit.stats.auc import Auc
from audit.stats.average_precision import AveragePrecision
from audit.stats.calibration import CalibrationError
from audit.stats.census import Census
from audit.stats.confusion import Confusion
from audit.stats.dirichlet import undrawn
from audit.stats.distance import KolmogorovSmirnov, MeanDiscrepancy, StabilityIndex
from audit.stats.paired_confusion import PairedConfusion
from audit.stats.proportion import Difference, Proportion, Ratio
from audit.stats.recalibration import Departure
from audit.stats.scaling import grown, moved
from audit.stats.scores import least

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from audit.stats.interface import Estimate

Ends: TypeAlias = "tuple[NDArray[np.float64], NDArray[np.float64]]"
DRAWS = 20_000
SEED = 20261121
SAMPLES = 4_000
"""Draws of a calibration error's bins."""
BINS = 100
"""Cells of equal mass at which two drawn distribution functions are compared."""
FINE = 1_000_000
"""Steps of an area, in the search for the one whose end clears the bound."""
ONE_SIGMA = 0.15865525393145707
"""Level of an end one standard error out."""


@singledispatch
def chances(estimate: Any, truth: float, growth: float, asked: Asked) -> Chances:
    """Chance that the lower end clears the bound, and that the upper does not, at the true value `truth` and `growth` times the rows.

    Exact for one and two proportions; from the statistic's own law for AUC, calibration and drift; for every other kind the
    value is taken as normal around the truth, with the standard error and the ends that the estimate itself shows.
    """
    from scipy.special import ndtr

    to, _ = _scale(estimate)
    (down, up), error = _distances(estimate, growth, asked.levels)
    if not 0 < error < math.inf:
        return 0.0, 0.0
    beyond = to(truth) - to(asked.bound)
    return float(ndtr((beyond - down) / error)), float(ndtr((-beyond - up) / error))


chances.register(Proportion, one_share)
chances.register(Difference, two_shares)
chances.register(Ratio, two_shares)
chances.register(Departure, distance)


@chances.register
def _(estimate: Census, truth: float, growth: float, asked: Asked) -> Chances:
    del estimate, growth
    return float(asked.clears(truth)), float(not asked.clears(truth))


@chances.register(Auc)
@chances.register(AveragePrecision)
def _(estimate: Auc | AveragePrecision, truth: float, growth: float, asked: Asked) -> Chances:
    """The area follows the beta law of its mean and variance, skewed as an area is; the ends are the estimate's own, at every area."""
    from scipy.special import betainc

    seen = grown(estimate, growth)
    there = moved(seen, truth)
    if not 0 < truth < 1 or not 0 < there.variance < truth * (1 - truth):
        low, high = there.bounds(*asked.levels)
        return float(asked.clears(low)), float(not asked.clears(high))
    size = truth * (1 - truth) / there.variance - 1

    def below(which: int) -> float:
        area = first(lambda k: k >= FINE or (k > 0 and asked.clears(moved(seen, k / FINE).bounds(*asked.levels)[which])), FINE)
        return float(betainc(truth * size, (1 - truth) * size, min(area / FINE, 1.0)))

    return 1 - below(0), below(1)


@singledispatch
def drawn_ends(estimate: Any, truth: float, levels: tuple[float, float]) -> Ends | None:
    """(draws,) lower and upper ends of samples of a kind whose ends are not always as far from the value; None of every other."""
    del estimate, truth, levels
    return None


@drawn_ends.register(CalibrationError)
def _of_bins(estimate: CalibrationError, truth: float, levels: tuple[float, float]) -> Ends:
    """Bins are drawn, and each sample has its own ends."""
    shares = _drawn_shares(estimate, truth)
    error = _errors(estimate, shares)
    down, up = estimate.noise(shares, levels[0]), estimate.signed_noise(shares, levels[1])
    return np.where(error > estimate.noise_floor, np.maximum(0.0, error - down), 0.0), np.minimum(1.0, error + up)


@chances.register
def _(estimate: CalibrationError, truth: float, growth: float, asked: Asked) -> Chances:
    return asked.of_ends(*_of_bins(grown(estimate, growth), truth, asked.levels))


def drawn_errors(seen: CalibrationError, truth: float) -> NDArray[np.float64]:
    """(draws,) calibration errors of a model whose true one is `truth`."""
    return _errors(seen, _drawn_shares(seen, truth))


def _errors(seen: CalibrationError, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    size = np.array([share.n for share in seen.observed], dtype=float)
    errors: NDArray[np.float64] = np.abs(shares - np.array(seen.confidence)) @ size / size.sum()
    return errors


def _drawn_shares(seen: CalibrationError, truth: float) -> NDArray[np.float64]:
    """(draws, bins) shares seen; where rows are clustered, among as many as they are worth."""
    worth = np.maximum(1, np.rint([share.n / share.design_effect for share in seen.observed])).astype(np.int64)
    true = _true_shares(seen, truth)
    found: NDArray[np.float64] = np.random.default_rng(SEED).binomial(worth, true, (SAMPLES, len(true))) / worth
    return found


def _true_shares(seen: CalibrationError, truth: float) -> NDArray[np.float64]:
    """(bins,) true shares of a model whose error is `truth`, its bins off in the ratio in which the pilot's are."""
    said = np.array(seen.confidence)
    size = np.array([share.n for share in seen.observed], dtype=float)
    off = np.array([share.value for share in seen.observed]) - said
    total = float(np.abs(off) @ size) / size.sum()
    off = off * (truth / total) if total > 0 else np.where(said > 0.5, -truth, truth)  # noqa: PLR2004  # towards the middle
    true: NDArray[np.float64] = np.clip(said + off, 0.0, 1.0)
    return true


@chances.register
def _(estimate: KolmogorovSmirnov, truth: float, growth: float, asked: Asked) -> Chances:
    """Two normal samples, the second moved by as much as makes the true distance, counted in cells of equal mass."""
    from scipy.special import ndtr, ndtri

    seen = grown(estimate, growth)
    rng, draws = np.random.default_rng(SEED), DRAWS // 20
    shift = 2 * float(ndtri(min(1 - 1e-9, (1 + truth) / 2)))
    there = np.diff(np.append(0.0, ndtr(ndtri(np.arange(1, BINS + 1) / BINS) - shift)))
    here = rng.multinomial(seen.reference, np.full(BINS, 1 / BINS), draws).cumsum(axis=1) / seen.reference
    now = rng.multinomial(seen.current, there / there.sum(), draws).cumsum(axis=1) / seen.current
    distance = np.abs(here - now).max(axis=1)
    down, up = seen.radii(*asked.levels)
    return asked.of_ends(np.maximum(0.0, distance - down), np.minimum(1.0, distance + up))


@chances.register
def _(estimate: StabilityIndex, truth: float, growth: float, asked: Asked) -> Chances:
    """An end clears the bound where the index is in that tail of the noncentral chi-square at the bound."""
    from scipy.special import chdtr, chdtri, chndtr, chndtrix

    seen = grown(estimate, growth)
    scale, df = 1 / seen.reference + 1 / seen.current, max(1, estimate.bins - 1)

    def point(level: float) -> float:
        return float(chndtrix(level, df, asked.bound / scale)) if asked.bound > 0 else float(chdtri(df, 1 - level))

    def below(x: float) -> float:
        return float(chndtr(x, df, truth / scale)) if truth > 0 else float(chdtr(df, x))

    reached = seen.lowest_end(asked.levels[1]) <= asked.bound
    return 1 - below(point(1 - asked.levels[0])), below(point(asked.levels[1])) if reached else 0.0


@chances.register
def _(estimate: MeanDiscrepancy, truth: float, growth: float, asked: Asked) -> Chances:
    """The square seen is the true one, the error's, and a cross term whose spread the error's leading direction bounds."""
    rng, root = np.random.default_rng(SEED), math.sqrt(growth)
    norms = np.array(estimate.error_norms) / root
    leading = math.sqrt(float(np.var(norms**2)) / 2) if estimate.leading is None else estimate.leading**2 / growth
    error = rng.choice(norms, DRAWS)
    distance = np.sqrt(np.maximum(0.0, truth + error**2 + 2 * math.sqrt(truth * leading) * rng.standard_normal(DRAWS)))
    down, up = (radius / root for radius in estimate.radii(*asked.levels))
    return asked.of_ends(np.maximum(0.0, distance - down) ** 2, (distance + up) ** 2)


def typical(estimate: Estimate, truth: float, growth: float, levels: tuple[float, float]) -> tuple[float, float]:
    """The ends to expect: those of the estimate that falls on the true value itself."""
    seen = grown(estimate, growth)
    at = moved(seen, truth)
    if at is not None:
        low, high = at.bounds(*levels)
        return float(low), float(high)
    drawn = drawn_ends(seen, truth, levels)
    if drawn is not None:
        return float(np.median(drawn[0])), float(np.median(drawn[1]))
    to, back = _scale(estimate)
    (down, up), _ = _distances(estimate, growth, levels)
    low, high = back(to(truth) - down), back(to(truth) + up)
    if not isinstance(estimate, PairedConfusion):
        return low, high
    furthest = 1.0 - least(estimate.metric)
    return max(-furthest, low), min(furthest, high)


def _scale(estimate: Estimate) -> tuple[Callable[[float], float], Callable[[float], float]]:
    """To the scale on which errors are nearly normal wherever the value lies, and back: the logit for a function of the table."""
    if not isinstance(estimate, Confusion):
        return float, float
    lowest = least(estimate.metric)

    def to(value: float) -> float:
        inside = min(1 - 1e-6, max(1e-6, (value - lowest) / (1 - lowest)))
        return math.log(inside / (1 - inside))

    return to, lambda x: lowest + (1 - lowest) / (1 + math.exp(-x)) if x > -math.inf else lowest


def _distances(estimate: Estimate, growth: float, levels: tuple[float, float]) -> tuple[tuple[float, float], float]:
    """How far both ends lie from the value, and the standard error, on the estimate's scale."""
    to, _ = _scale(estimate)
    seen = grown(estimate, growth)
    root = math.sqrt(growth) if seen is estimate else 1.0
    centre = to(seen.value)
    low, high = seen.bounds(*levels)
    one_low, one_high = seen.bounds(ONE_SIGMA, ONE_SIGMA)
    down, up = (centre - to(low)) / root, (to(high) - centre) / root
    if isinstance(seen, (Confusion, PairedConfusion)):  # the end of the span is no distance from the value
        down, up = (math.inf if undrawn(level) else far for level, far in zip(levels, (down, up), strict=True))
    return (down, up), (to(one_high) - to(one_low)) / 2 / root
