"""Candidate and comparator on the same rows: what the checks that compare two models share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from audit.candidates.capabilities import Scores
from audit.evidence import Churn, Evidence, Example, Member, Unmeasured
from audit.formatting import PLAIN, comparator_in_words, number, rows_in_words
from audit.metrics.confusion import OF_THE_TABLE, UNITS, is_accuracy, lacking, lacking_positive
from audit.metrics.excerpts import excerpts
from audit.metrics.groups import part
from audit.stats import PairedConfusion, PairedDifference, mcnemar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from audit.metrics.confusion import Average
    from audit.stats.scores import Average as Averaging
    from audit.stats.scores import Metric
    from audit.subject import Subject

LOST, GAINED = 3, 2
"""Rows of either kind that the report shows."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Truth and both models' answers, row by row, as text."""

    true: NDArray[np.object_]
    candidate: NDArray[np.object_]
    comparator: NDArray[np.object_]

    @classmethod
    def of(cls, subject: Subject) -> Answers:
        """Of all rows under `on`."""
        return cls(subject.y_true(), subject.y_pred(), subject.for_comparator.y_pred())

    @property
    def right(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(n,) whether the candidate, and whether the comparator, is right."""
        return self.true == self.candidate, self.true == self.comparator


def shares_right(subject: Subject, unit: str, notes: Sequence[str] = ()) -> Evidence:
    """Difference of the shares of right rows in each slice."""
    return shares(subject, Answers.of(subject).right, unit, notes)


def shares(subject: Subject, hits: tuple[NDArray[np.bool_], NDArray[np.bool_]], unit: str, notes: Sequence[str] = ()) -> Evidence:
    """Difference of the shares of rows in which the candidate, and in which the comparator hits, in each slice."""
    (first, second), clusters = hits, subject.clusters()
    members = [Member(name, PairedDifference.of(first[rows], second[rows], part(clusters, rows))) for name, rows in subject.slices()]
    return evidence(subject, members, unit, notes=(*notes, both(subject, unit, float(first.mean()), float(second.mean()))))


def averaged(subject: Subject, metric: Metric, average: Average | None, *, beta: float = 1.0) -> Evidence:
    """Difference of a function of the confusion table in each slice, averaged as the check averages one model's."""
    average = average or ("binary" if subject.binary else "macro")
    if is_accuracy(metric, average):
        return shares_right(subject, UNITS[metric], (f"average: {average}, which is accuracy",))
    if average == "none":
        return _each_class(subject, Asked(metric, "binary", beta))
    asked = Asked(metric, "binary" if average == "binary" else "weighted" if average == "weighted" else "macro", beta)
    one = subject.positive if average == "binary" else ""
    members, unmeasured = _members(subject, asked, one)
    classes = f"of the class {one}" if one else f"over {', '.join(subject.classes)}"
    notes = [] if metric in OF_THE_TABLE else [f"average: {average}, {classes}{asked.weight}"]
    everything = np.ones(subject.data.rows, dtype=bool)
    if not _missing(subject, asked, one, everything):
        notes.append(both(subject, UNITS[metric], *_of_models(_estimator(subject, asked, one)(everything))))
    return evidence(subject, members, UNITS[metric], unmeasured=unmeasured, notes=notes)


@dataclass(frozen=True, slots=True)
class Asked:
    """A function of the confusion table."""

    metric: Metric
    average: Averaging
    beta: float = 1.0

    @property
    def weight(self) -> str:
        """The weight of recall, where the metric has one."""
        return f"; beta {self.beta:g}" if self.metric == "fbeta" else ""


def _each_class(subject: Subject, asked: Asked) -> Evidence:
    """Every class against the rest, one after the other."""
    answers = Answers.of(subject)
    members: list[Member] = []
    unmeasured: list[Unmeasured] = []
    for one in sorted({*subject.classes, *answers.true, *answers.candidate, *answers.comparator}):
        found, missing = _members(subject, asked, one, among=True)
        members += found
        unmeasured += missing
    notes = (f"average: none, each class against the rest{asked.weight}",)
    return evidence(subject, members, UNITS[asked.metric], unmeasured=unmeasured, notes=notes)


def _members(subject: Subject, asked: Asked, one: str, *, among: bool = False) -> tuple[list[Member], list[Unmeasured]]:
    """The slices' differences, of one class where the average is binary; its name tells it from the others it is among."""
    estimate = _estimator(subject, asked, one)
    members, unmeasured = [], []
    for group, rows in subject.slices():
        name = group.further("class", one) if among else group
        if missing := _missing(subject, asked, one, rows):
            unmeasured.append(Unmeasured(name, missing))
        else:
            members.append(Member(name, estimate(rows)))
    return members, unmeasured


def _estimator(subject: Subject, asked: Asked, one: str) -> Callable[[NDArray[np.bool_]], PairedConfusion | PairedDifference]:
    """The estimate of the rows that a mask marks; `one` is the class of a binary average."""
    answers, clusters, metric = Answers.of(subject), subject.clusters(), asked.metric
    columns = (answers.true, answers.candidate, answers.comparator)
    if asked.average == "binary" and metric == "recall":
        true, first, second = (column == one for column in columns)
        return lambda rows: PairedDifference.of(first[rows & true], second[rows & true], part(clusters, rows & true))
    names, codes = np.unique(np.concatenate([np.array(subject.classes, dtype=object), *columns]), return_inverse=True)
    told = np.split(codes[len(subject.classes) :], 3)
    positive = names.tolist().index(one) if asked.average == "binary" else 1

    def estimate(rows: NDArray[np.bool_]) -> PairedConfusion:
        true, first, second = (column[rows] for column in told)
        entities, average = part(clusters, rows), asked.average
        found = PairedConfusion.of(true, first, second, metric=metric, average=average, positive=positive, clusters=entities)
        return replace(found, beta=asked.beta)

    return estimate


def _of_models(estimate: PairedConfusion | PairedDifference) -> tuple[float, float]:
    if isinstance(estimate, PairedConfusion):
        return estimate.of_models()
    return (estimate.both + estimate.only_first) / estimate.n, (estimate.both + estimate.only_second) / estimate.n


def _missing(subject: Subject, asked: Asked, one: str, rows: NDArray[np.bool_]) -> str | None:
    """What either model lacks for its number to stand for something, as where it is measured alone."""
    metric = asked.metric
    for side, whose in ((subject, "the candidate"), (subject.for_comparator, told(subject))):
        reason = None
        if asked.average == "binary":
            reason = lacking_positive(side.y_true()[rows] == one, side.y_pred()[rows] == one, metric, one)
        elif asked.average == "macro":
            reason = lacking(side, metric, rows)
        if reason:
            return reason if metric in {"recall", *OF_THE_TABLE} else f"{whose}: {reason}"  # of the truth alone for these
    return None


def told(subject: Subject) -> str:
    """What the candidate is compared with: `the champion`, `the base model`."""
    return comparator_in_words(subject.against) or "nothing"


def both(subject: Subject, unit: str, candidate: float, comparator: float) -> str:
    """Each model's own value, over all rows."""
    return f"{unit[:1].upper()}{unit[1:]} over all rows: {number(candidate)} by the candidate, {number(comparator)} by {told(subject)}."


def evidence(
    subject: Subject, members: Sequence[Member], unit: str, *, unmeasured: Sequence[Unmeasured] = (), notes: Sequence[str] = ()
) -> Evidence:
    """The members with all that a reader may ask of a comparison: churn, rows lost and gained, McNemar's test, both models' outputs."""
    answers = Answers.of(subject)
    return Evidence(
        members=tuple(members),
        unmeasured=tuple(unmeasured),
        unit=f"{unit} difference from {told(subject)}",
        rows=len(answers.true),
        figures=(_churn(subject, answers),),
        examples=_examples(subject, answers),
        notes=(*notes, *_changes(subject, answers), *_sameness(subject, answers)),
        table=_table(subject, answers),
    )


def _churn(subject: Subject, answers: Answers) -> Churn:
    first, second = answers.right
    parts = [("all rows", np.ones(len(first), dtype=bool)), *((str(name), rows) for name, rows in subject.slices() if subject.by)]

    def count(flags: NDArray[np.bool_]) -> tuple[int, ...]:
        return tuple(int(np.count_nonzero(flags & rows)) for _, rows in parts)

    return Churn(
        comparator=told(subject),
        names=tuple(name for name, _ in parts),
        both_right=count(first & second),
        gained=count(first & ~second),
        lost=count(~first & second),
        both_wrong=count(~first & ~second),
        changed=count(answers.candidate != answers.comparator),
    )


def _changes(subject: Subject, answers: Answers) -> tuple[str, ...]:
    """Wins, losses and churn over all rows, with McNemar's test, which decides nothing."""
    first, second = answers.right
    gained, lost = int(np.count_nonzero(first & ~second)), int(np.count_nonzero(~first & second))
    changed, n = int(np.count_nonzero(answers.candidate != answers.comparator)), len(first)
    said = f"Of {rows_in_words(n)} {gained:,} are gained and {lost:,} lost against {told(subject)}; the answer changes in {changed:,}, "
    said += f"a churn of {100 * changed / n:.3g} %."
    if subject.clusters() is not None:
        return (said, "McNemar's test is left out: it takes rows as independent, and here rows of one entity move together.")
    exact, mid = (_p(value) for value in (mcnemar.exact(gained, lost), mcnemar.mid_p(gained, lost)))
    p = f"McNemar's test of whether the two err equally often: exact p {exact}, mid-p {mid}. "
    return said, f"{p}It decides nothing: that no difference is significant does not prove that there is none."


def _p(value: float) -> str:
    """A p-value; how much smaller than a millionth it is says nothing."""
    return number(value) if value >= PLAIN else "below 0.000001"


def _sameness(subject: Subject, answers: Answers) -> tuple[str, ...]:
    """A comparison of a model with itself, which no interval shows."""
    comparator = subject.for_comparator
    if comparator.candidate.sha256 == subject.candidate.sha256:
        return (f"The candidate and {told(subject)} are the same model, byte for byte: there is no difference to be found.",)
    alike = bool(np.all(answers.candidate == answers.comparator))
    return (f"The candidate and {told(subject)} give the same answer in every row.",) if alike else ()


def _examples(subject: Subject, answers: Answers) -> tuple[Example, ...]:
    """The first rows lost, then the first gained."""
    first, second = answers.right
    chosen = [("lost", int(row)) for row in np.flatnonzero(~first & second)[:LOST]]
    chosen += [("gained", int(row)) for row in np.flatnonzero(first & ~second)[:GAINED]]
    return tuple(
        Example(
            subject.data.shown(row),
            shown,
            f"{what}: truly {answers.true[row]}; {told(subject)} says {answers.comparator[row]}, the candidate {answers.candidate[row]}",
        )
        for (what, row), shown in zip(chosen, excerpts(subject.data, [row for _, row in chosen]), strict=True)
    )


def _table(subject: Subject, answers: Answers) -> dict[str, NDArray[np.generic]]:
    """Both models' outputs, one entry a row; the candidate's probabilities stand in the file of its predictions."""
    found: dict[str, NDArray[np.generic]] = {
        "id": subject.data.ids,
        "label": answers.true.astype(str),
        "prediction": answers.candidate.astype(str),
        "rival_prediction": answers.comparator.astype(str),
    }
    comparator = subject.for_comparator
    if comparator.candidate.get(Scores) is not None:
        probabilities = comparator.probabilities()
        found |= {f"rival_probability:{name}": probabilities[:, code] for code, name in enumerate(comparator.classes)}
    return found
