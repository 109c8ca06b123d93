"""Difference of two average precisions on the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from audit.stats.average_precision import AveragePrecision, influence
from audit.stats.ellipse import correlation_of, difference_ends
from audit.stats.entities import by_entity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PairedPrecision:
    """First average precision minus second, of two scores of the same rows.

    Correlation by the infinitesimal jackknife, of the entities' sums where rows belong to some; ends on the ellipse of both
    values' own ends (`audit.stats.ellipse`).
    """

    first: AveragePrecision
    second: AveragePrecision
    correlation: float
    """Of the two values."""
    least: ClassVar[int] = AveragePrecision.least

    def __post_init__(self) -> None:
        one, two = ((side.positives, side.negatives) for side in (self.first, self.second))
        if not -1 <= self.correlation <= 1 or one != two:
            msg = f"two average precisions of the same rows need a correlation from -1 to 1 and the same counts, got {self.correlation}, "
            msg += f"{one}, {two}"
            raise ValueError(msg)

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
    def value(self) -> float:
        """Difference of the average precisions."""
        return self.first.precision - self.second.precision

    @property
    def n(self) -> int:
        """Rows of both classes."""
        return self.first.n

    @property
    def support(self) -> float:
        """Rows of the rarer class, or the entities that hold one."""
        return self.first.support

    @property
    def method(self) -> str:
        """Name of the interval."""
        name = f"paired infinitesimal jackknife, correlation {self.correlation:.2f}, along both values' own ends"
        return name if self.first.entities is None else f"{name}, {self.first.entities:,} entities"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        return difference_ends(self.first, self.second, self.correlation, (lower_alpha, upper_alpha))
