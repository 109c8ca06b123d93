"""Whether one of two samples has more hits than the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from audit.stats.proportion import Proportion


def more_hits(first: Proportion, second: Proportion) -> float:
    """Exact chance of as many hits or more in the first sample, given the hits of both, were the true shares equal.

    Fisher, JRSS 1935. For independent rows only. SciPy's hypergeometric tail loses digits far out, so the terms are summed.
    """
    from scipy.special import gammaln

    if first.entities is not None or second.entities is not None:
        msg = "Fisher's test takes rows as independent: rows of one entity move together"
        raise ValueError(msg)
    hits, n = first.hits + second.hits, first.n + second.n
    x = np.arange(first.hits, min(hits, first.n) + 1)
    sizes = np.array([first.n, second.n, n])[:, None]
    chosen = np.stack([x, hits - x, np.full(len(x), hits)])
    log_ways = gammaln(sizes + 1) - gammaln(chosen + 1) - gammaln(sizes - chosen + 1)  # (3, outcomes) binomial coefficients
    return float(min(1.0, np.exp(log_ways[0] + log_ways[1] - log_ways[2]).sum()))
