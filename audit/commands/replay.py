"""`audit replay`: what a stored run says once more, a line each, or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from audit.errors import InputError
from audit.pipeline import replay

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from audit.pipeline.replay import Replay, Replayed, Under


def replayed(folders: Sequence[Path]) -> tuple[Replay, ...]:
    """Each bundle judged and measured again."""
    return tuple(replay.replay(one) for one in folders)


def under(policy: Path, folders: Sequence[Path], *, allow_outside: bool) -> tuple[Under, ...]:
    """Each bundle under another policy."""
    if policy.is_dir():
        msg = f"--policy {policy}: is a folder: name a policy file"
        raise InputError(msg)
    return replay.under_policy(policy, folders, allow_outside=allow_outside)


def lines(found: Sequence[Replay]) -> Iterator[str]:
    """One line a finding, with every field that differs below it; then the decision, and the outcome."""
    for one in found:
        for each in (*one.findings, one.decision):
            yield f"{'differs' if each.differences else 'same':<8} {each.id}: {each.status}{_again(each)}"
            yield from (f"           {field.field}: {field.then} then, {field.now} now" for field in each.differences)
        yield f"{one.run}: {'all the same' if one.same else 'DIFFERS'}"


def _again(one: Replayed) -> str:
    if one.measured_again is not None:
        members = "member" if one.measured_again == 1 else "members"
        return f"; judged again, and {one.measured_again} {members} measured again"
    return f"; judged again, not measured again: {one.why_not}" if one.why_not else ""


def under_lines(found: Sequence[Under]) -> Iterator[str]:
    """One line a bundle, then what decides under the new policy."""
    for one in found:
        yield f"{'FLIPS' if one.flips else 'stays':<6} {one.run}: {one.then} then, {one.now} now"
        yield from (f"         {text}" for text in one.deciding)
    flips = sum(one.flips for one in found)
    yield f"{flips} of {len(found)} would flip"


def as_json(found: Sequence[Replay] | Sequence[Under]) -> str:
    """The same for programs."""
    return json.dumps({"schema": "audit.replay/1", "runs": [asdict(one) for one in found]}, indent=1)
