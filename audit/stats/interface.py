"""What every estimate can do, and what some can do besides."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Protocol, runtime_checkable


@runtime_checkable
class Estimate(Protocol):
    """One number with the sufficient statistic behind it."""

    least: ClassVar[int]
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


@runtime_checkable
class Resizable(Protocol):
    """An estimate that knows how it would look on more rows."""

    def with_sample_size(self, factor: float) -> Any:
        """The same figures on `factor` times the rows, counts rounded."""


@runtime_checkable
class Movable(Protocol):
    """An estimate that knows how it would look at another value."""

    def with_value(self, value: float) -> Any:
        """The same rows at another value; None where this one cannot tell."""


@runtime_checkable
class Biased(Protocol):
    """An estimate that chance alone makes larger, as it does a distance."""

    @property
    def bias_corrected(self) -> float:
        """The value less what chance adds."""

    def expected_value(self, truth: float) -> float:
        """Mean of the value seen where the true one is `truth`."""


@runtime_checkable
class Comparison(Protocol):
    """An estimate that compares two groups."""

    @property
    def null_value(self) -> float:
        """Where the two do not differ: 0 for a difference, 1 for a ratio."""


def with_sample_size(estimate: Estimate, factor: float) -> Estimate:
    """The estimate on `factor` times the rows; itself where it cannot tell."""
    found: Estimate = estimate.with_sample_size(factor) if isinstance(estimate, Resizable) else estimate
    return found


def with_value(estimate: Estimate, value: float) -> Estimate | None:
    """The estimate at another value; None where it cannot tell."""
    return estimate.with_value(value) if isinstance(estimate, Movable) else None


def value_range(estimate: Estimate) -> tuple[float, float]:
    """The least and the greatest value that it can take; infinite where there is none."""
    found: tuple[float, float] = getattr(estimate, "value_range", (-math.inf, math.inf))
    return found


def bias_corrected(estimate: Estimate) -> float:
    """The true value that an estimate makes likely."""
    return estimate.bias_corrected if isinstance(estimate, Biased) else estimate.value


def expected_value(estimate: Estimate, truth: float) -> float:
    """Mean of the value seen where the true one is `truth`."""
    return estimate.expected_value(truth) if isinstance(estimate, Biased) else truth


def subtract_noise(seen: float, noise: float) -> float:
    """A distance without what chance alone makes of it: nearly, both add up like the sides of a right triangle."""
    return math.sqrt(max(0.0, seen**2 - noise**2))
