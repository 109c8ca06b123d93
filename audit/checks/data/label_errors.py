"""Label errors: the share of rows whose label other rows speak against.

Purpose      Find labels that are likely wrong: a simple model trained on the other rows, or the candidate itself, is sure of another
             class.
Risk         High: the model learns mistakes as truth, and every quality number is measured against wrong answers.
Limitations  A flag is a suspicion, for a person to settle. Hard rows are flagged too: where the simple model behind agrees with
             80 % of the labels, about a tenth of all rows is suspected though none is wrong, so set the bound from a sample
             that people have looked at. Mistakes that follow a rule are learnt and missed. With `probabilities: candidate` the
             rows must be none that it has learned from: it would repeat their mistakes.
Reference    Northcutt, Jiang & Chuang, Confident learning, JAIR 2021 (pruning by noise rate); interval of Wilson, JASA 1927.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from audit.check import Params
from audit.checks.data import data_check
from audit.errors import CannotMeasure, MissingExtra
from audit.evidence import OVERALL, Bars, Evidence, Example, Member, Part
from audit.metrics import bins, usable_features, windows
from audit.stats import Proportion
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.check import Need
    from audit.datasets import Columns, Dataset
    from audit.evidence import Unmeasured
    from audit.subject import Subject

_SHOWN = 20
FOLDS = 5
_SLACK = 1e-6
"""A probability this close to its threshold reaches it."""


class LabelErrorParams(Params):
    """Whose probabilities speak against a label."""

    probabilities: Literal["cross_validated", "candidate"] = "cross_validated"
    """cross_validated: those of a simple model trained on the other rows; candidate: its own, as confident learning is usually run."""
    features: Literal["tfidf", "embedding"] = "tfidf"
    """What the simple model reads of texts: word and character n-grams, or the candidate's own embedding. Of tables it reads columns."""


