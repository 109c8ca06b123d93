"""Windows of production as `audit monitor` records them: a quiet one, an alarm, one that is only watched, and words of an attacker."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from audit.decision.finding import Condition, Reason, Verdict
from audit.evidence import Slice
from audit.policy.monitoring import Monitor, OperationsCard, Retrain
from audit.record import (
    Arrival,
    BudgetFacts,
    Drill,
    LastPromotion,
    MonitorFacts,
    Retraining,
    Signal,
    Trace,
    WindowFacts,
)
from tests.report.example.checks import ACCURACY, KS, PSI
from tests.report.example.extremes import NASTY
from tests.report.example.findings import accuracy, drift, f1, without
from tests.report.example.runs import audit_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.decision.finding import Decision, Finding
    from audit.evidence import Name
    from audit.record import AuditRun, MonitorOutcome

CARD = OperationsCard(
    call="On-call ML, +1 555 0100, then support-ml@example.org",
    meaning="Urgent complaints may wait a day too long.",
    first_action="Route all complaints to the desk, then read the ten oldest.",
    rollback="audit rollback triage --to folder:/models",
    fallback="The desk reads every complaint in the order in which they come.",
)
LAST = date(2026, 11, 30)
DAYS = 120
DRILL = Drill("2026-10-01T09:00:00+00:00", "7", "6", passed=True, seconds=1.2)
PROMOTED = LastPromotion(
    "20260502-0900-aaaa", "2026-05-02T10:00:00+00:00", "promote", "3", "7c1e" * 16, None, "triage", "7", "folder:/models", DRILL
)


def _arrivals() -> tuple[Arrival, ...]:
    """A window a day, two of which never came, one late, and the labels of three that came later."""
    found = []
    for i in range(DAYS):
        day = LAST - timedelta(days=DAYS - 1 - i)
        if i not in {40, 41}:
            found.append(Arrival(day.isoformat(), f"{day}T00:00:00+01:00", "late window" if i == 60 else "window", "keep"))
        if i in {70, 71, 72}:
            earlier = day - timedelta(days=14)
            found.append(Arrival(earlier.isoformat(), f"{earlier}T00:00:00+01:00", "labels", "keep"))
    return tuple(found)


def _trace(requirement: str, end: float, *, rises: int = 12, every: int = 1) -> Trace:
    """Evidence that wanders about a hundredth of its threshold and rises to `end` over its last arrivals."""
    n = len(_arrivals())
    quiet = [0.01 * math.exp(math.sin(i * 0.7) + 0.5 * math.sin(i * 0.11)) for i in range(n)]
    risen = [value * (end / value) ** max(0.0, (i - (n - 1 - rises)) / rises) for i, value in enumerate(quiet)]
    return Trace(requirement, tuple(value if i % every == 0 or i == n - 1 else None for i, value in enumerate(risen)))


def _signals(requirement: str, findings: Sequence[Finding], top: float, state: str) -> tuple[Signal, ...]:
    """One a member, the first with the most evidence."""
    finding = next(one for one in findings if one.id == requirement)
    names: list[Name | None] = [*(one.name for one in finding.slices)] or [None]
    needed = 365.0
    raised = state in {"alarm", "watch"}
    first = Signal(
        requirement,
        names[0],
        state,  # type: ignore[arg-type]  # a literal of this file
        top * needed,
        needed,
        118,
        since="2026-11-27" if raised else None,
        change="2026-11-19" if state != "quiet" else None,
    )
    return (first, *(replace(first, member=name, state="quiet", evidence=0.02 * needed, since=None, change=None) for name in names[1:]))


def _monitored(outcome: MonitorOutcome, verdict: Verdict, states: dict[str, tuple[float, str]], findings: Sequence[Finding]) -> AuditRun:
    run = audit_run(findings, trained=False)
    monitor = Monitor(window="day", false_alarm_every="365d", labels_delay="14d", card=CARD, retrain=Retrain(windows=30))
    facts = MonitorFacts(
        outcome,
        WindowFacts(LAST.isoformat(), f"{LAST}T00:00:00+01:00", "2026-12-01T00:00:00+01:00", 2400, False, False, 118, "2026-12-14"),
        BudgetFacts(365, "day", 365.0),
        tuple(one for name, (top, state) in states.items() for one in _signals(name, findings, top, state)),
        missing=("2026-09-12", "2026-09-13"),
        history=_arrivals(),
        traces=tuple(_trace(name, top, every=3 if name == ACCURACY.id else 1) for name, (top, _) in states.items()),
    )
    return replace(
        run,
        run=replace(run.run, command="audit monitor policies/complaint-triage.yaml --window data/2026-11-30.parquet"),
        policy=run.policy.model_copy(update={"monitor": monitor}),
        verdict=verdict,
        valid_until=None,
        monitor=facts,
        last_promotion=PROMOTED,
    )


def _verdict(decision: Decision, code: int, *reasons: Reason, conditions: tuple[Condition, ...] = ()) -> Verdict:
    return Verdict(decision, code, reasons, conditions)


def kept() -> AuditRun:
    """A quiet window: its labels have not come."""
    findings = [f1(min=0.8, on="production"), drift(moved=0.03, max=0.1, severity="medium"), drift(PSI, 0.04, max=0.25, severity="low")]
    states = {"performance/f1": (0.012, "quiet"), KS.id: (0.03, "quiet"), PSI.id: (0.15, "rising")}
    verdict = _verdict("promote", 0, Reason("keep", None, "No alarm stands; this window measures 3 of 3 requirements."))
    return _monitored("keep", verdict, states, findings)


def watched() -> AuditRun:
    """Drift that the policy only watches."""
    findings = [f1(min=0.8, on="production"), drift(max=0.1, severity="medium"), drift(PSI, 0.04, max=0.25, severity="low")]
    states = {"performance/f1": (0.02, "quiet"), KS.id: (2.2, "watch"), PSI.id: (0.05, "quiet")}
    return _monitored("watch", _verdict("promote", 0, Reason("watch", KS.id)), states, findings)


def rolled_back() -> AuditRun:
    """Accuracy and drift alarm, labels came late, and a new training is due."""
    findings = [
        f1(min=0.8, on="production"),
        replace(accuracy(min=0.9, on="production"), status="fail"),
        drift(max=0.1, enforce="required"),
        drift(PSI, 0.04, max=0.25, severity="low"),
        without(ACCURACY, "not_run", "No labels yet: they are due until 2026-12-14.", id="accuracy-of-the-desk", on="production"),
    ]
    states = {"performance/f1": (0.02, "quiet"), ACCURACY.id: (812 / 365, "alarm"), KS.id: (30.0, "alarm"), PSI.id: (0.4, "rising")}
    verdict = _verdict("block", 1, Reason("high-alarm", KS.id), Reason("high-alarm", ACCURACY.id))
    run = _monitored("roll-back", verdict, states, findings)
    assert run.monitor is not None
    due = Retraining(f"the alarm of {KS.id} stands", tuple(one.key for one in _arrivals()[-30:]), "policies/retrain.yaml")
    return replace(run, monitor=replace(run.monitor, retraining=due))


def incomplete() -> AuditRun:
    """Nothing alarms, and a check broke."""
    findings = [f1(min=0.8, on="production"), without(KS, "error", "The check broke: MemoryError.", on="production")]
    states = {"performance/f1": (0.02, "quiet")}
    return _monitored("incomplete", _verdict("block", 3, Reason("high-error", KS.id)), states, findings)


def hostile_window() -> AuditRun:
    """Words of an attacker in keys of windows, names of features, and the card."""
    run = rolled_back()
    facts = run.monitor
    assert facts is not None
    assert run.policy.monitor is not None
    card = OperationsCard(call=NASTY, meaning=NASTY, first_action=NASTY, rollback=NASTY, fallback=NASTY)
    signals = tuple(replace(one, member=Slice(((NASTY, NASTY),)), since=NASTY, change=NASTY) for one in facts.signals)
    history = tuple(replace(one, key=NASTY, start=NASTY) for one in facts.history)
    nasty = replace(
        facts,
        window=replace(facts.window, key=NASTY, start=NASTY, end=NASTY, labels_due=NASTY),
        budget=replace(facts.budget, window=NASTY),
        signals=(*signals, replace(signals[0], requirement=NASTY)),
        missing=(NASTY,),
        history=history,
        traces=tuple(replace(one, requirement=NASTY) for one in facts.traces),
        retraining=Retraining(NASTY, (NASTY,), NASTY),
    )
    drill = replace(DRILL, time=NASTY, champion=NASTY, version=NASTY, passed=False)
    return replace(
        run,
        monitor=nasty,
        policy=run.policy.model_copy(update={"monitor": run.policy.monitor.model_copy(update={"card": card})}),
        last_promotion=replace(PROMOTED, name=NASTY, version=NASTY, target=NASTY, drill=drill),
    )
