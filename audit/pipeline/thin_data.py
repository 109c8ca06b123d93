"""Data that prove little: one true class alone, candidates that answer every row alike, columns and groups without rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from audit import catalog
from audit.datasets.identity import copies_remark
from audit.datasets.labels import normal_form
from audit.decision.finding import Reason
from audit.errors import CannotMeasure
from audit.evidence import OVERALL, Slice, Unmeasured
from audit.ledger import Large
from audit.redaction.masking import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from audit.candidates.predictions import Predictions
    from audit.check import Check
    from audit.datasets import Dataset
    from audit.ledger import Entry
    from audit.policy.schema import Policy, Requirement
    from audit.subject import Subject

    Values = NDArray[np.object_] | NDArray[np.float64]

KEPT = "groups"
"""Key of a promoting run's entry in the ledger: the groups of each requirement."""
_MOSTLY = 0.5
"""Share of blank cells from which on a remark reports them."""
_ELSEWHERE = frozenset({"reference", "base"})
"""Needs of checks that compare the candidate's answers with other answers, not with the truth."""


def data_remarks(policy: Policy, datasets: Mapping[str, Dataset]) -> tuple[Reason, ...]:
    """How files were read, rows that stand in them many times, and columns of slices with hardly a group."""
    measured = {one.on for one in policy.require}
    read = [
        f"datasets.{role}: {text}"
        for role, data in datasets.items()
        for text in (*data.remarks, *((*copies_remark(data), *label_remark(data)) if role in measured else ()))
    ]
    return tuple(Reason("data-remark", None, text) for text in (*read, *slice_remarks(policy, datasets)))


def unproven(subject: Subject, check: Check) -> tuple[Unmeasured, ...]:
    """What bars a pass of a check of the candidate, where the labels or its answers hold one value alone."""
    if not check.asks_the_model or not check.needs.isdisjoint(_ELSEWHERE):
        return ()
    true = _single(subject.y_true if subject.classes else subject.target) if not check.needs.isdisjoint({"labels", "targets"}) else None
    answered = None
    if not check.needs.isdisjoint({"predictions", "values"}):
        answered = _single(subject.y_pred if subject.classes else subject.predicted_values)
    what = "class" if subject.classes else "value"
    if true is not None and answered is not None:
        reason = f"every row is truly {true} and predicted {answered}: add rows of another {what}, which the candidate has to tell apart"
    elif true is not None and not check.of_one_class:
        reason = f"every row is truly {true}: add rows of another {what}, which the candidate has to tell apart"
    else:
        return ()
    return (Unmeasured(OVERALL, reason),)


