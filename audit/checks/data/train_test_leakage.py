"""Leakage: rows that the model is tested on and has learned from.

Purpose      Count rows of the tested data set that also stand in the training or validation set: the same text, but for case,
             punctuation and white space, or the same features.
Risk         Above 0: part of the test asks what the model has already seen the answer to, and every quality number is too good.
Limitations  Looks at the declared training and validation sets alone: what the base model was pretrained on is not known.
             Paraphrases are not found; neither are rows of the same person or document, which `columns.group` should keep apart.
             Columns that number or name the rows are left out, as are those in which no row can agree while all others do.
Reference    Kapoor & Narayanan, Leakage and the reproducibility crisis in machine-learning-based science, Patterns 2023.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from audit.checks.data import MatchParams, data_check
from audit.errors import CannotMeasure
from audit.evidence import OVERALL, Evidence, Example, Member, Part
from audit.metrics import row_matches
from audit.metrics.counting import count_rows

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.datasets import Dataset
    from audit.metrics.row_matches import Matches
    from audit.subject import Subject

_SHOWN = 20


class LeakageParams(MatchParams):
    """Where the model was trained, and how alike two rows must be."""

    train: str = "train"
    """Role of the training set; the validation set is looked at too, where one is declared."""


def measure(subject: Subject, params: LeakageParams, _rng: Generator) -> Evidence:
    """Rows of the tested data set that also stand in the training or validation set."""
    data, learned = subject.data, [_complete(subject, other) for other in _learned(subject, params)]
    is_sample = any(other.sample is not None for other in learned)
    found = [row_matches.matches(data, other, params.columns) for other in learned]
    places = [one.place for one in found]
    if params.near is not None:
        near = [row_matches.near_places((other, data), params.near) for other in learned]
        places = [np.maximum(place, other) for place, other in zip(places, near, strict=True)]
    which = np.argmax(np.stack(places) >= 0, axis=0)  # (n,) the first set that holds a row
    leaked = np.flatnonzero(np.stack(places).max(axis=0) >= 0)
    roles = np.array([other.role for other in learned])
    twins = [(learned[which[row]], int(places[which[row]][row])) for row in leaked]
    return Evidence(
        members=(Member(OVERALL, count_rows(data, len(leaked), judged_alone=True, against_sample=is_sample)),),
        unit="rows",
        rows=data.rows + sum(other.rows for other in learned),
        # the rows' text is left out: it may hold personal data
        examples=tuple(
            Example(data.shown(row), (Part(f"also stands in {other.role}, as row {other.shown(place)}"),))
            for row, (other, place) in list(zip(leaked, twins, strict=True))[:_SHOWN]
        ),
        notes=tuple(note for other, one in zip(learned, found, strict=True) for note in _notes(data, other, one)),
        table={
            "row": data.ids[leaked],
            "stands_in": roles[which[leaked]],
            "train_row": np.array([other.ids[place] for other, place in twins], dtype=str),
        },
    )


def _complete(subject: Subject, learned: Dataset) -> Dataset:
    """All rows of a set of which a sample is audited. A candidate that was trained here has learned from the sample alone."""
    if learned.sample is None:
        return learned
    if subject.base is not None and learned.role in subject.learned_from:
        return replace(learned, sample=None)
    return learned.whole or learned


def _notes(data: Dataset, other: Dataset, found: Matches) -> tuple[str, ...]:
    looked = f"{data.rows:,} rows of {data.role} were looked up among {other.rows:,} rows of {other.role}, by {', '.join(found.columns)}"
    return (f"{looked}: {len(found.rows):,} stand there.", *found.notes)


def _learned(subject: Subject, params: LeakageParams) -> tuple[Dataset, ...]:
    """The training set, and every other data set that trained the model or chose its checkpoint."""
    if _roles(subject, params)[0] not in subject.datasets:
        msg = f"no data set {params.train!r}: declare the training set under datasets.{params.train}"
        raise CannotMeasure(msg)
    return _found(subject, params)


def _roles(subject: Subject, params: LeakageParams) -> tuple[str, ...]:
    """The training set as the parameter names it, else as the candidate was trained, before the other roles."""
    named = "train" in params.model_fields_set or params.train in subject.datasets or not subject.learned_from
    return tuple(dict.fromkeys((params.train if named else subject.learned_from[0], *subject.learned_from)))


def _found(subject: Subject, params: LeakageParams) -> tuple[Dataset, ...]:
    """Those that are there; the tested data set itself only where it is all there is."""
    there = [role for role in _roles(subject, params) if role in subject.datasets]
    return tuple(subject.datasets[role] for role in [role for role in there if role != subject.data.role] or there)


def _all_rows(subject: Subject, params: LeakageParams) -> int:
    """Rows of every data set that is looked at."""
    return subject.data.rows + sum(_complete(subject, data).rows for data in _found(subject, params))


CHECK = data_check(
    measure=measure,
    question="Are the test rows kept out of training?",
    remedy="Take the leaked rows out of the training set, fine-tune again, and test again on rows the model has not seen.",
    rmf=("MAP 2.3", "MEASURE 2.1"),
    unit="rows",
    params=LeakageParams,
    census=True,
    counts_samples=True,
    highest=float("inf"),
    expected_rows=_all_rows,
)
