"""Claims about the very data at hand."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Census:
    """A count of what is there: nothing was sampled, so the interval is the value itself."""

    count: float
    rows: int
    """Rows, fields or files that were looked at."""
    min_support: ClassVar[int] = 0

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

    @property
    def method(self) -> str:
        """Says that there is no sampling error."""
        return "census"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """The value twice, at any level."""
        del lower_alpha, upper_alpha
        return self.count, self.count

    def with_value(self, value: float) -> Census:
        """Another count."""
        return replace(self, count=value)

    @property
    def value_range(self) -> tuple[float, float]:
        """Of a count."""
        return 0.0, math.inf
