"""Squared distances of bins: the ends' chances from the noncentral chi-square, which their interval inverts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from audit.power.laws.end_probabilities import chances
from audit.stats.brier import SquaredDistance
from audit.stats.scaling import grown, moved, scaled, times

if TYPE_CHECKING:
    from audit.power.laws.decision_rule import Asked, Chances


@grown.register(SquaredDistance)
def _(estimate: SquaredDistance, growth: float) -> SquaredDistance:
    """The distance stays; what chance adds shrinks."""
    chance, entities = estimate.chance / growth, None if estimate.entities is None else times(estimate.entities, growth)
    seen = max(0.0, estimate.seen - estimate.chance) + chance
    effective = None if estimate.effective_entities is None else scaled(estimate.effective_entities, growth)
    more = replace(estimate, rows=times(estimate.rows, growth), entities=entities, effective_entities=effective)
    return replace(more, seen=seen, chance=chance, largest=estimate.largest / growth)


@moved.register(SquaredDistance)
def _(estimate: SquaredDistance, truth: float) -> SquaredDistance:
    return replace(estimate, seen=truth + estimate.chance)


@chances.register(SquaredDistance)
def _(estimate: SquaredDistance, truth: float, growth: float, asked: Asked) -> Chances:
    """Drawn distances with the law of which the ends are the inverse; an end clears the bound from some distance on."""
    from scipy.special import chndtr

    there = grown(estimate, growth)
    freedom = there.chance / there.largest

    def beyond(which: int) -> float:
        """Chance of a distance whose end clears the bound."""
        low, high = 0.0, truth + asked.bound + 100 * (there.largest + there.chance)
        for _ in range(60):
            middle = (low + high) / 2
            clears = asked.clears(replace(there, seen=middle).bounds(*asked.levels)[which])
            low, high = (low, middle) if clears else (middle, high)
        return 1 - float(chndtr(high / there.largest, freedom, truth / there.largest))

    return beyond(0), 1 - beyond(1)
