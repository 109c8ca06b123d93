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

from audit.check import Check, Params
from audit.checks.data import _confident_learning as learning
from audit.errors import CannotMeasure
from audit.evidence import OVERALL, Bars, Evidence, Example, Member, Part
from audit.metrics import bins, usable_features, windows
from audit.stats import Proportion
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.check import Need
    from audit.datasets import Columns, Dataset
    from audit.evidence import Unmeasured
    from audit.subject import Subject

_SHOWN = 20


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
    flagged = learning.flagged(label, probability)
    rows, best = np.flatnonzero(flagged), probability.argmax(axis=1)
    rows = rows[np.argsort(probability[rows, label[rows]] - probability[rows, best[rows]], kind="stable")]
    given, suggested, sure = classes[label[rows]], classes[best[rows]], probability[rows].max(axis=1)
    counts = np.bincount(label[rows], minlength=len(classes))
    return Evidence(
        members=(Member(OVERALL, Proportion.of(flagged, subject.clusters())),),
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
    read = _read(subject, params)
    matrix = read.matrix
    probability = learning.out_of_fold(label, rng, lambda train, held: learning.probabilities(matrix[train], label[train], matrix[held]))
    by = f"The model behind, a logistic regression cross-validated over {learning.FOLDS} folds,"
    return _Stated(classes, label, probability, by, read.unmeasured, read.notes)


def _enough(data: Dataset, classes: NDArray[np.str_], label: NDArray[np.int64]) -> None:
    rows = np.bincount(label, minlength=len(classes))
    short = [f"{name} ({n})" for name, n in zip(classes, rows, strict=True) if n < learning.FOLDS]
    if len(classes) < 2 or short:  # noqa: PLR2004  # one class cannot be mistaken for another
        what = f"too few of {', '.join(short)}" if short else f"{len(classes)} classes"
        msg = f"{data.role}: {what}: cross-validation needs two classes and {learning.FOLDS} rows of each"
        raise CannotMeasure(msg)


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """What the model behind reads."""

    matrix: Any
    """(n, d), sparse for n-grams."""
    unmeasured: tuple[Unmeasured, ...] = ()
    """Columns that it cannot read."""
    notes: tuple[str, ...] = ()


def _also_needs(columns: Columns, params: LabelErrorParams) -> frozenset[Need]:
    """The candidate's probabilities, or its encoder, where it is asked for them."""
    if params.probabilities == "candidate":
        return frozenset({"scores"})
    return frozenset({"embeddings"} if params.features == "embedding" and columns.text is not None else ())


def _read(subject: Subject, params: LabelErrorParams) -> _Read:
    """The texts, else the columns that tell rows apart."""
    data = subject.data
    if data.columns.text is not None:
        return _Read(subject.predicted.embed_texts(data.texts()) if params.features == "embedding" else learning.ngrams(data.texts()))
    found, unmeasured, notes = usable_features.of_one_table(data, windows.features(data, data, None)[0])
    if not found:
        names = ", ".join(str(one.name) for one in unmeasured)
        msg = f"{data.role} has no feature column and no text{f' that can be used ({names})' if names else ''}: name columns.features"
        raise CannotMeasure(msg)
    told = f"It reads {', '.join(feature.name for feature in found)}."
    return _Read(bins.encode(found)[0], unmeasured, (told, *notes))


CHECK = Check(
    measure=measure,
    question="Are the labels correct?",
    remedy="Have a person look at the suspected rows, worst first; mend the labels, then fine-tune and test again.",
    measures="data",
    characteristics=("valid_reliable",),
    rmf=("MAP 2.3",),
    better="lower",
    unit="share of rows",
    needs=frozenset({"labels"}),
    also_needs=_also_needs,
    params=LabelErrorParams,
    tasks=CLASSIFICATION,
    extra="sklearn",
)
