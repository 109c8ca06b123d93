"""Repeated looks: how often a boundary is ever crossed, and how the error is spent over looks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

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
