"""Names of members as people read them: `region=north, class=urgent` is `region north and class urgent`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audit.evidence import OVERALL, Pair, Slice
from audit.report import text as prose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.evidence import Evidence, Name, Value

_AUC = {
    "subgroup": "ranking within the group",
    "bpsn": "ranking its negatives below the others' positives (BPSN)",
    "bnsp": "ranking its positives above the others' negatives (BNSP)",
}
"""What each AUC of Borkan et al. (2019) asks."""
_MEASURED = frozenset({"auc", "rate", "parameter", "part"})
"""What tells not whose a number is but which one, and needs no name before its value: `true positive rate`, `slope`."""


def label(name: Name) -> str:
    """A slice by its columns and values; of a pair first what both have in common."""
    if not isinstance(name, Pair):
        return _slice(name.items)
    both = tuple(item for item in name.first.items if item in name.second.items)
    one, other = (_slice(tuple(item for item in side.items if item not in both)) for side in (name.first, name.second))
    return f"{_slice(both)}: {one} against {other}" if both else f"{one} against {other}"


def group_of(name: Name) -> Name:
    """A slice without the class and the rate that are measured of it."""
    if isinstance(name, Pair):
        return name
    return Slice(tuple(item for item in name.items if item[0] not in {*_MEASURED, "class"}))


def in_words(text: str, evidence: Evidence | None) -> str:
    """A text in which members are called by their names, with the names as people read them, large at the head of a sentence."""
    found = {str(name): label(name) for name in _names(evidence) if name != OVERALL and str(name) in text} if evidence is not None else {}
    if not found:
        return text
    longest = "|".join(map(re.escape, sorted(found, key=len, reverse=True)))
    said = re.sub(rf"(?<!\w)(?:{longest})(?!\w)", lambda match: found[match[0]], text)
    return re.sub(rf"(?<=[.] )(?:{'|'.join(map(re.escape, found.values()))})", lambda match: prose.sentence(match[0]), said)


def _names(evidence: Evidence) -> Iterator[Name]:
    names: list[Name] = [one.name for one in (*evidence.members, *evidence.context)]
    for name in (*names, *(one.name for one in evidence.unmeasured)):
        yield name
        if isinstance(name, Pair):
            yield from (name.first, name.second)


def _slice(items: tuple[tuple[str, Value], ...]) -> str:
    """First what is measured, then of whom; `overall` where nothing tells it from all rows."""
    measured = " and ".join(_measured(column, str(value)) for column, value in items if column in _MEASURED)
    whom = " and ".join(
        f"{column} not given" if value is None else f"{column} {value}" for column, value in items if column not in _MEASURED
    )
    return ": ".join(filter(None, (measured, whom))) or "overall"


def _measured(column: str, value: str) -> str:
    return _AUC.get(value, value) if column == "auc" else value.replace("_", " ")
