"""Ranges of versions: dotted whole numbers and comparisons of them, joined by commas."""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_PART = re.compile(r"\s*(<=|>=|==|<|>)\s*([0-9]{1,9}(?:\.[0-9]{1,9})*)\s*")
_VERSION = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})*")
_COMPARE: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}


def within(version: str, wanted: str) -> bool | None:
    """Whether a version lies in a range such as `>=1.2, <2`; None where either cannot be read."""
    parts = [_PART.fullmatch(part) for part in wanted.split(",")]
    if not _VERSION.fullmatch(version):
        return None
    outcomes = []
    for part in parts:
        if part is None:
            return None
        outcomes.append(_COMPARE[part[1]](_numbers(version), _numbers(part[2])))
    return all(outcomes)


def _numbers(version: str) -> tuple[int, ...]:
    """Without trailing zeros, so that 1.0 is 1."""
    found = [int(part) for part in version.split(".")]
    while found and found[-1] == 0:
        found.pop()
    return tuple(found)
