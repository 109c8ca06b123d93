"""What every estimate can do, what some can do besides, and the one that has no sampling error."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeGuard, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable


@runtime_checkable
class Estimate(Protocol):
    """One number with the sufficient statistic behind it."""

    min_support: ClassVar[int]
    """Support below which the interval is not to be trusted, whatever `min_n` says."""

    @property
    def value(self) -> float:
        """The point estimate."""

    @property
    def n(self) -> int:
        """Rows behind the number."""

    @property
    def support(self) -> float:
        """What `min_n` is compared with: rows, rows of the rarer class or sample, entities; infinite for a census."""

    @property
    def method(self) -> str:
        """How the interval is made, for the reader."""

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """The two ends; each misses the truth with at most the given (nominal) probability."""

    def __hash__(self) -> int:
        """Estimates never change, so that what is computed of them can be kept."""


class Resizable(Estimate, Protocol):
    """An estimate that knows how it would look on more rows."""

    def with_sample_size(self, factor: float) -> Any:
        """The same figures on `factor` times the rows, counts rounded."""


class Biased(Estimate, Protocol):
    """A distance: chance alone makes it larger than it is."""

    @property
    def bias_corrected(self) -> float:
        """The value less what chance adds."""

    def expected_value(self, truth: float) -> float:
        """Mean of the value seen where the true one is `truth`."""

    def expected_error(self, truth: float) -> float:
        """Its standard deviation."""


class Comparison(Estimate, Protocol):
    """A difference or a ratio of two groups' estimates."""

    @property
    def first(self) -> Estimate:
        """The one group's."""

    @property
    def second(self) -> Estimate:
        """The other's."""

    @property
    def correlation(self) -> float:
        """Of the two estimates: 0 for two samples."""

    @property
    def null_value(self) -> float:
        """Where the two do not differ: 0 for a difference, 1 for a ratio."""


def is_resizable(estimate: Estimate) -> TypeGuard[Resizable]:
    """Whether it knows how it would look on more rows."""
    return hasattr(estimate, "with_sample_size")


def is_biased(estimate: Estimate) -> TypeGuard[Biased]:
    """Whether chance alone makes its value larger."""
    return hasattr(estimate, "expected_error")


def is_comparison(estimate: Estimate) -> TypeGuard[Comparison]:
    """Whether it compares two groups."""
    return hasattr(estimate, "null_value")


def with_sample_size(estimate: Estimate, factor: float) -> Estimate:
    """The estimate on `factor` times the rows; itself where it cannot tell."""
    found: Estimate = estimate.with_sample_size(factor) if is_resizable(estimate) else estimate
    return found


def with_value(estimate: Estimate, value: float) -> Estimate | None:
    """The estimate at another value; None where it cannot tell."""
    move: Callable[[float], Estimate | None] | None = getattr(estimate, "with_value", None)
    return None if move is None else move(value)


def value_range(estimate: Estimate) -> tuple[float, float]:
    """The least and the greatest value that it can take; infinite where there is none."""
    found: tuple[float, float] = getattr(estimate, "value_range", (-math.inf, math.inf))
    return found


def bias_corrected(estimate: Estimate) -> float:
    """The true value that an estimate makes likely."""
    return estimate.bias_corrected if is_biased(estimate) else estimate.value


def expected_value(estimate: Estimate, truth: float) -> float:
    """Mean of the value seen where the true one is `truth`."""
    return estimate.expected_value(truth) if is_biased(estimate) else truth


def folded(truth: float, sigma: float) -> tuple[float, float]:
    """Mean size of a normal number around `truth`, and its standard deviation over `sigma` (Leone et al., Technometrics 1961)."""
    if sigma <= 0:
        return truth, 1.0
    ratio = truth / sigma
    mean = math.sqrt(2 / math.pi) * math.exp(-(ratio**2) / 2) + ratio * math.erf(ratio / math.sqrt(2))
    return sigma * mean, math.sqrt(max(0.0, 1 + ratio**2 - mean**2))


def subtract_noise(seen: float, noise: float) -> float:
    """A distance without what chance alone makes of it: nearly, both add up like the sides of a right triangle."""
    return math.sqrt(max(0.0, seen**2 - noise**2))


@dataclass(frozen=True, slots=True)
class Census:
    """A count of what is there: nothing was sampled, so the interval is the value itself."""

    count: float
    rows: int
    """Rows, fields or files that were looked at."""
    min_support: ClassVar[int] = 0
    value_range: ClassVar[tuple[float, float]] = (0.0, math.inf)
    method: ClassVar[str] = "census"

    @property
    def value(self) -> float:
        """The count."""
        return self.count

    @property
    def n(self) -> int:
        """What was looked at."""
        return self.rows

    @property
    def support(self) -> float:
        """Infinite: a census is never too small for what it claims."""
        return math.inf

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """The value twice, at any level."""
        del lower_alpha, upper_alpha
        return self.count, self.count

    def with_value(self, value: float) -> Census:
        """Another count."""
        return replace(self, count=value)
