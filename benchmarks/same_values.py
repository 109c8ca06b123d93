"""Whether two audits of the same policy agree: values, numbers of rows, intervals, statuses and the decision.

Run: python -m benchmarks.same_values OLD NEW [--close 1e-9]

OLD and NEW are `results.json` files, or folders that hold files of the same names (`german_credit.json`, …). Every difference is
printed with its place. Numbers may differ by `--close`, relative to the larger one. The exit code is 1 if anything differs.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

FACTS = ("check", "status", "disposition", "severity", "enforce", "on", "params", "threshold", "headline", "slices")
"""What must stay the same of a finding; its sentences may be put better."""


def main() -> int:
    """Print what differs; 1 where anything does."""
    parser = argparse.ArgumentParser(description="Compare the numbers and decisions of two audits.")
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--close", type=float, default=1e-9, help="largest relative difference of two numbers that count as the same")
    asked = parser.parse_args()
    pairs = (
        [(asked.old, asked.new)] if asked.old.is_file() else [(path, asked.new / path.name) for path in sorted(asked.old.glob("*.json"))]
    )
    different = 0
    for old, new in pairs:
        found = list(differences(json.loads(old.read_text()), json.loads(new.read_text()), asked.close))
        different += len(found)
        print(f"{new}: {len(found)} differences" if found else f"{new}: the same")
        print(*(f"  {line}" for line in found), sep="\n", end="\n" if found else "")
    return 1 if different or not pairs else 0


def differences(old: dict[str, Any], new: dict[str, Any], close: float) -> Iterator[str]:
    """What two results say otherwise, one line each."""
    for key in ("decision", "exit_code"):
        yield from _apart(key, old[key], new[key], close)
    findings = [{finding["id"]: finding for finding in results["findings"]} for results in (old, new)]
    for name in dict.fromkeys((*findings[0], *findings[1])):
        before, after = (side.get(name) for side in findings)
        if before is None or after is None:
            yield f"{name}: only in the {'new' if before is None else 'old'} results"
            continue
        for fact in FACTS:
            yield from _apart(f"{name}.{fact}", before[fact], after[fact], close)


def _apart(place: str, old: Any, new: Any, close: float) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*old, *new)):
            if key in old or new[key] is not None:  # a key that a later release adds is empty where nothing sets it
                yield from _apart(f"{place}.{key}", old.get(key), new.get(key), close)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _apart(f"{place}[{index}]", before, after, close)
    elif isinstance(old, float | int) and isinstance(new, float | int) and not isinstance(old, bool):
        if not math.isclose(old, new, rel_tol=close, abs_tol=close):
            yield f"{place}: {old} before, {new} now"
    elif old != new:
        yield f"{place}: {old!r} before, {new!r} now"


if __name__ == "__main__":
    sys.exit(main())