def answer_remarks(predicted: Predictions, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:
    """Data sets of which the candidate was asked, and in which it gives the same answer to every row."""
    told = []
    for role, data in datasets.items():
        outputs = predicted.known(data) if role == data.role else None
        if outputs is not None and outputs.labels is not None and data.rows > 1:
            labels = outputs.labels
            answer = _single(lambda: labels)  # noqa: B023  # called at once
            if answer is not None:
                told.append(f"datasets.{role}: the candidate answers {answer!r} in every row: it tells no classes apart.")
    return tuple(told)


def label_remark(data: Dataset) -> tuple[str, ...]:
    """That every row has the same label, where it does: no check of these rows shows whether a candidate tells cases apart."""
    counts = {} if data.columns.label is None else data.class_counts(data.columns.label)
    if len(counts) != 1 or data.rows < 2:  # noqa: PLR2004  # one row has one label
        return ()
    return (f"every label in column {data.columns.label!r} is {next(iter(counts))!r}: whether the candidate tells it apart is not shown.",)


def _single(values: Callable[[], Values]) -> str | None:
    """The one value of all rows; None where there are several, or none can be read."""
    import pandas as pd

    try:
        found = pd.unique(values())
    except CannotMeasure:
        return None
    return str(found[0]) if len(found) == 1 else None


def blank_columns(data: Dataset, family: Sequence[str]) -> Iterator[str]:
    """That a column has no group at all, for each such column of a family."""
    for column in family:
        if data.blank(column).all():
            yield f"column {column!r} is blank in all {data.rows:,} rows of {data.path}: it has no group; fill it or leave it out"


def slice_remarks(policy: Policy, datasets: Mapping[str, Dataset]) -> Iterator[str]:
    """Columns of slices that are blank in most rows, and columns that hold one group alone or one in two spellings."""
    told = set()
    for requirement in policy.require:
        for column in dict.fromkeys(column for family in _families(requirement) for column in family):
            data = datasets[requirement.on]
            if (data.role, column) not in told and column in data.cells.names:
                told.add((data.role, column))
                yield from (f"datasets.{data.role}: {text}" for text in (*_thin(data, column), *_twice(data, column)))


def _thin(data: Dataset, column: str) -> Iterator[str]:
    blank = int(data.blank(column).sum())
    if blank >= _MOSTLY * data.rows:
        share = 100 * blank / data.rows
        yield f"column {column!r} is blank in {blank:,} of {data.rows:,} rows ({share:.0f} %), which are judged together as the slice null."
    elif len(data.crossed((column,))[1]) == 1:
        yield f"column {column!r} holds one value in every row, so that a result by {column} compares no groups."


def _twice(data: Dataset, column: str) -> Iterator[str]:
    """Groups whose names differ in notation alone."""
    forms: dict[str, list[str]] = {}
    for (name,) in data.crossed((column,))[1]:
        if isinstance(name, str):
            forms.setdefault(normal_form(name), []).append(name)
    same = next((names for names in forms.values() if len(names) > 1), None)
    if same is not None:
        said = " and ".join(map(quoted, same))
        yield f"column {column!r} holds {said}, which are judged as groups of their own: if they are one, write it in one way."


def kept(policy: Policy, datasets: Mapping[str, Dataset]) -> dict[str, object]:
    """What a promoting run's entry keeps: the groups by requirement."""
    found = {
        one.id: {"on": one.on, "families": [{"columns": list(family), "groups": _groups(datasets[one.on], family)} for family in families]}
        for one in policy.require
        if (families := _families(one))
    }
    return {KEPT: Large(found)} if found else {}


def lost_groups(policy: Policy, datasets: Mapping[str, Dataset], entries: Sequence[Entry]) -> dict[str, tuple[Unmeasured, ...]]:
    """By requirement, groups on which the last promotion under this policy's name was measured, and of which the data have no row."""
    promoted = ((entry, told) for entry in reversed(entries) if entry.kind == "run" and KEPT in (told := json.loads(entry.payload)))
    last = next(((entry, told) for entry, told in promoted if told.get("policy") == policy.policy), None)
    if last is None:
        return {}
    groups, told = last[0].value(KEPT), last[1]
    return {one.id: tuple(_lost(one, datasets[one.on], groups.get(one.id, {}), told["run"])) for one in policy.require}


def _lost(requirement: Requirement, measured: Dataset, before: Mapping[str, Any], run: str) -> Iterator[Unmeasured]:
    data = measured.whole or measured
    if before.get("on") != requirement.on:
        return
    for family in before["families"]:
        columns = tuple(family["columns"])
        if columns in _families(requirement):
            now = _groups(data, columns)
            reason = f"run {run} was promoted on rows of this group, and the data have none: add such rows"
            yield from (Unmeasured(Slice(tuple(zip(columns, one, strict=True))), reason) for one in family["groups"] if one not in now)


def _families(requirement: Requirement) -> tuple[tuple[str, ...], ...]:
    """Families of slices or groups; features of a drift check are none."""
    return requirement.by if catalog.discover()[requirement.check].by in {"slices", "groups"} else ()


def _groups(data: Dataset, family: Sequence[str]) -> list[list[object]]:
    """The groups of a family without those of blank cells."""
    return [list(cells) for cells in data.crossed(tuple(family))[1] if None not in cells]
