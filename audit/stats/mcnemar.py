"""McNemar's test of whether two models err equally often on the rows on which they differ."""

from __future__ import annotations

import math


def exact(only_first: int, only_second: int) -> float:
    """Two-sided exact p (McNemar, Psychometrika 1947): which model is right where one alone is, is a throw of a fair coin."""
    from scipy.special import bdtr

    _refuse(only_first, only_second)
    return min(1.0, 2 * float(bdtr(min(only_first, only_second), only_first + only_second, 0.5)))


def mid_p(only_first: int, only_second: int) -> float:
    """Two-sided mid-p (Fagerland, Lydersen & Laake, BMC Medical Research Methodology 2013): what was seen counts by half."""
    from scipy.special import bdtr

    _refuse(only_first, only_second)
    fewer, n = min(only_first, only_second), only_first + only_second
    seen = math.exp(math.lgamma(n + 1) - math.lgamma(fewer + 1) - math.lgamma(n - fewer + 1) - n * math.log(2))
    return min(1.0, 2 * float(bdtr(fewer, n, 0.5)) - seen)


def _refuse(only_first: int, only_second: int) -> None:
    if min(only_first, only_second) < 0:
        msg = f"McNemar's test needs counts of at least 0, got {only_first} and {only_second}"
        raise ValueError(msg)
