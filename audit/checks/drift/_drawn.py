"""Rows drawn from both windows, as texts or as matrices, for checks that compare windows as wholes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audit.errors import CannotMeasure
from audit.metrics import bins, usable_features, windows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from typing import TypeAlias

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.evidence import Unmeasured
    from audit.subject import Subject

    Matrices: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]
    """Of the reference and the current window, one row a row."""


def rows(subject: Subject, data: Dataset, most: int, rng: Generator) -> NDArray[np.int64]:
    """Rows of one window, drawn at random; one row of each entity, since rows of one move together."""
    clusters, order = subject.clusters(data), rng.permutation(data.rows)
    if clusters is not None:
        order = rng.permutation(order[np.unique(clusters[order], return_index=True)[1]])
    return np.sort(order[:most])


def sampled(subject: Subject, most: int) -> int:
    """Rows of both windows after drawing: at most `most` of each, at most one an entity."""
    found = 0
    for data in (subject.data, subject.reference):
        if data is not None:
            clusters = subject.clusters(data)
            found += min(most, data.rows if clusters is None else len(np.unique(clusters)))
    return found


def texts(subject: Subject, drawn: Sequence[NDArray[np.int64]]) -> list[list[str]]:
    """The drawn texts of the reference and of the current window."""
    return [np.array(data.texts(), dtype=object)[some].tolist() for data, some in zip(windows.pair(subject), drawn, strict=True)]


def embeddings(subject: Subject, drawn: Sequence[NDArray[np.int64]]) -> Matrices:
    """The drawn texts as the candidate's encoder sees them."""
    before, now = (np.asarray(subject.predicted.embed_texts(side), dtype=float) for side in texts(subject, drawn))
    return before, now


def matrices(
    subject: Subject, columns: Sequence[str] | None, drawn: Sequence[NDArray[np.int64]], without: Collection[str] = ()
) -> tuple[Matrices, tuple[Unmeasured, ...]]:
    """The drawn rows' encoded columns, and the columns that cannot be used; refused where a window lacks one or none is left."""
    reference, current = windows.pair(subject)
    every, lacking = windows.features(reference, current, columns)
    found = [feature for feature in every if feature.name not in without]
    rules = usable_features.unnamed_rules(columns, reference, current)
    compared, unmeasured = usable_features.divide(found, usable_features.scattered, *rules)
    if lacking or not compared:
        reasons = [*(gone.reason for gone in lacking), *(f"{gone.name}: {gone.reason}" for gone in unmeasured)]
        reason = "; ".join(reasons) or f"{current.role} has no feature column and no text"
        msg = f"{reason}: name the columns that both have under `columns`"
        raise CannotMeasure(msg)
    return bins.encode([feature.rows(*drawn) for feature in compared]), unmeasured


def notes(drawn: Sequence[NDArray[np.int64]], data_sets: Sequence[Dataset]) -> Iterator[str]:
    """Which windows were drawn from."""
    for some, data in zip(drawn, data_sets, strict=True):
        if len(some) < data.rows:
            yield f"{len(some):,} of the {data.rows:,} rows of {data.role} were drawn at random and compared."
