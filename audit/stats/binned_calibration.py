"""Calibration of stated probabilities by a logistic line, shifted in bins of equal mass so that each bin has the share that was seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audit.stats.recalibration import logits, slope

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS, LEAST_ROWS = 50, 20
"""Bins at most, and rows in each at least."""
FARTHEST = 40.0
"""Logits at which a probability is as good as 0 or 1."""
HALVINGS = 45
MOST_LEVERAGE = 0.9
"""Leverage at most, which is 1 where an entity decides a bin alone."""
SMALLEST = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class BinnedCalibration:
    """Line of Cox, Biometrika 1958, with an offset for each bin of the score; rows that are predicted to be of the class have own bins.

    The bins do not look at the labels, so that their shares are unbiased, which those of an isotonic regression are not: it is too
    sharp on the rows that it was fitted on. The line tells rows of a bin apart, for samples that lie differently within the bins.
    """

    edges: tuple[NDArray[np.float64], NDArray[np.float64]]
    """Scores from which on the next bin starts, of rows that are not predicted to be of the class, and of those that are."""
    slope: float
    offset: NDArray[np.float64]
    """(b,) in logits."""
    share: NDArray[np.float64]
    """(b,) of the class among the rows of the bin, by their weights."""
    part: NDArray[np.float64]
    """(m,) of each row that it was fitted on: its weight over that of its bin."""
    steepness: NDArray[np.float64]
    """(b,) mean derivative of their probabilities by the offset."""
    bin: NDArray[np.int64]
    """(m,) of each row that it was fitted on."""

    @classmethod
    def of(
        cls, score: NDArray[np.float64], called: NDArray[np.bool_], hit: NDArray[np.bool_], weight: NDArray[np.float64] | None = None
    ) -> BinnedCalibration:
        """From (m,) stated probabilities of the class, whether each row is predicted and truly of it, and weights over 0."""
        both = 0 < np.count_nonzero(called) < len(called)
        of_others, of_called = (_edges(score[rows]) if both else _edges(score) for rows in (~called, called))
        edges = of_others, of_called if both else of_others[:0]
        place = _places(edges, score, called if both else np.zeros_like(called))
        of_row = np.ones(len(score)) if weight is None else weight
        part = of_row / np.bincount(place, weights=of_row)[place]
        share = np.minimum(1.0, np.bincount(place, weights=part * hit))
        by_logit = max(0.0, slope(score, hit))
        x = by_logit * logits(score)
        offset = _offsets(x, place, share, part)
        fitted = _expit(x + offset[place])
        steepness = np.bincount(place, weights=part * fitted * (1 - fitted)).astype(np.float64)
        return cls(edges if both else (edges[0],) * 2, by_logit, offset, share, part, steepness, place)

    def places(self, score: NDArray[np.float64], called: NDArray[np.bool_]) -> NDArray[np.int64]:
        """(n,) bin of each row."""
        return _places(self.edges, score, called if self.edges[0] is not self.edges[1] else np.zeros_like(called))

    def predict(self, score: NDArray[np.float64], called: NDArray[np.bool_]) -> NDArray[np.float64]:
        """(n,) calibrated probabilities."""
        return _expit(self.slope * logits(score) + self.offset[self.places(score, called)])

    def weights(self, score: NDArray[np.float64], called: NDArray[np.bool_], gradient: NDArray[np.float64]) -> NDArray[np.float64]:
        """(b,) derivative by each bin's share of a result that has this (n,) derivative by the probabilities of these rows."""
        place, p = self.places(score, called), self.predict(score, called)
        steep = self.steepness[place]
        by_share = np.divide(p * (1 - p), steep, out=np.ones(len(p)), where=steep > SMALLEST)
        return np.bincount(place, weights=gradient * by_share, minlength=len(self.share)).astype(np.float64)

    @property
    def worth(self) -> NDArray[np.float64]:
        """(b,) rows of equal weight that tell as much as those of the bin (Kish, Survey Sampling 1965)."""
        found: NDArray[np.float64] = 1 / np.bincount(self.bin, weights=self.part**2)
        return found

    def leverage(self, clusters: NDArray[np.int64] | None) -> NDArray[np.float64]:
        """(m,) share of its bin's weight that each row, or its entity there, has; capped, since a bin may be one entity's alone."""
        if clusters is None:
            return np.minimum(self.part, MOST_LEVERAGE)
        cell = np.unique(self.bin * (int(clusters.max()) + 1) + clusters, return_inverse=True)[1]
        return np.asarray(np.minimum(np.bincount(cell, weights=self.part)[cell], MOST_LEVERAGE), dtype=np.float64)


def _edges(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rising, the least score not among them; equal scores share a bin."""
    bins = max(1, min(BINS, len(score) // LEAST_ROWS))
    inner = np.unique(np.quantile(score, np.arange(1, bins) / bins, method="higher"))
    return np.asarray(inner[inner > score.min()], dtype=np.float64)


def _places(
    edges: tuple[NDArray[np.float64], NDArray[np.float64]], score: NDArray[np.float64], called: NDArray[np.bool_]
) -> NDArray[np.int64]:
    first, second = (np.searchsorted(one, score, side="right") for one in edges)
    return np.where(called, len(edges[0]) + 1 + second, first)


def _offsets(
    x: NDArray[np.float64], place: NDArray[np.int64], share: NDArray[np.float64], part: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(b,) what to add to the (m,) logits so that the probabilities of each bin have the mean that was seen."""
    far = FARTHEST + float(np.abs(x).max())
    low, high = np.full(len(share), -far), np.full(len(share), far)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        over = np.bincount(place, weights=part * _expit(x + middle[place])) > share
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    return np.asarray((low + high) / 2, dtype=np.float64)


def _expit(logit: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import expit

    found: NDArray[np.float64] = expit(logit)
    return found
