"""Expected calibration error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from audit.stats.proportion import Proportion

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class CalibrationError:
    """L1 calibration error over bins of equal mass (Naeini et al., AAAI 2015; Nixon et al., CVPR-W 2019).

    Never a bootstrap: the plug-in value of a perfect model is far above 0. Each end is the weighted sum, over bins, of the
    largest (upper) or smallest (lower) distance between mean confidence and the bin's simultaneous exact interval; the lower
    end stays 0 unless the value is above the noise floor.
    """

    confidence: tuple[float, ...]
    """Mean predicted probability of each bin."""
    hits: tuple[int, ...]
    counts: tuple[int, ...]
    noise_floor: float
    """95th percentile of the value when labels are drawn from the predicted probabilities."""
    least: ClassVar[int] = 100

    @classmethod
    def of(cls, probability: NDArray[np.float64], hit: NDArray[np.bool_], rng: Generator, bins: int = 15) -> CalibrationError:
        """From the predicted probability of an event and whether it came to be, one a row."""
        order = np.argsort(probability, kind="stable")
        parts = np.array_split(order, min(bins, len(order)))
        size = np.array([len(part) for part in parts])
        confidence = np.array([probability[part].mean() for part in parts])
        starts = np.concatenate([[0], np.cumsum(size)[:-1]])
        drawn = rng.random((1000, len(order))) < probability[order]
        simulated = np.add.reduceat(drawn, starts, axis=1, dtype=np.int64) / size
        floor = float(np.quantile(np.abs(simulated - confidence) @ size / len(order), 0.95))
        return cls(
            tuple(float(c) for c in confidence), tuple(int(hit[part].sum()) for part in parts), tuple(int(k) for k in size), floor
        )

    @property
    def value(self) -> float:
        """Plug-in error: mean over rows of |mean confidence - share of hits| of the row's bin."""
        return self._weighted([abs(c - h / k) for c, h, k in zip(self.confidence, self.hits, self.counts, strict=True)])

    @property
    def n(self) -> int:
        """Rows."""
        return sum(self.counts)

    @property
    def support(self) -> float:
        """Rows."""
        return self.n

    @property
    def method(self) -> str:
        """Name of the interval."""
        return f"simultaneous exact intervals of {len(self.counts)} equal-mass bins, noise floor {self.noise_floor:.3f}"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        low = 0.0
        if self.value > self.noise_floor:
            low = self._weighted([max(0.0, a - c, c - b) for c, (a, b) in self._intervals(lower_alpha)])
        high = self._weighted([max(abs(c - a), abs(c - b)) for c, (a, b) in self._intervals(upper_alpha)])
        return min(low, self.value), high

    def _intervals(self, alpha: float) -> list[tuple[float, tuple[float, float]]]:
        each = alpha / (2 * len(self.counts))
        bins = zip(self.confidence, self.hits, self.counts, strict=True)
        return [(confidence, Proportion(hits, count).bounds(each, each)) for confidence, hits, count in bins]

    def _weighted(self, distances: list[float]) -> float:
        return sum(d * k for d, k in zip(distances, self.counts, strict=True)) / self.n
