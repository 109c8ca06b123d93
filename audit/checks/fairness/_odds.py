"""Two rates of a group at once, and how far their mean lies apart between groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.evidence import Evidence, Member, Pair
from audit.metrics.groups import error_rates, holds, notes
from audit.stats import AverageDifference, Difference
from audit.stats.clustering import together

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audit.evidence import Slice, Unmeasured
    from audit.metrics.groups import OfGroup, Rate
    from audit.stats import Proportion
    from audit.subject import Subject


@dataclass(frozen=True, slots=True)
class Odds:
    """How often a group is called, among those of the class and among the others."""

    hits: OfGroup[Proportion]
    alarms: OfGroup[Proportion]

    @property
    def value(self) -> float:
        """Mean of the rates."""
        return (self.hits.value + self.alarms.value) / 2

    def minus(self, other: Odds) -> AverageDifference:
        """Against another group's."""
        hits, alarms = (
            Difference(one.estimate, two.estimate, *one.together(two))
            for one, two in ((self.hits, other.hits), (self.alarms, other.alarms))
        )
        return AverageDifference(hits, alarms, *self._together(other))

    def _together(self, other: Odds) -> tuple[float | None, float]:
        """Correlation of the two differences, and by how many entities; None where an entity's rows do not show it."""
        sides = self.hits.influence, other.hits.influence, self.alarms.influence, other.alarms.influence
        if any(one is None for one in sides):
            return None, 0.0
        hits, alarms = (one.minus(two) for one, two in (sides[:2], sides[2:]) if one is not None and two is not None)
        return together(hits, alarms) if hits.variance > 0 and alarms.variance > 0 else (None, 0.0)


@dataclass(frozen=True, slots=True)
class _Both:
    """Both rates of one class."""

    hits: Rate
    alarms: Rate

    @property
    def needs(self) -> str:
        return f"{self.hits.needs}, or none {self.alarms.needs}"

    def of(self, rows: NDArray[np.bool_], clusters: NDArray[np.int64] | None) -> Odds | None:
        hits, alarms = self.hits.of(rows, clusters), self.alarms.of(rows, clusters)
        return None if hits is None or alarms is None else Odds(hits, alarms)

    def named(self, group: Slice) -> Slice:
        """The class alone tells it apart; the last item of a rate says which rate it is."""
        for column, value in self.hits.items[:-1]:
            group = group.further(column, value)
        return group


def average_odds(subject: Subject) -> Evidence:
    """Ordered pairs of groups within each family, by the policy's `reference_group`; both rates of each group beside."""
    rates = error_rates(subject, "true_positive_rate", "false_positive_rate")
    members: list[Member] = []
    context: list[Member] = []
    unmeasured: list[Unmeasured] = []
    for held in holds(subject, [_Both(*pair) for pair in zip(rates[::2], rates[1::2], strict=True)]):
        unmeasured += held.lacking
        for name, odds in held.sides:
            context.append(Member(name.further("rate", "true_positive_rate"), odds.hits.estimate))
            context.append(Member(name.further("rate", "false_positive_rate"), odds.alarms.estimate))
        for (one, first), (other, second) in held.matches:
            members += [Member(Pair(one, other), first.minus(second)), Member(Pair(other, one), second.minus(first))]
    return Evidence(
        members=tuple(members),
        unit="mean rate difference",
        rows=subject.data.rows,
        context=tuple(context),
        unmeasured=tuple(unmeasured),
        notes=notes(subject),
    )
