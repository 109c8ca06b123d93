"""The class that counts as positive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.errors import CannotMeasure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.datasets import Dataset


_TWINS: tuple[tuple[frozenset[str], dict[str | None, str]], ...] = (
    (frozenset({"0", "1"}), {None: "1", "true": "1", "false": "0"}),
    (frozenset({"false", "true"}), {None: "true", "1": "true", "0": "false"}),
)
"""Pairs of classes, and which of them is meant by nothing at all or by the other pair's spelling."""


def positive_class(data: Dataset, classes: Sequence[str]) -> str:
    """`columns.positive` as one of the classes; 1 or true where the labels are 0/1 or booleans."""
    declared = data.class_name(data.columns.positive)
    if declared not in classes:
        for pair, meant in _TWINS:
            if pair.issuperset(classes) and declared in meant:
                return meant[declared]
    if declared is not None:
        return declared
    msg = f"which class counts as positive is not said: set columns.positive to {either(classes)}"
    raise CannotMeasure(msg)


def either(classes: Sequence[str]) -> str:
    """The classes to choose from: `no or yes`."""
    return " or ".join(classes) if len(classes) <= 2 else f"one of {', '.join(classes)}"  # noqa: PLR2004  # two classes
