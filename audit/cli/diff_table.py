"""What `audit diff` says: one line a difference, the bad ones first and in red where colours are shown."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from audit import catalog
from audit.bundle import diff as bundle_diff
from audit.bundle import reader
from audit.cli.summary import Line
from audit.errors import InputError
from audit.governance import policy_diff
from audit.pipeline.compatibility import load_policy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_STYLES = {"loosened": "bold red", "worse": "bold red", "tightened": "green", "better": "green", "other": ""}


def compared(old: Path, new: Path, *, allow_outside: bool) -> tuple[list[Line], bool]:
    """The lines, and whether anything was loosened between two policies, or got worse between two bundles."""
    if old.is_dir() != new.is_dir():
        msg = f"{old} and {new}: one is a folder and one is not: name two policies, or two folders that `audit run` wrote"
        raise InputError(msg)
    found: Sequence[policy_diff.Change | bundle_diff.Difference]
    if old.is_dir():
        bad, found = "worse", bundle_diff.differences(*(reader.audit_run(one, tables=False) for one in (old, new)), catalog.discover())
    else:
        before, after = (load_policy(path, allow_outside=allow_outside).policy for path in (old, new))
        bad, found = "loosened", policy_diff.differences(before, after, catalog=catalog.discover())
    lines = [Line(f"{one.kind}: {one.place}: {one.words}", _STYLES[one.kind]) for one in found]
    counts: Counter[str] = Counter(one.kind for one in found)
    told = ", ".join(f"{number} {kind}" for kind, number in counts.items())
    return [*lines, Line(told or "no difference", "bold")], counts[bad] > 0
