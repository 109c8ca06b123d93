"""The rows in two halves: one is searched, the other judges. What was found by looking is never tested on what was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

_STILL = 1e-12
"""Squared standard error, in searched standard deviations, below which only rounding is left."""


@dataclass(frozen=True, eq=False)
class Halves:
    """Which rows are searched, and how badly each of all is served."""

    search: NDArray[np.bool_]
    loss: NDArray[np.bool_] | NDArray[np.float64]
    """(n,) whether a row is answered wrong; of predicted numbers how far off each is."""

    @classmethod
    def of(cls, loss: NDArray[np.bool_] | NDArray[np.float64], clusters: NDArray[np.int64] | None, rng: Generator) -> Halves:
        """A random half of the rows, or of the entities with all their rows."""
        units = np.arange(len(loss)) if clusters is None else clusters
        n = int(units.max(initial=-1)) + 1
        chosen = np.zeros(n, dtype=bool)
        chosen[rng.permutation(n)[: n // 2]] = True
        return cls(chosen[units], loss)

    @property
    def flags(self) -> bool:
        """Whether answers are right or wrong, and not near or far."""
        return self.loss.dtype == np.bool_

    @cached_property
    def sums(self) -> NDArray[np.float64]:
        """(k, n) what a slice is scored by the sums of: 1, the loss, and of numbers its square, in units of the searched rows' spread."""
        ones, loss = np.ones(len(self.loss)), self.loss.astype(float)
        if self.flags:
            return np.stack([ones, loss])
        seen = loss[self.search]
        spread = float(seen.std())
        apart = (loss - seen.mean()) / (spread if spread > 0 else 1.0)
        return np.stack([ones, apart, np.square(apart)])

    @cached_property
    def total(self) -> NDArray[np.float64]:
        """(k,) of the searched rows."""
        return np.asarray(self.sums[:, self.search].sum(axis=1))

    def score(self, inside: NDArray[np.float64], every: NDArray[np.float64]) -> NDArray[np.float64]:
        """(...) how clearly slices of (..., k) sums are served worse than the rest: chi-squared of one degree of freedom, signed."""
        if self.flags:
            return signed_deviance(inside[..., 1], inside[..., 0], float(every[1]), float(every[0]))
        return signed_square(inside, every)

    def excess(self, rows: NDArray[np.int64]) -> float:
        """How much worse the searched ones among some rows are served than the other searched ones, as `score`."""
        inside = rows[self.search[rows]]
        return float(self.score(self.sums[:, inside].sum(axis=1), self.total))


def signed_deviance(hits: NDArray[np.float64], n: NDArray[np.float64], all_hits: float, all_n: float) -> NDArray[np.float64]:
    """Likelihood-ratio statistic of two rates, the slice's and the rest's, against one; negative where the slice's is the lower."""
    from scipy.special import xlogy

    rest_hits, rest = all_hits - hits, all_n - n

    def likelihood(k: NDArray[np.float64], m: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(xlogy(k, k) + xlogy(m - k, m - k) - xlogy(m, m), dtype=float)

    together = likelihood(np.array(all_hits), np.array(all_n))
    found = 2 * np.maximum(0.0, likelihood(hits, n) + likelihood(rest_hits, rest) - together)
    return np.where(hits * rest >= rest_hits * n, found, -found)


def signed_square(inside: NDArray[np.float64], every: NDArray[np.float64]) -> NDArray[np.float64]:
    """Square of Welch's t (Biometrika 1947) of two means, the slice's and the rest's; negative where the slice's is the lower.

    From (..., 3) counts, sums and sums of squares. The slice's own spread is in it, so that one row that is far off makes no
    slice. 0 where a side has fewer than two rows.
    """
    sides = [np.moveaxis(side, -1, 0) for side in (inside, every - inside)]
    means = [total / np.maximum(n, 1.0) for n, total, _ in sides]
    spreads = [np.maximum(squares / np.maximum(n, 1.0) - mean**2, 0.0) for (n, _, squares), mean in zip(sides, means, strict=True)]
    variance = sum(spread / np.maximum(n - 1, 1.0) for (n, _, _), spread in zip(sides, spreads, strict=True))
    apart = means[0] - means[1]
    found = np.sign(apart) * apart**2 / np.maximum(variance, _STILL)
    return np.where(np.minimum(sides[0][0], sides[1][0]) >= 2, found, 0.0)  # noqa: PLR2004  # a spread needs two rows
