"""Data that prove little: one true class alone, candidates that answer every row alike, columns and groups without rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from audit import catalog
from audit.datasets.bands import Bands
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
        data = datasets[requirement.on]
        for place, column in ((place, column) for place, family in enumerate(_families(requirement)) for column in family):
            key = (data.role, column, banded := (place, column) in requirement.banded)
            if key not in told and column in data.cells.names:
                told.add(key)
                said = _blank(data, column) if banded else (*_thin(data, column), *_twice(data, column))
                yield from (f"datasets.{data.role}: {text}" for text in said)


def band_notes(requirement: Requirement, subject: Subject) -> Iterator[str]:
    """Where quantiles have put the edges of bands, and that equal numbers leave fewer bands than the policy names."""
    source = subject.data if subject.reference is None else subject.reference
    for place, spec in requirement.banded.items():
        names = subject.bands[place].names
        if spec.bands is not None:
            fewer = "" if len(names) == spec.bands else f" Equal numbers leave {len(names)} of {spec.bands} bands."
            yield f"The bands of {spec.column} are {', '.join(names)}: their edges are quantiles of {source.role}.{fewer}"


def empty_bands(requirement: Requirement, subject: Subject) -> Iterator[Unmeasured]:
    """Bands between the policy's own edges that have no row: the policy names them, so nothing passes without them."""
    if not _families(requirement):
        return
    for place, spec in requirement.banded.items():
        for name in subject.bands[place].empty(subject.data) if spec.edges is not None else ():
            reason = f"no row of {subject.data.role} has {spec.column} {name}: add such rows, or take the edge out of `by`"
            yield Unmeasured(Slice(((spec.column, name),)), reason)


def _blank(data: Dataset, column: str) -> Iterator[str]:
    blank = int(data.blank(column).sum())
    if blank >= _MOSTLY * data.rows:
        share = 100 * blank / data.rows
        yield f"column {column!r} is blank in {blank:,} of {data.rows:,} rows ({share:.0f} %), which are judged together as the slice null."


def _thin(data: Dataset, column: str) -> Iterator[str]:
    mostly = tuple(_blank(data, column))
    yield from mostly
    if not mostly and len(data.crossed((column,))[1]) == 1:
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
    """What a promoting run's entry keeps: the groups by requirement. Quantiles move with the data, so their bands are no groups to keep."""
    found = {
        one.id: {
            "on": one.on,
            "families": [
                {"columns": list(columns), "groups": _groups(datasets[one.on], columns, bands)}
                | ({"bands": {column: list(band.edges) for column, band in bands.items()}} if bands else {})
                for columns, bands in families
            ],
        }
        for one in policy.require
        if (families := _lasting(one))
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
        bands = {column: Bands(column, tuple(map(float, edges))) for column, edges in family.get("bands", {}).items()}
        if (columns, bands) in _lasting(requirement):
            now = _groups(data, columns, bands)
            reason = f"run {run} was promoted on rows of this group, and the data have none: add such rows"
            yield from (Unmeasured(Slice(tuple(zip(columns, one, strict=True))), reason) for one in family["groups"] if one not in now)


def _families(requirement: Requirement) -> tuple[tuple[str, ...], ...]:
    """Families of slices or groups; features of a drift check are none."""
    return requirement.families if catalog.discover()[requirement.check].by in {"slices", "groups"} else ()


def _lasting(requirement: Requirement) -> list[tuple[tuple[str, ...], dict[str, Bands]]]:
    """Families whose groups have the same names on other data, with the bands of their columns."""
    found = []
    for place, columns in enumerate(_families(requirement)):
        specs = [spec for (family, _), spec in requirement.banded.items() if family == place]
        if all(spec.edges is not None for spec in specs):
            found.append((columns, {spec.column: Bands(spec.column, spec.edges) for spec in specs if spec.edges is not None}))
    return found


def _groups(data: Dataset, family: tuple[str, ...], bands: Mapping[str, Bands]) -> list[list[object]]:
    """The groups of a family without those of blank cells."""
    return [list(cells) for cells in data.crossed(family, bands)[1] if None not in cells]
