"""Tables as matrices: numbers standardised, categories one column a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audit.metrics.bins import MISSING, OTHER
from audit.metrics.usable_features import RARE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from audit.metrics.windows import Feature


def encode(features: Sequence[Feature]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Matrices of the reference and the current window, (n, d) and (m, d), scaled by the reference."""
    pairs = [_numeric(feature) if feature.numeric else _one_hot(feature) for feature in features]
    return np.hstack([reference for reference, _ in pairs]), np.hstack([current for _, current in pairs])


def _numeric(feature: Feature) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One standardised column; where a cell is missing it holds the mean and a second column says so."""
    reference, current = feature.reference.astype(float), feature.current.astype(float)
    present = reference[np.isfinite(reference)]
    centre = float(present.mean()) if len(present) else 0.0
    scale = float(present.std()) if len(present) else 0.0
    sides = []
    for values in (reference, current):
        gone = ~np.isfinite(values)
        standard = (np.where(gone, centre, values) - centre) / (scale or 1.0)
        sides.append((standard, gone.astype(float)))
    columns = 2 if any(gone.any() for _, gone in sides) else 1
    one, two = (np.column_stack(side[:columns]) for side in sides)
    return one, two


def _one_hot(feature: Feature) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One column a value that the reference holds often enough, one for all others, one for missing cells."""
    import pandas as pd

    rows = pd.Series(feature.reference).value_counts()
    names = [*sorted(str(name) for name in rows.index[rows >= RARE]), OTHER, MISSING]
    place = {name: i for i, name in enumerate(names)}
    sides = []
    for values in (feature.reference, feature.current):
        where = [place[MISSING] if value is None else place.get(str(value), place[OTHER]) for value in values]
        # the root of a half puts two rows of different value at distance 1
        sides.append(np.eye(len(names))[where] * np.sqrt(0.5))
    return sides[0], sides[1]
