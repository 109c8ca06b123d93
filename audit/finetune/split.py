"""A validation set taken from the training rows: by label, whole entities, by seed."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray


def held_out(labels: Sequence[str], entities: Sequence[object] | None, fraction: float, rng: Generator) -> NDArray[np.bool_]:
    """(n,) True for validation rows: about `fraction` of each label's rows. Rows of one entity stay together."""
    rows_of: dict[object, list[int]] = defaultdict(list)
    for row, entity in enumerate(range(len(labels)) if entities is None else entities):
        rows_of[entity].append(row)
    strata: dict[str, list[list[int]]] = defaultdict(list)
    for rows in rows_of.values():
        strata[_commonest([labels[row] for row in rows])].append(rows)
    mask = np.zeros(len(labels), dtype=bool)
    for label in sorted(strata):
        mask[_taken(strata[label], fraction, rng)] = True
    return mask


def _commonest(labels: Sequence[str]) -> str:
    counts = Counter(labels)
    return min(counts, key=lambda label: (-counts[label], label))


def _taken(entities: list[list[int]], fraction: float, rng: Generator) -> list[int]:
    """Rows of entities drawn until the fraction is reached; at least one entity on either side where there are two."""
    wanted = fraction * sum(map(len, entities))
    taken: list[int] = []
    for count, index in enumerate(rng.permutation(len(entities)), start=1):
        if count == len(entities) or (taken and len(taken) + len(entities[index]) / 2 > wanted):
            break
        taken += entities[index]
    return taken
