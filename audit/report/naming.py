"""Names of members as people read them: `region=north, class=urgent` is `region north and class urgent`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audit.evidence import OVERALL, Pair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.evidence import Evidence, Name, Value

_PLAIN = frozenset({"rate", "parameter", "part"})
"""What needs no name before its value: `true positive rate`, `slope`."""


def named(name: Name) -> str:
    """A slice by its columns and values; of a pair first what both have in common."""
    if not isinstance(name, Pair):
        return _slice(name.items)
    both = tuple(item for item in name.first.items if item in name.second.items)
    one, other = (_slice(tuple(item for item in side.items if item not in both)) for side in (name.first, name.second))
    return f"{_slice(both)}: {one} against {other}" if both else f"{one} against {other}"


def in_words(text: str, evidence: Evidence | None) -> str:
    """A text in which members are called by their names, with the names as people read them."""
    found = {str(name): named(name) for name in _names(evidence) if name != OVERALL and str(name) in text} if evidence is not None else {}
    if not found:
        return text
    longest = "|".join(map(re.escape, sorted(found, key=len, reverse=True)))
    return re.sub(rf"(?<!\w)(?:{longest})(?!\w)", lambda match: found[match[0]], text)


def _names(evidence: Evidence) -> Iterator[Name]:
    names: list[Name] = [one.name for one in (*evidence.members, *evidence.context)]
    for name in (*names, *(one.name for one in evidence.unmeasured)):
        yield name
        if isinstance(name, Pair):
            yield from (name.first, name.second)


def _slice(items: tuple[tuple[str, Value], ...]) -> str:
    """`overall` where nothing tells it from all rows."""
    return " and ".join(_item(column, value) for column, value in items) or "overall"


def _item(column: str, value: Value) -> str:
    if value is None:
        return f"no {column}"
    said = str(value)
    if column in _PLAIN:
        return said.replace("_", " ")
    return f"{column} {said}"
