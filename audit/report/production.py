"""What a periodic audit adds to the report: its outcome in an operator's words, the budget of false alarms, evidence and what moved."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audit import phrases
from audit.formatting import count, ended, format_evidence
from audit.report import text as prose
from audit.report.entries import Chip
from audit.report.phrases import label

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from audit.decision.finding import Finding
    from audit.policy.monitoring import OperationsCard
    from audit.record import AuditRun, MonitorFacts, Signal
    from audit.report.entries import Entries

HUES = {
    "keep": "promote",
    "watch": "promote-with-conditions",
    "keep-with-conditions": "promote-with-conditions",
    "incomplete": "block",
    "roll-back": "block",
}
"""The decision whose colour and mark an outcome shares."""
_SUBTITLES = {
    "keep": "may keep running",
    "watch": "may keep running, and something has moved",
    "keep-with-conditions": "may keep running under conditions",
    "incomplete": "cannot be judged: evidence is missing",
    "roll-back": "must not keep running",
}
_LEADS = {
    "keep": "Keep it running: no alarm stands.",
    "watch": "Keep it running and look: what the policy watches has moved.",
    "keep-with-conditions": "Keep it running under conditions.",
    "incomplete": "The audit of this window is incomplete: evidence that the policy requires is missing, so nobody knows.",
    "roll-back": "Roll back.",
}
_STATES = {
    "alarm": Chip("fail", "alarm"),
    "watch": Chip("inconclusive", "watch"),
    "rising": Chip("not_run", "rising"),
    "quiet": Chip("pass", "quiet"),
}
STANDING = ("alarm", "watch")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
MOST_SIGNALS, MOST_MOVED, MOST_CHARTS, NAMED = 20, 12, 24, 4


def subtitle(run: AuditRun, facts: MonitorFacts) -> str:
    """Under the outcome: of which system, which window, and what it means."""
    return f"{run.policy.policy}, window {facts.window.key}: {_SUBTITLES[facts.outcome]}"


def window_note(facts: MonitorFacts) -> str:
    """Rows, labels and whether it came late."""
    window = facts.window
    due = "without labels" if window.labels_due is None else f"labels until {prose.day(window.labels_due)}"
    said = [f"{window.rows:,} rows", *([] if window.labelled else [due]), *(["came late"] if window.late else [])]
    return f"{', '.join(said)}; window {window.number:,} so far"


def window_name(key: str) -> str:
    """A day written out; the key of any other window as it is."""
    return prose.day(key) if _DAY.fullmatch(key) else key


def state_chip(one: Signal) -> Chip:
    """Its state as a mark."""
    return _STATES[one.state]


def ranked(signals: Sequence[Signal]) -> list[Signal]:
    """Those with the most evidence for their threshold first; what alarms before what is only watched."""
    order = tuple(_STATES)
    return sorted(signals, key=lambda one: (order.index(one.state), -relative(one)))


def relative(one: Signal) -> float:
    """The evidence as a part of its threshold: 1 alarms."""
    return one.evidence / one.threshold


def standing(facts: MonitorFacts) -> tuple[str, ...]:
    """Requirements whose alarm or watch stands, the strongest first."""
    return tuple(dict.fromkeys(one.requirement for one in ranked(facts.signals) if one.state in STANDING))


def card(run: AuditRun) -> OperationsCard | None:
    """What the policy gives the person on call."""
    return None if run.policy.monitor is None else run.policy.monitor.card


def first_action(run: AuditRun, found: Entries) -> str:
    """The one thing to do first."""
    facts, given = run.monitor, card(run)
    assert facts is not None  # noqa: S101  # asked of windows alone
    if facts.outcome == "keep":
        return "Nothing, until the next window."
    if facts.outcome == "incomplete":
        missing = next((one.finding for one in found.worst if one.effect != "ok"), None)
        said = [one.text for one in run.verdict.reasons if one.finding is None and one.text]
        text = prose.clip(phrases.message(missing), 200) if missing is not None else said[0] if said else "Supply what is missing"
        return ended(text)
    if facts.outcome != "watch" and given is not None and given.first_action is not None:
        return ended(given.first_action)
    entry = next(filter(None, map(found.of, standing(facts))), None)
    return "Look at what moved." if entry is None else ended(phrases.remedy(entry.finding))


def lead(run: AuditRun) -> tuple[str, str]:
    """The outcome in one sentence, and since when what stands."""
    facts = run.monitor
    assert facts is not None  # noqa: S101  # asked of windows alone
    raised = [one for one in ranked(facts.signals) if one.state in STANDING]
    if not raised:
        return _LEADS[facts.outcome], strongest(facts)
    said = "; ".join(_raised(one) for one in raised[:NAMED])
    more = f"; and {len(raised) - NAMED:,} more" if len(raised) > NAMED else ""
    return _LEADS[facts.outcome], f"{prose.sentence(said)}{more}."


def _raised(one: Signal) -> str:
    """`alarm of drift/ks for column: amount since 2026-11-12, evidence 812 of 365 needed`."""
    whom = "" if one.member is None else f" for {prose.clip(label(one.member), 60)}"
    since = "" if one.since is None else f" since {window_name(one.since)}"
    return f"{one.state} of {one.requirement}{whom}{since}: evidence {evidence_in_words(one)}"


def evidence_in_words(one: Signal) -> str:
    """`812 of 365 needed`."""
    return f"{format_evidence(one.evidence)} of {format_evidence(one.threshold)} needed"


def budget(run: AuditRun, facts: MonitorFacts) -> str:
    """Thirty features and three quality bounds, watched every day: on average at most one false alarm a year."""
    drift = {finding.id for finding in run.findings if finding.check.measures == "drift"}
    named = {str(one.member) for one in facts.signals if one.requirement in drift and one.member is not None}
    joint = {one.requirement for one in facts.signals if one.requirement in drift and one.member is None}
    bounds = {one.requirement for one in facts.signals} - drift
    counts = ((named, "feature"), (joint, "joint test of drift"), (bounds, "quality bound"))
    watched = [prose.counted(len(these), noun, "joint tests of drift" if these is joint else None) for these, noun in counts if these]
    watched = watched or ["nothing yet"]
    once = {365: "a year", 366: "a year", 30: "a month", 7: "a week"}
    every = facts.budget.false_alarm_every
    time = f"in {count(facts.budget.windows)} windows" if every is None else once.get(every, f"in {every:,} days")
    also = ", and as rarely a false watch" if any(map(_only_watched, run.findings)) else ""
    return f"{prose.sentence(prose.listed(watched))}, watched every {facts.budget.window}: on average at most one false alarm {time}{also}."


def _only_watched(finding: Finding) -> bool:
    """Whether its evidence has a budget of its own, since it never changes the decision: drift that the policy does not enforce."""
    asked = finding.requirement
    return asked.enforce == "advisory" or (finding.check.measures == "drift" and "enforce" not in asked.model_fields_set)


def strongest(facts: MonitorFacts) -> str:
    """Where the most evidence stands."""
    if not facts.signals:
        return "No evidence has been counted yet."
    most = max(facts.signals, key=relative)
    whom = "" if most.member is None else f", {prose.clip(label(most.member), 60)}"
    stands = "this alarm stands" if most.state == "alarm" else "the strongest evidence stands"
    return f"{prose.sentence(stands)} at {evidence_in_words(most)} ({most.requirement}{whom})."


def window_gaps(run: AuditRun) -> Iterator[tuple[str, str]]:
    """Labels that are still to come, windows that never came, findings that no evidence over windows stands behind; and why."""
    facts = run.monitor
    if facts is None:
        return
    if facts.window.labels_due is not None:
        yield "labels", f"they may come until {prose.day(facts.window.labels_due)}; what needs them is measured when they come"
    if facts.missing:
        yield prose.counted(len(facts.missing), "window"), f"never came: {prose.listed(map(window_name, facts.missing), 6)}"
    watched = {one.requirement for one in facts.signals}
    alone = [finding.id for finding in run.findings if finding.id not in watched and finding.status in {"pass", "fail", "inconclusive"}]
    if alone:
        yield prose.listed(alone, 4), "judged on this window alone: no evidence over windows"


def certainty(run: AuditRun, finding: Finding) -> str:
    """How sure a window's finding is: what the evidence over all windows says of it."""
    facts = run.monitor
    own = [] if facts is None else [one for one in ranked(facts.signals) if one.requirement == finding.id]
    if facts is None or not own:
        return "No evidence over windows has been counted for it."
    most = own[0]
    if most.state in STANDING:
        change = "" if most.change is None else f" The change most likely began in window {window_name(most.change)}."
        return f"Yes, by the evidence of {prose.counted(most.windows, 'window')}: {evidence_in_words(most)}.{change}"
    near = "It rises" if most.state == "rising" else "It is far from an alarm"
    return f"{near}: evidence {evidence_in_words(most)}, after {prose.counted(most.windows, 'window')}."
