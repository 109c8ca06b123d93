"""Section 2: the system as declared, the candidate as measured. Section 12: the operations card. Section 15: sign-off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.report import text as prose
from audit.report.banner import QUORUM, Fact
from audit.report.charts.loss import loss
from audit.report.phrases import owner_of
from audit.report.test_set_usage import wear

if TYPE_CHECKING:
    from audit.candidates.training_record import TrainingRecord
    from audit.record import AuditRun, CandidateFacts
    from audit.report.charts.axes import Drawing
    from audit.report.entries import Entries, Link
    from audit.report.test_set_usage import WearView

NOT_DECLARED = "not declared"
_STAYS = {
    "block": "Nothing. This candidate must not go live.",
    "promote": "This candidate may go live once the signatures of section 15 are there.",
    "promote-with-conditions": "This candidate may go live once the conditions of section 11 are signed.",
}


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """One data set."""

    role: str
    rows: str
    columns: str
    source: str
    licence: str
    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What was audited."""

    declared: tuple[Fact, ...]
    measured: tuple[Fact, ...]
    datasets: tuple[DatasetRow, ...]
    wear: tuple[WearView, ...]
    training: tuple[Fact, ...]
    curves: Drawing | None


def scope(run: AuditRun) -> Scope:
    """The subject of this run."""
    return Scope(
        declared=_declared(run),
        measured=_measured(run),
        datasets=tuple(
            DatasetRow(
                data.role,
                f"{data.rows:,}",
                f"{data.columns:,}",
                data.source or NOT_DECLARED,
                data.licence or NOT_DECLARED,
                data.path,
                data.sha256,
            )
            for data in run.datasets
        ),
        wear=wear(run),
        training=() if run.training is None else _training(run.training),
        curves=None if run.training is None else loss(run.training),
    )


def _declared(run: AuditRun) -> tuple[Fact, ...]:
    system = run.policy.system
    said = (
        ("Purpose", system.purpose),
        ("Out of scope", "; ".join(system.out_of_scope)),
        ("People affected", "; ".join(system.affected)),
        ("Oversight", system.oversight),
        ("Known limits", system.limits),
        ("Benefits", system.benefits),
        ("Cost of errors", system.costs),
        ("Tier", f"{run.policy.tier} of 3 (1 is the highest)" if "tier" in run.policy.model_fields_set else "not declared"),
        ("Laws and rules", "; ".join(system.legal_basis)),
        ("Risk tolerance", system.risk_tolerance),
        ("Third parties", "; ".join(system.third_party)),
        ("Owner", owner_of(run) if system.owner else None),
        ("Author of the candidate", system.author),
    )
    return tuple(Fact(term, value or NOT_DECLARED) for term, value in said)


def _measured(run: AuditRun) -> tuple[Fact, ...]:
    candidate = run.candidate
    return (
        Fact("Task", run.policy.candidate.task),
        Fact("Kind", candidate.kind),
        Fact("Candidate", candidate.description),
        Fact("Learned weights", "not known" if candidate.parameters is None else f"{candidate.parameters:,}"),
        Fact("Classes", prose.listed(candidate.classes, 20) or "none: it gives numbers"),
        Fact("SHA-256", candidate.sha256),
        *(fact for name, one in run.comparators.items() for fact in _comparator(_COMPARATORS[name], one)),
    )


_COMPARATORS = {"champion": "Champion", "base": "Base model with a probe"}


def _comparator(name: str, facts: CandidateFacts) -> tuple[Fact, ...]:
    return Fact(name, facts.description), Fact(f"{name} SHA-256", facts.sha256)


def _training(record: TrainingRecord) -> tuple[Fact, ...]:
    names = ("epochs", "batch_size", "learning_rate", "weight_decay", "max_grad_norm", "warmup", "schedule", "max_length", "patience")
    settings = ", ".join(f"{name.replace('_', ' ')} {record.hyperparameters[name]}" for name in names if name in record.hyperparameters)
    origin = "taken from the cache" if record.cached else "trained in this run"
    resumed = "" if record.resumed_from_step is None else f", resumed from step {record.resumed_from_step:,}"
    return (
        Fact("Base model", record.base),
        Fact("Base SHA-256", record.base_sha256),
        Fact("Tuned weights SHA-256", record.weights_sha256),
        Fact("Settings", settings or "see training.json"),
        Fact("Steps", f"{record.steps:,} done, step {record.kept_step:,} kept{', stopped early' if record.stopped_early else ''}"),
        Fact("Precision", record.precision),
        *_cut(record),
        Fact("Where from", f"{origin}{resumed}, {prose.seconds(record.seconds)}"),
    )


def _cut(record: TrainingRecord) -> tuple[Fact, ...]:
    if not record.cut_texts:
        return ()
    return (Fact("Length", f"{record.cut_texts:,} of {record.train_rows:,} training texts were cut at {record.max_length:,} tokens"),)


@dataclass(frozen=True, slots=True)
class Alarm:
    """A finding that an operator may meet again in production."""

    link: Link
    check: str
    bound: str
    now: str
    first_action: str
    owner: str


@dataclass(frozen=True, slots=True)
class Operations:
    """The operations card."""

    now: str
    facts: tuple[Fact, ...]
    alarms: tuple[Alarm, ...]


def operations(run: AuditRun, found: Entries) -> Operations:
    """What an operator needs, from declared facts and from checks on data of production."""
    system = run.policy.system
    said = (
        ("Call in an incident", system.incident_contact),
        ("Owner", owner_of(run) if system.owner else None),
        ("Way back", system.rollback_plan),
        ("Who can stop it", system.oversight),
        ("Monitoring plan", system.monitoring_plan),
        ("Complaints and appeals", system.feedback_channel),
        ("Taking it out of use", system.decommissioning_plan),
    )
    watched = [
        entry for entry in found.worst if entry.finding.check.id.startswith("drift/") or entry.finding.requirement.on == "production"
    ]
    alarms = tuple(
        Alarm(
            entry.link,
            entry.finding.id,
            prose.bound(entry.finding.requirement),
            prose.STATUSES[entry.finding.status],
            entry.finding.remedy,
            entry.finding.owner,
        )
        for entry in watched
    )
    return Operations(_STAYS[run.verdict.decision], tuple(Fact(term, value or NOT_DECLARED) for term, value in said), alarms)


@dataclass(frozen=True, slots=True)
class Signature:
    """An empty box for one signature."""

    role: str
    statement: str


_STATEMENTS = {
    "Owner": "I answer for this system. I have read sections 1 to 12 and accept the risk that section 10 lists.",
    "Independent reviewer": "I did not build this candidate and do not report to those who did. I have read and challenged the evidence.",
    "Accountable executive": "I accept on behalf of the organisation the risk that section 10 lists.",
}


def signatures(run: AuditRun) -> tuple[Signature, ...]:
    """One box for every role that the tier asks for."""
    return tuple(Signature(role, _STATEMENTS[role]) for role in QUORUM[run.policy.tier])
