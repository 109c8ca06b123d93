"""One requirement, ready to be measured; what its measurement came to; and the same as plain values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

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


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What one requirement is measured on. Digests hold whoever measures it to the very same policy, data and model."""

    folder: str
    """The current directory of the audit, from which paths are read."""
    policy: str
    policy_sha256: str
    requirement: str
    candidate_sha256: str
    datasets: tuple[tuple[str, str], ...]
    """Role and digest of each, as the checks see them: in a smoke run the first rows."""
    comparators: tuple[tuple[str, str], ...]
    """What `against` calls each model, and its digest."""
    seed: int
    cache: str
    """Folder with what is computed once: predictions, trained models."""
    smoke: bool = False
    allow_outside: bool = False

    def to_json(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> JobSpec:
        """What `to_json` wrote."""
        pairs = {key: tuple((name, sha256) for name, sha256 in found[key]) for key in ("datasets", "comparators")}
        return cls(**{**found, **pairs})
