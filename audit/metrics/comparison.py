"""Candidate and comparator on the same rows: what the checks that compare two models share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audit.candidates.capabilities import Scores
from audit.evidence import OVERALL, Churn, Evidence, Example, Intervals, Point
from audit.formatting import PLAIN, comparator_in_words, number, rows_in_words
from audit.metrics.excerpts import excerpts
from audit.metrics.groups import TAIL, slice_members
from audit.stats import PairedDifference
from audit.stats.hypothesis_tests import mcnemar_exact, mcnemar_mid_p

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from audit.evidence import Member, Unmeasured
    from audit.stats import Estimate
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
    first, second = hits
    members = slice_members(subject, lambda rows, entities: PairedDifference.of(first[rows], second[rows], entities))
    said = models_in_words(subject, unit, float(first.mean()), float(second.mean()))
    return comparison_evidence(subject, members, unit, notes=(*notes, said))


def comparator_name(subject: Subject) -> str:
    """What the candidate is compared with: `the champion`, `the base model`."""
    return comparator_in_words(subject.against)


def models_in_words(subject: Subject, unit: str, candidate: float, comparator: float) -> str:
    """Each model's own value, over all rows."""
    values = f"{number(candidate)} by the candidate, {number(comparator)} by {comparator_name(subject)}"
    return f"{unit[:1].upper()}{unit[1:]} over all rows: {values}."


def comparison_evidence(
    subject: Subject, members: Sequence[Member], unit: str, *, unmeasured: Sequence[Unmeasured] = (), notes: Sequence[str] = ()
) -> Evidence:
    """The members with all that a reader may ask of a comparison: churn, rows lost and gained, McNemar's test, both models' outputs."""
    answers = Answers.of(subject)
    alike = bool(np.all(answers.candidate == answers.comparator))
    return Evidence(
        members=tuple(members),
        unmeasured=tuple(unmeasured),
        unit=f"{unit} difference from {comparator_name(subject)}",
        rows=len(answers.true),
        figures=(_churn(subject, answers),),
        examples=_examples(subject, answers),
        notes=(*notes, *_changes(subject, answers), *sameness(subject, "answer", alike=alike)),
        table=_table(subject, answers),
    )


def _churn(subject: Subject, answers: Answers) -> Churn:
    first, second = answers.right
    parts = [("all rows", np.ones(len(first), dtype=bool)), *((str(name), rows) for name, rows in subject.slices() if subject.by)]

    def count(flags: NDArray[np.bool_]) -> tuple[int, ...]:
        return tuple(int(np.count_nonzero(flags & rows)) for _, rows in parts)

    return Churn(
        comparator=comparator_name(subject),
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
    said = f"Of {rows_in_words(n)} {gained:,} are gained and {lost:,} lost against {comparator_name(subject)}; "
    said += f"the answer changes in {changed:,}, a churn of {100 * changed / n:.3g} %."
    if subject.clusters() is not None:
        return (said, "McNemar's test is left out: it takes rows as independent, and here rows of one entity move together.")
    exact, mid = (_p(value) for value in (mcnemar_exact(gained, lost), mcnemar_mid_p(gained, lost)))
    p = f"McNemar's test of whether the two err equally often: exact p {exact}, mid-p {mid}. "
    return said, f"{p}It decides nothing: that no difference is significant does not prove that there is none."


def _p(value: float) -> str:
    """A p-value; how much smaller than a millionth it is says nothing."""
    return number(value) if value >= PLAIN else "below 0.000001"


def sameness(subject: Subject, answer: str, *, alike: bool) -> tuple[str, ...]:
    """What no interval shows of a comparison: that the two are one model, or give the same `answer` in every row."""
    name = comparator_name(subject)
    if subject.for_comparator.candidate.sha256 == subject.candidate.sha256:
        return (f"The candidate and {name} are the same model, byte for byte: there is no difference to be found.",)
    return (f"The candidate and {name} give the same {answer} in every row.",) if alike else ()


def _examples(subject: Subject, answers: Answers) -> tuple[Example, ...]:
    """The first rows lost, then the first gained."""
    (first, second), name = answers.right, comparator_name(subject)
    chosen = [("lost", int(row)) for row in np.flatnonzero(~first & second)[:LOST]]
    chosen += [("gained", int(row)) for row in np.flatnonzero(first & ~second)[:GAINED]]
    return tuple(
        Example(
            subject.data.shown(row),
            shown,
            f"{what}: truly {answers.true[row]}; {name} says {answers.comparator[row]}, the candidate {answers.candidate[row]}",
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


def side_by_side(unit: str, stages: Mapping[str, Sequence[Member]]) -> Intervals:
    """Members by stage and slice, or pair of slices, in the order in which the stages name them; None where a stage lacks one."""
    estimates = {stage: {member.name: member.estimate for member in members} for stage, members in stages.items()}
    names = list(dict.fromkeys(name for stage in estimates.values() for name in stage))
    points = tuple(tuple(_point(stage.get(name)) for stage in estimates.values()) for name in names)
    return Intervals(unit, tuple(stages), tuple("all rows" if name == OVERALL else str(name) for name in names), points)


def _point(estimate: Estimate | None) -> Point | None:
    return None if estimate is None else Point(estimate.value, *estimate.bounds(TAIL, TAIL))
