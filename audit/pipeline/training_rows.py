"""Rows that the candidate is measured on although they trained it or chose its checkpoint: recognised by their content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audit.decision.finding import Reason
from audit.errors import CannotMeasure
from audit.metrics import row_matches, rows
from audit.pipeline.opening import measures_the_model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.datasets import Dataset
    from audit.policy.schema import Policy

_BLOCKS = 0.1
"""Share of the tested rows that stand in the training set, from which nothing that is measured on them counts."""
_DECLARED = {"train": "it was trained on", "validation": "chose its checkpoint"}
"""Roles that say by their name what a loaded model has learned from."""


@dataclass(frozen=True, slots=True)
class _Overlap:
    """Rows of one data set that stand in another."""

    found: int
    rows: int
    """Rows of the data set."""
    columns: tuple[str, ...]
    """What they were compared by."""
    same: bool
    """Whether the two hold the same rows, in whatever order."""
    beyond_chance: bool
    known: float = 1.0
    """Share of the other data set's rows that are there; under 1 where its file is declared to be a sample."""

    @property
    def blocks(self) -> bool:
        """Whether nothing counts that is measured on the data set. Of a sample, as many more rows were learned from as it stands for."""
        return self.same or (self.beyond_chance and self.found >= _BLOCKS * self.rows * self.known)

    def describe(self, role: str, other: str) -> str:
        """How many rows stand in both."""
        if self.same:
            return f"datasets.{other} holds the same rows as datasets.{role}"
        return f"{self.found:,} of the {self.rows:,} rows of datasets.{role} stand in datasets.{other} too (by {', '.join(self.columns)})"


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """What is to be said of rows that the candidate has learned from and is measured on."""

    blocking: tuple[Reason, ...]
    """Requirements that prove nothing."""
    remarks: tuple[Reason, ...]
    """Data sets of which fewer rows were learned from than block, and more than chance explains."""


def training_roles(policy: Policy) -> dict[str, str]:
    """Data sets that the candidate has learned from, each with what its rows did."""
    spec = policy.candidate.fine_tune
    if spec is None:
        return {role: did for role, did in _DECLARED.items() if role in policy.datasets}
    chosen_by = {} if isinstance(spec.validation, float) else {spec.validation: "chose its checkpoint"}
    return {spec.on: "it was trained on"} | {role: did for role, did in chosen_by.items() if role != spec.on}


def find(policy: Policy, datasets: Mapping[str, Dataset]) -> TrainingRows:
    """Hold the rows of every data set that a required check of the model looks at against those that it has learned from."""
    learned, blocking, remarks = training_roles(policy), [], []
    required = [one for one in policy.require if one.enforce == "required" and measures_the_model(one)]
    for role in dict.fromkeys(one.on for one in required):
        did, facts = learned.get(role) if policy.candidate.fine_tune is not None else None, ""
        for other in () if role in learned else learned:
            overlap = _overlap(role, other, datasets)
            if overlap is None:
                continue
            if overlap.blocks and did is None:
                did, facts = learned[other], f": {overlap.describe(role, other)}"
            elif overlap.beyond_chance:
                text = f"{overlap.describe(role, other)}: data/train_test_leakage counts and names them."
                remarks.append(Reason("trained-on", None, text))
        if did is not None:
            text = f"measured on rows that {did}, proves nothing{facts}."
            blocking += [Reason("trained-on", one.id, f"{one.id}, {text}") for one in required if one.on == role]
    return TrainingRows(tuple(blocking), tuple(remarks))


def _overlap(role: str, other: str, datasets: Mapping[str, Dataset]) -> _Overlap | None:
    """None where one is not there, or nothing of them can be compared. A smoke run reads few rows; the whole files are compared."""
    if role not in datasets or other not in datasets:
        return None
    data, learned = (datasets[one].whole or datasets[one] for one in (role, other))
    if data.sha256 == learned.sha256:
        return _Overlap(data.rows, data.rows, (), same=True, beyond_chance=True)
    try:
        found = row_matches.matches(data, learned)
    except CannotMeasure:  # without text and features the rows are known by all their other columns
        same = _same_rows(data, learned, _shared(data, learned))
        return _Overlap(data.rows, data.rows, (), same=True, beyond_chance=True) if same else None
    label = [name for name in _shared(data, learned) if name == data.columns.label == learned.columns.label]
    same = _same_rows(data, learned, (*found.columns, *label))
    known = 1.0 if learned.sample is None else learned.rows / learned.sample.population
    return _Overlap(len(found.rows), data.rows, found.columns, same=same, beyond_chance=found.beyond_chance, known=known)


def _shared(data: Dataset, other: Dataset) -> tuple[str, ...]:
    there = set(other.cells.names)
    return tuple(name for name in data.cells.names if name in there)


def _same_rows(data: Dataset, other: Dataset, columns: tuple[str, ...]) -> bool:
    """Whether both hold the same rows, as often, by these columns."""
    if data.rows != other.rows or not columns:
        return False
    one, two = rows.comparison((data, other), columns).keys(columns)
    return bool(np.array_equal(np.sort(one), np.sort(two)))
