"""Roles of columns that cannot be: two on one column, where a label that is its own prediction is always right, or of another task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.tasks import REGRESSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.datasets import Columns
    from audit.policy.positions import Loc
    from audit.policy.shape import Draft

_ALONE = ("id", "label", "prediction", "score", "scores", "output", "weight")
"""Roles that share their column neither with one another nor with a feature."""
_OF_CLASSES = ("positive", "score", "scores")
"""Roles that a candidate for regression has no use for."""


def clashes(columns: Columns) -> Iterator[tuple[str, str, str]]:
    """A role, the one that has its column already, and the column; entries of a role as `scores.urgent`."""
    taken: dict[str, str] = {}
    named = sorted(columns.named().items(), key=lambda item: item[0].startswith("features."))
    for role, column in named:
        kind = role.split(".")[0]
        if column in taken and kind in {*_ALONE, "features"}:
            yield role, taken[column], column
        if kind in _ALONE:
            taken.setdefault(column, role)


def problems(draft: Draft) -> Iterator[tuple[Loc, str]]:
    """Every role of another task, and every clash, of the policy's own columns and of each data set's."""
    yield from _regression(draft)
    if draft.columns is None:
        return
    told: set[tuple[str, str, str]] = set()
    for data, columns in ((None, draft.columns), *((role, draft.columns_of(role)) for role in draft.datasets)):
        for clash in clashes(columns) if columns is not None else ():
            if clash not in told:
                told.add(clash)
                yield _place(draft, data, clash), _describe_clash(clash)


def _regression(draft: Draft) -> Iterator[tuple[Loc, str]]:
    """Roles that speak of classes, under a candidate that gives numbers: no check could read them."""
    if draft.candidate is None or draft.candidate.task not in REGRESSION:
        return
    own = [(("datasets", role, "columns"), spec.columns) for role, spec in draft.datasets.items() if spec is not None and spec.columns]
    for place, columns in [(("columns",), draft.columns), *own]:
        for role in _OF_CLASSES:
            if columns is not None and getattr(columns, role) is not None:
                yield (*place, role), f"is of classification, and candidate.task is {draft.candidate.task}; leave it out"
    for place, spec in draft.comparators.items():
        answers = None if spec is None else spec.columns
        for role in _OF_CLASSES[1:]:
            if answers is not None and getattr(answers, role) is not None:
                yield (*place, "columns", role), f"is of classification, and candidate.task is {draft.candidate.task}; name prediction"


def _place(draft: Draft, data: str | None, clash: tuple[str, str, str]) -> Loc:
    """Where the role stands; of two that a data set and the policy give, the data set's own."""
    spec = draft.datasets.get(data) if data is not None else None
    own = spec.columns.model_fields_set if spec is not None and spec.columns is not None else frozenset()
    role = next((one for one in clash[:2] if one.split(".")[0] in own), clash[0])
    at: Loc = ("datasets", str(data), "columns") if role.split(".")[0] in own else ("columns",)
    kind, _, entry = role.partition(".")
    return (*at, kind, *((int(entry) if entry.isdigit() and kind == "features" else entry,) if entry else ()))


def _describe_clash(clash: tuple[str, str, str]) -> str:
    role, other, column = clash
    if role.startswith("features."):
        return f"column {column!r} is columns.{other}, which a model may not see; take it out of the features"
    return f"column {column!r} is columns.{role} and columns.{other} at once; name another column for one of them"
