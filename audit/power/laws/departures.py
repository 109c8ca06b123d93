"""Distances of a coefficient from its ideal: the ends' chances from normal draws of the coefficient."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from audit.stats.scaling import grown, moved

if TYPE_CHECKING:
    from audit.power.laws.decision_rule import Asked, Chances
    from audit.stats.recalibration import Departure

DRAWS = 20_000
SEED = 20261121


def distance(estimate: Departure, truth: float, growth: float, asked: Asked) -> Chances:
    """The coefficient is off to the side that was seen, and each draw's ends are as far from it as those that were seen."""
    seen = moved(grown(estimate, growth), truth)
    one = seen.coefficient
    if not math.isfinite(one.error):
        return 0.0, 0.0
    drawn = np.random.default_rng(SEED).normal(one.value - seen.ideal, one.error, DRAWS)
    lower, upper = asked.levels
    (near_down, near_up), (down, up) = (
        (one.value - low, high - one.value) for low, high in (one.bounds(lower / 2, lower / 2), one.bounds(upper, upper))
    )
    low = np.maximum(0.0, np.maximum(drawn - near_down, -drawn - near_up))
    return asked.of_ends(low, np.maximum(drawn + up, down - drawn))
