"""Estimates as plain JSON values and back, so that a stored finding can be judged again under another policy."""

from __future__ import annotations

import math
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from pydantic import TypeAdapter, ValidationError

from audit import stats
from audit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.stats import Estimate


Stored: TypeAlias = "bool | int | float | str | list[Stored] | dict[str, Stored] | None"

KINDS: dict[str, type[Any]] = {name: getattr(stats, name) for name in stats.__all__ if name != "Estimate"}
"""Every kind of estimate by its name."""
_LATER = {
    "CalibrationError": frozenset({"binning"}),
    "Confusion": frozenset({"beta"}),
    "PairedConfusion": frozenset({"beta"}),
    "WeightedShare": frozenset({"effective_units"}),
    **dict.fromkeys(("Mean", "MeanRatio"), frozenset({"half"})),
    **dict.fromkeys(("Proportion", "PairedDifference", "Quantile", "SquaredDistance", "Coefficient"), frozenset({"effective_entities"})),
    "MeanDifference": frozenset({"shared"}),
    **dict.fromkeys(("AverageDifference", "Difference", "Ratio"), frozenset({"correlation", "shared"})),
}
"""Fields that a file from before they were there may lack."""
_RENAMED = {"WeightedShare": {"worth": "effective_n"}}
"""Fields by the name that an earlier file has for them."""


def to_json(estimate: Estimate) -> dict[str, Stored]:
    """Kind and fields. Numbers survive unchanged: JSON writes the shortest text that reads back as the same float."""
    kind = type(estimate)
    if KINDS.get(kind.__name__) is not kind:
        msg = f"{kind.__name__} is no kind of estimate that can be stored"
        raise TypeError(msg)
    return {"kind": kind.__name__} | {name: _plain(getattr(estimate, name)) for name in _names(kind)}


def from_json(stored: Mapping[str, Stored]) -> Estimate:
    """The estimate again; a kind, a field or a value that does not fit is refused. A field of `_LATER` has its default."""
    kind = KINDS.get(str(stored.get("kind")))
    if kind is None:
        msg = f"{stored.get('kind')!r} is no kind of estimate: one of {', '.join(sorted(KINDS))}"
        raise InputError(msg)
    for old, new in _RENAMED.get(kind.__name__, {}).items():
        if new not in stored:
            stored = {new if name == old else name: value for name, value in stored.items()}
    if set(stored) | _LATER.get(kind.__name__, frozenset()) != {"kind", *_names(kind)}:
        msg = f"a stored {kind.__name__} has {', '.join(_names(kind))}, not {', '.join(name for name in stored if name != 'kind')}"
        raise InputError(msg)
    values = {name: from_json(value) if isinstance(value, dict) else _tuples(value) for name, value in stored.items() if name != "kind"}
    try:
        found: Estimate = _adapter(kind.__name__).validate_python(values)
    except ValidationError as error:
        msg = f"a stored {kind.__name__} cannot be read: {error}"
        raise InputError(msg) from error
    return found


def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(KINDS[kind])


def _plain(value: object) -> Stored:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        msg = f"an estimate holds {value}, which JSON cannot write"
        raise ValueError(msg)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    estimate: Any = value
    return to_json(estimate)


def _tuples(value: Stored) -> object:
    """Lists as the tuples that they were, and the estimates among them."""
    if isinstance(value, list):
        return tuple(from_json(one) if isinstance(one, dict) else _tuples(one) for one in value)
    return value
