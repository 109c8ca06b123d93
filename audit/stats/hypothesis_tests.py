"""Hypothesis tests of counts, p-values of many tests at once, and how the error is spent over repeated looks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

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


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Two-sided exact p (McNemar, Psychometrika 1947): which model is right where one alone is, is a throw of a fair coin."""
    from scipy.special import bdtr

    _refuse_negative(only_first, only_second)
    return min(1.0, 2 * float(bdtr(min(only_first, only_second), only_first + only_second, 0.5)))


def mcnemar_mid_p(only_first: int, only_second: int) -> float:
    """Two-sided mid-p (Fagerland, Lydersen & Laake, BMC Medical Research Methodology 2013): what was seen counts by half."""
    from scipy.special import bdtr

    _refuse_negative(only_first, only_second)
    fewer, n = min(only_first, only_second), only_first + only_second
    seen = math.exp(math.lgamma(n + 1) - math.lgamma(fewer + 1) - math.lgamma(n - fewer + 1) - n * math.log(2))
    return min(1.0, 2 * float(bdtr(fewer, n, 0.5)) - seen)


def _refuse_negative(only_first: int, only_second: int) -> None:
    if min(only_first, only_second) < 0:
        msg = f"McNemar's test needs counts of at least 0, got {only_first} and {only_second}"
        raise ValueError(msg)


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Step-down p-values: those at most alpha hold one false alarm or more with chance alpha at most, however the tests hang together.

    Holm, Scandinavian Journal of Statistics 1979. One list a row: (..., m) in, (..., m) out.
    """
    p, order = _sorted(p_values)
    left = np.arange(p.shape[-1], 0, -1)
    return _unsorted(np.minimum(1.0, np.maximum.accumulate(p * left, axis=-1)), order)


def benjamini_hochberg(p_values: ArrayLike) -> NDArray[np.float64]:
    """Step-up p-values: among those at most q, a share of q at most is expected to be false alarms.

    Benjamini & Hochberg, JRSS B 1995: for independent tests, and for such as rise and fall together (Benjamini & Yekutieli,
    Annals of Statistics 2001). One list a row: (..., m) in, (..., m) out.
    """
    p, order = _sorted(p_values)
    rank = np.arange(1, p.shape[-1] + 1)
    stepped = np.minimum.accumulate((p * (p.shape[-1] / rank))[..., ::-1], axis=-1)[..., ::-1]
    return _unsorted(np.minimum(1.0, stepped), order)


def false_coverage(p_values: ArrayLike, q: float) -> float:
    """Error of each end of the intervals of those that `benjamini_hochberg` rejects at q, of which a share of q at most then misses.

    Benjamini & Yekutieli, JASA 2005: q times the share of the list that is rejected. An end at this level that faces the
    hypothesis lies beyond it wherever the p-value is the level at which that end reaches it. 0 where nothing is rejected.
    """
    adjusted = benjamini_hochberg(p_values)
    return float(q * np.mean(adjusted <= q)) if adjusted.size else 0.0


def _sorted(p_values: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Rising along the last axis, and where each came from."""
    p = np.asarray(p_values, dtype=float)
    if p.ndim == 0 or not np.all((p >= 0) & (p <= 1)):
        msg = "p-values are a list of numbers from 0 to 1"
        raise ValueError(msg)
    order = np.argsort(p, axis=-1, kind="stable")
    return np.take_along_axis(p, order, axis=-1), order


def _unsorted(values: NDArray[np.float64], order: NDArray[np.intp]) -> NDArray[np.float64]:
    found = np.empty_like(values)
    np.put_along_axis(found, order, values, axis=-1)
    return found


Spending: TypeAlias = Literal["obrien-fleming", "pocock"]

FARTHEST = 9.0
"""Standard errors beyond which a boundary counts as never crossed (chance 2e-19)."""
NODES = 12
"""Nodes of the quadrature for each unit of the sum, which has unit steps."""


def crossing(limits: Sequence[float]) -> tuple[float, ...]:
    """Chance that a standardised sum has left ±limit by each of equally spaced looks, when there is no effect.

    Recursive numerical integration of Armitage, McPherson & Rowe, JRSS A 1969: the density of the sum of k steps that has not
    left yet is the one after k - 1 steps, folded with a normal step and cut at the boundary. Gauss-Legendre nodes.
    """
    from scipy.special import roots_legendre

    if not limits or min(limits) <= 0:
        msg = f"a boundary is above 0 at each of at least one look, got {list(limits)}"
        raise ValueError(msg)
    crossed: list[float] = []
    nodes, inside = np.zeros(1), np.ones(1)
    for look, limit in enumerate(limits, start=1):
        reach = min(limit, FARTHEST) * math.sqrt(look)
        unit, weight = roots_legendre(16 + math.ceil(NODES * reach))
        here = unit * reach
        inside = _normal(here[:, None] - nodes[None, :]) @ inside * (weight * reach)
        nodes = here
        crossed.append(max(0.0, 1.0 - float(inside.sum())))
    return tuple(crossed)


def constant(kind: Spending, looks: int, alpha: float) -> float:
    """What makes the boundary of this shape err at `alpha`, two-sided, over equally spaced looks.

    Pocock (Biometrika 1977): the same limit at each look. O'Brien & Fleming (Biometrics 1979): the constant times the root of
    looks over look, so that the last limit is the constant itself.
    """
    from scipy.optimize import brentq

    _checked(looks, alpha)
    shape = [1.0 if kind == "pocock" else math.sqrt(looks / look) for look in range(1, looks + 1)]
    return float(brentq(lambda size: crossing([size * one for one in shape])[-1] - alpha, 0.05, FARTHEST, xtol=1e-10))


def spent(kind: Spending, looks: int, alpha: float) -> tuple[float, ...]:
    """The error that each of `looks` equally spaced looks may use; the increments sum to `alpha`.

    Spending functions of Lan & DeMets, Biometrika 1983: 2 - 2 Phi(z(alpha/2) / root t) after O'Brien & Fleming, which keeps
    nearly all for the last looks, and alpha log(1 + (e - 1) t) after Pocock, which spends nearly evenly.

    Their boundaries rest on the independent increments of one growing sum. Looks at one test set with different candidates
    have none, so each look gets its increment as its whole level: by Boole's inequality bad candidates then pass at some look
    with at most `alpha`, however their errors hang together. That holds for candidates chosen without regard to the test rows,
    and for such as only learnt that the ones before did not pass. It does not hold for a candidate that was fitted to the
    test rows, or to what was shown of them: no level makes up for that.
    """
    from scipy.special import erfc, ndtri

    _checked(looks, alpha)
    time = np.arange(1, looks + 1) / looks
    total = alpha * np.log1p((math.e - 1) * time) if kind == "pocock" else erfc(-ndtri(alpha / 2) / np.sqrt(2 * time))
    earlier = np.diff(total[:-1], prepend=0.0).tolist() if looks > 1 else []
    return (*earlier, alpha - math.fsum(earlier))


def _checked(looks: int, alpha: float) -> None:
    if looks < 1 or not 0 < alpha < 1:
        msg = f"looks are at least 1 and alpha lies between 0 and 1, got {looks} and {alpha}"
        raise ValueError(msg)


def _normal(x: NDArray[np.float64]) -> NDArray[np.float64]:
    density: NDArray[np.float64] = np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    return density
