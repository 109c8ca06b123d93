"""One run's whole outcome: what the report, the exports and `results.json` are made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from audit.evidence.codec import LATER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.candidates.capabilities import TrainingRecord
    from audit.decision.finding import Finding, Verdict
    from audit.evidence import Example, Slice
    from audit.governance.apply_waivers import WaiverState
    from audit.governance.policy_change import PolicyChange
    from audit.ledger.test_set_usage import Exchanged
    from audit.policy.schema import Policy
    from audit.record.monitor import MonitorFacts
    from audit.stats.hypothesis_tests import Spending


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
    population: int | None = field(default=None, metadata={LATER: True})
    """Rows that its rows are a sample of; None where it is no sample."""


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
    reused: tuple[str, ...] = ()
    """Ids of the findings whose evidence was kept by an earlier run."""
    retries: Mapping[str, int] = field(default_factory=dict)
    """How often a measurement was begun again because its worker on a Ray cluster was lost, by finding id."""


@dataclass(frozen=True, slots=True)
class LookFacts:
    """How often a data set has served to decide, this run included."""

    role: str
    decisions: int
    """Runs that held a candidate against it."""
    candidates: int
    """Distinct ones."""
    number: int
    """Of this candidate among them, in the order in which they came."""
    alpha: float
    """Error of the end that faces pass, were nothing spent over looks."""
    most: int | None = None
    """Looks that the policy allows; None where it has no `looks`, as for all below."""
    spending: Spending | None = None
    level: float | None = None
    """What this look may use of `alpha`."""
    left: float | None = None
    """What later ones may use."""
    exchanged: tuple[Exchanged, ...] = ()
    """Other rows that stood in its place before, under a policy of this name."""

    @property
    def exhausted(self) -> bool:
        """Whether nothing can pass on it any more: all looks are taken, or nothing is left. A look may also be too early to use any."""
        return self.most is not None and (self.number > self.most or self.level == self.left == 0)


FEW = 10
"""Rows below which a part shows none of them, and a cell not how many: so few could point to a person."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """A part of a data set with a few of its rows, for the reader of the report."""

    role: str
    name: Slice
    """The slice; all rows where a cell is meant."""
    cell: tuple[str, str] | None
    """True and predicted class, where the part is a cell of the confusion table."""
    rows: int
    wrong: int | None
    """Those whose class is wrong; None where the candidate gives numbers."""
    examples: tuple[Example, ...]
    """The worst first; none where there are too few rows to show any."""
    entities: int | None = None
    """How many its rows belong to; None where the policy names no entities."""

    @property
    def few(self) -> bool:
        """Whether its rows are those of so few that they could point to one."""
        return min(self.rows, self.rows if self.entities is None else self.entities) < FEW


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finding in short, as the ledger keeps it of every run."""

    finding: str
    status: str
    unit: str = ""
    value: float | None = None
    """Of the headline; None where nothing was measured, as for the interval."""
    interval: tuple[float, float] | None = None
    n: int = 0
    minimum: float | None = None
    maximum: float | None = None
    margin: float | None = None
    severity: str = ""


@dataclass(frozen=True, slots=True)
class Drill:
    """A rehearsed rollback of a model, as the ledger holds it."""

    time: str
    """ISO 8601, UTC."""
    champion: str | None
    """The version that was the champion then."""
    version: str
    """The version that it would have returned to."""
    passed: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class LastPromotion:
    """What was promoted last under a policy of this name, as the ledger said before this run."""

    run: str
    time: str
    """Of the promotion; ISO 8601, UTC."""
    decision: str
    policy_version: str
    candidate_sha256: str
    outcomes: tuple[Outcome, ...] | None
    """None where the ledger does not keep them."""
    name: str | None = None
    """In the registry, as for the two below; None where a run ended in promote and nobody promoted it."""
    version: str | None = None
    target: str | None = None
    drill: Drill | None = field(default=None, metadata={LATER: True})
    """The last rehearsed rollback of that name; None where nobody rehearsed one."""


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
    policy_change: PolicyChange | None = None
    """Since the last promotion under a policy of this name."""
    licences: Mapping[str, str] = field(default_factory=dict)
    """Licence notes of optional backends that ran, by part."""
    looks: tuple[LookFacts, ...] = ()
    """One a data set that the candidate was measured on."""
    comparators: Mapping[str, CandidateFacts] = field(default_factory=dict)
    """What the candidate was compared with: `champion`, `base`, or a name under `models`."""
    waivers: tuple[WaiverState, ...] = ()
    """In the order of their files' names."""
    sampled: tuple[Sampled, ...] = ()
    """Parts of the data sets that findings were measured on."""
    last_promotion: LastPromotion | None = field(default=None, metadata={LATER: True})
    """None where the ledger holds none under a policy of this name."""
    monitor: MonitorFacts | None = field(default=None, metadata={LATER: True})
    """None for `audit run`."""


def outcome(finding: Finding) -> Outcome:
    """A finding in short."""
    head, asked = finding.headline, finding.requirement
    measured = head is not None and head.n > 0
    return Outcome(
        finding=finding.id,
        status=finding.status,
        unit=head.unit if head is not None and measured else finding.check.unit,
        value=head.value if head is not None and measured else None,
        interval=head.interval if head is not None and measured else None,
        n=head.n if head is not None else 0,
        minimum=asked.min,
        maximum=asked.max,
        margin=asked.margin,
        severity=asked.severity if asked.enforce == "required" else "advisory",
    )
