"""What the ledger keeps of waivers: which covered what, so that a renewal is known as one though the first file be gone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from audit.governance.signatures import digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.governance.waiver_files import Folder
    from audit.governance.waiver_state import WaiverState
    from audit.ledger import Entry

KEPT = "waived"
"""Key of a run's entry."""


@dataclass(frozen=True, slots=True)
class Use:
    """A waiver that was in force in an earlier run."""

    id: str
    check: str
    """Id of the requirement."""
    sha256: str
    """Of all that it says, approvals left out: another text under the same id is another waiver."""
    until: datetime


def entry(folder: Folder, states: Sequence[WaiverState]) -> dict[str, object]:
    """What the entry of a run says of the waivers in force in it."""
    told = [
        {"id": one.waiver.id, "check": one.waiver.check, "sha256": digest(one.tree), "until": one.waiver.expires_at.isoformat()}
        for one, state in zip(folder.waivers, states, strict=True)
        if state.standing == "in_force"
    ]
    return {KEPT: told} if told else {}


def uses(entries: Sequence[Entry], *, model: str, candidate: str | None) -> tuple[Use, ...]:
    """Every waiver that was in force for this candidate under a policy of this name."""
    told = (json.loads(one.payload) for one in entries if one.kind == "run")
    found = {
        Use(one["id"], one["check"], one["sha256"], datetime.fromisoformat(one["until"])): None
        for run in told
        if (run["policy"], run["candidate_sha256"]) == (model, candidate)
        for one in run.get(KEPT, ())
    }
    return tuple(found)
