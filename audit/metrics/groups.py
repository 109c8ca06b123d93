"""One group's estimate with what each of its entities adds to it, so that two groups' estimates can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from audit.stats import Proportion
from audit.stats.clustering import Influence, cluster_correlation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audit.stats import Estimate

E_co = TypeVar("E_co", bound="Estimate", covariant=True)


@dataclass(frozen=True, slots=True, eq=False)
class GroupEstimate(Generic[E_co]):
    """One group's estimate and, where rows belong to entities, what each entity adds to it."""

    estimate: E_co
    influence: Influence | None
    """None where rows are independent."""

    @property
    def value(self) -> float:
        """Of the estimate."""
        return self.estimate.value

    def correlation_with(self, other: GroupEstimate[Estimate]) -> tuple[float, float]:
        """Correlation with another group's estimate, and the number of entities with rows in both groups."""
        return cluster_correlation(self.influence, other.influence)


def share(hit: NDArray[np.bool_], entities: NDArray[np.int64] | None) -> GroupEstimate[Proportion]:
    """The share of hits, from (n,) flags and the (n,) entities of the rows, where rows belong to entities."""
    found = Proportion.of(hit, entities)
    if entities is None:
        return GroupEstimate(found, None)
    variance = found.value * (1 - found.value) * found.design_effect / found.n
    return GroupEstimate(found, Influence.of((hit - found.value) / found.n, entities, variance))


def part(clusters: NDArray[np.int64] | None, rows: NDArray[np.bool_] | NDArray[np.int64]) -> NDArray[np.int64] | None:
    """The entities of some rows, by a mask or by their places; None where rows are independent."""
    return None if clusters is None else clusters[rows]
