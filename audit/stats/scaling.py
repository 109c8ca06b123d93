"""The same estimate on more rows, or with its value elsewhere: what planning asks about."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import singledispatch
from itertools import pairwise
from typing import Any

from audit.stats.auc import Auc
from audit.stats.average_precision import AveragePrecision
from audit.stats.calibration import CalibrationError
from audit.stats.census import Census
from audit.stats.class_mean import ClassMean
from audit.stats.distance import KolmogorovSmirnov, StabilityIndex
from audit.stats.jackknife import GroupJackknife
from audit.stats.mean import Mean
from audit.stats.mean_difference import MeanDifference
from audit.stats.mean_ratio import Explained, MeanRatio
from audit.stats.mover import AverageDifference
from audit.stats.probability_loss import PairedProbabilityLoss, ProbabilityLoss, UnseenErrors
from audit.stats.proportion import Difference, Proportion, Ratio
from audit.stats.recalibration import Coefficient, Departure
from audit.stats.root_mean_square import RootMeanSquare
from audit.stats.weighted import WeightedMean, WeightedShare


def times(count: float, growth: float) -> int:
    """A count on so many times the rows, at least 1."""
    return max(1, round(count * growth))


def scaled(count: float, growth: float) -> float:
    """A count, or an effective number, on so many times the rows."""
    return times(count, growth) if isinstance(count, int) else count * growth


def _maybe_scaled(count: float | None, growth: float) -> float | None:
    return None if count is None else scaled(count, growth)


def _maybe_times(count: int | None, growth: float) -> int | None:
    return None if count is None else times(count, growth)


@singledispatch
def grown(estimate: Any, growth: float) -> Any:
    """The same shares seen on `growth` times the rows, counts rounded; itself where its kind cannot tell how it would look."""
    del growth
    return estimate


@grown.register
def _(estimate: Proportion, growth: float) -> Proportion:
    n = times(estimate.n, growth)
    entities, effective = _maybe_times(estimate.entities, growth), _maybe_scaled(estimate.effective_entities, growth)
    return replace(estimate, hits=round(estimate.value * n), n=n, entities=entities, effective_entities=effective)


@grown.register(Difference)
@grown.register(Ratio)
@grown.register(AverageDifference)
def _(estimate: Difference | Ratio | AverageDifference, growth: float) -> Difference | Ratio | AverageDifference:
    shared = estimate.shared * growth
    return replace(estimate, first=grown(estimate.first, growth), second=grown(estimate.second, growth), shared=shared)


@grown.register
def _(estimate: CalibrationError, growth: float) -> CalibrationError:
    """Bins stay as alike in size as they were: the rounded sums of their rows grow, not each by itself."""
    edges = [times(sum(one.n for one in estimate.observed[:i]), growth) if i else 0 for i in range(len(estimate.observed) + 1)]
    sizes = [max(1, end - start) for start, end in pairwise(edges)]
    observed = tuple(grown(one, size / one.n) for one, size in zip(estimate.observed, sizes, strict=True))
    return replace(estimate, observed=observed, noise_floor=estimate.noise_floor / math.sqrt(growth))


@grown.register
def _(estimate: Mean, growth: float) -> Mean:
    return replace(estimate, units=scaled(estimate.units, growth), rows=times(estimate.rows, growth))


@grown.register
def _(estimate: UnseenErrors, growth: float) -> UnseenErrors:
    return replace(estimate, wrong=tuple(grown(share, growth) for share in estimate.wrong))


@grown.register
def _(estimate: ProbabilityLoss, growth: float) -> ProbabilityLoss:
    return replace(estimate, mean=grown(estimate.mean, growth), errors=grown(estimate.errors, growth))


@grown.register
def _(estimate: PairedProbabilityLoss, growth: float) -> PairedProbabilityLoss:
    mean = replace(estimate.mean, difference=grown(estimate.mean.difference, growth))
    return replace(estimate, mean=mean, first=grown(estimate.first, growth), second=grown(estimate.second, growth))


@grown.register
def _(estimate: RootMeanSquare, growth: float) -> RootMeanSquare:
    return replace(estimate, squares=grown(estimate.squares, growth))


@grown.register
def _(estimate: MeanDifference, growth: float) -> MeanDifference:
    shared = estimate.shared * growth
    return replace(estimate, first=grown(estimate.first, growth), second=grown(estimate.second, growth), shared=shared)


@grown.register
def _(estimate: MeanRatio, growth: float) -> MeanRatio:
    return replace(estimate, units=scaled(estimate.units, growth), rows=times(estimate.rows, growth))


@grown.register
def _(estimate: Explained, growth: float) -> Explained:
    return replace(estimate, unexplained=grown(estimate.unexplained, growth))


@grown.register(KolmogorovSmirnov)
@grown.register(StabilityIndex)
def _(estimate: KolmogorovSmirnov | StabilityIndex, growth: float) -> KolmogorovSmirnov | StabilityIndex:
    return replace(estimate, reference=times(estimate.reference, growth), current=times(estimate.current, growth))


@grown.register
def _(estimate: Auc, growth: float) -> Auc:
    positives, negatives, rarer = times(estimate.positives, growth), times(estimate.negatives, growth), scaled(estimate.rarer, growth)
    entities, variance = _maybe_times(estimate.entities, growth), estimate.variance / growth
    return replace(estimate, variance=variance, positives=positives, negatives=negatives, rarer=rarer, entities=entities)


@grown.register
def _(estimate: Coefficient, growth: float) -> Coefficient:
    """The likelihood is so many times as steep."""
    points = tuple(estimate.value + (point - estimate.value) / math.sqrt(growth) for point in estimate.points)
    entities, effective = _maybe_times(estimate.entities, growth), _maybe_scaled(estimate.effective_entities, growth)
    rows, rarer = times(estimate.rows, growth), scaled(estimate.rarer, growth)
    return replace(estimate, points=points, rows=rows, rarer=rarer, entities=entities, effective_entities=effective)


@grown.register
def _(estimate: Departure, growth: float) -> Departure:
    return replace(estimate, coefficient=grown(estimate.coefficient, growth))


@grown.register
def _(estimate: AveragePrecision, growth: float) -> AveragePrecision:
    positives, negatives, rarer = times(estimate.positives, growth), times(estimate.negatives, growth), scaled(estimate.rarer, growth)
    known = replace(estimate, variance=estimate.variance / growth, bias=estimate.bias / growth, carriers=estimate.carriers * growth)
    return replace(known, positives=positives, negatives=negatives, rarer=rarer, entities=_maybe_times(estimate.entities, growth))


@grown.register
def _(estimate: ClassMean, growth: float) -> ClassMean:
    return replace(estimate, parts=tuple(grown(part, growth) for part in estimate.parts))


@grown.register
def _(estimate: WeightedShare, growth: float) -> WeightedShare:
    rows, entities = times(estimate.rows, growth), _maybe_times(estimate.entities, growth)
    effective = _maybe_scaled(estimate.effective_units, growth)
    return replace(estimate, rows=rows, worth=min(float(rows), estimate.worth * growth), entities=entities, effective_units=effective)


@grown.register
def _(estimate: WeightedMean, growth: float) -> WeightedMean:
    return replace(estimate, equal=grown(estimate.equal, growth), rows=times(estimate.rows, growth))


@grown.register
def _(estimate: GroupJackknife, growth: float) -> GroupJackknife:
    """As many groups, which differ less."""
    pseudo = replace(estimate.pseudo, deviation=estimate.pseudo.deviation / math.sqrt(growth))
    return replace(estimate, pseudo=pseudo, rows=times(estimate.rows, growth), units=scaled(estimate.units, growth))


@singledispatch
def moved(estimate: Any, truth: float) -> Any:
    """The estimate with its value at `truth`, all else as it was; None where that cannot be said of its kind."""
    del estimate, truth


@moved.register
def _(estimate: Proportion, truth: float) -> Proportion:
    return replace(estimate, hits=round(min(1.0, max(0.0, truth)) * estimate.n))


@moved.register(Difference)
@moved.register(Ratio)
def _(estimate: Difference | Ratio, truth: float) -> Difference | Ratio:
    p, q = arms(estimate, truth)
    return replace(estimate, first=moved(estimate.first, p), second=moved(estimate.second, q))


@moved.register
def _(estimate: AverageDifference, truth: float) -> AverageDifference:
    """Both differences move alike."""
    by = truth - estimate.value
    first, second = (moved(one, max(-1.0, min(1.0, one.value + by))) for one in (estimate.first, estimate.second))
    return replace(estimate, first=first, second=second)


@moved.register
def _(estimate: Mean, truth: float) -> Mean:
    return replace(estimate, mean=truth)


@moved.register
def _(estimate: ProbabilityLoss, truth: float) -> ProbabilityLoss:
    """With as many errors unseen."""
    return replace(estimate, mean=moved(estimate.mean, truth))


@moved.register
def _(estimate: RootMeanSquare, truth: float) -> RootMeanSquare | None:
    """Errors larger or smaller alike: their squares spread as their mean does."""
    squares, mean = estimate.squares, max(0.0, truth) ** 2
    if squares.mean <= 0:
        return None
    return replace(estimate, squares=replace(squares, mean=mean, deviation=squares.deviation * mean / squares.mean))


@moved.register
def _(estimate: KolmogorovSmirnov, truth: float) -> KolmogorovSmirnov:
    return replace(estimate, statistic=truth)


@moved.register
def _(estimate: StabilityIndex, truth: float) -> StabilityIndex:
    """With what chance alone adds to the index, which its interval allows for."""
    chance = (estimate.bins - 1) * (1 / estimate.reference + 1 / estimate.current)
    return replace(estimate, index=truth + chance)


@moved.register
def _(estimate: Auc, truth: float) -> Auc:
    """With the variance moved as Hanley & McNeil's moves."""
    sizes = (estimate.positives, estimate.negatives)
    if not 0 < estimate.area < 1 or estimate.variance <= 0:
        return replace(estimate, area=truth, variance=hanley_mcneil(truth, *sizes) * estimate.design_effect)
    return replace(estimate, area=truth, variance=estimate.variance * hanley_mcneil(truth, *sizes) / hanley_mcneil(estimate.area, *sizes))


