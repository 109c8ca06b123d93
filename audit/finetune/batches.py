"""Training batches of texts of like length: little padding, yet a new order in every epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator

_POOL = 50
"""Most batches that are sorted by length together: enough to waste little."""
_POOLS = 4
"""Least pools of an epoch: with one pool alone, who meets whom would be the same in every epoch."""


def epoch(lengths: Sequence[int], size: int, rng: Generator) -> list[list[int]]:
    """Every row once, in batches of `size`; only one batch may be smaller."""
    order = rng.permutation(len(lengths))
    rows = size * min(_POOL, max(1, len(order) // (size * _POOLS)))
    batches: list[list[int]] = []
    for start in range(0, len(order), rows):
        pool = order[start : start + rows]
        pool = pool[np.argsort([lengths[row] for row in pool], kind="stable")]
        batches += [pool[first : first + size].tolist() for first in range(0, len(pool), size)]
    return [batches[index] for index in rng.permutation(len(batches))]


def by_length(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Every row once, longest first: for passes without learning."""
    order = np.argsort([-length for length in lengths], kind="stable")
    return [order[first : first + size].tolist() for first in range(0, len(order), size)]
