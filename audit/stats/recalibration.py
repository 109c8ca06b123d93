"""The line that mends stated probabilities on the logit scale (Cox, Biometrika 1958), and how far it is from no mending at all."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from audit.stats.clustering import effective_number, small_sample
from audit.stats.interface import folded, subtract_noise
from audit.stats.sample_size import OfPart, by_entities, freedom, scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEAREST = 1e-6
"""Stated probabilities are kept this far from 0 and 1, where the logit is infinite."""
REACH, STEPS = 9.0, 12
"""Standard errors on each side over which the likelihood is looked at, and points there."""
MOST_PULL = 0.9
"""Leverage at most, which is 1 where rows decide their own fit."""
ROUNDS = 60
"""Newton's steps at most."""
SMALL, LARGE = 1e-9, 0.01
"""Gains of log likelihood that are nothing any more, and that may be a step too far."""


@dataclass(frozen=True, slots=True)
class Coefficient:
    """Slope or intercept of a logistic line, by profile likelihood.

    The signed root of the deviance is divided by the root of the design effect, the sandwich variance over the model's (White,
    Econometrica 1982; by entities Liang & Zeger, Biometrika 1986), never below 1, so that the ends allow for a line that does not
    fit and for rows that move together (Chandler & Bate, Biometrika 2007). With entities the quantile is Student's. Under 50 of the
    rarer outcome the slope is biased away from 0 and nothing passes.
    """

    coefficient: float
    points: tuple[float, ...]
    """Values of the coefficient, rising, the estimate among them."""
    roots: tuple[float, ...]
    """Signed root of the deviance at each of them, falling, 0 at the estimate; as of independent rows on a line that fits."""
    design_effect: float
    rows: int
    rarer: float
    """Rows of the rarer outcome, or effective entities that hold one."""
    entities: int | None = None
    effective_entities: float | None = None
    """Entities of equal size that tell as much."""
    min_support: ClassVar[int] = 50

    @property
    def value(self) -> float:
        """The maximum likelihood estimate."""
        return self.coefficient

    @property
    def n(self) -> int:
        """Rows."""
        return self.rows

    @property
    def support(self) -> float:
        """Rows of the rarer outcome, or effective entities that hold one."""
        return self.rarer

    @property
    def method(self) -> str:
        """Name of the interval."""
        return by_entities(f"profile likelihood, sandwich design effect {self.design_effect:.2f}", self.entities)

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level; infinite where the likelihood does not fall that far."""
        return self._end(lower_alpha, 1.0), self._end(upper_alpha, -1.0)

    def with_sample_size(self, factor: float) -> Coefficient:
        """The same coefficient of `factor` times the rows: the likelihood is so many times as steep."""
        points = tuple(self.value + (point - self.value) / math.sqrt(factor) for point in self.points)
        return replace(scale(self, factor, "rows", "rarer", "entities", "effective_entities"), points=points)

    def with_value(self, value: float) -> Coefficient:
        """Another coefficient with the same likelihood around it."""
        return replace(self, coefficient=value, points=tuple(point + value - self.coefficient for point in self.points))

    @property
    def error(self) -> float:
        """Standard error, from the ends one of them out."""
        low, high = self.bounds(0.15865525393145707, 0.15865525393145707)
        return (high - low) / 2

    def _end(self, alpha: float, sign: float) -> float:
        from scipy.interpolate import PchipInterpolator
        from scipy.special import ndtri

        far = -float(ndtri(alpha)) * math.sqrt(self.design_effect)
        if self.entities is not None:
            far /= math.sqrt(small_sample(freedom(self), alpha))
        if far <= 0:
            return self.coefficient
        if far > sign * self.roots[0 if sign > 0 else -1]:
            return -math.inf * sign
        return float(PchipInterpolator(-np.array(self.roots), self.points)(-sign * far))


@dataclass(frozen=True, slots=True)
class Departure(OfPart):
    """Distance of a coefficient from the value that it has where nothing is to be mended.

    Below a bound where both ends are: whichever way the truth lies, one end alone can miss it, so each is taken at the whole
    level. Above a bound where one end is: there the two share the level.
    """

    coefficient: Coefficient
    ideal: float
    min_support: ClassVar[int] = Coefficient.min_support
    value_range: ClassVar[tuple[float, float]] = (0.0, math.inf)

    @property
    def value(self) -> float:
        """The distance."""
        return abs(self.coefficient.value - self.ideal)

    @property
    def method(self) -> str:
        """Name of the interval."""
        return self.coefficient.method

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        near_low, near_high = self.coefficient.bounds(lower_alpha / 2, lower_alpha / 2)
        low, high = self.coefficient.bounds(upper_alpha, upper_alpha)
        return max(0.0, near_low - self.ideal, self.ideal - near_high), max(high - self.ideal, self.ideal - low)

    def with_sample_size(self, factor: float) -> Departure:
        """The same coefficient of `factor` times the rows."""
        return scale(self, factor, "coefficient")

    def with_value(self, value: float) -> Departure:
        """Another distance, off to the side that was seen."""
        off = math.copysign(value, self.coefficient.value - self.ideal)
        return replace(self, coefficient=self.coefficient.with_value(self.ideal + off))

    def expected_value(self, truth: float) -> float:
        """Mean of the distance seen where the true one is `truth`."""
        return folded(truth, self.coefficient.error)[0] if math.isfinite(self.coefficient.error) else truth

    def expected_error(self, truth: float) -> float:
        """Its standard deviation."""
        error = self.coefficient.error
        return folded(truth, error)[1] * error if math.isfinite(error) else math.inf

    @property
    def bias_corrected(self) -> float:
        """The distance less what chance alone makes of it."""
        return subtract_noise(self.value, self.coefficient.error)


@dataclass(frozen=True, slots=True)
class Line:
    """Both coefficients of one sample."""

    slope: Coefficient
    intercept: Coefficient
    """With the slope held at 1: how much too low the stated probabilities are as a whole, in logits."""


def logits(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) log odds, finite."""
    kept = np.clip(probability, NEAREST, 1 - NEAREST)
    found: NDArray[np.float64] = np.log(kept) - np.log1p(-kept)
    return found