@moved.register
def _(estimate: AveragePrecision, truth: float) -> AveragePrecision:
    """With the variance moved as that of a share moves, from which that of a perfect ranking is taken whole."""
    value = estimate.precision
    if not 0 < value < 1 or estimate.variance <= 0:
        return replace(estimate, precision=truth, variance=truth * (1 - truth) / estimate.rarer, carriers=float(estimate.rarer))
    return replace(estimate, precision=truth, variance=estimate.variance * truth * (1 - truth) / (value * (1 - value)))


@moved.register
def _(estimate: ClassMean, truth: float) -> ClassMean | None:
    """Every class moved by as much on the logit scale; None for a difference of two models."""
    if not all(isinstance(part, (Auc, AveragePrecision)) for part in estimate.parts):
        return None
    values = [min(1 - 1e-9, max(1e-9, part.value)) for part in estimate.parts]
    low, high = -60.0, 60.0
    for _ in range(60):
        shift = (low + high) / 2
        there = [value / (value + (1 - value) * math.exp(-shift)) for value in values]
        low, high = (shift, high) if sum(there) < truth * len(there) else (low, shift)
    return replace(estimate, parts=tuple(moved(part, value) for part, value in zip(estimate.parts, there, strict=True)))


@moved.register
def _(estimate: GroupJackknife, truth: float) -> GroupJackknife:
    return replace(estimate, whole=truth, pseudo=replace(estimate.pseudo, mean=estimate.pseudo.mean + truth - estimate.whole))


