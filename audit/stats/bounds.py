"""Bounds of many estimates at once: shares, their differences and ratios as arrays, every other kind one by one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from audit.stats.clustering import LEAST_FREEDOM
from audit.stats.proportion import FAR, FEW, FEW_OUTER, LEAST_LOG, MEDIAN, Difference, Proportion, Ratio
from audit.stats.sample_size import freedom
from audit.stats.weighted import WeightedShare

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from audit.stats.interface import Estimate

Ends: TypeAlias = "tuple[NDArray[np.float64], NDArray[np.float64]]"

SINGLY = 16
"""Fewer estimates of a kind are asked one by one, which is faster than the arrays."""
_STEPS = 100
"""Of the root search, which needs about ten."""
_EXACT = 1e-14
"""Width of the bracket, in logarithms of a ratio, at which a root counts as found."""


def bounds_many(estimates: Sequence[Estimate], lower_alpha: float, upper_alpha: float) -> Ends:
    """(m,) lower and (m,) upper ends, those of each estimate's own `bounds`. A level of 0 leaves its end open: -inf or inf.

    The arrays agree with each estimate's own bounds to 1e-9: of shares and differences to the last digits, of ratios as far as
    both root searches do.
    """
    low, high = np.full(len(estimates), -np.inf), np.full(len(estimates), np.inf)
    places: dict[type[Estimate], list[int]] = {}
    for place, estimate in enumerate(estimates):
        places.setdefault(type(estimate), []).append(place)
    for kind, at in places.items():
        of_kind = [estimates[place] for place in at]
        low[at], high[at] = _of_kind(kind, of_kind, lower_alpha, upper_alpha)
    return low, high


def _of_kind(kind: type[Estimate], estimates: list[Estimate], lower_alpha: float, upper_alpha: float) -> Ends:
    together = _TOGETHER.get(kind)
    if together is None or len(estimates) < SINGLY:
        ends = np.array([one.bounds(lower_alpha or MEDIAN, upper_alpha or MEDIAN) for one in estimates], dtype=float)
        low, high = ends[:, 0], ends[:, 1]
    else:
        low, high = together(estimates, lower_alpha or MEDIAN, upper_alpha or MEDIAN)
    return low if lower_alpha else np.full(len(low), -np.inf), high if upper_alpha else np.full(len(high), np.inf)


@dataclass(frozen=True, slots=True, eq=False)
class _Shares:
    """Proportions as arrays; `audit.stats.proportion` says what each formula is."""

    hits: NDArray[np.float64]
    n: NDArray[np.float64]
    rows: NDArray[np.float64]
    """Rows that the design effect leaves."""
    freedom: NDArray[np.float64]
    """Degrees of freedom of Student's t; infinite where rows are independent."""

    @classmethod
    def of(cls, shares: Sequence[Proportion]) -> _Shares:
        hits, n, effect = np.array([(one.hits, one.n, one.design_effect) for one in shares], dtype=float).T
        return cls(hits, n, n / effect, _freedom([None if one.entities is None else freedom(one) for one in shares]))

    @property
    def value(self) -> NDArray[np.float64]:
        return self.hits / self.n

    def misses(self) -> _Shares:
        """The shares of what is no hit."""
        return _Shares(self.n - self.hits, self.n, self.rows, self.freedom)

    def effective(self, alpha: float) -> NDArray[np.float64]:
        """(m,) independent rows that tell as much, for an end at this level."""
        return self.rows * _small_sample(self.freedom, alpha)

    def lower(self, alpha: float) -> NDArray[np.float64]:
        n = self.effective(alpha)
        x = self.value * n
        few = (np.minimum(x, n - x) < FEW) | (x < np.minimum(FEW_OUTER, n / 2))
        return np.where(few & (alpha < MEDIAN), _exact_lower(x, n, alpha), _score_lower(x, n, alpha))

    def score_lower(self, alpha: float) -> NDArray[np.float64]:
        n = self.effective(alpha)
        return _score_lower(self.value * n, n, alpha)


