"""Difference of two average precisions on the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from audit.stats.average_precision import AveragePrecision, influence
from audit.stats.ellipse import OnEllipse, correlation_of
from audit.stats.entities import by_entity
from audit.stats.pair import Subtracted
from audit.stats.sample_size import by_entities

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PairedPrecision(Subtracted, OnEllipse):
    """First average precision minus second, of two scores of the same rows.

    Correlation by the infinitesimal jackknife, of the entities' sums where rows belong to some; ends on the ellipse of both
    values' own ends (`audit.stats.ellipse`).
    """

    first: AveragePrecision
    second: AveragePrecision
    correlation: float
    """Of the two values."""
    min_support: ClassVar[int] = AveragePrecision.min_support

    def __post_init__(self) -> None:
        self.refuse_unlike("average precisions")

    @classmethod
    def of(
        cls,
        positive: NDArray[np.bool_],
        first: NDArray[np.float64],
        second: NDArray[np.float64],
        clusters: NDArray[np.int64] | None = None,
    ) -> PairedPrecision:
        """From the class and the two scores of each row; both classes must occur."""
        one, two = (AveragePrecision.of(positive, score, clusters) for score in (first, second))
        units = [by_entity(influence(positive, score), clusters) for score in (first, second)]
        squares = float(units[0] @ units[0]), float(units[1] @ units[1])
        return cls(one, two, correlation_of(float(units[0] @ units[1]), squares))

    @property
    def method(self) -> str:
        """Name of the interval."""
        name = f"paired infinitesimal jackknife, correlation {self.correlation:.2f}, along both values' own ends"
        return by_entities(name, self.first.entities)

    @property
    def value_range(self) -> tuple[float, float]:
        """Of a difference of shares."""
        return -1.0, 1.0