def measure(subject: Subject, params: LabelErrorParams, rng: Generator) -> Evidence:
    """Share of rows that confident learning flags."""
    data = subject.data
    stated = _of_candidate(subject) if params.probabilities == "candidate" else _cross_validated(subject, params, rng)
    classes, label, probability = stated.classes, stated.label, stated.probability
    suspected = flagged(label, probability)
    rows, best = np.flatnonzero(suspected), probability.argmax(axis=1)
    rows = rows[np.argsort(probability[rows, label[rows]] - probability[rows, best[rows]], kind="stable")]
    given, suggested, sure = classes[label[rows]], classes[best[rows]], probability[rows].max(axis=1)
    counts = np.bincount(label[rows], minlength=len(classes))
    return Evidence(
        members=(Member(OVERALL, Proportion.of(suspected, subject.clusters())),),
        unit="share of rows",
        rows=data.rows,
        unmeasured=stated.unmeasured,
        figures=(Bars("Suspected rows by their given label", tuple(classes.tolist()), tuple(counts.tolist())),),
        # the rows' text is left out: it may hold personal data
        examples=tuple(
            Example(data.shown(row), (Part(f"labelled {was}, looks like {like}"),), f"p = {p:.2f}")
            for row, was, like, p in list(zip(rows, given, suggested, sure, strict=True))[:_SHOWN]
        ),
        notes=(
            f"{stated.by} agrees with {np.mean(best == label):.0%} of the labels; the lower that is, the more right labels are suspected.",
            *stated.notes,
        ),
        table={"row": data.ids[rows], "label": given, "suggested": suggested, "p": sure},
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Stated:
    """Class probabilities of rows that whoever states them has not learned from."""

    classes: NDArray[np.str_]
    label: NDArray[np.int64]
    """(n,) place of each row's label among the classes."""
    probability: NDArray[np.float64]
    """(n, k)"""
    by: str
    """Whose they are, in words."""
    unmeasured: tuple[Unmeasured, ...] = ()
    """Columns that the model behind cannot read."""
    notes: tuple[str, ...] = ()


def _of_candidate(subject: Subject) -> _Stated:
    """Refused on rows that it has learned from: there it repeats wrong labels as if they were right."""
    data, y_true = subject.data, subject.y_true().astype(str)
    if data.role in subject.learned_from:
        msg = f"{data.role}: the candidate has learned from these rows, so that it repeats their mistakes: "
        msg += "ask for probabilities: cross_validated, or name other rows under `on`"
        raise CannotMeasure(msg)
    place = {name: code for code, name in enumerate(subject.classes)}
    if unknown := sorted(set(y_true) - set(place)):
        msg = f"{data.role}: the candidate knows no class {', '.join(unknown)}: it states no probability of it"
        raise CannotMeasure(msg)
    if len(set(y_true)) < 2:  # noqa: PLR2004  # one class cannot be mistaken for another
        msg = f"{data.role}: {len(set(y_true))} classes: label errors need rows of two"
        raise CannotMeasure(msg)
    label = np.array([place[name] for name in y_true], dtype=np.int64)
    told = "The probabilities must come from a model that has not seen these rows." if subject.candidate.kind == "predictions" else ""
    notes = (told,) if told else ()
    return _Stated(np.array(subject.classes, dtype=str), label, subject.probabilities(), "The candidate", notes=notes)


def _cross_validated(subject: Subject, params: LabelErrorParams, rng: Generator) -> _Stated:
    """Of a logistic regression that is trained without the rows it is asked about."""
    classes, label = np.unique(subject.y_true().astype(str), return_inverse=True)
    _enough(subject.data, classes, label)
    try:
        import sklearn  # noqa: F401  # only whether it is there
    except ImportError as error:
        raise MissingExtra("scikit-learn", "sklearn") from error
    matrix, unmeasured, notes = _read(subject, params)
    by = f"The model behind, a logistic regression cross-validated over {FOLDS} folds,"
    return _Stated(classes, label, out_of_fold(matrix, label, rng), by, unmeasured, notes)


def _enough(data: Dataset, classes: NDArray[np.str_], label: NDArray[np.int64]) -> None:
    rows = np.bincount(label, minlength=len(classes))
    short = [f"{name} ({n})" for name, n in zip(classes, rows, strict=True) if n < FOLDS]
    if len(classes) < 2 or short:  # noqa: PLR2004  # one class cannot be mistaken for another
        what = f"too few of {', '.join(short)}" if short else f"{len(classes)} classes"
        msg = f"{data.role}: {what}: cross-validation needs two classes and {FOLDS} rows of each"
        raise CannotMeasure(msg)


def _also_needs(columns: Columns, params: LabelErrorParams) -> frozenset[Need]:
    """The candidate's probabilities, or its encoder, where it is asked for them."""
    if params.probabilities == "candidate":
        return frozenset({"scores"})
    return frozenset({"embeddings"} if params.features == "embedding" and columns.text is not None else ())


def _read(subject: Subject, params: LabelErrorParams) -> tuple[Any, tuple[Unmeasured, ...], tuple[str, ...]]:
    """(n, d) what the model behind reads, sparse for n-grams: the texts, else the columns that tell rows apart; and what it cannot read."""
    data = subject.data
    if data.columns.text is not None:
        return subject.predicted.embed_texts(data.texts()) if params.features == "embedding" else ngrams(data.texts()), (), ()
    found, unmeasured, notes = usable_features.of_one_table(data, windows.features(data, data, None)[0])
    if not found:
        names = ", ".join(str(one.name) for one in unmeasured)
        msg = f"{data.role} has no feature column and no text{f' that can be used ({names})' if names else ''}: name columns.features"
        raise CannotMeasure(msg)
    told = f"It reads {', '.join(feature.name for feature in found)}."
    return bins.encode(found)[0], unmeasured, (told, *notes)


# Confident learning is on numpy here, rather than through cleanlab: the part that is needed is small, and cleanlab's licence has
# changed between releases (2.9.0 carries Apache-2.0, earlier ones the AGPL). A test holds the two together where it is installed.
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


def out_of_fold(matrix: Any, label: NDArray[np.int64], rng: Generator) -> NDArray[np.float64]:
    """(n, k) class probabilities of the rows of an (n, d) matrix, each by a logistic regression that has not seen it."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import PredefinedSplit, cross_val_predict

    model, split = LogisticRegression(max_iter=2000), PredefinedSplit(folds(label, rng))
    return np.asarray(cross_val_predict(model, matrix, label, cv=split, method="predict_proba"), dtype=float)


def ngrams(texts: Sequence[str]) -> Any:
    """(n, d) sparse TF-IDF of words and pairs of words, and of runs of three and four characters."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer

    if not any(text.strip() for text in texts):
        msg = "every text is empty"
        raise CannotMeasure(msg)
    pattern = r"\S+"
    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=pattern, sublinear_tf=True, max_features=50_000)
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 4), sublinear_tf=True, max_features=50_000)
    return hstack([words.fit_transform(texts), letters.fit_transform(texts)], format="csr")


CHECK = data_check(
    measure=measure,
    question="Are the labels correct?",
    remedy="Have a person look at the suspected rows, worst first; mend the labels, then fine-tune and test again.",
    unit="share of rows",
    needs=frozenset({"labels"}),
    also_needs=_also_needs,
    params=LabelErrorParams,
    tasks=CLASSIFICATION,
    extra="sklearn",
)
