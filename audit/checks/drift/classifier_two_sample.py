"""Classifier two-sample test: how well a classifier, trained for that alone, tells rows of the current window from rows of the reference.

Purpose      Show whether the windows differ in any way that a classifier can learn: one feature, or how features or words go together.
Risk         An area well above .5: the model answers for cases unlike those it was tested on, and its measured quality no longer
             speaks for them.
Limitations  Tells that something moved and which rows look new, not what: drift/distance and drift/psi name features. It finds what its
             classifier can learn from these rows: .5 is no proof of equal windows. A column that numbers rows or tells the time tells
             windows apart by itself: such columns are left out unless `columns` names them. Change is not harm. At most `max_rows` a side.
Reference    Lopez-Paz & Oquab, Revisiting classifier two-sample tests, ICLR 2017. Cross-fitted; area and interval of DeLong, DeLong &
             Clarke-Pearson, Biometrics 1988, with the variance of Nadeau & Bengio, Machine Learning 2003, because folds train on each
             other's rows; histogram gradient boosting for tables, logistic regression on hashed words for texts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from audit.check import Params
from audit.checks.drift import _alibi, _drawn, drift_check
from audit.errors import CannotMeasure, MissingExtra
from audit.evidence import OVERALL, Evidence, Example, Member
from audit.metrics import excerpts, windows
from audit.stats import Auc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.evidence import Unmeasured
    from audit.subject import Subject

_LEAST = 10
"""Rows a side from which five folds have two of each."""
_NULL = 0.5
_ROWS = 8
"""Rows that are shown."""
_HASHED = 2**16
"""Columns of hashed words and pairs of words."""
_EXTRA = "sklearn"


class ClassifierParams(Params):
    """What is compared, on how many rows, by which part."""

    columns: tuple[str, ...] | None = None
    """Columns of a table; for texts the text is compared where absent."""
    max_rows: Annotated[int, Field(ge=50, le=100_000)] = 5000
    """Rows of each window, drawn at random where there are more; one row of each entity."""
    folds: Annotated[int, Field(ge=2, le=20)] = 5
    """Parts; each is told apart by a classifier that was trained on the others."""
    backend: _alibi.Backend = "audit"
    """Whose p-value stands beside ours; alibi-detect comes with the extra `drift`, and its licence limits production use."""


def measure(subject: Subject, params: ClassifierParams, rng: Generator) -> Evidence:
    """The cross-fitted area under the curve of current against reference rows."""
    reference, current = windows.pair(subject)
    drawn = [_drawn.rows(subject, data, params.max_rows, rng) for data in (reference, current)]
    if min(len(rows) for rows in drawn) < max(_LEAST, params.folds):
        msg = f"each window needs {max(_LEAST, params.folds)} rows, got {len(drawn[0])} and {len(drawn[1])}"
        raise CannotMeasure(msg)
    seed, is_now = int(rng.integers(2**31)), np.repeat([False, True], [len(rows) for rows in drawn])
    unmeasured: tuple[Unmeasured, ...] = ()
    if params.columns is None and current.columns.text is not None:
        features, model = _words(_drawn.texts(subject, drawn)), of_words(seed)
    else:
        (before, now), unmeasured = _drawn.matrices(subject, params.columns, drawn)
        features, model = np.vstack([before, now]), of_tables(seed)
    score = cross_fitted(model, features, is_now, params.folds, seed)
    notes: list[str] = []
    if params.backend == "alibi-detect":
        p = _alibi.classifier(features, is_now, model, seed)[1]
        notes = [_alibi.licence(), f"Its cross-fitted test of the same classifier gives p = {p:.3g}; the area and its interval are ours."]
    members = (Member(OVERALL, area(is_now, score, params.folds)),)
    apart = members[0].estimate.bounds(0.025, 0.025)[0] > _NULL
    return Evidence(
        members=members,
        unit="area under the curve",
        rows=len(is_now),
        unmeasured=unmeasured,
        examples=_newest(current, drawn[1], score[is_now]) if apart else (),
        notes=(_APART if apart else _ALIKE, *notes, *_drawn.notes(drawn, (reference, current))),
        backend=_alibi.name(params.backend),
    )


_APART = "The windows can be told apart by more than chance (95 % interval). The bound says how much change matters."
_ALIKE = "The windows cannot be told apart by more than chance (95 % interval)."


def _newest(current: Dataset, drawn: NDArray[np.int64], score: NDArray[np.float64]) -> tuple[Example, ...]:
    """The rows of the current window that look least like the reference: those that the classifiers rank highest."""
    most = np.argsort(-score, kind="stable")[:_ROWS]
    rows = drawn[most].tolist()
    ranked = zip(rows, excerpts.excerpts(current, rows), score[most].tolist(), strict=True)
    return tuple(Example(current.shown(row), parts, f"ranked above {rank:.1%} of the rows of its fold") for row, parts, rank in ranked)


def _words(texts: Sequence[Sequence[str]]) -> Any:
    """Hashed words and pairs of words of all texts, the reference first."""
    try:
        from sklearn.feature_extraction.text import HashingVectorizer
    except ImportError as error:
        raise MissingExtra("scikit-learn", _EXTRA) from error
    return HashingVectorizer(n_features=_HASHED, ngram_range=(1, 2)).transform([text for side in texts for text in side])


def of_words(seed: int) -> Any:
    """The classifier for hashed words."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=10.0, max_iter=500, random_state=seed)


def of_tables(seed: int) -> Any:
    """The classifier for encoded columns."""
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
    except ImportError as error:
        raise MissingExtra("scikit-learn", _EXTRA) from error
    return HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=15, early_stopping=False, random_state=seed)


def cross_fitted(model: Any, features: Any, is_now: NDArray[np.bool_], folds: int, seed: int) -> NDArray[np.float64]:
    """(n,) each row's rank within its fold by a classifier trained on the other folds: classifiers differ in their scale."""
    from sklearn.base import clone
    from sklearn.model_selection import StratifiedKFold

    found = np.zeros(len(is_now))
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=seed).split(np.zeros(len(is_now)), is_now):
        score = clone(model).fit(features[train], is_now[train]).predict_proba(features[test])[:, 1]
        found[test] = _rank(score)
    return found


def area(is_now: NDArray[np.bool_], score: NDArray[np.float64], folds: int) -> Auc:
    """The area, its variance corrected for folds that train on each other's rows (Nadeau & Bengio, Machine Learning 2003).

    They move together, and without the correction two windows of one law are told apart in 8 % of the trials in place of 2.5 %.
    """
    found, factor = Auc.of(is_now, score), 1 + folds / (folds - 1)
    return replace(found, variance=found.variance * factor, rarer=found.rarer / factor, design_effect=factor)


def _rank(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean rank over the number of rows."""
    from scipy.stats import rankdata

    found: NDArray[np.float64] = (rankdata(score) - 0.5) / len(score)
    return found


def _sampled(subject: Subject, params: ClassifierParams) -> int:
    """Rows of both windows after drawing."""
    return _drawn.sampled(subject, params.max_rows)


CHECK = drift_check(
    measure=measure,
    question="Can a classifier tell today's cases from those of the reference data?",
    remedy="Find what moved with drift/distance; label a sample of the new window, test on it, and fine-tune again if it fails.",
    unit="area under the curve",
    params=ClassifierParams,
    lowest=0.5,
    extra="sklearn",
    expected_rows=_sampled,
)
