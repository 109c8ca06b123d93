"""What tests of the judge share: requirements, evidence and findings made of real estimates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit import catalog
from audit.decision.judge import without_evidence
from audit.evidence import OVERALL, Evidence, Member, Slice
from audit.policy.schema import Requirement
from audit.stats import Proportion

if TYPE_CHECKING:
    from audit.decision.finding import Finding, Status

INFO = catalog.info("performance/accuracy")


def requirement(**changed: object) -> Requirement:
    return Requirement.model_validate({"check": "performance/accuracy", "id": "performance/accuracy", "min": 0.8} | changed)


def proportions(*hits_of: tuple[int, int]) -> Evidence:
    """Evidence with one member a (hits, n), the first overall where there is only one."""
    names = [OVERALL] if len(hits_of) == 1 else [Slice((("group", str(i)),)) for i in range(len(hits_of))]
    members = tuple(Member(name, Proportion(hits, n)) for name, (hits, n) in zip(names, hits_of, strict=True))
    return Evidence(members=members, unit="accuracy", rows=sum(n for _, n in hits_of))


def finding(status: Status, *, severity: str = "high", enforce: str = "required", disposition: str = "none", name: str = "one") -> Finding:
    """A finding as the decision sees it: only its requirement, status and disposition count."""
    from dataclasses import replace

    made = without_evidence(requirement(id=name, severity=severity, enforce=enforce), INFO, "error", "made for a test", owner="nobody")
    return replace(made, status=status, disposition=disposition)  # type: ignore[arg-type]  # a test's literal
