"""How far rows of one data set are like those of another: weights that make the one look like the other, and rows like none of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.errors import CannotMeasure, MissingExtra
from audit.metrics import bins, usable_features, windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.metrics.windows import Feature
    from audit.subject import Subject

FOLDS, LEAST = 5, 10
"""Parts of the rows, each compared by a classifier that was trained on the others; and rows of each data set at least."""
MOST_ROWS = 10_000
"""Rows of each data set that a classifier is trained on."""
FARTHEST = 20.0
"""How many times likelier a row may be in the one data set than in the other."""
MARGIN = 0.1
"""Part of a feature's range by which a number may lie beyond it."""
_HASHED = 2**14
"""Columns of hashed words."""


@dataclass(frozen=True, slots=True, eq=False)
class Resemblance:
    """Of the reference to the current window, by their features or texts."""

    weight: NDArray[np.float64]
    """(m,) how many times likelier each row of the reference is in the current window than in the reference."""
    unlike: NDArray[np.bool_]
    """(n,) rows of the current window that no row of the reference is like."""
    score: NDArray[np.float64]
    """(m + n,) chance of each row that it is of the current window, as the classifier of its fold says."""
    left_out: tuple[str, ...] = ()
    """Features that could not be compared, each with the reason."""


def compare(subject: Subject, columns: Sequence[str] | None, rng: Generator) -> Resemblance:
    """By the named columns; else by every feature, or by the text where there is one.

    The odds of a cross-fitted classifier are the ratio of the densities (Bickel, Brueckner & Scheffer, JMLR 2009). Without a column
    to compare it is refused: scores alone do not show whether the rows are of another kind.
    """
    reference, current = windows.pair(subject)
    if min(reference.rows, current.rows) < LEAST:
        msg = f"each window needs {LEAST} rows to be compared, got {reference.rows} and {current.rows}"
        raise CannotMeasure(msg)
    seed = int(rng.integers(2**31))
    left_out: tuple[str, ...] = ()
    if columns is None and current.columns.text is not None:
        matrix, model = _words([*reference.texts(), *current.texts()]), _of_words(seed)
        beyond = np.zeros(current.rows, dtype=bool)
    else:
        features, left_out = features_of_both(reference, current, columns)
        matrix, model = np.vstack(bins.encode(features)), _of_tables(seed)
        beyond = np.any([_beyond(one) for one in features], axis=0)
    is_now = np.repeat([False, True], [reference.rows, current.rows])
    codes = windows.entities(subject)
    entities = None if None in codes.values() else np.concatenate([code for code in codes.values() if code is not None])
    score, ratio = _ratios(matrix, model, is_now, entities, seed)
    weight = np.clip(ratio[~is_now], 1 / FARTHEST, FARTHEST)
    return Resemblance(weight, beyond | (ratio[is_now] > FARTHEST), score, left_out)


def features_of_both(reference: Dataset, current: Dataset, columns: Sequence[str] | None) -> tuple[tuple[Feature, ...], tuple[str, ...]]:
    """Columns that can be compared, and the others with the reason; refused where none can be."""
    found, lacking = windows.features(reference, current, columns)
    rules = usable_features.unnamed_rules(columns, reference, current)
    compared, unusable = usable_features.divide(found, usable_features.scattered, *rules)
    left_out = tuple(f"{one.name}: {one.reason}" for one in (*lacking, *unusable))
    if not compared:
        reason = "; ".join(left_out) or f"{current.role} has no feature column and no text"
        msg = f"whether {current.role} is like {reference.role} cannot be told: {reason}: name columns under columns.features, "
        msg += "or set `columns: []` to rest on the answers alone"
        raise CannotMeasure(msg)
    return compared, left_out


def _beyond(feature: Feature) -> NDArray[np.bool_]:
    """(n,) current rows with a number well outside of the reference's range, or a value that it does not have."""
    if not feature.numeric:
        return np.isin(feature.current.astype(str), np.unique(feature.reference.astype(str)), invert=True)
    before, now = feature.reference.astype(float), feature.current.astype(float)
    present = before[np.isfinite(before)]
    found = np.isnan(now) & (not np.isnan(before).any())
    if len(present):
        low, high = float(present.min()), float(present.max())
        found |= (now < low - MARGIN * (high - low)) | (now > high + MARGIN * (high - low))
    else:
        found |= ~np.isnan(now)
    return np.asarray(found, dtype=np.bool_)


def _ratios(
    matrix: Any, model: Any, is_now: NDArray[np.bool_], entities: NDArray[np.int64] | None, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(m + n,) cross-fitted chances, and ratios of the densities: current over reference. Rows of an entity stay in one fold."""
    from sklearn.base import clone
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    rng, score, ratio = np.random.default_rng(seed), np.zeros(len(is_now)), np.zeros(len(is_now))
    maker = StratifiedKFold if entities is None or len(np.unique(entities)) < FOLDS else StratifiedGroupKFold
    for train, test in maker(FOLDS, shuffle=True, random_state=seed).split(np.zeros(len(is_now)), is_now, entities):
        sides = [rng.permutation(train[is_now[train] == side])[:MOST_ROWS] for side in (False, True)]
        if not all(map(len, sides)):
            msg = "all rows of a window are of one entity, so that the windows cannot be compared: add rows of others"
            raise CannotMeasure(msg)
        rows = np.sort(np.concatenate(sides))
        score[test] = clone(model).fit(matrix[rows], is_now[rows]).predict_proba(matrix[test])[:, 1]
        chance = np.clip(score[test], 1e-9, 1 - 1e-9)
        ratio[test] = chance / (1 - chance) * len(sides[0]) / len(sides[1])
    return score, ratio


def _words(texts: Sequence[str]) -> Any:
    try:
        from sklearn.feature_extraction.text import HashingVectorizer
    except ImportError as error:
        raise MissingExtra("scikit-learn", "sklearn") from error
    return HashingVectorizer(n_features=_HASHED).transform(texts)


def _of_words(seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=500, random_state=seed)


def _of_tables(seed: int) -> Any:
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
    except ImportError as error:
        raise MissingExtra("scikit-learn", "sklearn") from error
    return HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=15, early_stopping=False, random_state=seed)
