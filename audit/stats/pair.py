"""What estimates share that are made of two others: two samples, or the same rows twice."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.stats.interface import Estimate


class Sides(Protocol):
    """Two estimates that are compared."""

    @property
    def first(self) -> Estimate:
        """The one."""

    @property
    def second(self) -> Estimate:
        """The other."""


class Subtracted:
    """First minus second, of whichever rows."""

    __slots__ = ()

    @property
    def value(self: Sides) -> float:
        """The difference."""
        return self.first.value - self.second.value


class TwoSamples:
    """Two sides that look at different rows."""

    __slots__ = ()

    @property
    def n(self: Sides) -> int:
        """Rows in both samples."""
        return self.first.n + self.second.n

    @property
    def support(self: Sides) -> float:
        """The smaller sample's."""
        return min(self.first.support, self.second.support)


def reaches(pair: Sides, levels: tuple[float, float], together: Callable[[float, float], float] = math.hypot) -> tuple[float, float]:
    """How far below and above first minus second the ends lie, from the ends of each side (Newcombe 1998; Zou & Donner 2008).

    `levels` are those of the lower and the upper end; `together` joins the distances, by the root of the squares where the sides
    are independent.
    """
    low_1, high_1 = pair.first.bounds(*levels)
    low_2, high_2 = pair.second.bounds(*levels[::-1])
    value_1, value_2 = pair.first.value, pair.second.value
    return together(value_1 - low_1, high_2 - value_2), together(high_1 - value_1, value_2 - low_2)
