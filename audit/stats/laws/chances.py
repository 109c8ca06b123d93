"""The chance that an estimate's ends clear a bound, by its kind."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import singledispatch
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.stats.auc import Auc
from audit.stats.calibration import CalibrationError
from audit.stats.census import Census
from audit.stats.confusion import Confusion
from audit.stats.distance import KolmogorovSmirnov, MeanDiscrepancy, StabilityIndex
from audit.stats.laws.asked import Asked, Chances
from audit.stats.laws.moving import grown, moved
from audit.stats.laws.shares import first, one_share, two_shares
from audit.stats.proportion import Difference, Proportion, Ratio

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from audit.stats.interface import Estimate

DRAWS = 20_000
SEED = 20261121
FEW = 20
"""Draws where each costs a whole interval."""
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


@chances.register
def _(estimate: Census, truth: float, growth: float, asked: Asked) -> Chances:
    del estimate, growth
    return float(asked.clears(truth)), float(not asked.clears(truth))


@chances.register
def _(estimate: Auc, truth: float, growth: float, asked: Asked) -> Chances:
    """The area is taken as normal on the logit scale; the ends are the estimate's own, at every area."""
    from scipy.special import logit, ndtr

    seen = grown(estimate, growth)
    if not 0 < truth < 1:
        low, high = moved(seen, truth).bounds(*asked.levels)
        return float(asked.clears(low)), float(not asked.clears(high))
    step = math.sqrt(moved(seen, truth).variance) / (truth * (1 - truth))

    def edge(which: int) -> float:
        area = first(lambda k: k >= FINE or (k > 0 and asked.clears(moved(seen, k / FINE).bounds(*asked.levels)[which])), FINE)
        return float(logit(min(area / FINE, 1.0)))

    centre = float(logit(truth))
    return float(ndtr((centre - edge(0)) / step)), float(ndtr((edge(1) - centre) / step))


@chances.register
def _(estimate: CalibrationError, truth: float, growth: float, asked: Asked) -> Chances:
    seen = grown(estimate, growth)
    error = drawn_errors(seen, truth)
    down, up = _noise(seen, truth, asked.levels)
    low = np.where(error > seen.noise_floor, np.maximum(0.0, error - down), 0.0)
    return asked.of_ends(low, np.minimum(1.0, error + up))


def drawn_errors(seen: CalibrationError, truth: float) -> NDArray[np.float64]:
    """(draws,) calibration errors of a model whose true one is `truth`."""
    size = np.array([share.n for share in seen.observed], dtype=float)
    errors: NDArray[np.float64] = np.abs(_drawn_shares(seen, truth, DRAWS // 10) - np.array(seen.confidence)) @ size / size.sum()
    return errors


def _drawn_shares(seen: CalibrationError, truth: float, draws: int) -> NDArray[np.float64]:
    """(draws, bins) shares seen; where rows are clustered, among as many as they are worth."""
    worth = np.maximum(1, np.rint([share.n / share.design_effect for share in seen.observed])).astype(np.int64)
    true = _true_shares(seen, truth)
    found: NDArray[np.float64] = np.random.default_rng(SEED).binomial(worth, true, (draws, len(true))) / worth
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


def _noise(seen: CalibrationError, truth: float, levels: tuple[float, float]) -> tuple[float, float]:
    """How far the ends lie from the value of such a model, on average over a few samples."""
    far = []
    for shares in _drawn_shares(seen, truth, FEW).tolist():
        there = replace(seen, observed=tuple(moved(share, one) for share, one in zip(seen.observed, shares, strict=True)))
        far.append([there.bounds(0.5, level)[1] - there.value for level in levels])
    down, up = np.mean(far, axis=0).tolist()
    return down, up


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
    down, up = (replace(seen, statistic=0.0).bounds(0.5, level)[1] for level in asked.levels)
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

    return 1 - below(point(1 - asked.levels[0])), below(point(asked.levels[1]))


@chances.register
def _(estimate: MeanDiscrepancy, truth: float, growth: float, asked: Asked) -> Chances:
    """The square seen is the true one, the error's, and a cross term whose spread the error's leading direction bounds."""
    rng, root = np.random.default_rng(SEED), math.sqrt(growth)
    norms = np.array(estimate.error_norms) / root
    leading = math.sqrt(float(np.var(norms**2)) / 2)
    error = rng.choice(norms, DRAWS)
    distance = np.sqrt(np.maximum(0.0, truth + error**2 + 2 * math.sqrt(truth * leading) * rng.standard_normal(DRAWS)))
    centred = replace(estimate, squared=0.0, distance=0.0)
    down, up = (math.sqrt(centred.bounds(level, level)[1]) / root for level in asked.levels)
    return asked.of_ends(np.maximum(0.0, distance - down) ** 2, (distance + up) ** 2)


def typical(estimate: Estimate, truth: float, growth: float, levels: tuple[float, float]) -> tuple[float, float]:
    """The ends to expect: those of the estimate that falls on the true value itself."""
    seen = grown(estimate, growth)
    at = moved(seen, truth)
    if at is not None:
        low, high = at.bounds(*levels)
        return float(low), float(high)
    if isinstance(seen, CalibrationError):
        middle = float(np.mean(drawn_errors(seen, truth)))
        down, up = _noise(seen, truth, levels)
        return (max(0.0, middle - down) if middle > seen.noise_floor else 0.0), min(1.0, middle + up)
    to, back = _scale(estimate)
    (down, up), _ = _distances(estimate, growth, levels)
    return back(to(truth) - down), back(to(truth) + up)


def _scale(estimate: Estimate) -> tuple[Callable[[float], float], Callable[[float], float]]:
    """To the scale on which errors are nearly normal wherever the value lies, and back: the logit for a function of the table."""
    if not isinstance(estimate, Confusion):
        return float, float
    least = -1.0 if estimate.metric == "mcc" else 0.0

    def to(value: float) -> float:
        inside = min(1 - 1e-6, max(1e-6, (value - least) / (1 - least)))
        return math.log(inside / (1 - inside))

    return to, lambda x: least + (1 - least) / (1 + math.exp(-x))


def _distances(estimate: Estimate, growth: float, levels: tuple[float, float]) -> tuple[tuple[float, float], float]:
    """How far both ends lie from the value, and the standard error, on the estimate's scale."""
    to, _ = _scale(estimate)
    seen = grown(estimate, growth)
    root = math.sqrt(growth) if seen is estimate else 1.0
    centre = to(seen.value)
    low, high = seen.bounds(*levels)
    one_low, one_high = seen.bounds(ONE_SIGMA, ONE_SIGMA)
    return ((centre - to(low)) / root, (to(high) - centre) / root), (to(one_high) - to(one_low)) / 2 / root