def unfit(probability: NDArray[np.float64], hit: NDArray[np.bool_]) -> str | None:
    """Why no finite line fits, or None."""
    if hit.all() or not hit.any():
        return "the event came to be in every row" if hit.all() else "the event came to be in no row"
    x = logits(probability)
    if np.ptp(x) <= NEAREST:
        return "every row has the same probability, so there is no slope"
    if x[hit].min() >= x[~hit].max() or x[hit].max() <= x[~hit].min():
        return "the probability parts the rows in which the event came to be from all others, so no slope is the likeliest"
    return None


def slope(probability: NDArray[np.float64], hit: NDArray[np.bool_]) -> float:
    """The likeliest slope alone, without its interval; 0 where no finite line fits."""
    if unfit(probability, hit):
        return 0.0
    x = logits(probability)
    return float(_fit(np.stack([x, np.ones_like(x)], axis=1), hit.astype(float), np.zeros(len(x)), np.array([1.0, 0.0]))[0])


def line(probability: NDArray[np.float64], hit: NDArray[np.bool_], clusters: NDArray[np.int64] | None = None) -> Line:
    """Slope and intercept from stated probabilities of an event and whether it came to be; `unfit` says where there is none."""
    if reason := unfit(probability, hit):
        raise ValueError(reason)
    x, y = logits(probability), hit.astype(float)
    codes = None if clusters is None else np.unique(clusters, return_inverse=True)[1]
    rarer = min(int(np.count_nonzero(rows)) if codes is None else effective_number(codes[rows]) for rows in (hit, ~hit))
    counts = (len(x), rarer, *((None, None) if codes is None else (int(codes.max()) + 1, effective_number(codes))))
    both = np.stack([x, np.ones_like(x)], axis=1)
    fitted = _fit(both, y, np.zeros(len(x)), np.array([1.0, 0.0]))
    above = _fit(both[:, 1:], y, x, np.zeros(1))
    slope = _coefficient(_Curve(both, y, np.zeros(len(x)), fitted), codes, counts)
    return Line(slope, _coefficient(_Curve(both[:, 1:], y, x, above), codes, counts))