def _small_sample(freedom: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
    """(m,) factors on n that turn a normal quantile into Student's; 1 where the degrees of freedom are infinite."""
    from scipy.special import ndtri, stdtrit

    factor, clustered = np.ones(len(freedom)), np.isfinite(freedom)
    if alpha < MEDIAN and clustered.any():
        factor[clustered] = (float(ndtri(alpha)) / stdtrit(freedom[clustered], alpha)) ** 2
    return factor


def _freedom(units: Sequence[float | None]) -> NDArray[np.float64]:
    """(m,) degrees of freedom of Student's t by so many entities; infinite where rows are independent."""
    return np.array([math.inf if one is None else max(one - 1, LEAST_FREEDOM) for one in units], dtype=float)


def _score_lower(x: NDArray[np.float64], n: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
    return _exact_lower(x, n, alpha) if alpha < FAR else _wilson_lower(x, n, alpha)


def _wilson_lower(x: NDArray[np.float64], n: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
    from scipy.special import ndtri

    z = -float(ndtri(alpha))
    p = x / n
    centre = p + z * z / (2 * n)
    return np.where(x <= 0, 0.0, np.maximum(0.0, (centre - z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n)))


def _exact_lower(x: NDArray[np.float64], n: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
    from scipy.special import betaincinv

    return np.where(x <= 0, 0.0, betaincinv(np.where(x <= 0, 1.0, x), n - x + 1, alpha))


def _proportions(estimates: Sequence[Proportion], lower_alpha: float, upper_alpha: float) -> Ends:
    shares = _Shares.of(estimates)
    return shares.lower(lower_alpha), 1.0 - shares.misses().lower(upper_alpha)


def _weighted(estimates: Sequence[WeightedShare], lower_alpha: float, upper_alpha: float) -> Ends:
    of_t = _freedom([one.entities if one.effective_units is None else one.effective_units for one in estimates])
    share, rows = np.array([(one.share, one.effective_n) for one in estimates], dtype=float).T

    def lower(share: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
        n = rows * _small_sample(of_t, alpha)
        return np.minimum(share, _exact_lower(share * n, n, alpha))

    return lower(share, lower_alpha), 1.0 - lower(1.0 - share, upper_alpha)


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Two shares of each estimate. A share that stands in many pairs, as that of a group does, is asked for its ends once."""

    shares: _Shares
    first: NDArray[np.int64]
    """(m,) place of the first share."""
    second: NDArray[np.int64]
    correlation: NDArray[np.float64]
    shared: NDArray[np.float64]

    @classmethod
    def of(cls, estimates: Sequence[Difference | Ratio]) -> _Pairs:
        places: dict[int, int] = {}
        distinct: list[Proportion] = []
        sides = np.empty((2, len(estimates)), dtype=np.int64)
        for column, one in enumerate(estimates):
            for row, share in enumerate((one.first, one.second)):
                place = places.setdefault(id(share), len(distinct))
                if place == len(distinct):
                    distinct.append(share)
                sides[row, column] = place
        correlation = np.array([one.correlation for one in estimates], dtype=float)
        return cls(_Shares.of(distinct), sides[0], sides[1], correlation, np.array([one.shared for one in estimates], dtype=float))

    def turned(self) -> _Pairs:
        """The second shares first."""
        return _Pairs(self.shares, self.second, self.first, self.correlation, self.shared)

    def chosen(self, rows: NDArray[np.bool_]) -> _Pairs:
        return _Pairs(self.shares, self.first[rows], self.second[rows], self.correlation[rows], self.shared[rows])

    def moves(self, alpha: float) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """How far the first share may fall and the second rise at this level, and how the two go together there."""
        from scipy.special import stdtrit

        value, of = self.shares.value, self.shares
        low, high = of.score_lower(alpha), 1.0 - of.misses().score_lower(alpha)
        p, q, low, high = value[self.first], value[self.second], low[self.first], high[self.second]
        correlation = self.correlation.copy()
        more = (correlation > 0) & (self.shared > 0)
        correlation[more] *= self.shared[more] / (self.shared[more] + 2 * stdtrit(np.maximum(self.shared[more] - 1, 1), alpha) ** 2)
        inner = (value > 0) & (value < 1)
        outer = (self.shared > 0) & ~(inner[self.first] & inner[self.second])
        if outer.any():
            least = _frechet(low[outer], p[outer], q[outer], high[outer])
            correlation[outer] = np.minimum(self.correlation[outer], least)
        return p - low, high - q, correlation

    def ratio(self) -> NDArray[np.float64]:
        hits, n = self.shares.hits, self.shares.n
        p, q = (hits / n)[self.first], (hits / n)[self.second]
        instead = ((hits + 0.5) / (n + 0.5))[self.first] / (0.5 / (n + 0.5))[self.second]
        return np.divide(p, q, out=instead, where=q > 0)


def _frechet(*chances: NDArray[np.float64]) -> NDArray[np.float64]:
    """The lowest correlation of two flags, the first with a chance between the first two, the second between the last two."""
    odds = [one / np.maximum(1 - one, 1e-300) for one in chances]
    with np.errstate(over="ignore"):  # two certain hits have infinite odds
        least, most = np.sqrt(odds[0] * odds[2]), np.sqrt(odds[1] * odds[3])
    inverse = np.divide(-1.0, least, out=np.full(len(least), -1.0), where=least > 1)
    return np.where((least <= 1) & (most >= 1), -1.0, np.where(most < 1, -most, inverse))


def _differences(estimates: Sequence[Difference], lower_alpha: float, upper_alpha: float) -> Ends:
    pairs = _Pairs.of(estimates)
    value = pairs.shares.value
    between = value[pairs.first] - value[pairs.second]
    return np.maximum(-1.0, between - _falls(pairs, lower_alpha)), np.minimum(1.0, between + _falls(pairs.turned(), upper_alpha))


def _falls(pairs: _Pairs, alpha: float) -> NDArray[np.float64]:
    """(m,) how far first minus second may fall."""
    down, up, correlation = pairs.moves(alpha)
    joined = np.sqrt(np.maximum(0.0, down**2 + up**2 - 2 * correlation * down * up))
    return np.where(pairs.shared > 0, joined, np.hypot(down, up))


def _ratios(estimates: Sequence[Ratio], lower_alpha: float, upper_alpha: float) -> Ends:
    pairs = _Pairs.of(estimates)
    turned = _ratio_lower(pairs.turned(), upper_alpha)
    return _ratio_lower(pairs, lower_alpha), np.divide(1.0, turned, out=np.full(len(turned), np.inf), where=turned > 0)


def _ratio_lower(pairs: _Pairs, alpha: float) -> NDArray[np.float64]:
    found, hit = np.zeros(len(pairs.first)), pairs.shares.hits[pairs.first] > 0
    for kind, rows in ((_mover_lower, hit & (pairs.shared > 0)), (_koopman_lower, hit & (pairs.shared <= 0))):
        if rows.any():
            found[rows] = kind(pairs.chosen(rows), alpha)
    return found


def _mover_lower(pairs: _Pairs, alpha: float) -> NDArray[np.float64]:
    down, up, correlation = pairs.moves(alpha)
    value = pairs.shares.value
    p, q, ratio = value[pairs.first], value[pairs.second], pairs.ratio()
    square, half, rest = q * q - up * up, p * q - correlation * down * up, np.maximum(0.0, (p - down) * (p + down))
    below_it = half + np.sqrt(np.maximum(0.0, half * half - square * rest))
    under = rest < ratio * below_it
    return np.where(under, np.divide(rest, below_it, out=ratio.copy(), where=under), ratio)


def _koopman_lower(pairs: _Pairs, alpha: float) -> NDArray[np.float64]:
    """(m,) ratios under the observed ones at which the score test's one-sided p is alpha."""
    from scipy.special import ndtri

    rows, z = pairs.shares.effective(alpha), -float(ndtri(alpha))
    n, m = rows[pairs.first], rows[pairs.second]
    x, y = pairs.shares.value[pairs.first] * n, pairs.shares.value[pairs.second] * m

    def excess(log_ratio: NDArray[np.float64], at: NDArray[np.int64]) -> NDArray[np.float64]:
        return _koopman_score(x[at], n[at], y[at], m[at], np.exp(log_ratio)) - z

    everywhere = np.arange(len(x))
    high = np.log((x / n) / (np.maximum(y, 0.25) / m)) + np.where(y == 0, 3.0, 0.0)
    found, at_high = high.copy(), excess(high, everywhere)
    at = everywhere[at_high < 0]
    low, at_low = high - 1.0, np.full(len(x), np.inf)
    at_low[at] = excess(low[at], at)
    while (short := at[(at_low[at] < 0) & (low[at] >= LEAST_LOG)]).size:
        low[short] -= 1.0
        at_low[short] = excess(low[short], short)
    found[low < LEAST_LOG] = -np.inf
    at = at[low[at] >= LEAST_LOG]
    found[at] = _roots(excess, at, (low[at], at_low[at]), (high[at], at_high[at]))
    ratios: NDArray[np.float64] = np.exp(found)
    return ratios


def _koopman_score(
    x: NDArray[np.float64], n: NDArray[np.float64], y: NDArray[np.float64], m: NDArray[np.float64], ratio: NDArray[np.float64]
) -> NDArray[np.float64]:
    b, apart = ratio * (n + y) + x + m, ratio * (n + y) - x - m
    q = 2 * (x + y) / (b + np.sqrt(apart * apart + 4 * ratio * (n - x) * (m - y)))
    p = np.minimum(ratio * q, 1.0)
    total = np.zeros(len(x))
    for k, size, share in ((x, n, p), (y, m, q)):
        inner = (share > 0) & (share < 1)
        total += np.divide((k - size * share) ** 2, size * share * (1 - share), out=np.zeros(len(x)), where=inner)
    return np.copysign(np.sqrt(total), x - n * p)


def _roots(
    f: Callable[[NDArray[np.float64], NDArray[np.int64]], NDArray[np.float64]],
    at: NDArray[np.int64],
    low: tuple[NDArray[np.float64], NDArray[np.float64]],
    high: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Roots between ends of opposite sign, given with their values: inverse quadratic steps or halving (Chandrupatla 1997).

    Advances in Engineering Software 28. `f` gets points and the places `at` which they belong; a root that is found is not
    asked again.
    """
    found, left = np.empty(len(at)), np.arange(len(at))
    (a, fa), (b, fb) = (one.copy() for one in high), (one.copy() for one in low)
    (c, fc), t = (a.copy(), fa.copy()), np.full(len(at), 0.5)
    for _ in range(_STEPS):
        x = a + t * (b - a)
        fx = f(x, at[left])
        same = np.sign(fx) == np.sign(fa)
        c, fc = np.where(same, a, b), np.where(same, fa, fb)
        b, fb = np.where(same, b, a), np.where(same, fb, fa)
        a, fa = x, fx
        near = np.abs(fa) < np.abs(fb)
        best = np.where(near, a, b)
        tolerance = _EXACT + 2 * np.finfo(float).eps * np.abs(best)
        share = tolerance / np.abs(b - a)
        done = (share > 0.5) | (np.where(near, fa, fb) == 0)  # noqa: PLR2004  # half of the bracket
        found[left[done]] = best[done]
        if done.all():
            return found
        keep = ~done
        left, a, fa, b, fb, c, fc, share = (one[keep] for one in (left, a, fa, b, fb, c, fc, share))
        t = _next_step((a, fa), (b, fb), (c, fc), share)
    found[left] = best[keep]
    return found


def _next_step(
    a: tuple[NDArray[np.float64], NDArray[np.float64]],
    b: tuple[NDArray[np.float64], NDArray[np.float64]],
    c: tuple[NDArray[np.float64], NDArray[np.float64]],
    share: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Where the next point lies in the bracket, as a share of it from its newest end."""
    (at_a, fa), (at_b, fb), (at_c, fc) = a, b, c
    xi, phi = (at_a - at_b) / (at_c - at_b), (fa - fb) / (fc - fb)
    inverse = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi)
    with np.errstate(divide="ignore", invalid="ignore"):
        quadratic = fa / (fb - fa) * fc / (fb - fc) + (at_c - at_a) / (at_b - at_a) * fa / (fc - fa) * fb / (fc - fb)
    return np.clip(np.where(inverse, quadratic, 0.5), share, 1 - share)


_TOGETHER: dict[type, Callable[..., Ends]] = {
    Proportion: _proportions,
    Difference: _differences,
    Ratio: _ratios,
    WeightedShare: _weighted,
}
