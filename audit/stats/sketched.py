"""Estimates from sketches of the data: what is seen, and the least and the most that the data themselves may say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from audit.stats import interface

if TYPE_CHECKING:
    from audit.stats.interface import Estimate


@dataclass(frozen=True, slots=True)
class Sketched:
    """An estimate that sketches of the data leave open: its interval runs from the lower end of the least to the upper end of the most."""

    seen: Estimate
    least: Estimate
    """The same figure where the sketches' errors have made it as much too large as they can."""
    most: Estimate
    min_support: ClassVar[int] = 1

    @classmethod
    def of(cls, seen: Estimate, least: Estimate, most: Estimate) -> Estimate:
        """What is seen itself, where the sketches are exact."""
        return seen if least == most == seen else cls(seen, least, most)

    @property
    def value(self) -> float:
        """What is seen."""
        return self.seen.value

    @property
    def n(self) -> int:
        """Rows behind the number."""
        return self.seen.n

    @property
    def support(self) -> float:
        """Of what is seen."""
        return self.seen.support

    @property
    def method(self) -> str:
        """How the interval is made."""
        return f"{self.seen.method}, with the error of the profiles"

    @property
    def value_range(self) -> tuple[float, float]:
        """Of what is seen."""
        return interface.value_range(self.seen)

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower end of the least and upper end of the most."""
        return self.least.bounds(lower_alpha, upper_alpha)[0], self.most.bounds(lower_alpha, upper_alpha)[1]

    def with_sample_size(self, factor: float) -> Sketched:
        """Of sketches with the same errors of `factor` times the rows."""
        seen, least, most = (interface.with_sample_size(one, factor) for one in (self.seen, self.least, self.most))
        return Sketched(seen, least, most)

    def with_value(self, value: float) -> Sketched | None:
        """The same errors at another value."""
        low, high = interface.value_range(self.seen)
        shift = value - self.value
        moved = [interface.with_value(one, min(high, max(low, one.value + shift))) for one in (self.seen, self.least, self.most)]
        seen, least, most = moved
        return None if seen is None or least is None or most is None else replace(self, seen=seen, least=least, most=most)
