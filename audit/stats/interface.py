"""What every estimate can do, and how it is stored."""

from __future__ import annotations

from typing import ClassVar, Protocol, runtime_checkable


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
