"""Exact figures of the methods, from their definitions: nothing here calls the package."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import beta, binom, norm

if TYPE_CHECKING:
    from numpy.typing import NDArray

FAR = 0.02
"""Levels under which a proportion's end is Clopper's and Pearson's."""
FEW, FEW_OUTER = 10, 50
"""Hits or misses below which it is too; the second for an end towards the nearer of 0 and 1."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A published figure and what enumeration gives."""

    name: str
    found: str
    stated: str
    holds: bool


def wald_coverage(n: int, p: float) -> float:
    """Share of samples whose 95 % Wald interval holds p."""
    hits = np.arange(n + 1)
    half = norm.ppf(0.975) * np.sqrt(hits * (n - hits) / n**3)
    return float(binom.pmf(hits, n, p)[np.abs(hits / n - p) <= half].sum())


def share_misses(n: int, p: float, alpha: float) -> tuple[float, float]:
    """Chance that a proportion's lower and upper end miss: where the test that the method inverts rejects p.

    The score test (Wilson), or the exact one-sided test (Clopper-Pearson) for levels under 2 % and for few hits or misses.
    """
    hits, z = np.arange(n + 1), norm.isf(alpha)
    away = (hits - n * p) / math.sqrt(n * p * (1 - p))
    of_few = (np.minimum(hits, n - hits) < FEW) | (alpha < FAR)
    outer_low, outer_high = (of_few | (some < min(FEW_OUTER, n / 2)) for some in (hits, n - hits))
    high = np.where(outer_low, binom.sf(hits - 1, n, p) < alpha, away > z)
    low = np.where(outer_high, binom.cdf(hits, n, p) < alpha, away < -z)
    weight = binom.pmf(hits, n, p)
    return float(weight[high].sum()), float(weight[low].sum())


def wilson_coverage(n: int, p: float) -> float:
    """Share of samples whose 95 % Wilson interval holds p."""
    hits = np.arange(n + 1)
    return float(binom.pmf(hits, n, p)[np.abs(hits - n * p) <= norm.isf(0.025) * math.sqrt(n * p * (1 - p))].sum())


def share_decided(n: int, p: float, bound: float) -> float:
    """Chance that a proportion is called above or under a bound: that the test there, the score's or the exact one, rejects it."""
    hits = np.arange(n + 1)
    away, z = (hits - n * bound) / math.sqrt(n * bound * (1 - bound)), norm.isf(0.025)
    of_few = np.minimum(hits, n - hits) < FEW
    outer_low, outer_high = (of_few | (some < min(FEW_OUTER, n / 2)) for some in (hits, n - hits))
    above = np.where(outer_low, binom.sf(hits - 1, n, bound) <= 0.025, away >= z)  # noqa: PLR2004  # the level
    below = np.where(outer_high, binom.cdf(hits, n, bound) < 0.025, away <= -z)  # noqa: PLR2004  # the level
    return float(binom.pmf(hits, n, p)[above | below].sum())


def difference_misses(n: int, m: int, p: float, q: float, *, alpha: float = 0.025) -> tuple[float, float]:
    """Of Newcombe's hybrid score interval for p - q: Wilson's ends of both, put together by Pythagoras."""
    (x, wx), (y, wy) = _grid(n, p), _grid(m, q)
    (low_x, high_x), (low_y, high_y) = _wilson(x, n, alpha), _wilson(y, m, alpha)
    a, b = (x / n)[:, None], (y / m)[None, :]
    low = a - b - np.hypot(a - low_x[:, None], high_y[None, :] - b)
    high = a - b + np.hypot(high_x[:, None] - a, b - low_y[None, :])
    weight = wx[:, None] * wy[None, :]
    return float(weight[low > p - q].sum()), float(weight[high < p - q].sum())


def ratio_misses(n: int, m: int, p: float, q: float, *, alpha: float = 0.025) -> tuple[float, float]:
    """Of Koopman's interval for p / q: where his test of p / q rejects it."""
    (x, wx), (y, wy) = _grid(n, p), _grid(m, q)
    signed = _koopman(x[:, None], n, y[None, :], m, p / q)
    weight = wx[:, None] * wy[None, :]
    return float(weight[signed > norm.isf(alpha)].sum()), float(weight[signed < -norm.isf(alpha)].sum())


def two_decided(n: int, rates: tuple[float, float], bound: float, *, ratio: bool) -> float:
    """Chance that the gap of two groups of n rows is decided: both orders on the good side at .025, or one on the bad side at .0125.

    A difference is good up to the bound, a ratio from the bound on.
    """
    (x, wx), (y, wy) = _grid(n, rates[0]), _grid(n, rates[1])
    a, b, each = x[:, None], y[None, :], 0.0125
    if ratio:
        forth, back = _koopman(a, n, b, n, bound), _koopman(b, n, a, n, bound)
        passed = (forth >= norm.isf(0.025)) & (back >= norm.isf(0.025))
        failed = (forth < -norm.isf(each)) | (back < -norm.isf(each))
    else:
        gap = (a - b) / n
        (low_x, high_x), (low_y, high_y) = _wilson(x, n, 0.025), _wilson(y, n, 0.025)
        forth = gap + np.hypot((high_x - x / n)[:, None], (y / n - low_y)[None, :])
        back = -gap + np.hypot((x / n - low_x)[:, None], (high_y - y / n)[None, :])
        passed = (forth <= bound) & (back <= bound)
        (low_x, high_x), (low_y, high_y) = _clopper(x, n, each), _clopper(y, n, each)
        forth = gap - np.hypot((x / n - low_x)[:, None], (high_y - y / n)[None, :])
        back = -gap - np.hypot((high_x - x / n)[:, None], (y / n - low_y)[None, :])
        failed = (forth > bound) | (back > bound)
    return float((wx[:, None] * wy[None, :])[passed | failed].sum())


