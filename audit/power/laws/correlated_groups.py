"""Groups whose estimates go together, since entities have rows in more than one: drawn as correlated normals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from numpy.typing import NDArray

DRAWS = 20_000
SEED = 20261121


def likeness(pairs: Sequence[tuple[Any, tuple[Hashable, Hashable]]], names: Sequence[Hashable]) -> NDArray[np.float64] | None:
    """(groups, groups) correlations as the pairs' estimates have them; None where all are independent."""
    if not any(estimate.correlation for estimate, _ in pairs):
        return None
    place, found = {name: i for i, name in enumerate(names)}, np.eye(len(names))
    for estimate, (one, other) in pairs:
        found[place[one], place[other]] = found[place[other], place[one]] = estimate.correlation
    return found


def normals(groups: int, alike: NDArray[np.float64] | None, rng: np.random.Generator) -> NDArray[np.float64]:
    """(groups, draws) standard normals with these correlations; such as do not fit together are met as nearly as may be."""
    drawn = np.array([rng.standard_normal(DRAWS) for _ in range(groups)])
    if alike is None:
        return drawn
    weights, axes = np.linalg.eigh(alike)
    spread = axes * np.sqrt(np.maximum(0.0, weights))
    found: NDArray[np.float64] = spread @ drawn / np.linalg.norm(spread, axis=1, keepdims=True)
    return found
