"""Slices judged by how a score ranks a class above the rest: what ROC AUC and average precision share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from pydantic import Field

from audit.check import Check, Params
from audit.evidence import OVERALL, Evidence, Member, Unmeasured
from audit.metrics.comparison import comparison_evidence, models_in_words
from audit.metrics.groups import part
from audit.metrics.losses import true_columns
from audit.stats import ClassMean, PairedAuc, PairedPrecision
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.evidence import Figure
    from audit.stats.class_mean import OfClass
    from audit.subject import Subject

    Truth: TypeAlias = NDArray[np.bool_]
    Score: TypeAlias = NDArray[np.float64]
    Clusters: TypeAlias = NDArray[np.int64] | None
    Rows: TypeAlias = NDArray[np.bool_]
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
    of: Callable[[Truth, Score, Clusters], OfClass]
    paired: Callable[[Truth, Score, Score, Clusters], OfClass]
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
        return _ranked(subject, ranking, params, figures)

    def compare(subject: Subject, params: OneVsRest, _rng: Generator) -> Evidence:
        return _compared(subject, ranking, params)

    return Check(
        measure=measure,
        compare=compare,
        question=question,
        remedy=remedy,
        measures="skill",
        characteristics=("valid_reliable",),
        rmf=("MEASURE 2.3", "MEASURE 2.5"),
        better="higher",
        unit=ranking.unit,
        needs=frozenset({"labels", "ranking"}),
        params=OneVsRest,
        by="slices",
        tasks=CLASSIFICATION,
    )


@dataclass(frozen=True, slots=True)
class _Sides:
    """How one class is estimated on some rows, and what each of them adds to the deviation."""

    estimate: Callable[[str, Truth, Rows], OfClass]
    influence: Callable[[str, Truth, Rows], NDArray[np.float64]]


def _ranked(subject: Subject, ranking: Ranking, params: OneVsRest, figures: Sequence[Figure] = ()) -> Evidence:
    """The number of each slice, for each class that is told from the rest or for their mean."""
    clusters = subject.clusters()

    def estimate(one: str, true: Truth, rows: Rows) -> OfClass:
        return ranking.of(true, score_of(subject, one)[rows], part(clusters, rows))

    def influence(one: str, true: Truth, rows: Rows) -> NDArray[np.float64]:
        return ranking.influence(true, score_of(subject, one)[rows])

    members, unmeasured = _members(subject, ranking.targets(subject), _Sides(estimate, influence), macro=params.average == "macro")
    notes = _notes(ranking.targets(subject), params)
    return Evidence(tuple(members), ranking.unit, subject.data.rows, unmeasured=tuple(unmeasured), figures=tuple(figures), notes=notes)


def _compared(subject: Subject, ranking: Ranking, params: OneVsRest) -> Evidence:
    """Candidate minus comparator of the same."""
    comparator, clusters = subject.for_comparator, subject.clusters()

    def estimate(one: str, true: Truth, rows: Rows) -> OfClass:
        return ranking.paired(true, score_of(subject, one)[rows], score_of(comparator, one)[rows], part(clusters, rows))

    def influence(one: str, true: Truth, rows: Rows) -> NDArray[np.float64]:
        return ranking.influence(true, score_of(subject, one)[rows]) - ranking.influence(true, score_of(comparator, one)[rows])

    members, unmeasured = _members(subject, ranking.targets(subject), _Sides(estimate, influence), macro=params.average == "macro")
    overall = [_of_models(one.estimate) for one in members if one.name == OVERALL and isinstance(one.estimate, Comparisons)]
    notes = [*_notes(ranking.targets(subject), params), *(models_in_words(subject, ranking.unit, *pair) for pair in overall)]
    return comparison_evidence(subject, members, ranking.unit, unmeasured=unmeasured, notes=notes)


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


def _members(subject: Subject, targets: Sequence[str], sides: _Sides, *, macro: bool) -> tuple[list[Member], list[Unmeasured]]:
    """Every slice and class, or every slice where the classes' mean is asked for."""
    y_true, clusters = subject.y_true(), subject.clusters()
    members: list[Member] = []
    unmeasured: list[Unmeasured] = []
    if len(targets) > 1:
        true_columns(subject)  # a class that the model gives no probability for would be left out in silence
    if macro and len(targets) > 1:
        for group, rows in subject.slices():
            truths = {one: y_true[rows] == one for one in targets}
            reasons = [reason for one, true in truths.items() if (reason := _lacking(true, one))]
            if reasons:
                unmeasured.append(Unmeasured(group, "; ".join(reasons)))
                continue
            shares = np.stack([sides.influence(one, true, rows) for one, true in truths.items()])
            parts = [sides.estimate(one, true, rows) for one, true in truths.items()]
            members.append(Member(group, ClassMean.of(parts, shares, part(clusters, rows))))
        return members, unmeasured
    for one in targets:
        for group, rows in subject.slices():
            name, true = group.further("class", one) if len(targets) > 1 else group, y_true[rows] == one
            if reason := _lacking(true, one):
                unmeasured.append(Unmeasured(name, reason))
            else:
                members.append(Member(name, sides.estimate(one, true, rows)))
    return members, unmeasured


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
