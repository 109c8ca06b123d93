"""A count in a sample, as a claim about all the rows that the sample was drawn from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class SampledCount:
    """What was counted is there for sure; how much more there is, the rows that were not drawn decide."""

    count: int
    rows: int
    """Rows of the sample."""
    population: int
    """Rows that it was drawn from."""
    most: int | None = None
    """What the count in all rows can be at most, whatever the others hold; None where nothing bounds it."""
    per_row: bool = False
    """Whether each row counts or does not, by itself, and the rows were drawn at random without replacement: then the ends are exact."""
    min_support: ClassVar[int] = 0
    value_range: ClassVar[tuple[float, float]] = (0.0, math.inf)

    @property
    def value(self) -> float:
        """The count that the share in the sample means for all rows; without random rows, what was counted."""
        return self.count * self.population / self.rows if self.per_row else float(self.count)

    @property
    def n(self) -> int:
        """Rows of the sample."""
        return self.rows

    @property
    def support(self) -> float:
        """Rows of the sample."""
        return self.rows

    @property
    def method(self) -> str:
        """How the interval is made."""
        of = f"of a sample of {self.rows:,} of {self.population:,} rows"
        if self.per_row:
            return f"exact hypergeometric bounds on a count {of}"
        return f"at least the count {of}, at most {'any number' if self.most is None else f'{self.most:,}'}"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """From the least to the greatest count in all rows that the sample does not make unlikely."""
        most = math.inf if self.most is None else float(self.most)
        if not self.per_row:
            return float(self.count), most
        low, high = _ends(self.count, self.rows, self.population, lower_alpha, upper_alpha)
        return float(low), min(most, float(high))


@lru_cache(maxsize=256)
def _ends(count: int, rows: int, population: int, lower_alpha: float, upper_alpha: float) -> tuple[int, int]:
    """The smallest K with P(X >= count) > lower_alpha and the largest with P(X <= count) > upper_alpha (Buonaccorsi, 1987)."""
    from scipy.stats import hypergeom

    least, most = count, population - rows + count
    low = _first(least, most, lambda total: hypergeom.sf(count - 1, population, total, rows) > lower_alpha)
    beyond = _first(least, most + 1, lambda total: total > most or hypergeom.cdf(count, population, total, rows) <= upper_alpha)
    return low, beyond - 1


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The smallest number from `low` to `high` for which something holds that holds for all larger ones too, and for `high`."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
