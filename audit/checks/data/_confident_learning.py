"""Rows whose label is likely wrong, by confident learning (Northcutt, Jiang & Chuang, JAIR 2021).

The method is on numpy here, rather than through cleanlab: the part that is needed is small, cleanlab brings further
dependencies, and its licence has changed between releases (2.9.0 carries Apache-2.0, earlier ones the AGPL). A test holds
the two together where cleanlab is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from audit.errors import CannotMeasure, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

FOLDS = 5
_SLACK = 1e-6
"""A probability this close to its threshold reaches it."""


def flagged(label: NDArray[np.int64], probability: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(n,) rows pruned by noise rate, given labels 0 to k - 1 and out-of-fold probabilities (n, k).

    For each pair of classes as many rows as the joint says are mislabelled that way: those with the largest margin.
    """
    count = joint(label, probability)
    issue = np.zeros(len(label), dtype=bool)
    for given in range(probability.shape[1]):
        rows = np.flatnonzero(label == given)
        if len(rows) < 2:  # noqa: PLR2004  # the last row of a class is left in place
            continue
        for other in np.flatnonzero(count[given]):
            if other != given:
                margin = probability[rows, other] - probability[rows, given]
                issue[rows[np.argsort(-margin, kind="stable")[: count[given, other]]]] = True
    agrees: NDArray[np.bool_] = probability[np.arange(len(label)), label] + 1e-8 >= probability.max(axis=1)
    return np.asarray(issue & ~agrees)


def joint(label: NDArray[np.int64], probability: NDArray[np.float64]) -> NDArray[np.int64]:
    """(k, k) estimated rows by given class and true class; each line sums to the rows of its given class."""
    k = probability.shape[1]
    rows = np.bincount(label, minlength=k)
    own = np.array([probability[label == c, c].mean() if rows[c] else np.inf for c in range(k)])
    sure = probability >= own - _SLACK
    guess = np.where(sure.sum(axis=1) > 1, probability.argmax(axis=1), sure.argmax(axis=1))
    some = sure.any(axis=1)
    seen = np.bincount(label[some] * k + guess[some], minlength=k * k).reshape(k, k)
    np.fill_diagonal(seen, np.maximum(1, seen.diagonal()))
    lean = np.array([probability[label == c].sum(axis=0) for c in range(k)])
    return np.array([_whole(line / line.sum() * total, int(total), mass) for line, total, mass in zip(seen, rows, lean, strict=True)])


def _whole(parts: NDArray[np.float64], total: int, lean: NDArray[np.float64]) -> NDArray[np.int64]:
    """Whole numbers with the same sum: the largest remainders are rounded up, of equal ones those with more probability."""
    parts = parts.round(9)
    down = np.floor(parts).astype(np.int64)
    up = np.lexsort((-lean, (down - parts).round(9)))[: total - int(down.sum())]
    down[up] += 1
    return down


def folds(label: NDArray[np.int64], rng: Generator) -> NDArray[np.int64]:
    """(n,) fold of each row; every class is spread evenly over the folds."""
    fold = np.empty(len(label), dtype=np.int64)
    for name in np.unique(label):
        rows = rng.permutation(np.flatnonzero(label == name))
        fold[rows] = (np.arange(len(rows)) + rng.integers(FOLDS)) % FOLDS
    return fold


def out_of_fold(
    label: NDArray[np.int64], rng: Generator, fit: Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """(n, k) probabilities of rows by models that have not seen them; `fit(train, held)` gives those of the held-out rows."""
    fold = folds(label, rng)
    probability = np.zeros((len(label), int(label.max()) + 1))
    for part in range(FOLDS):
        held = np.flatnonzero(fold == part)
        probability[held] = fit(np.flatnonzero(fold != part), held)
    return probability


def ngrams(texts: Sequence[str]) -> Any:
    """(n, d) sparse TF-IDF of words and pairs of words, and of runs of three and four characters."""
    _needs_sklearn()
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer

    if not any(text.strip() for text in texts):
        msg = "every text is empty"
        raise CannotMeasure(msg)
    pattern = r"\S+"
    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=pattern, sublinear_tf=True, max_features=50_000)
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 4), sublinear_tf=True, max_features=50_000)
    return hstack([words.fit_transform(texts), letters.fit_transform(texts)], format="csr")


def probabilities(train: Any, label: NDArray[np.int64], held: Any) -> NDArray[np.float64]:
    """(n, k) class probabilities of the held-out rows."""
    _needs_sklearn()
    from sklearn.linear_model import LogisticRegression

    return np.asarray(LogisticRegression(max_iter=2000).fit(train, label).predict_proba(held), dtype=float)


def _needs_sklearn() -> None:
    try:
        import sklearn  # noqa: F401  # only whether it is there
    except ImportError as error:
        raise MissingExtra("scikit-learn", "sklearn") from error