@dataclass(frozen=True, slots=True, eq=False)
class _Curve:
    """A logistic fit whose first coefficient is looked at."""

    design: NDArray[np.float64]
    """(n, 1 or 2)"""
    y: NDArray[np.float64]
    offset: NDArray[np.float64]
    fitted: NDArray[np.float64]

    def variances(self, codes: NDArray[np.int64] | None) -> tuple[float, float]:
        """Of the first coefficient: the model's, and the sandwich, by entities where there are any.

        Each score is enlarged by what its rows pull the line towards themselves (MacKinnon & White, Journal of Econometrics 1985,
        HC3; by entities Mancl & DeRouen, Biometrics 2001, exact where an entity's rows are alike).
        """
        share = _share(self.offset + self.design @ self.fitted)
        weight = share * (1 - share)
        model = np.linalg.inv((self.design * weight[:, None]).T @ self.design)
        pull = weight * np.einsum("ij,jk,ik->i", self.design, model, self.design)
        score = (self.y - share)[:, None] * self.design
        if codes is not None:
            score = np.stack([np.bincount(codes, weights=column) for column in score.T], axis=1)
            pull = np.bincount(codes, weights=pull)
        score = score / (1 - np.minimum(pull, MOST_PULL))[:, None]
        robust = model @ (score.T @ score) @ model
        return float(model[0, 0]), float(robust[0, 0])

    def deviance(self, value: float, start: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Twice the loss of log likelihood with the first coefficient at `value`, and the others there."""
        rest, offset = self.design[:, 1:], self.offset + value * self.design[:, 0]
        others = _fit(rest, self.y, offset, start) if rest.shape[1] else start
        lost = _log_likelihood(self.offset + self.design @ self.fitted, self.y) - _log_likelihood(offset + rest @ others, self.y)
        return max(0.0, 2 * lost), others


def _coefficient(curve: _Curve, codes: NDArray[np.int64] | None, counts: tuple[int, float, int | None, float | None]) -> Coefficient:
    model, robust = curve.variances(codes)
    effect, value = max(1.0, robust / model), float(curve.fitted[0])
    steps = np.linspace(0.0, 1.0, STEPS + 1)[1:] ** 1.5 * REACH * math.sqrt(effect * model)
    sides: list[list[tuple[float, float]]] = []
    for sign in (-1.0, 1.0):
        others, side = curve.fitted[1:], []
        for step in steps.tolist():
            deviance, others = curve.deviance(value + sign * step, others)
            side.append((value + sign * step, -sign * math.sqrt(deviance)))
        sides.append(side)
    places = [*sides[0][::-1], (value, 0.0), *sides[1]]
    return Coefficient(value, tuple(at for at, _ in places), tuple(root for _, root in places), effect, *counts)


def _share(logit: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import expit

    found: NDArray[np.float64] = expit(logit)
    return found


def _log_likelihood(logit: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    return float(-np.logaddexp(0.0, np.where(y > 0, -logit, logit)).sum())


def _fit(
    design: NDArray[np.float64], y: NDArray[np.float64], offset: NDArray[np.float64], start: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Maximum likelihood by Newton's method, a large step halved until it gains."""
    at = start
    for _ in range(ROUNDS):
        logit = offset + design @ at
        share = _share(logit)
        slope = design.T @ (y - share)
        step = np.linalg.solve((design * (share * (1 - share))[:, None]).T @ design + SMALL * np.eye(design.shape[1]), slope)
        left = float(slope @ step)
        if left > LARGE:
            here = _log_likelihood(logit, y)
            while left > SMALL and _log_likelihood(offset + design @ (at + step), y) < here:
                step, left = step / 2, left / 2
        at = at + step
        if left <= SMALL:
            break
    return at
