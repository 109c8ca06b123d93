"""One requirement, ready to be measured, and what its measurement came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from audit.check import Check, CheckInfo, Params
    from audit.errors import AuditError
    from audit.evidence import Evidence, Unmeasured
    from audit.ledger.alpha_spending import Spent
    from audit.policy.schema import Requirement
    from audit.subject import Subject


@dataclass(frozen=True)
class Job:
    """One requirement, ready to be measured."""

    requirement: Requirement
    check: Check
    info: CheckInfo
    params: Params
    subject: Subject
    seed: int
    confidence: float
    owner: str
    skip: str | None = None
    """Why it is not run, where it is not."""
    lost: tuple[Unmeasured, ...] = ()
    """Groups that the last promotion was measured on and the data lack."""
    spent: Spent | None = None
    """What it may use towards a pass, where the error is spent over looks."""
    store: Path | None = None
    """Folder in which evidence is kept between runs; None where it is measured anew every time."""

    @property
    def limit(self) -> float:
        """Seconds after which it counts as hung: the policy's, else the check's own."""
        return self.requirement.limit or self.check.limit


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job gave no evidence."""

    status: Literal["error", "not_run"]
    message: str
    error: AuditError | None = None
    """What was raised, where it is an error that the tool expects."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one job came to: evidence, or why there is none."""

    result: Evidence | Failure
    seconds: float = 0.0
    reused: bool = False
    """Whether the evidence was kept by an earlier run."""
