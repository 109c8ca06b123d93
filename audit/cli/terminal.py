"""Text for the terminal. Nothing here prints; whatever came from data, models or policies is neutralised on its way out."""

from __future__ import annotations

import textwrap
from itertools import groupby
from typing import TYPE_CHECKING

from audit import catalog
from audit.formatting import neutral

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from audit.check import Check
    from audit.commands.doctor import Diagnosis
    from audit.commands.explain import Explanation


def catalogue(checks: Mapping[str, Check]) -> Iterator[str]:
    """Every check with its direction and question, by family."""
    width = max(len(check_id) for check_id in checks)
    for family, members in groupby(checks.items(), key=lambda item: item[0].split("/")[0]):
        rows = list(members)
        sources = sorted({source for check_id, _ in rows if (source := catalog.info(check_id).distribution)})
        yield f"{family}:" + (f" ({neutral(', '.join(sources))})" if sources else "")
        for check_id, check in rows:
            sign = "min" if check.better == "higher" else "max"
            yield f"  {check_id:<{width}}  {sign}  {check.unit:<24}  {check.question}"


def explanation(one: Explanation, width: int = 100) -> Iterator[str]:
    """What a check measures, what it takes, and how a policy asks for it."""
    yield from (one.id, *_wrapped(one.summary, width), "")
    yield from _table(one.facts, width)
    for heading, text in one.texts:
        yield from ("", *_wrapped(f"{heading}: {text}", width))
    if one.parameters:
        yield from ("", "Parameters:")
        rows = [(f"  {each.name}", f"{each.kind} (default {each.default}). {each.meaning}") for each in one.parameters]
        yield from _table(rows, width)
    yield from ("", "In a policy, under `require`:", f"  {one.example}")


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False, break_long_words=False)


def _table(rows: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    first = max(len(name) for name, _ in rows) + 2
    for name, text in rows:
        wrapped = _wrapped(text, max(width - first, 20)) or [""]
        yield f"{name:<{first}}{wrapped[0]}".rstrip()
        yield from (" " * first + line for line in wrapped[1:])


def diagnosis(found: Diagnosis) -> Iterator[str]:
    """What is installed, what is missing, and what its licences ask."""
    yield from _section("audit", found.versions)
    parts_of = {"Core": found.core, "Extras": found.extras, "Offline resources": found.resources, "Formats": found.formats}
    for title, parts in parts_of.items():
        yield from ("", *_section(title, parts))
    if found.notes:
        yield from ("", *_section("Licences that ask something", found.notes))


def _section(title: str, rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield f"{title}:"
    yield from _table([(f"  {name}", neutral(text)) for name, text in rows], 120)
