"""Changes of a gap between two groups: both are drawn together, since the same rows are behind them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from audit.power.laws.end_probabilities import DRAWS, ONE_SIGMA, SEED, chances
from audit.stats.amplification import Amplification, GapChange
from audit.stats.paired import PairedDifference
from audit.stats.scaling import grown, times

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audit.power.laws.decision_rule import Asked, Chances


@grown.register(PairedDifference)
def _(estimate: PairedDifference, growth: float) -> PairedDifference:
    """Every cell by itself, so that the same rows seen from another side stay the same."""
    cells = [round(each * growth) for each in (estimate.both, estimate.only_first, estimate.only_second, estimate.neither)]
    entities = None if estimate.entities is None else times(estimate.entities, growth)
    return (
        replace(estimate, both=cells[0], only_first=cells[1], only_second=cells[2], neither=cells[3], entities=entities)
        if any(cells)
        else estimate
    )


@grown.register(GapChange)
def _(estimate: GapChange, growth: float) -> GapChange:
    return replace(estimate, first=grown(estimate.first, growth), second=grown(estimate.second, growth))


@grown.register(Amplification)
def _(estimate: Amplification, growth: float) -> Amplification:
    return replace(estimate, kept=grown(estimate.kept, growth), turned=grown(estimate.turned, growth))


@chances.register(Amplification)
def _(estimate: Amplification, truth: float, growth: float, asked: Asked) -> Chances:
    """The earlier gap stays and the later one is as far from it as `truth` says; each change is normal, with the ends that it shows."""
    seen = grown(estimate, growth)
    earlier = (estimate.turned.value - estimate.kept.value) / 2
    means = (truth + abs(earlier) - earlier, truth + abs(earlier) + earlier)
    kept, turned = (mean + one for mean, one in zip(means, _noise(seen), strict=True))
    lower, upper = asked.levels
    down, up = ([_far(one, (lower, upper / 2))[side] for one in (seen.kept, seen.turned)] for side in (0, 1))
    return asked.of_ends(np.minimum(kept - down[0], turned - down[1]), np.minimum(kept + up[0], turned + up[1]))


def _far(one: GapChange, levels: tuple[float, float]) -> tuple[float, float]:
    """How far both ends lie from the value."""
    low, high = one.bounds(*levels)
    return one.value - low, high - one.value


def _noise(estimate: Amplification) -> NDArray[np.float64]:
    """(2, draws) of the change and of the change where the earlier gap went the other way."""
    first, second = (sum(_far(one, (ONE_SIGMA, ONE_SIGMA))) / 2 for one in (estimate.kept, estimate.turned))
    together = sum(_covariance(one) for one in (estimate.kept.first, estimate.kept.second))
    alike = float(np.clip(together / (first * second), -1.0, 1.0)) if first > 0 < second else 0.0
    drawn = np.random.default_rng(SEED).standard_normal((2, DRAWS))
    return np.array([first * drawn[0], second * (alike * drawn[0] + math.sqrt(1 - alike**2) * drawn[1])])


def _covariance(group: PairedDifference) -> float:
    """Of later minus earlier share and their sum: the variance of the later one less that of the earlier one."""
    later, earlier = ((group.both + alone) / group.n for alone in (group.only_first, group.only_second))
    return (later * (1 - later) - earlier * (1 - earlier)) * group.design_effect / group.n
