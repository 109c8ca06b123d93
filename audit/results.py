"""One run's whole outcome: what the report, the exports and `results.json` are made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.finetune.record import TrainingRecord
    from audit.judge import Finding, Verdict
    from audit.policy.schema import Policy


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """A data set as it was audited."""

    role: str
    path: str
    sha256: str
    rows: int
    columns: int
    source: str | None
    licence: str | None


@dataclass(frozen=True, slots=True)
class CandidateFacts:
    """The candidate as it was audited."""

    kind: str
    sha256: str
    parameters: int | None
    description: str
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The run itself: all that may differ between two runs of the same inputs."""

    id: str
    started: str
    """ISO 8601, UTC."""
    seconds: float
    seed: int
    version: str
    command: str
    environment: Mapping[str, str]
    timings: Mapping[str, float]
    """Seconds by finding id, and by stage (`load`, `fine-tune`, `predict`)."""


Standing: TypeAlias = Literal["in_force", "void", "unused"]


@dataclass(frozen=True, slots=True)
class WaiverState:
    """What became of one waiver of the policy's folder."""

    id: str
    check: str
    """Id of the requirement that it is for."""
    file: str
    standing: Standing
    why: tuple[str, ...]
    """All that voids it, or why nobody uses it; nothing where it is in force."""
    warning: str
    """That it ends soon, if it does."""
    until: str
    """ISO 8601, UTC."""
    approved_by: tuple[str, ...]
    """As the file says; verified where it is in force."""
    reason: str
    risk_accepted: str
    controls: tuple[str, ...]
    remedy: str


@dataclass(frozen=True, slots=True)
class AuditRun:
    """Everything that one audit found."""

    run: RunFacts
    policy: Policy
    policy_path: str
    policy_text: str
    policy_sha256: str
    candidate: CandidateFacts
    datasets: tuple[DatasetFacts, ...]
    findings: tuple[Finding, ...]
    """In the policy's order."""
    verdict: Verdict
    ledger_head: str | None
    valid_until: str | None = None
    training: TrainingRecord | None = None
    licences: Mapping[str, str] = field(default_factory=dict)
    """Licence notes of optional backends that ran, by part."""
    waivers: tuple[WaiverState, ...] = ()
    """In the order of their files' names."""
