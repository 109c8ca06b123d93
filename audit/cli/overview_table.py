"""What `audit overview` prints: figures with their intervals and slices, then every check that was left out, with the reason."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from audit.cli.summary import Line
from audit.commands.overview import figure, to_json
from audit.formatting import interval_in_words, number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.commands.overview import Overview


def lines(one: Overview) -> Iterator[Line]:
    """The table."""
    roles = {**one.found.roles, **({"sensitive": ", ".join(one.found.sensitive)} if one.found.sensitive else {})}
    known = ", ".join(f"{role} {column}" for role, column in roles.items()) or "none"
    yield Line(f"{one.asked.data}: {one.found.data['test'].rows:,} rows. Roles of columns: {known}. Nothing is judged.", "bold")
    width = max((len(each.check) for each in one.measured), default=0)
    for each in one.measured:
        n = "" if each.worst is None else f", n {each.worst.estimate.n:,}"
        yield Line(f"  {each.check:<{width}}  {each.evidence.unit} {figure(each)}{n}")
        for row in each.slices:
            value = row.reason if row.value is None or row.interval is None else f"{number(row.value)} {interval_in_words(row.interval)}"
            yield Line(f"    {'':<{width}}{row.name}: {value}, n {row.n:,}", "dim")
    yield Line(f"Left out, {len(one.left_out)} checks:", "bold")
    width = max((len(check) for check, _ in one.left_out), default=0)
    for check, reason in one.left_out:
        yield Line(f"  {check:<{width}}  {reason}")


def json_lines(one: Overview) -> list[str]:
    """JSON of visible ASCII, in which a CI system finds no command to obey."""
    return json.dumps(to_json(one), indent=1, allow_nan=False, default=list).replace("##", "\\u0023#").splitlines()
