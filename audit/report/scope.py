"""Section 2: the system as declared, the candidate as measured, the policy since the last promotion, use of the test sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.report import text as prose
from audit.report.charts.history import looks, loss
from audit.report.entries import Fact
from audit.report.phrases import owner_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.candidates.capabilities import TrainingRecord
    from audit.governance.policy_approvals import ApprovalState
    from audit.governance.policy_change import PolicyChange
    from audit.record import AuditRun, CandidateFacts, LookFacts
    from audit.report.charts.drawing import Drawing

NOT_DECLARED = "not declared"
_HUES = {"loosened": "red", "tightened": "", "other": ""}
_BLOCKED = "Blocking: nobody of line 2 has approved what the policy loosens."
_NAMES = {"loosened": "loosened", "tightened": "tightened", "other": "changed"}


@dataclass(frozen=True, slots=True)
class SetUsage:
    """One data set's use."""

    said: tuple[str, ...]
    picture: Drawing | None


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
    usage: tuple[SetUsage, ...]
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
                f"{data.rows:,}" if data.population is None else f"{data.rows:,}, a sample of {data.population:,}",
                f"{data.columns:,}",
                data.source or NOT_DECLARED,
                data.licence or NOT_DECLARED,
                data.path,
                data.sha256,
            )
            for data in run.datasets
        ),
        usage=set_usage(run),
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
        *(fact for name, one in run.comparators.items() for fact in _comparator(_COMPARATORS.get(name, f"Model {name}"), one)),
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


def set_usage(run: AuditRun) -> tuple[SetUsage, ...]:
    """One view a data set that the candidate was measured on."""
    unknown = () if run.ledger_head else (_NO_HISTORY,)
    return tuple(SetUsage((*_usage(one), *unknown), looks(one)) for one in run.looks)


_NO_HISTORY = "The ledger was empty before this run; what another ledger counted on this data is not included."


def _usage(one: LookFacts) -> Iterator[str]:
    held = "candidate was" if one.candidates == 1 else "different candidates were"
    runs = prose.counted(one.decisions, "run")
    yield f"{prose.sentence(prose.word(one.candidates))} {held} held against `{one.role}` in {runs}, this one included."
    yield from _plan(one)
    if one.candidates > 1:
        yield _peeking(one)
    if one.exchanged:
        yield _exchanged(one)


def _plan(one: LookFacts) -> Iterator[str]:
    """Which look this was, and what it had to pass at."""
    if one.most is None:
        yield "The policy has no `looks`: each candidate was judged as if it were the only one."
    elif one.exhausted:
        yield f"This is look {one.number:,} of {one.most:,}: the test set is used up, and nothing on it passes. Audit on fresh rows."
    else:
        level, alpha, left = (prose.error(value or 0.0) for value in (one.level, one.alpha, one.left))
        at = f"a pass was judged at an error of {level} in place of {alpha}; {left} is left for later candidates."
        yield f"This is look {one.number:,} of {one.most:,} ({one.spending}): {at}"


def _peeking(one: LookFacts) -> str:
    """What as many looks would do if nothing were spent: one minus the chance that none errs."""
    chance = prose.confidence(1 - (1 - one.alpha) ** one.candidates)
    if_each = f"Had each been judged at an error of {prose.error(one.alpha)}"
    who = f"at least one of {prose.word(one.candidates)} candidates that lie just on the bound"
    return f"{if_each}, {who} would pass by luck with a chance of {chance}, were their errors independent."


def _exchanged(one: LookFacts) -> str:
    times = "once" if len(one.exchanged) == 1 else "twice" if len(one.exchanged) == 2 else f"{prose.word(len(one.exchanged))} times"  # noqa: PLR2004  # English
    others = prose.listed((f"{prose.digest(each.sha256)} ({prose.counted(each.candidates, 'candidate')})" for each in one.exchanged), 6)
    return f"The file was exchanged {times} under a policy of this name. Other rows stood here before: {others}."


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One difference."""

    kind: str
    hue: str
    place: str
    words: str


@dataclass(frozen=True, slots=True)
class PolicySince:
    """All differences, what was loosened first."""

    lead: str
    rows: tuple[PolicyRow, ...]
    blocked: str = ""
    """That it blocks, if it does."""
    said: tuple[str, ...] = ()
    """Whether somebody approved what was loosened, and what became of every approval."""


def policy_since(run: AuditRun) -> PolicySince:
    """What the policy asks less, more or differently since the last promotion under its name."""
    change = run.policy_change
    if change is None:
        return PolicySince("The ledger holds no promotion under a policy of this name: there is nothing to compare this one with.", ())
    since = f"run {change.run} of {prose.day(change.time)}"
    if change.changes is None:
        unknown = f"The policy of {since}, the last promotion, cannot be read by this release: what was loosened is unknown."
        return PolicySince(unknown, (), _BLOCKED if change.blocks else "", _approvals(change))
    less = sum(one.kind == "loosened" for one in change.changes)
    looser = prose.word(less) if less else "none"
    lead = f"Against {since}, the last promotion: {prose.counted(len(change.changes), 'change')}, {looser} of them loosened."
    rows = tuple(PolicyRow(_NAMES[one.kind], _HUES[one.kind], one.place, one.words) for one in change.changes)
    same = f"It asks the same as {since}, the last promotion."
    return PolicySince(lead if rows else same, rows, _BLOCKED if change.blocks else "", _approvals(change))


def _approvals(change: PolicyChange) -> tuple[str, ...]:
    """Approvals that count, those that do not, and what it means for the decision."""
    good = [f"Approved by {_signed(one)}." for one in change.approved_by]
    lost = [f"The approval by {_signed(one)} does not count: {'; '.join(one.why)}." for one in change.approvals if one.why]
    if change.looser and not change.guarded:
        return ("Not blocking: no trusted keys are configured (trust.keys).", *lost)
    return (*(good if change.looser else ()), *lost)


def _signed(one: ApprovalState) -> str:
    return f"{one.words}, signed {prose.moment(one.at)}, asked for by {one.requested_by}"
