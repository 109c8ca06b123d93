"""Rows to look at where a feature has moved: those that lie where the window under audit holds more of its rows than the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audit.metrics import bins, windows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.evidence import Slice

BINS = 10


def grown(reference: Dataset, current: Dataset, columns: Sequence[str]) -> Iterator[tuple[Slice, str, NDArray[np.intp]]]:
    """Of each feature its name as a member, what has grown in words, and the rows that hold it."""
    there = [name for name in columns if all(name in data.frame.columns or name in windows.DERIVED for data in (reference, current))]
    for feature in windows.features(reference, current, there)[0] if there else ():
        found = bins.of(feature, BINS)
        if found.grown is not None:
            rows = np.flatnonzero(found.of_row == found.grown)
            before, now = (counts[found.grown] / max(1, counts.sum()) for counts in (found.reference, found.current))
            said = f"{feature.name} {found.labels[found.grown]}: {now:.1%} of the rows of {current.role}, {before:.1%} of {reference.role}"
            yield feature.slice, said, rows
