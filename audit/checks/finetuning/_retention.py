"""What an encoder keeps: neighbours of texts, and what a linear probe can read from its embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audit.errors import CannotMeasure, MissingExtra
from audit.formatting import number
from audit.stats import PairedDifference

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

FOLDS = 5
SAME = 1 - 1e-9
"""Cosine from which two vectors are one but for rounding."""
_CHUNK = 1000
"""Rows compared with all others at once: bounds the memory."""


def neighbours_lost(before: NDArray[np.float64], after: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """(n,) share of each row's k nearest others, by cosine, that are not among its k nearest afterwards; from (n, d) embeddings.

    Rows that were one to the encoder before count as one neighbour: which of them is nearer is told by their order alone, and no
    encoder can lose it, so that they would flatter the candidate.
    """
    first, own = _told_apart(before := _unit(before))
    if len(first) <= k + 1:
        msg = f"{len(before):,} rows of which the base model tells {len(first):,} apart have no {k} neighbours to lose: "
        msg += "add texts that it knows, or set a smaller k"
        raise CannotMeasure(msg)
    before, after, found = before[first], _unit(after)[first], []
    for start in range(0, len(before), _CHUNK):
        nearest = zip(*(_nearest(unit, start, k) for unit in (before, after)), strict=True)
        found += [1 - np.isin(one, other).sum() / k for one, other in nearest]
    return np.array(found)[own]


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each row at length 1."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0, length, 1.0))


def _told_apart(unit: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(m,) the first row of each vector, and (n,) which of them each row is."""
    alike = [np.argmax(_likeness(unit, start) >= SAME, axis=1) for start in range(0, len(unit), _CHUNK)]
    first, own = np.unique(np.concatenate(alike), return_inverse=True)
    return first.astype(np.int64), own.astype(np.int64)


def _likeness(unit: NDArray[np.float64], start: int) -> NDArray[np.float64]:
    """(rows, n) cosines of one chunk of rows to all; each is wholly like itself."""
    found: NDArray[np.float64] = unit[start : start + _CHUNK] @ unit.T
    rows = np.arange(len(found))
    found[rows, start + rows] = 1.0
    return found


def _nearest(unit: NDArray[np.float64], start: int, k: int) -> NDArray[np.int64]:
    """(rows, k) numbers of the nearest other rows, for one chunk of rows."""
    likeness = _likeness(unit, start)
    rows = np.arange(len(likeness))
    likeness[rows, start + rows] = -np.inf  # no row is its own neighbour
    return np.argsort(-likeness, axis=1, kind="stable")[:, :k].astype(np.int64)


def folds(rows: int, clusters: NDArray[np.int64] | None, rng: Generator) -> NDArray[np.int64]:
    """(rows,) fold of each row; rows of one entity share it."""
    units = np.arange(rows) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    count = int(units.max(initial=-1)) + 1
    found: NDArray[np.int64] = (rng.permutation(count) % FOLDS)[units]
    return found


def knowing(truth: NDArray[np.object_], right: NDArray[np.bool_], clusters: NDArray[np.int64] | None) -> NDArray[np.bool_]:
    """(n,) `right` again, refused where the base shows no knowledge of the labels: it cannot lose that, and 0 lost proves nothing."""
    classes, counts = np.unique(truth.astype(str), return_counts=True)
    commonest = truth.astype(str) == classes[counts.argmax()]
    if PairedDifference.of(right, commonest, clusters).bounds(0.025, 0.025)[0] <= 0:
        msg = f"a probe of the base is right in {number(float(right.mean()))} of the rows, not provably more than the commonest label "
        msg += f"({number(float(commonest.mean()))}), so that it has nothing to lose: name labels that the texts tell, or add rows"
        raise CannotMeasure(msg)
    return right


def probed(embeddings: NDArray[np.float64], labels: NDArray[np.object_], fold: NDArray[np.int64]) -> NDArray[np.object_]:
    """(n,) labels that logistic regression reads from embeddings, each row by a probe that was fitted without its fold."""
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ImportError as error:
        part = "scikit-learn"
        raise MissingExtra(part, "sklearn") from error
    if len(labels) < FOLDS * (classes := len(set(labels))):
        msg = f"{classes:,} labels in {len(labels):,} rows are too many for a probe: name a column of classes with {FOLDS} rows each"
        raise CannotMeasure(msg)
    found = np.empty(len(labels), dtype=object)
    for left_out in range(FOLDS):
        held = fold == left_out
        if len(set(labels[~held])) < 2:  # noqa: PLR2004  # one class is no choice
            msg = f"{len(labels):,} rows of {len(set(labels))} classes cannot be told apart without a fifth of them: add rows of each class"
            raise CannotMeasure(msg)
        if held.any():
            probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000)).fit(embeddings[~held], labels[~held].astype(str))
            found[held] = probe.predict(embeddings[held])
    return found
