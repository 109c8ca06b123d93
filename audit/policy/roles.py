"""Two roles on one column: a label that is its own prediction is always right."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.datasets import Columns
    from audit.policy.positions import Loc
    from audit.policy.shape import Draft

_ALONE = ("id", "label", "prediction", "score", "scores", "output", "weight")
"""Roles that share their column neither with one another nor with a feature."""


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
    """Every clash, of the policy's own columns and of each data set's."""
    if draft.columns is None:
        return
    told: set[tuple[str, str, str]] = set()
    for data, columns in ((None, draft.columns), *((role, draft.columns_of(role)) for role in draft.datasets)):
        for clash in clashes(columns) if columns is not None else ():
            if clash not in told:
                told.add(clash)
                yield _place(draft, data, clash), _said(clash)


def _place(draft: Draft, data: str | None, clash: tuple[str, str, str]) -> Loc:
    """Where the role stands; of two that a data set and the policy give, the data set's own."""
    spec = draft.datasets.get(data) if data is not None else None
    own = spec.columns.model_fields_set if spec is not None and spec.columns is not None else frozenset()
    role = next((one for one in clash[:2] if one.split(".")[0] in own), clash[0])
    at: Loc = ("datasets", str(data), "columns") if role.split(".")[0] in own else ("columns",)
    kind, _, entry = role.partition(".")
    return (*at, kind, *((int(entry) if entry.isdigit() and kind == "features" else entry,) if entry else ()))


def _said(clash: tuple[str, str, str]) -> str:
    role, other, column = clash
    if role.startswith("features."):
        return f"column {column!r} is columns.{other}, which a model may not see; take it out of the features"
    return f"column {column!r} is columns.{role} and columns.{other} at once; name another column for one of them"
