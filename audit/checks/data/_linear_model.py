"""The plain model that a check may set against the labels: logistic regression on n-grams or columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from audit.errors import CannotMeasure, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


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
