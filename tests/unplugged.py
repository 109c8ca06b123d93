"""Estimates with their interval unplugged: the point returned twice, as a careless tool would judge."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from audit.evidence import Member

if TYPE_CHECKING:
    from audit.evidence import Evidence
    from audit.stats import Estimate


@dataclass(frozen=True, slots=True)
class Point:
    """An estimate that claims to be certain."""

    behind: Estimate
    min_support: ClassVar[int] = 1

    @property
    def value(self) -> float:
        """The value behind."""
        return self.behind.value

    @property
    def n(self) -> int:
        """The rows behind."""
        return self.behind.n

    @property
    def support(self) -> float:
        """The support behind."""
        return self.behind.support

    @property
    def method(self) -> str:
        """None."""
        return "point"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """The value twice, whatever the level."""
        del lower_alpha, upper_alpha
        return self.value, self.value


def unplugged(evidence: Evidence) -> Evidence:
    """The evidence with every interval shrunk to its point."""
    return replace(evidence, members=tuple(Member(one.name, Point(one.estimate)) for one in evidence.members))
