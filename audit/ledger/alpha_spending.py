"""How much error one look at a test set may use, after what the looks before it have used."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.stats.hypothesis_tests import spent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from audit.stats.hypothesis_tests import Spending

ROUNDING = 1e-12
"""Share of the error below which a rest comes from rounding."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How often a test set may serve, and how the error is spread over these looks."""

    most: int
    spending: Spending


@dataclass(frozen=True, slots=True)
class Look:
    """One candidate measured on a test set under a plan."""

    candidate: str
    """Digest."""
    number: int
    """Of the candidate among the distinct ones of this set, from 1."""
    plan: Plan


@dataclass(frozen=True, slots=True)
class Spent:
    """One look, with what it may use up at the end that faces pass."""

    number: int
    most: int
    level: float
    """At most `alpha`; 0 where there is nothing to use, so that nothing passes."""
    alpha: float
    """Of the requirement, were nothing spent over looks."""


def level_in_words(level: float) -> str:
    """`.0042`, `.025`, `5.4e-07`."""
    text = f"{level:.2g}"
    return text.removeprefix("0") if "e" not in text and 0 < level < 1 else text


def levels(looks: Sequence[Look], alpha: float) -> tuple[float, ...]:
    """What each look, in the ledger's order, may use of `alpha` at the end that faces pass.

    A look uses its increment of the plan, and never more than the looks of the other candidates have left: a plan that is
    stretched on the way gives back nothing that was spent. Together the candidates of one set use at most `alpha`.
    """
    used: dict[str, float] = {}
    found: list[float] = []
    for look in looks:
        left = _left(alpha, [level for candidate, level in used.items() if candidate != look.candidate])
        found.append(min(_increment(look, alpha), left))
        used[look.candidate] = max(used.get(look.candidate, 0.0), found[-1])
    return tuple(found)


def _increment(look: Look, alpha: float) -> float:
    if look.number > look.plan.most:
        return 0.0
    return spent(look.plan.spending, look.plan.most, alpha)[look.number - 1]


def left(looks: Sequence[Look], alpha: float) -> float:
    """What these looks leave of `alpha`, each candidate at its highest level."""
    used: dict[str, float] = {}
    for look, level in zip(looks, levels(looks, alpha), strict=True):
        used[look.candidate] = max(used.get(look.candidate, 0.0), level)
    return _left(alpha, used.values())


def _left(alpha: float, used: Iterable[float]) -> float:
    """What is not used; what rounding leaves is nothing."""
    rest = alpha - math.fsum(used)
    return rest if rest > ROUNDING * alpha else 0.0
