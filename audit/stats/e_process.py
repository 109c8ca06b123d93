"""Evidence over time that a true value has left its bound, valid however often it is looked at.

Every window gives e-values: numbers of at least 0 whose mean is at most 1 where the true value keeps the bound (Ville 1939; as bets
Waudby-Smith & Ramdas, JRSS B 2024; for harm after deployment Podkopaev & Ramdas, ICLR 2022). A Shiryaev-Roberts e-detector adds up the
evidence since every window at which a change may have begun (Shin, Ramdas & Rinaldo, New England Journal of Statistics in Data Science
2024): M(t) = (M(t - 1) + 1) e(t). Where the bound is kept, M(t) - t has no upward trend, so the mean number of windows until M first
reaches c is at least c. That holds for several bets by their mean, and for several members by shares of 1/c, whatever their dependence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audit.errors import InputError
from audit.stats.betting import BettingMean
from audit.stats.interface import Census
from audit.stats.proportion import Proportion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from audit.stats.interface import Estimate

BETS = (0.35, 0.8, 1.8, 4.0)
"""Changes that are betted on, in standard errors of one window: small ones show after many windows, large ones in the first."""
CERTAIN = 1e6
"""Logarithm of an evidence that counts as certain, so that every stored number is finite."""
FARTHEST = 6.0
"""Standard errors, a level of 1e-9, beyond which no interval is asked: approximate ones are not to be trusted even so far."""
_STEPS = 24
"""Halvings of the search for a p-value: to 4e-7 standard errors."""
_MEDIAN = 0.5


def log_e_values(estimate: Estimate, bound: float, *, floor: bool) -> NDArray[np.float64]:
    """(bets,) logarithms of e-values against "the true value keeps the bound", one for each of `BETS`.

    A share of independent rows is betted on exactly, as a likelihood ratio. So is the mean of losses within a range, a loss counting as
    so much of an error: no product of bets on the losses themselves is smaller, since a logarithm is concave. Any other estimate is betted
    on by its p-value: the level at which its end that faces fail reaches the bound, turned to a normal quantile. That is as valid as its
    interval. A census decides by itself. Zeros are a window that tells nothing: one with too few rows for its interval. ValueError where
    the bound is not finite.
    """
    if not math.isfinite(bound):
        msg = f"evidence needs a finite bound, got {bound}"
        raise ValueError(msg)
    if isinstance(estimate, Census):
        return _certain(beyond=estimate.count < bound if floor else estimate.count > bound)
    if isinstance(estimate, Proportion) and estimate.entities is None and estimate.design_effect == 1:
        errors = estimate.n - estimate.hits if floor else estimate.hits
        return log_share_bets(errors, estimate.n, 1 - bound if floor else bound)
    if isinstance(estimate, BettingMean) and estimate.units == estimate.rows:
        spread = estimate.high - estimate.low
        lost, limit = (estimate.mean - estimate.low) / spread, (bound - estimate.low) / spread
        return log_share_bets(estimate.rows * (1 - lost if floor else lost), estimate.rows, 1 - limit if floor else limit)
    if not estimate.support >= max(1, estimate.min_support):  # NaN is too few
        return np.zeros(len(BETS))
    return log_normal_bets(_quantile(estimate, bound, floor=floor))


def log_share_bets(errors: float, n: int, share: float) -> NDArray[np.float64]:
    """(bets,) log likelihood ratios of larger shares of errors over `share`: factors (1 + b (1 - share)) an error, (1 - b share) else.

    At 0 one error is certain evidence, and at 1 there can be none.
    """
    if n <= 0:
        return np.zeros(len(BETS))
    if share <= 0 or share >= 1:
        return _certain(beyond=share < 0 or (share == 0 and errors > 0))
    spread = math.sqrt(share * (1 - share) / n)
    larger = np.minimum(share + np.array(BETS) * spread, (1 + share) / 2)
    found: NDArray[np.float64] = errors * np.log(larger / share) + (n - errors) * np.log((1 - larger) / (1 - share))
    return found


def log_normal_bets(z: float | None) -> NDArray[np.float64]:
    """(bets,) logarithms of exp(b z - b^2 / 2), of the normal quantile of 1 minus a p-value below one half; None for any larger p.

    A larger p has the mean of the bets there, since few intervals have ends beyond their middle: 2 Phi(-b).
    """
    from scipy.special import log_ndtr

    bets = np.array(BETS)
    found: NDArray[np.float64] = math.log(2) + log_ndtr(-bets) if z is None else bets * z - bets**2 / 2
    return found


def _certain(*, beyond: bool) -> NDArray[np.float64]:
    """A bound that is surely broken, or surely kept: then nothing that was before matters."""
    return np.full(len(BETS), math.inf if beyond else -math.inf)


def _quantile(estimate: Estimate, bound: float, *, floor: bool) -> float | None:
    """The normal quantile of 1 - p, at most `FARTHEST`; None where p is one half or more. Never above the true one."""
    from scipy.special import ndtr

    def excludes(z: float) -> bool:
        alpha = float(ndtr(-z))
        low, high = estimate.bounds(*((_MEDIAN, alpha) if floor else (alpha, _MEDIAN)))
        if math.isnan(low) or math.isnan(high):
            msg = f"an interval at level {alpha:g} has the ends {low} and {high}"
            raise ArithmeticError(msg)
        return high < bound if floor else low > bound

    if not excludes(0.0):
        return None
    if excludes(FARTHEST):
        return FARTHEST
    inside, outside = 0.0, FARTHEST
    for _ in range(_STEPS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if excludes(middle) else (inside, middle)
    return inside


def log_threshold(windows: float, weight: float) -> float:
    """Logarithm of the evidence at which a member alarms: with weights that sum to at most 1, false alarms come `windows` apart or more."""
    if not (windows >= 1 and 0 < weight <= 1):
        msg = f"a threshold needs at least 1 window and a weight above 0 and at most 1, got {windows} and {weight}"
        raise ValueError(msg)
    return math.log(windows / weight)


@dataclass(frozen=True, slots=True)
class Detector:
    """What the windows counted so far say of one member; all of it finite, to be stored."""

    windows: int = 0
    """How many were counted."""
    evidence: tuple[float, ...] = (0.0,) * len(BETS)
    """Of each bet log(1 + M)."""
    rises: tuple[float, ...] = (0.0,) * len(BETS)
    """Of each bet the logarithm of the most evidence since any start, 0 where there is none (Page, Biometrika 1954)."""
    starts: tuple[int, ...] = (0,) * len(BETS)
    """Of each bet the window, counted from 0, of that start."""

    def updated(self, log_e: NDArray[np.float64], *, ceiling: float = math.inf) -> Detector:
        """With one more window. `ceiling` is the log threshold of the alarm: evidence far above it is cut, so that an alarm can end.

        That moves no first alarm: where one bet reaches the cut, the mean of all has reached the ceiling. Zeros count as a window
        in which no change begins.
        """
        if len(log_e) != len(BETS) or bool(np.isnan(log_e).any()):
            msg = f"a window needs {len(BETS)} e-values, got {log_e}"
            raise ValueError(msg)
        telling = log_e != 0
        most = min(CERTAIN, ceiling + math.log(len(BETS)))
        ahead = np.where(telling, np.array(self.evidence), _log_expm1(np.array(self.evidence))) + np.clip(log_e, -2 * CERTAIN, CERTAIN)
        evidence = np.minimum(np.logaddexp(0.0, ahead), max(0.0, most))
        rises, starts = np.array(self.rises), np.array(self.starts)
        starts = np.where((rises == 0) & (log_e > 0), self.windows, starts)
        rises = np.clip(rises + np.clip(log_e, -CERTAIN, CERTAIN), 0.0, CERTAIN)
        return Detector(self.windows + 1, _floats(evidence), _floats(rises), tuple(int(one) for one in starts))

    @property
    def log_statistic(self) -> float:
        """Logarithm of M, the mean of the bets'; minus infinity before the first window."""
        return float(np.logaddexp.reduce(_log_expm1(np.array(self.evidence)))) - math.log(len(BETS))

    @property
    def since(self) -> int | None:
        """The window, counted from 0, at which a change most likely began; None where nothing speaks for one."""
        best = int(np.argmax(self.rises))
        return self.starts[best] if self.rises[best] > 0 else None

    def to_list(self) -> list[float]:
        """As plain numbers."""
        return [float(self.windows), *self.evidence, *self.rises, *(float(one) for one in self.starts)]

    @classmethod
    def of(cls, stored: Sequence[float]) -> Detector:
        """From `to_list`; InputError where it is none."""
        k = len(BETS)
        parts = list(stored[1 : 1 + k]), list(stored[1 + k : 1 + 2 * k]), list(stored[1 + 2 * k :])
        counts = [*stored[:1], *parts[2]]
        right = len(stored) == 1 + 3 * k and all(math.isfinite(one) and one >= 0 for one in stored)
        if not right or any(one != int(one) for one in counts) or max(parts[2]) > max(0, stored[0] - 1):
            msg = f"the stored state of a detector is a count and {3 * k} finite numbers of its bets, at least 0: got {list(stored)}"
            raise InputError(msg)
        return cls(int(stored[0]), tuple(parts[0]), tuple(parts[1]), tuple(int(one) for one in parts[2]))


def _log_expm1(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """log(exp(x) - 1) of x >= 0, minus infinity at 0."""
    with np.errstate(divide="ignore"):  # the logarithm of 0
        found: NDArray[np.float64] = x + np.log(-np.expm1(-x))
    return found


def _floats(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(float(one) for one in values)
