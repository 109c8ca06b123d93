"""One run's whole outcome: what the report, the exports and `results.json` are made from."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from audit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from audit.candidates.capabilities import TrainingRecord
    from audit.decision.finding import Finding, Verdict
    from audit.evidence import Example, Name, Slice
    from audit.evidence.codec import Codec
    from audit.governance.apply_waivers import WaiverState
    from audit.governance.policy_change import PolicyChange
    from audit.ledger.test_set_usage import Exchanged
    from audit.policy.schema import Policy
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
    drill: Drill | None = None
    """The last rehearsed rollback of that name; None where nobody rehearsed one."""


MonitorOutcome: TypeAlias = Literal["keep", "watch", "keep-with-conditions", "roll-back", "incomplete"]
"""`incomplete`: nothing alarms, and evidence that the policy requires is missing."""
SignalState: TypeAlias = Literal["quiet", "rising", "watch", "alarm"]


@dataclass(frozen=True, slots=True)
class WindowFacts:
    """The window of production data that was audited."""

    key: str
    """`2026-11-30`, `2026-W49`, `2026-11`, `2026-11-30T14+01:00`; of a window by count the begin of its digest."""
    start: str | None
    """ISO 8601 with the offset of the policy's time zone; None for a window by count without a column of times."""
    end: str | None
    """Of a period the moment after it; of a window by count the time of its last row."""
    rows: int
    labelled: bool
    """Whether its labels have come."""
    late: bool
    """Whether it came after a later one."""
    number: int
    """Windows that were counted so far, this one included."""
    labels_due: str | None = None
    """ISO date until which its labels may come; None where they have come, or no requirement needs any."""


@dataclass(frozen=True, slots=True)
class BudgetFacts:
    """How rarely a false alarm may come."""

    false_alarm_every: int | None
    """Days; None for windows by count."""
    window: str
    """In words: `day`, `500 rows`."""
    windows: float
    """Windows until the first false alarm, on average at least."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What the evidence over all windows says of one member of a requirement."""

    requirement: str
    member: Name | None
    """None for all rows."""
    state: SignalState
    """`alarm` and `watch` are at or above their threshold, `rising` at or above a tenth of it."""
    evidence: float
    """M, the statistic of the e-detector."""
    threshold: float
    windows: int
    """Windows that it rests on."""
    since: str | None = None
    """Key of the window of the alarm; None where there is none."""
    change: str | None = None
    """Key of the window in which the change most likely began; None where nothing speaks for one."""


@dataclass(frozen=True, slots=True)
class Retraining:
    """A training that the policy says is due."""

    because: str
    windows: tuple[str, ...]
    """Keys of those to use."""
    policy: str | None
    """What the new candidate must pass; None for the policy itself."""


@dataclass(frozen=True, slots=True)
class MonitorFacts:
    """What a periodic audit adds to a run: the window, and the evidence over all windows so far."""

    outcome: MonitorOutcome
    window: WindowFacts
    budget: BudgetFacts
    signals: tuple[Signal, ...]
    missing: tuple[str, ...] = ()
    """Keys of windows that never came, between the first one and the last."""
    retraining: Retraining | None = None


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
    last_promotion: LastPromotion | None = None
    """None where the ledger holds none under a policy of this name."""
    monitor: MonitorFacts | None = field(default=None, metadata={"added later": True})
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


SCHEMA = "audit.record/1"


def to_text(audit: AuditRun) -> str:
    """The whole run as JSON, which reads back equal but for the tables of evidence: those are Parquet files of the bundle."""
    return (
        json.dumps({"schema": SCHEMA, "record": _codec().to_json(audit)}, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
    )


def from_text(text: str | bytes, table: Callable[[str], Mapping[str, NDArray[np.generic]]] | None = None) -> AuditRun:
    """The run again; `table` reads the file of a finding's own table, and without it tables stay empty. Anything else is refused."""
    from audit.evidence.codec import UnreadableError

    try:
        plain = json.loads(text)
    except ValueError as error:
        msg = f"the record is no JSON: {error}"
        raise InputError(msg) from error
    schema = plain.get("schema") if isinstance(plain, dict) else None
    if schema != SCHEMA:
        msg = f"the record has the form {schema!r}, and this release reads {SCHEMA}: read it with the release that wrote it"
        raise InputError(msg)
    try:
        audit = _codec().from_json(AuditRun, _with_later_fields(plain.get("record")))
    except UnreadableError as error:
        msg = f"the record cannot be read: {error}"
        raise InputError(msg) from error
    return audit if table is None else replace(audit, findings=tuple(_with_table(one, table) for one in audit.findings))


def _with_later_fields(told: object) -> object:
    """A record of an earlier release of this form, with the fields that came later empty."""
    if not isinstance(told, dict) or not told:
        return told
    last = told.get("last_promotion")
    return {**told, "last_promotion": {"drill": None, **last} if isinstance(last, dict) and last else last}


def _with_table(finding: Finding, table: Callable[[str], Mapping[str, NDArray[np.generic]]]) -> Finding:
    if finding.evidence is None or finding.evidence_table is None:
        return finding
    return replace(finding, evidence=replace(finding.evidence, table=table(finding.evidence_table)))


@cache
def _codec() -> Codec:
    """Knows every type that a run is made of."""
    from audit.candidates.capabilities import TrainingRecord
    from audit.check import Characteristic, CheckInfo, Measures
    from audit.decision import finding
    from audit.evidence import storage
    from audit.evidence.codec import Codec
    from audit.governance import apply_waivers, keys, policy_approvals, policy_change, policy_diff
    from audit.ledger import alpha_spending, test_set_usage
    from audit.policy import monitoring, schema
    from audit.stats import hypothesis_tests

    modules = (
        alpha_spending,
        finding,
        policy_approvals,
        policy_change,
        policy_diff,
        apply_waivers,
        keys,
        test_set_usage,
        monitoring,
        schema,
        hypothesis_tests,
    )
    names: dict[str, object] = {"CheckInfo": CheckInfo, "Characteristic": Characteristic, "Measures": Measures}
    for module in modules:
        names |= {name: value for name, value in vars(module).items() if not name.startswith("_")}
    return Codec(names | storage.types() | {"TrainingRecord": TrainingRecord})
