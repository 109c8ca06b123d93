"""One run's whole outcome: what the report, the exports and `results.json` are made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

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
