"""Mean losses of stated probabilities, whose few worst rows may not be in the sample."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from audit.stats.mean import Mean
from audit.stats.mean_comparisons import PairedMean
from audit.stats.proportion import Proportion
from audit.stats.sample_size import OfPart, scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

SURE = (0.0, 0.9, 0.99, 0.999)
"""Confidences from which on the rows are looked at by themselves: a model may be sure, and wrong, on some of them alone."""


@dataclass(frozen=True, slots=True)
class RowLosses:
    """What each row's loss is, and what it would be."""

    loss: NDArray[np.float64]
    """(n,)"""
    right: NDArray[np.float64]
    """(n,) were the most probable class the true one."""
    wrong: NDArray[np.float64]
    """(n,) were it not; as it is where it is not."""
    confidence: NDArray[np.float64]
    """(n,) probability of the most probable class."""
    is_wrong: NDArray[np.bool_]
    """(n,) whether another class is the true one."""

    def of(self, rows: NDArray[np.bool_]) -> RowLosses:
        """Of some rows."""
        return RowLosses(self.loss[rows], self.right[rows], self.wrong[rows], self.confidence[rows], self.is_wrong[rows])


@dataclass(frozen=True, slots=True)
class UnseenErrors:
    """Wrong rows of a model, and how much more may be in the population than in the sample.

    The share of wrong rows has an exact upper end (Clopper & Pearson, Biometrika 1934); each of them costs the mean of what a wrong row
    loses more than a right one, weighted by the stated chance of being wrong. So a sample without one of the few rows that a confident
    model is wrong about, whose losses are large, does not look like proof that there are none.
    """

    costs: tuple[float, ...]
    """Mean cost of a wrong row times the rows' share, among the rows of each confidence in `SURE` or more."""
    seen: tuple[float, ...]
    """What the wrong rows among them add to the mean."""
    wrong: tuple[Proportion, ...]
    """Share of wrong rows among them."""
    min_support: ClassVar[int] = 1
    method: ClassVar[str] = "exact shares of wrong rows"

    @classmethod
    def of(cls, rows: RowLosses, counted: NDArray[np.bool_], clusters: NDArray[np.int64] | None) -> UnseenErrors:
        """From the losses of the rows; `counted` are the wrong rows that are looked at."""
        extra, weight = rows.wrong - rows.right, np.maximum(1 - rows.confidence, np.finfo(np.float64).eps)
        costs, seen, wrong = [], [], []
        for least in SURE:
            chosen = rows.confidence >= least
            if not chosen.any():
                continue
            share = float(chosen.mean())
            costs.append(share * float(np.average(extra[chosen], weights=weight[chosen])))
            seen.append(float(extra[chosen & counted].sum()) / len(extra))
            wrong.append(Proportion.of(counted[chosen], None if clusters is None else clusters[chosen]))
        return cls(tuple(costs), tuple(seen), tuple(wrong))

    @property
    def value(self) -> float:
        """What wrong rows add to the mean that was seen."""
        return self.seen[0]

    @property
    def n(self) -> int:
        """Rows."""
        return self.wrong[0].n

    @property
    def support(self) -> float:
        """Rows, or effective entities."""
        return self.wrong[0].support

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        ends = [share.exact_bounds(lower_alpha, upper_alpha) for share in self.wrong]
        gaps = [(cost * low - seen, cost * high - seen) for cost, seen, (low, high) in zip(self.costs, self.seen, ends, strict=True)]
        return self.value + min(0.0, *(down for down, _ in gaps)), self.value + max(0.0, *(up for _, up in gaps))

    def with_sample_size(self, factor: float) -> UnseenErrors:
        """The same shares of `factor` times the rows."""
        return scale(self, factor, "wrong")


@dataclass(frozen=True, slots=True)
class ProbabilityLoss(OfPart):
    """Mean log loss or Brier score. Hall's ends (`Mean`), the upper one not below the one that unseen wrong rows leave possible."""

    mean: Mean
    errors: UnseenErrors
    min_support: ClassVar[int] = Mean.min_support

    @classmethod
    def of(cls, rows: RowLosses, clusters: NDArray[np.int64] | None = None, *, high: float) -> ProbabilityLoss:
        """From the losses of the rows, which lie between 0 and `high`, and the entity of each where there is one."""
        return cls(Mean.of(rows.loss, clusters, low=0.0, high=high), UnseenErrors.of(rows, rows.is_wrong, clusters))

    @property
    def value(self) -> float:
        """The mean."""
        return self.mean.value

    @property
    def method(self) -> str:
        """Name of the interval."""
        return f"{self.mean.method}, not below exact shares of wrong rows"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        low, high = self.mean.bounds(lower_alpha, upper_alpha)
        rise = self.errors.bounds(0.5, upper_alpha)[1] - self.errors.value
        return low, max(high, min(self.mean.high or math.inf, self.value + rise))

    def with_sample_size(self, factor: float) -> ProbabilityLoss:
        """The same losses of `factor` times the rows."""
        return scale(self, factor, "mean", "errors")

    def with_value(self, value: float) -> ProbabilityLoss:
        """Another mean with as many errors unseen."""
        return replace(self, mean=self.mean.with_value(value))

    @property
    def value_range(self) -> tuple[float, float]:
        """That of one row's loss."""
        return self.mean.value_range


@dataclass(frozen=True, slots=True)
class PairedProbabilityLoss(OfPart):
    """First mean loss minus second on the same rows (`PairedMean`), as far out as unseen rows leave possible on which one is wrong.

    An upper end allows for rows on which the first alone is wrong, more than were seen, and for fewer on which the second alone is; by
    the root of the squares (Zou & Donner, Statistics in Medicine 2008).
    """

    mean: PairedMean
    first: UnseenErrors
    """Rows on which the first model alone is wrong."""
    second: UnseenErrors
    min_support: ClassVar[int] = Mean.min_support

    @classmethod
    def of(cls, first: RowLosses, second: RowLosses, clusters: NDArray[np.int64] | None = None, *, high: float) -> PairedProbabilityLoss:
        """From the losses of the same rows, which lie between 0 and `high`."""
        return cls(
            PairedMean.of(first.loss, second.loss, clusters, low=0.0, high=high),
            UnseenErrors.of(first, first.is_wrong & ~second.is_wrong, clusters),
            UnseenErrors.of(second, second.is_wrong & ~first.is_wrong, clusters),
        )

    @property
    def value(self) -> float:
        """The mean difference."""
        return self.mean.value

    @property
    def method(self) -> str:
        """Name of the interval."""
        return f"{self.mean.method}, not nearer than exact shares of wrong rows"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        low, high = self.mean.bounds(lower_alpha, upper_alpha)
        furthest = self.mean.difference.high or math.inf
        down, up = _unseen_shift(self.second, self.first, lower_alpha), _unseen_shift(self.first, self.second, upper_alpha)
        return min(low, max(-furthest, self.value - down)), max(high, min(furthest, self.value + up))

    def with_sample_size(self, factor: float) -> PairedProbabilityLoss:
        """The same losses of `factor` times the rows."""
        return scale(self, factor, "mean", "first", "second")

    @property
    def value_range(self) -> tuple[float, float]:
        """That of a difference of two losses."""
        return self.mean.value_range


def _unseen_shift(more: UnseenErrors, fewer: UnseenErrors, alpha: float) -> float:
    """How far a difference may be off if the one model has more errors than were seen and the other fewer."""
    return math.hypot(more.bounds(alpha, alpha)[1] - more.value, fewer.value - fewer.bounds(alpha, alpha)[0])
