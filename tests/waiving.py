"""What tests of waivers share: people with real keys, findings of the judge, waivers signed for real."""

from __future__ import annotations

import base64
import copy
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from audit.decision.judge import judge
from audit.errors import PolicyError
from audit.governance.apply_waivers import apply_waivers
from audit.governance.keys import PublicKey, TrustedKey
from audit.governance.signatures import sign
from audit.governance.waiver_files import Folder, read_waiver, statement
from audit.governance.waiver_validity import Situation
from tests.findings import INFO, proportions, requirement

if TYPE_CHECKING:
    from pathlib import Path

    from audit.decision.finding import Finding
    from audit.evidence import Evidence
    from audit.governance.apply_waivers import WaiverState
    from audit.governance.waiver_files import WaiverFile

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SHA = "ab" * 32


@dataclass(frozen=True)
class Someone:
    """A person with a key of their own."""

    name: str
    line: int
    role: str
    bound: bool = False
    """Whether the key names the role."""

    @property
    def secret(self) -> Ed25519PrivateKey:
        return _secret(self.name)

    @property
    def trusted(self) -> TrustedKey:
        raw = self.secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        told = {"name": self.name, "line": self.line, "public_key": base64.b64encode(raw).decode()}
        return TrustedKey(PublicKey.model_validate(told | ({"role": self.role} if self.bound else {})), f"{self.name}.pub", "")


@cache
def _secret(name: str) -> Ed25519PrivateKey:
    """The same key all through a run of tests, so that an example can be drawn again."""
    return Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32, b"\0")[:32])


OWNER = Someone("Olga Owner", 1, "owner")
REVIEWER = Someone("Rita Reviewer", 2, "reviewer")
OTHER = Someone("Otto Other", 2, "reviewer")
EXECUTIVE = Someone("Eva Executive", 1, "executive", bound=True)
STRANGER = Someone("Sam Stranger", 2, "reviewer")
TRUSTED = (OWNER, REVIEWER, OTHER, EXECUTIVE)


def moment(when: datetime) -> str:
    return when.isoformat().replace("+00:00", "Z")


def told(**changed: Any) -> dict[str, Any]:
    """A waiver that covers `missed()`, not signed yet."""
    return {
        "id": "W-1",
        "check": "performance/accuracy",
        "scope": {"model": "small", "sha256": SHA, "threshold": {"min": 0.8, "max": None}},
        "reason": "The next training run will hold more rows of this kind.",
        "risk_accepted": "One complaint in four is answered a day late.",
        "compensating_controls": [{"description": "a person reads every complaint", "owner": "desk", "evidence": "rota"}],
        "valid_while": {"metric": "performance/accuracy", "op": ">=", "value": 0.65},
        "remediation": {"plan": "train on more rows", "due": "2027-01-15"},
        "granted_at": moment(NOW - timedelta(days=1)),
        "expires_at": moment(NOW + timedelta(days=60)),
        "requested_by": "Olga Owner",
    } | changed


def signed(waiver: dict[str, Any], *people: Someone, **said: Any) -> dict[str, Any]:
    """With these people's signatures, OWNER's and REVIEWER's where none are named."""
    made = copy.deepcopy(waiver) | {"approvals": []}
    for one in people or (OWNER, REVIEWER):
        own: dict[str, Any] = {"by": one.name, "role": one.role, "line": one.line, "independent": one.line == 2, "at": moment(NOW)} | said
        made["approvals"].append(own | {"signature": sign(one.secret, statement(made, own))})
    return made


def file(folder: Path, tree: dict[str, Any]) -> WaiverFile:
    """As it is read from a file."""
    path = folder / f"{tree.get('id')}.json"
    path.write_text(json.dumps(tree, indent=1))
    return read_waiver(path)


def missed(evidence: Evidence | None = None, **changed: Any) -> Finding:
    """A finding of the judge; where nothing is said, accuracy 0.7 on 400 rows, under the bound of 0.8."""
    return judge(requirement(**changed), INFO, evidence or proportions((280, 400)), confidence=0.95, owner="desk")


def situation(*waivers: WaiverFile, people: tuple[Someone, ...] = TRUSTED, **changed: Any) -> Situation:
    folder = Folder(waivers, tuple(one.trusted for one in people))
    plain = Situation(model="small", version=None, candidate=SHA, tier=2, author="model team", folder=folder, earliest=NOW, latest=NOW)
    return replace(plain, **changed)


def state(folder: Path, tree: dict[str, Any], finding: Finding | None = None, **changed: Any) -> WaiverState:
    """What becomes of one waiver held against one finding."""
    laid = apply_waivers([finding or missed()], situation(file(folder, tree), **changed))
    (found,) = laid.states
    assert (laid.findings[0].disposition == "waived") == (found.standing == "in_force")
    assert bool(laid.reasons) == (found.standing == "void")
    return found


def refused(folder: Path, tree: dict[str, Any]) -> str:
    """What is said of a file that cannot be read."""
    try:
        file(folder, tree)
    except PolicyError as error:
        return str(error)
    msg = "it was read"
    raise AssertionError(msg)