@moved.register
def _(estimate: Census, truth: float) -> Census:
    return replace(estimate, count=truth)


@moved.register
def _(estimate: Departure, truth: float) -> Departure:
    """Off to the side that was seen."""
    one = estimate.coefficient
    value = estimate.ideal + math.copysign(truth, one.value - estimate.ideal)
    points = tuple(point + value - one.value for point in one.points)
    return replace(estimate, coefficient=replace(one, coefficient=value, points=points))


def arms(estimate: Difference | Ratio, truth: float) -> tuple[float, float]:
    """The two true shares at which the estimate's true value is `truth` while the share of both samples together stays."""
    n, m = estimate.first.n, estimate.second.n
    together = (estimate.first.hits + estimate.second.hits) / (n + m)
    if isinstance(estimate, Difference):
        p, q = together + truth * m / (n + m), together - truth * n / (n + m)
        shift = max(0.0, -min(p, q)) - max(0.0, max(p, q) - 1.0)
        return min(1.0, max(0.0, p + shift)), min(1.0, max(0.0, q + shift))
    q = together * (n + m) / (n * truth + m)
    if truth * q > 1:
        return 1.0, 1.0 / truth
    return (truth * q, q) if q <= 1 else (truth, 1.0)


def hanley_mcneil(area: float, positives: float, negatives: float) -> float:
    """Variance of an AUC whose scores are exponential (Radiology 1982), both classes taken at their mean size (Newcombe 2006)."""
    size = (positives + negatives) / 2
    return area * (1 - area) * (1 + (size - 1) * ((1 - area) / (2 - area) + area / (1 + area))) / (positives * negatives)
