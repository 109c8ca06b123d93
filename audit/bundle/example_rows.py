"""Rows for people to look at: a few of each slice that the policy names, and of each cell of true by predicted class."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from audit import catalog
from audit.errors import CannotMeasure
from audit.evidence import OVERALL, Bars, Example, Slice
from audit.formatting import number
from audit.metrics import bins
from audit.metrics.excerpts import entities_of, excerpts
from audit.record import Sampled
from audit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from audit.candidates.predictions import Predictions
    from audit.datasets import Dataset
    from audit.datasets.bands import Bands
    from audit.decision.finding import Finding

ROWS = 5
"""Rows that are shown of a part."""
SLICES, CELLS = 40, 25
"""Parts of one data set that show rows."""


@dataclass(frozen=True, slots=True)
class _TruthAndAnswers:
    """What the candidate says of every row."""

    worst_first: NDArray[np.intp]
    """(n,) rows in the order in which a reader wants them."""
    wrong: NDArray[np.bool_] | None
    """(n,) whether the class is wrong; None of numbers."""
    true: NDArray[np.object_] | NDArray[np.float64]
    """(n,) classes or numbers."""
    said: NDArray[np.object_] | NDArray[np.float64]

    def words(self, row: int) -> tuple[str, str]:
        """What is true of a row and what the candidate says, as a report prints it."""
        true, said = self.true[row], self.said[row]
        return (number(true), number(said)) if self.wrong is None else (str(true), str(said))


@dataclass(frozen=True, slots=True)
class _Part:
    """A slice or a cell with its rows, the worst first."""

    name: Slice
    cell: tuple[str, str] | None
    rows: NDArray[np.intp]


def sampled(findings: Sequence[Finding], datasets: Mapping[str, Dataset], predicted: Predictions) -> tuple[Sampled, ...]:
    """Of every data set that findings with evidence were measured on and the candidate was asked about; a profile has no rows to show."""
    found: list[Sampled] = []
    for role, data in ((role, data) for role, data in datasets.items() if data.cells.profile is None):
        on = [finding for finding in findings if finding.evidence is not None and finding.requirement.on == role]
        subject = _split(on, data, predicted, datasets)
        if on and predicted.known(data) is not None and (told := _truth_and_answers(subject)) is not None:
            found += _of(subject, told)
        found += _drifted_rows(on, data, datasets)
    return tuple(found)


def _drifted_rows(findings: Sequence[Finding], data: Dataset, datasets: Mapping[str, Dataset]) -> list[Sampled]:
    """Rows in which the features that findings draw have grown, the first ones of each."""
    drawn: dict[str, dict[str, None]] = {}
    for finding in findings:
        reference = finding.requirement.reference
        if reference is None or reference not in datasets or datasets[reference].cells.profile is not None or finding.evidence is None:
            continue
        if catalog.discover()[finding.requirement.check].by == "features":
            features = (dict(figure.member.items).get("column") for figure in finding.evidence.figures if isinstance(figure, Bars))
            drawn.setdefault(str(reference), {}).update((str(one), None) for one in features if one is not None)
    found: dict[Slice, Sampled] = {}
    whose = entities_of(data)
    for role, columns in drawn.items():
        for name, said, rows in bins.drifted_rows(datasets[role], data, tuple(columns)):
            entities = None if whose is None else len({whose[row] for row in rows})
            part = Sampled(data.role, name, None, len(rows), None, (), entities)
            first = [] if part.few else rows[:ROWS].tolist()
            shown = zip(first, excerpts(data, first), strict=True)
            found.setdefault(name, replace(part, examples=tuple(Example(data.shown(row), parts, said) for row, parts in shown)))
    return list(found.values())


def _split(findings: Sequence[Finding], data: Dataset, predicted: Predictions, datasets: Mapping[str, Dataset]) -> Subject:
    """The rows with all that the findings split them by, each family once."""
    checks = catalog.discover()
    split = [one.requirement for one in findings if checks[one.requirement.check].by in {"slices", "groups"}]
    found: dict[tuple[str | Bands, ...], tuple[str, ...]] = {}
    for requirement in split:
        bands = requirement.bands(datasets)
        for place, columns in enumerate(requirement.families):
            if set(columns) <= set(data.cells.names):
                found[tuple(bands.get((place, column), column) for column in columns)] = columns
    banded = {(place, one.column): one for place, family in enumerate(found) for one in family if not isinstance(one, str)}
    return Subject(data, predicted, by=tuple(found.values()), bands=banded)


def _truth_and_answers(subject: Subject) -> _TruthAndAnswers | None:
    """None where the truth is not known of every row."""
    try:
        if subject.classes:
            true, said = subject.y_true(), subject.y_pred()
            wrong = np.asarray(true != said, dtype=bool)
            return _TruthAndAnswers(np.argsort(~wrong, kind="stable"), wrong, true, said)
        truth, given = subject.target(), subject.predicted_values()
        off = np.abs(truth - given)
        return _TruthAndAnswers(np.argsort(-off, kind="stable"), None, truth, given)
    except CannotMeasure:
        return None


def _of(subject: Subject, told: _TruthAndAnswers) -> list[Sampled]:
    """All rows where there are no classes, else the cells; then the slices."""
    parts = [_Part(OVERALL, None, told.worst_first)] if told.wrong is None else _cells(told)
    if subject.by:
        parts += [_Part(name, None, told.worst_first[mask[told.worst_first]]) for name, mask in subject.slices()]
    whose = entities_of(subject.data)
    counted = [
        Sampled(
            role=subject.data.role,
            name=part.name,
            cell=part.cell,
            rows=len(part.rows),
            wrong=None if told.wrong is None else int(told.wrong[part.rows].sum()),
            examples=(),
            entities=None if whose is None else len({whose[row] for row in part.rows}),
        )
        for part in parts
    ]
    chosen = _chosen(parts, counted)
    shown = _examples(subject, told, sorted({row for rows in chosen for row in rows}))
    return [replace(one, examples=tuple(shown[row] for row in rows)) for one, rows in zip(counted, chosen, strict=True)]


def _cells(told: _TruthAndAnswers) -> list[_Part]:
    """The cells that hold rows: those of wrong answers before the others, the largest first."""
    import pandas as pd

    order = told.worst_first
    (true, truths), (said, answers) = (pd.factorize(column[order]) for column in (told.true, told.said))
    of_row = true * len(answers) + said
    sizes = np.bincount(of_row, minlength=len(truths) * len(answers))
    rows = np.split(order[np.argsort(of_row, kind="stable")], np.cumsum(sizes)[:-1])
    held = {(str(truths[place // len(answers)]), str(answers[place % len(answers)])): found for place, found in enumerate(rows)}
    ranked = sorted(held.items(), key=lambda entry: (entry[0][0] == entry[0][1], -len(entry[1]), entry[0]))
    return [_Part(OVERALL, cell, found) for cell, found in ranked if len(found)]


def _chosen(parts: Sequence[_Part], counted: Sequence[Sampled]) -> list[list[int]]:
    """The first rows of each part that is large enough; of parts beyond the limit none."""
    left = {True: CELLS, False: SLICES}
    found: list[list[int]] = []
    for part, one in zip(parts, counted, strict=True):
        kind = part.cell is not None
        show = not one.few and left[kind] > 0
        left[kind] -= show
        found.append(part.rows[:ROWS].tolist() if show else [])
    return found


def _examples(subject: Subject, told: _TruthAndAnswers, rows: Sequence[int]) -> dict[int, Example]:
    found: dict[int, Example] = {}
    for row, parts in zip(rows, excerpts(subject.data, rows), strict=True):
        true, said = told.words(row)
        found[row] = Example(subject.data.shown(row), parts, f"truly {true}, the candidate says {said}")
    return found
