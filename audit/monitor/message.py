"""What a periodic audit has to say to people who did not ask: what is new since the window before, and what to do first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit import phrases
from audit.formatting import neutral

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.decision.finding import Finding
    from audit.record import AuditRun, MonitorFacts, Signal

TITLES = {
    "keep": "Keep",
    "watch": "Watch",
    "keep-with-conditions": "Keep with conditions",
    "roll-back": "Roll back",
    "incomplete": "Incomplete audit",
}
"""Each outcome as a heading."""
_MOST = 8
"""Signals that one message spells out."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message for people; every text is one line in which nothing is hidden."""

    title: str
    lines: tuple[str, ...]
    """What was found, one signal a line."""
    actions: tuple[str, ...]
    """What to do, in this order."""


def news(facts: MonitorFacts) -> bool:
    """Whether people must hear of this window: something alarms or is watched since now, is missing, or a training is due."""
    return bool(_new(facts)) or facts.outcome == "incomplete" or facts.retraining is not None


def _new(facts: MonitorFacts) -> tuple[Signal, ...]:
    """Signals that crossed their threshold in this window, alarms first."""
    found = [one for one in facts.signals if one.state in {"alarm", "watch"} and one.since == facts.window.key]
    return tuple(sorted(found, key=lambda one: (one.state != "alarm", -one.evidence / one.threshold)))


def message(audit: AuditRun, facts: MonitorFacts) -> Message:
    """The whole message on one window."""
    name = f"{audit.policy.policy}, window {facts.window.key}"
    return Message(
        title=neutral(f"{TITLES[facts.outcome]}: {name}"),
        lines=tuple(map(neutral, _lines(audit, facts))),
        actions=tuple(map(neutral, _actions(audit, facts))),
    )


def _lines(audit: AuditRun, facts: MonitorFacts) -> Iterator[str]:
    found = {one.id: one for one in audit.findings}
    signals = _new(facts) or tuple(one for one in facts.signals if one.state in {"alarm", "watch"})
    for one in signals[:_MOST]:
        yield _line(one, found.get(one.requirement))
    if len(signals) > _MOST:
        yield f"{len(signals) - _MOST} more in the report."
    if facts.outcome == "incomplete":
        yield from (f"{one.id}: {phrases.message(one)}" for one in audit.findings if one.status in {"error", "not_run"})
    if facts.retraining is not None:
        yield f"A new training is due: {facts.retraining.because}"
    if facts.missing:
        yield f"Windows that never came: {', '.join(facts.missing[-_MOST:])}."


def _line(signal: Signal, finding: Finding | None) -> str:
    where = "" if signal.member is None else f", {signal.member}"
    change = "" if signal.change is None else f" The change most likely began in window {signal.change}."
    stands = f"evidence {signal.evidence:,.4g}, threshold {signal.threshold:,.4g}"
    measured = "" if finding is None or finding.headline is None else f" {phrases.message(finding)}"
    return f"{signal.state.capitalize()}: {signal.requirement}{where} ({stands}).{change}{measured}"


def _actions(audit: AuditRun, facts: MonitorFacts) -> Iterator[str]:
    card = audit.policy.monitor.card if audit.policy.monitor is not None else None
    found = {one.id: one for one in audit.findings}
    if card is not None and card.first_action is not None:
        yield card.first_action
    yield from dict.fromkeys(phrases.remedy(found[one.requirement]) for one in _new(facts)[:_MOST] if one.requirement in found)
    if facts.outcome == "roll-back":
        yield (card.rollback if card is not None else None) or f"audit rollback {audit.policy.policy}"
    if card is not None and card.call is not None:
        yield f"Call {card.call}."
