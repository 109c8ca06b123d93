"""The rows in two halves: one is searched, the other judges. What was found by looking is never tested on what was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Halves:
    """Which rows are searched, and which of all are answered wrong."""

    search: NDArray[np.bool_]
    wrong: NDArray[np.bool_]

    @classmethod
    def of(cls, wrong: NDArray[np.bool_], clusters: NDArray[np.int64] | None, rng: Generator) -> Halves:
        """A random half of the rows, or of the entities with all their rows."""
        units = np.arange(len(wrong)) if clusters is None else clusters
        n = int(units.max(initial=-1)) + 1
        chosen = np.zeros(n, dtype=bool)
        chosen[rng.permutation(n)[: n // 2]] = True
        return cls(chosen[units], wrong)

    def excess(self, rows: NDArray[np.int64]) -> float:
        """How much more often the searched ones among some rows are wrong than the other searched ones, as `signed_deviance`."""
        inside = rows[self.search[rows]]
        hits, n = float(self.wrong[inside].sum()), float(len(inside))
        every = self.wrong[self.search]
        return float(signed_deviance(np.array(hits), np.array(n), float(every.sum()), float(len(every))))


def signed_deviance(hits: NDArray[np.float64], n: NDArray[np.float64], all_hits: float, all_n: float) -> NDArray[np.float64]:
    """Likelihood-ratio statistic of two rates, the slice's and the rest's, against one; negative where the slice's is the lower."""
    from scipy.special import xlogy

    rest_hits, rest = all_hits - hits, all_n - n

    def likelihood(k: NDArray[np.float64], m: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(xlogy(k, k) + xlogy(m - k, m - k) - xlogy(m, m), dtype=float)

    together = likelihood(np.array(all_hits), np.array(all_n))
    found = 2 * np.maximum(0.0, likelihood(hits, n) + likelihood(rest_hits, rest) - together)
    return np.where(hits * rest >= rest_hits * n, found, -found)
