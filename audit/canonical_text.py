"""Values as text, the same whatever type a file gave them."""

from __future__ import annotations

import numpy as np

_TRUTHS = frozenset({"True", "TRUE", "False", "FALSE"})
"""Words that a CSV's reader takes for booleans, as it does true and false."""


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
    text = str(value)
    return text.lower() if text in _TRUTHS else text
