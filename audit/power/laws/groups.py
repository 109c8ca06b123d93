"""Pairs of groups that are judged together: each group is drawn once for all its pairs."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from audit.power.laws.correlated_groups import likeness
from audit.power.laws.end_probabilities import DRAWS, SEED, chances
from audit.power.laws.mean_differences import mean_gap_chances
from audit.power.laws.proportions import drawn_together, edges
from audit.stats.mean_difference import MeanDifference
from audit.stats.proportion import Difference, Proportion, Ratio
from audit.stats.scaling import arms, grown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from audit.power.laws.decision_rule import Asked

Group: TypeAlias = Hashable
"""A group's name."""
Pairs: TypeAlias = "Sequence[tuple[Any, tuple[Group, Group]]]"
"""Differences, or ratios, with the names of both groups."""


def gap_chances(pairs: Pairs, truth: float | None, growth: float, asked: Asked) -> tuple[float, float]:
    """Chance that every pair passes, and that some pair fails; `truth` is the worst pair's value, None for the rates as seen."""
    if len(pairs) == 1 and truth is not None:
        above, below = chances(pairs[0][0], truth, growth, asked)
        return (above, below) if asked.floor else (below, above)
    if isinstance(pairs[0][0], MeanDifference):
        return mean_gap_chances(pairs, truth, growth, asked)
    groups = _groups(pairs)
    rates = _rates(pairs, groups, truth, asked)
    rng = np.random.default_rng(SEED)
    alike = likeness(pairs, list(groups))
    if alike is None:
        hits = {name: _drawn(grown(share, growth), rates[name], rng) for name, share in groups.items()}
    else:
        shares = [grown(share, growth) for share in groups.values()]
        hits = dict(zip(groups, drawn_together(shares, [rates[name] for name in groups], alike, rng), strict=True))
    passed, failed = np.ones(DRAWS, dtype=bool), np.zeros(DRAWS, dtype=bool)
    for estimate, (one, other) in pairs:
        low, high = edges(grown(estimate, growth), asked)
        clear, short = hits[one] >= low[hits[other]], hits[one] < high[hits[other]]
        passed &= clear if asked.floor else short
        failed |= short if asked.floor else clear
    return float(passed.mean()), float(failed.mean())


def _groups(pairs: Pairs) -> dict[Group, Proportion]:
    """Each group once."""
    found: dict[Group, Proportion] = {}
    for estimate, (one, other) in pairs:
        if not isinstance(estimate, (Difference, Ratio)):
            msg = f"groups are named for differences and ratios of shares, not for {type(estimate).__name__}"
            raise TypeError(msg)
        found |= {one: estimate.first, other: estimate.second}
    return found


def _drawn(share: Proportion, rate: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """(draws,) hits; where rows are clustered, those of as many rows as they are worth."""
    worth = max(1, round(share.n / share.design_effect))
    hits: NDArray[np.int64] = np.rint(rng.binomial(worth, rate, DRAWS) * (share.n / worth)).astype(np.int64)
    return hits


def _rates(pairs: Pairs, groups: dict[Group, Proportion], truth: float | None, asked: Asked) -> dict[Group, float]:
    """The groups' true rates: as seen, or drawn apart or together until the worst pair's value is `truth`."""
    rates = {name: share.value for name, share in groups.items()}
    if truth is None:
        return rates
    seen = [estimate.value for estimate, _ in pairs]
    ratio = isinstance(pairs[0][0], Ratio)
    worst = min(seen) if asked.floor else max(seen)
    if worst == (1.0 if ratio else 0.0) or (ratio and min(rates.values()) <= 0):
        estimate, (one, other) = pairs[0]
        return rates | dict(zip((one, other), arms(estimate, truth), strict=True))
    middle = sum(share.hits for share in groups.values()) / sum(share.n for share in groups.values())
    if ratio:
        power = math.log(max(truth, 1e-9)) / math.log(worst)
        return {name: min(1.0, middle * (rate / middle) ** power) for name, rate in rates.items()}
    return {name: min(1.0, max(0.0, middle + (rate - middle) * truth / worst)) for name, rate in rates.items()}
