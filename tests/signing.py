"""What tests of sign-offs share: a policy whose run ends with conditions, people with keys, and their signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit.commands.sign import Signing
from audit.commands.sign_bundle import sign_bundle
from audit.governance.keys import keygen
from audit.ledger import Ledger, times
from tests import running

if TYPE_CHECKING:
    from pathlib import Path

PEOPLE = {"Olga Owner": (1, None), "Rita Reviewer": (2, None), "Eva Executive": (1, "executive"), "Otto Other": (2, None)}
REASON = "This example is about signatures, and nothing is measured of it."
_UNMEASURED = ("safe", "secure_resilient", "explainable_interpretable", "privacy_enhanced", "fair_bias_managed", "accountable_transparent")


def policy(*require: dict[str, Any], tier: int = 2, people: tuple[str, ...] = tuple(PEOPLE), **changed: Any) -> dict[str, Any]:
    """One requirement that passes, and one of medium severity that leaves a condition."""
    made = running.policy(
        *(require or (PASSING, OPEN)),
        tier=tier,
        trust={"keys": [f"keys/{name}.pub" for name in people]},
        system={
            "purpose": "Find complaints that must be answered within a day",
            "out_of_scope": ["credit decisions"],
            "owner": {"team": "Support ML", "contact": "support-ml@example.org"},
            "author": "Otto Other",
            "rollback_plan": "docs/rollback.md",
            "affected": ["complainants"],
            "limits": "complaints in English only",
            "oversight": "Desk staff can move any complaint",
            "incident_contact": "oncall@example.org",
            "legal_basis": ["GDPR"],
        },
        not_measured=dict.fromkeys(_UNMEASURED, REASON),
    )
    made["datasets"]["test"] |= {"source": "generated", "licence": "CC0-1.0"}
    return made | changed


PASSING = {"check": "performance/accuracy", "min": 0.5}
OPEN = {"check": "performance/accuracy", "id": "strict", "min": 0.95, "severity": "medium"}


def make_keys(folder: Path) -> None:
    """A pair for each of the people."""
    for name, (line, role) in PEOPLE.items():
        keygen(name, line, role, folder / "keys")  # type: ignore[arg-type]  # lines of defence


def audited(folder: Path, made: dict[str, Any] | None = None) -> Path:
    """The bundle of a run with conditions, in a folder with keys."""
    if not (folder / "keys").exists():
        make_keys(folder)
    done, results = running.run(folder, made or policy())
    assert results is not None, done.stderr
    return folder / "reports" / str(results["run"]["id"])


def sign(bundle: Path, name: str, role: str) -> list[str]:
    """One person's sign-off, in this process; keys and ledger lie where `audited` has them."""
    signing = Signing(bundle.parent.parent / f"keys/{name}.key", role, None)
    return sign_bundle(bundle, signing, Ledger(bundle.parent / "ledger.sqlite"), times.now())


def signed(folder: Path) -> Path:
    """A bundle with the quorum of its tier."""
    bundle = audited(folder)
    sign(bundle, "Olga Owner", "owner")
    sign(bundle, "Rita Reviewer", "independent-reviewer")
    return bundle
