"""What the judge makes of a check's evidence, for tests of checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit.catalog import info
from audit.decision.judge import judge
from audit.policy.schema import Requirement

if TYPE_CHECKING:
    from audit.decision.finding import Finding, Status
    from audit.evidence import Evidence


def finding(check_id: str, evidence: Evidence, **requirement: Any) -> Finding:
    """The evidence held against one requirement at 95 %."""
    asked = Requirement(check=check_id, id=check_id, **requirement)
    return judge(asked, info(check_id), evidence, confidence=0.95, owner="owner")


def status(check_id: str, evidence: Evidence, **requirement: Any) -> Status:
    """Its status alone."""
    return finding(check_id, evidence, **requirement).status
