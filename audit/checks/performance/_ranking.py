"""Slices judged by how a score ranks a class above the rest: what ROC AUC and average precision share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from pydantic import Field

from audit.check import Params
from audit.checks.performance import skill_check
from audit.evidence import OVERALL, Evidence
from audit.metrics.comparison import comparison_evidence, models_in_words
from audit.metrics.groups import measurable_slices, measurable_slices_by_class
from audit.metrics.losses import true_columns
from audit.stats import ClassMean, PairedAuc, PairedPrecision
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.check import Check
    from audit.evidence import Figure
    from audit.metrics.groups import Entities, Rows, Slices
    from audit.stats.ranking_differences import OfClass
    from audit.subject import Subject

    Truth: TypeAlias = NDArray[np.bool_]
    Score: TypeAlias = NDArray[np.float64]
    Curve: TypeAlias = NDArray[np.int64]


class OneVsRest(Params):
    """How more than two classes are put together, as in scikit-learn."""

    average: Literal["macro", "none"] = Field(
        "none",
        description="of more than two classes without a positive one, each against the rest: none makes every class a member, so that the"
        " worst decides; macro judges their mean, every class counting alike",
    )


@dataclass(frozen=True, slots=True)
class Ranking:
    """A number that says how a score ranks, with how it is estimated."""

    unit: str
    of: Callable[[Truth, Score, Entities], OfClass]
    paired: Callable[[Truth, Score, Score, Entities], OfClass]
    influence: Callable[[Truth, Score], NDArray[np.float64]]
    """(n,) what each row adds to the number's deviation from the true one."""
    symmetric: bool = False
    """Whether it is the same for either of two classes, so that no positive one is needed."""

    def targets(self, subject: Subject) -> tuple[str, ...]:
        """The classes that are measured against the rest."""
        either = self.symmetric and len(subject.classes) == 2 and subject.data.columns.positive is None  # noqa: PLR2004  # two classes
        return subject.classes[-1:] if either and not subject.binary else subject.targets


def ranking_check(ranking: Ranking, curve: Callable[[Subject, str, Truth], Figure], *, question: str, remedy: str) -> Check:
    """A check of how the scores rank a class above the rest in each slice; `curve` draws all rows where one class is looked at."""

    def measure(subject: Subject, params: OneVsRest, _rng: Generator) -> Evidence:
        targets = ranking.targets(subject)
        positive = subject.y_true() == targets[0]
        figures = (curve(subject, targets[0], positive),) if len(targets) == 1 and 0 < positive.sum() < len(positive) else ()
        members, unmeasured = _ranked(subject, ranking, params, [subject])
        notes = _notes(targets, params)
        return Evidence(members, ranking.unit, subject.data.rows, unmeasured=unmeasured, figures=figures, notes=notes)

    def compare(subject: Subject, params: OneVsRest, _rng: Generator) -> Evidence:
        members, unmeasured = _ranked(subject, ranking, params, [subject, subject.for_comparator])
        overall = [_of_models(one.estimate) for one in members if one.name == OVERALL and isinstance(one.estimate, Comparisons)]
        notes = [*_notes(ranking.targets(subject), params), *(models_in_words(subject, ranking.unit, *pair) for pair in overall)]
        return comparison_evidence(subject, members, ranking.unit, unmeasured=unmeasured, notes=notes)

    return skill_check(
        measure=measure,
        compare=compare,
        question=question,
        remedy=remedy,
        unit=ranking.unit,
        needs=frozenset({"labels", "ranking"}),
        params=OneVsRest,
        tasks=CLASSIFICATION,
    )


def _ranked(subject: Subject, ranking: Ranking, params: OneVsRest, models: Sequence[Subject]) -> Slices:
    """The number of each slice, for each class that is told from the rest or for their mean; of two models, first minus second."""
    y_true, targets = subject.y_true(), ranking.targets(subject)
    if len(targets) > 1:
        true_columns(subject)  # a class that the model gives no probability for would be left out in silence

    def estimate(target: str, rows: Rows, entities: Entities) -> OfClass:
        true, scores = y_true[rows] == target, [score_of(model, target)[rows] for model in models]
        return ranking.of(true, scores[0], entities) if len(scores) == 1 else ranking.paired(true, scores[0], scores[1], entities)

    def influence(target: str, rows: Rows) -> NDArray[np.float64]:
        first, *second = (ranking.influence(y_true[rows] == target, score_of(model, target)[rows]) for model in models)
        return first - second[0] if second else first

    def mean(rows: Rows, entities: Entities) -> ClassMean | str:
        reasons = [reason for target in targets if (reason := _lacking(y_true[rows] == target, target))]
        if reasons:
            return "; ".join(reasons)
        shares = np.stack([influence(target, rows) for target in targets])
        return ClassMean.of([estimate(target, rows, entities) for target in targets], shares, entities)

    if params.average == "macro" and len(targets) > 1:
        return measurable_slices(subject, mean)
    return measurable_slices_by_class(
        subject, targets, lambda target, rows, ids: _lacking(y_true[rows] == target, target) or estimate(target, rows, ids)
    )


def score_of(subject: Subject, one: str) -> NDArray[np.float64]:
    """(n,) score of one class: its probability, or what else orders the rows."""
    return subject.ranking()[:, subject.classes.index(one)]


def called_as(subject: Subject, one: str) -> NDArray[np.bool_] | None:
    """(n,) whether a row is predicted to be of a class; None where raw scores come without predictions."""
    predicted = subject.predicted.of(subject.data).labels
    return None if predicted is None else np.asarray(predicted == one, dtype=bool)


Comparisons = (PairedAuc, PairedPrecision, ClassMean)


def _of_models(estimate: PairedAuc | PairedPrecision | ClassMean) -> tuple[float, float]:
    """Each model's own number."""
    if isinstance(estimate, ClassMean):
        pairs = [_of_models(each) for each in estimate.parts if isinstance(each, (PairedAuc, PairedPrecision))]
        return sum(first for first, _ in pairs) / len(pairs), sum(second for _, second in pairs) / len(pairs)
    return estimate.first.value, estimate.second.value


def _notes(targets: Sequence[str], params: OneVsRest) -> tuple[str, ...]:
    several = len(targets) > 1
    return (f"average: macro, over {', '.join(targets)}, each against the rest",) if several and params.average == "macro" else ()


def _lacking(true: Truth, one: str) -> str | None:
    """What keeps a class from being ranked against the rest."""
    if 0 < np.count_nonzero(true) < len(true):
        return None
    return f"no row is {f'truly {one}' if not true.any() else 'of another class'}: add rows to this slice"


def thresholds(score: NDArray[np.float64], positive: Truth, points: int, *, by: Literal["rows", "found"]) -> tuple[Curve, Curve]:
    """Positive and all rows from the highest score down to each threshold, at most `points` of them, evenly over rows or rows found."""
    order = np.argsort(-score, kind="stable")
    last = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)
    found = np.cumsum(positive[order])[last]
    chosen = np.arange(len(last))
    if len(last) > points and by == "rows":
        chosen = np.unique(np.linspace(0, len(last) - 1, points).round().astype(int))
    elif len(last) > points:
        chosen = np.unique(np.append(np.searchsorted(found, np.linspace(1, found[-1], points - 1).round()), len(last) - 1))
    return found[chosen], last[chosen] + 1
