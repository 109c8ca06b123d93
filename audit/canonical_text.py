"""Values as text, the same whatever type a file gave them, and plain values as JSON in one spelling."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

TRUTHS = frozenset({"True", "TRUE", "False", "FALSE"})
"""Words that a CSV's reader takes for booleans, as it does true and false."""
_REPEATED: frozenset[type] = frozenset({bool, int, np.bool_, np.int8, np.int16, np.int32, np.int64, np.str_})
"""Types whose equal values have the same text, and of which none is missing."""


def is_missing(value: object) -> bool:
    """None, NaN, NaT, and pandas' own NA, which cannot be compared."""
    return value is None or type(value).__name__ == "NAType" or bool(value != value)  # noqa: PLR0124  # NaN is unequal to itself


def is_blank(value: object) -> bool:
    """Whether a value is missing, or a text in which nothing can be seen."""
    if isinstance(value, str):
        return all(letter.isspace() or not letter.isprintable() for letter in value)
    return is_missing(value)


def canonical(value: object) -> str | None:
    """A class label as text, the same whether it was read as 1, 1.0 or "1", as true or "True"; None for a missing value."""
    if is_missing(value):
        return None
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return _of_text(str(value))


def canonical_values(values: Iterable[object]) -> list[str | None]:
    """`canonical` of each value; of numbers and labels that come again, reckoned once."""
    known: dict[tuple[type, object], str | None] = {}
    found: list[str | None] = []
    for value in values:
        kind = type(value)
        if isinstance(value, str) and kind is str:
            found.append(_of_text(value))
        elif kind in _REPEATED:
            key = (kind, value)
            if key not in known:
                known[key] = canonical(value)
            found.append(known[key])
        else:
            found.append(canonical(value))
    return found


def _of_text(text: str) -> str:
    return text.lower() if text in TRUTHS else text


def without_surrogates(value: Any) -> Any:
    """Plain values whose texts can be written as UTF-8: halves of a surrogate pair, as a path of odd bytes has them, become escapes."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {without_surrogates(key): without_surrogates(one) for key, one in value.items()}
    return [without_surrogates(one) for one in value] if isinstance(value, (list, tuple)) else value


def canonical_json(value: object) -> str:
    """Plain values as JSON in one spelling, over which digests and signatures are computed: sorted keys, no spaces, ASCII, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
