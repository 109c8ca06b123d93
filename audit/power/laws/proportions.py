"""One proportion, and two: their ends' chances by enumeration."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from audit.power.laws.correlated_groups import SEED, normals
from audit.stats.proportion import Difference, Proportion, Ratio, koopman_score
from audit.stats.scaling import arms, grown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from audit.power.laws.decision_rule import Asked, Chances

Two: TypeAlias = Difference | Ratio

KNOTS = 33
"""Hits of the second group at which an edge is searched; in between it is a smooth curve, and so is searched in parts of a hit."""
PARTS = 4096


def first(clears: Callable[[int], bool], size: int) -> int:
    """The fewest hits, 0 to size + 1, from which on it clears."""
    low, high = 0, size + 1
    while low < high:
        middle = (low + high) // 2
        if clears(middle):
            high = middle
        else:
            low = middle + 1
    return low


def hits_law(share: Proportion, truth: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Hits that may be drawn and their chances; where rows are clustered, those of as many rows as they are worth."""
    from scipy.special import gammaln, xlog1py, xlogy

    worth = max(1, round(share.n / share.design_effect))
    spread = 8 * math.sqrt(worth * truth * (1 - truth)) + 12
    drawn = np.arange(max(0, math.floor(worth * truth - spread)), min(worth, math.ceil(worth * truth + spread)) + 1)
    ways = gammaln(worth + 1) - gammaln(drawn + 1) - gammaln(worth - drawn + 1)
    chance: NDArray[np.float64] = np.exp(ways + xlogy(drawn, truth) + xlog1py(worth - drawn, -truth))
    return np.rint(drawn * (share.n / worth)).astype(np.int64), chance


def one_share(estimate: Proportion, truth: float, growth: float, asked: Asked) -> Chances:
    """Exact, by enumerating the hits."""
    share = grown(estimate, growth)
    hits, chance = hits_law(share, truth)
    low = first(lambda k: k > share.n or asked.clears(replace(share, hits=k).bounds(asked.levels[0], 0.5)[0]), share.n)
    high = first(lambda k: k > share.n or asked.clears(replace(share, hits=k).bounds(0.5, asked.levels[1])[1]), share.n)
    return float(chance[hits >= low].sum()), float(chance[hits < high].sum())


def two_shares(estimate: Two, truth: float, growth: float, asked: Asked) -> Chances:
    """By enumerating the hits of both where they are independent, else by drawing them."""
    seen = grown(estimate, growth)
    p, q = arms(estimate, truth)
    if seen.correlation:
        return _drawn_chances(seen, (p, q), asked)
    (x, chance), (y, weight) = hits_law(seen.first, p), hits_law(seen.second, q)
    low, high = edges(seen, asked)
    at_least = np.append(np.cumsum(chance[::-1])[::-1], 0.0)
    above = float(weight @ at_least[np.searchsorted(x, low[y])])
    below = float(weight @ (at_least[0] - at_least[np.searchsorted(x, high[y])]))
    return above, below


def _drawn_chances(seen: Two, rates: tuple[float, float], asked: Asked) -> Chances:
    alike = np.array([[1.0, seen.correlation], [seen.correlation, 1.0]])
    x, y = drawn_together((seen.first, seen.second), rates, alike, np.random.default_rng(SEED))
    low, high = edges(seen, asked)
    return float(np.mean(x >= low[y])), float(np.mean(x < high[y]))


def drawn_together(
    shares: Sequence[Proportion], rates: Sequence[float], alike: NDArray[np.float64], rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """(draws,) hits of each, with these correlations: normals, cut where the hits' chances end."""
    from scipy.special import ndtr

    found = []
    for share, rate, place in zip(shares, rates, ndtr(normals(len(shares), alike, rng)), strict=True):
        hits, chance = hits_law(share, rate)
        below = np.cumsum(chance)
        found.append(hits[np.minimum(np.searchsorted(below / below[-1], place), len(hits) - 1)])
    return found


def edges(estimate: Two, asked: Asked) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(2, second n + 1) fewest hits of the first sample, by those of the second, at which the lower and the upper end clear the bound."""
    none = replace(estimate, first=replace(estimate.first, hits=0), second=replace(estimate.second, hits=0))
    low, high = (_curve(estimate, _edge(none, asked, which)) for which in (0, 1))
    return low, high


def _curve(estimate: Two, edge: tuple[tuple[int, ...], tuple[float, ...]]) -> NDArray[np.float64]:
    """Between the knots a smooth curve; beyond the last of them no hits of the first sample suffice."""
    from scipy.interpolate import PchipInterpolator

    knots, found = edge
    whole = np.full(estimate.second.n + 1, estimate.first.n + 1.0)
    if knots:
        every = np.arange(knots[-1] + 1)
        whole[: len(every)] = np.ceil((PchipInterpolator(knots, found)(every) if len(knots) > 1 else np.array(found)) - 1e-9)
    return whole


@lru_cache(maxsize=1024)
def _edge(none: Two, asked: Asked, which: int) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """An edge in hits and parts of one, at knots that stand closer towards either end of the hits at which it can be reached.

    `none` is the two without a hit. Where it can be reached no more the curve breaks off: no knot stands across that place.
    """
    above, below, clears = none.first, none.second, (_low_clears, _high_clears)[which]

    def clear(hits: Any, y: int) -> bool:
        return clears(replace(none, first=replace(above, hits=hits), second=replace(below, hits=y)), asked)

    most = first(lambda y: not clear(above.n, y), below.n) - 1  # the more hits of the second, the more are needed of the first
    wave = (1 - np.cos(np.linspace(0, math.pi, KNOTS))) / 2
    most = min(most, below.n)
    knots = np.unique(np.rint(wave * most).astype(int)).tolist() if most > 2 * KNOTS else list(range(most + 1))

    def edge(y: int) -> float:
        return first(lambda part: clear(part / PARTS, y), above.n * PARTS) / PARTS

    return tuple(knots), tuple(map(edge, knots))


def _low_clears(estimate: Two, asked: Asked) -> bool:
    """Whether the lower end clears the bound; for a ratio by the score test there, which its end inverts."""
    if isinstance(estimate, Difference) or estimate.shared:
        return asked.clears(estimate.bounds(asked.levels[0], 0.5)[0])
    shown = estimate.first.hits > 0 and _is_larger(estimate.first, estimate.second, asked.bound, asked.levels[0])
    return asked.bound <= 0 or shown


def _high_clears(estimate: Two, asked: Asked) -> bool:
    if isinstance(estimate, Difference) or estimate.shared:
        return asked.clears(estimate.bounds(0.5, asked.levels[1])[1])
    shown = estimate.second.hits > 0 and _is_larger(estimate.second, estimate.first, 1 / asked.bound, asked.levels[1])
    return not shown


def _is_larger(above: Proportion, below: Proportion, ratio: float, level: float) -> bool:
    """Whether Koopman's test says at this level that the shares' ratio is larger."""
    from scipy.special import ndtri

    n, m = above.effective(level), below.effective(level)
    return koopman_score(above.value * n, n, below.value * m, m, ratio) >= -float(ndtri(level))