def _koopman(x: NDArray[np.int64], n: int, y: NDArray[np.int64], m: int, ratio: float) -> NDArray[np.float64]:
    """Signed root of his statistic, the shares found by maximising the likelihood numerically."""
    low = np.zeros(np.broadcast_shapes(x.shape, y.shape))
    high = np.full(low.shape, min(1.0, 1 / ratio))
    for _ in range(60):  # the likelihood rises up to its top and falls from there on
        below = (low + high) / 2
        above = np.minimum(ratio * below, 1 - 1e-15)
        rises = (x + y) / below > ratio * (n - x) / (1 - above) + (m - y) / (1 - np.minimum(below, 1 - 1e-15))
        low, high = np.where(rises, below, low), np.where(rises, high, below)
    below = np.clip((low + high) / 2, 1e-12, 1 - 1e-12)
    above = np.clip(ratio * below, 1e-12, 1 - 1e-12)
    away = (x - n * above) ** 2 / (n * above * (1 - above)) + (y - m * below) ** 2 / (m * below * (1 - below))
    signed: NDArray[np.float64] = np.sign(x - n * above) * np.sqrt(away)
    return signed


def _clopper(hits: NDArray[np.int64], n: int, alpha: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Quantiles of the beta law."""
    low, high = beta.ppf(alpha, hits, n - hits + 1), beta.ppf(1 - alpha, hits + 1, n - hits)
    return np.where(hits == 0, 0.0, low), np.where(hits == n, 1.0, high)


def _grid(n: int, p: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    hits = np.arange(n + 1)
    return hits, binom.pmf(hits, n, p)


def _wilson(hits: NDArray[np.int64], n: int, alpha: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Roots of (share - p)^2 = z^2 p (1 - p) / n."""
    z = norm.isf(alpha)
    a, b, c = n + z**2, -(2 * hits + z**2), hits**2 / n
    root = np.sqrt(b**2 - 4 * a * c)
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


def any_of_fifty(p: float, *, exact: bool) -> float:
    """Chance that any of fifty slices of 100 rows that are exactly on a bound p is called failed at .025/50 each."""
    alpha, n = 0.025 / 50, 100
    if exact:
        fails = share_misses(n, p, alpha)[1]
    else:
        hits = np.arange(n + 1)
        fails = float(binom.pmf(hits, n, p)[_wilson(hits, n, alpha)[1] < p].sum())
    return 1 - (1 - fails) ** 50


def published() -> list[Figure]:
    """What papers and our own notes state, found again."""
    wald = [(100, 0.106, 0.952), (100, 0.107, 0.911), (20, 0.99, 0.18), (20, 0.95, 0.64)]
    wilson = [(20, 0.95, 0.925), (20, 0.99, 0.983)]
    figures = [_figure(f"Wald's 95 % interval, n={n}, p={p}: coverage (banned)", wald_coverage(n, p), stated) for n, p, stated in wald]
    figures += [_figure(f"Wilson's 95 % interval, n={n}, p={p}: coverage", wilson_coverage(n, p), stated) for n, p, stated in wilson]
    for bound, stated in ((0.1, 29), (0.05, 59), (0.01, 299), (0.001, 2995)):
        rows = next(n for n in range(1, 4000) if binom.pmf(0, n, bound) <= 0.05)  # noqa: PLR2004  # one-sided
        figures.append(Figure(f"rows without a failure that show a rate under {bound} at 95 %", str(rows), str(stated), rows == stated))
    for p, stated_wilson in ((0.90, 0.094), (0.98, 0.18)):
        figures.append(
            _figure(f"any of fifty slices on {p} fails, Wilson at .025/50 (not used)", any_of_fifty(p, exact=False), stated_wilson)
        )
        found = any_of_fifty(p, exact=True)
        figures.append(Figure(f"any of fifty slices on {p} fails, exact ends", f"{found:.3f}", "<= 0.023", found <= 0.0235))  # noqa: PLR2004  # the limit, rounded
    return figures


def _figure(name: str, found: float, stated: float) -> Figure:
    """Holds to the digits that are stated."""
    digits = max(2, len(str(stated)) - 2)
    return Figure(name, f"{found:.{digits}f}", f"{stated:.{digits}f}", abs(found - stated) <= 0.5000001 * 10**-digits)
