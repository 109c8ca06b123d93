"""Section 1: the decision on one page: every blocker with action, person and date."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from audit import phrases
from audit.report import production
from audit.report import text as prose
from audit.report.charts.intervals import interval_plot
from audit.report.entries import Chip, Link
from audit.report.findings import nearest
from audit.report.follow_up import OpenCondition, conditions, gaps
from audit.report.operations import last_drill, rollback_command
from audit.report.phrases import action_of, owner_of, sentence_of
from audit.report.since import staying

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.record import AuditRun
    from audit.report.charts.intervals import Plot
    from audit.report.entries import Entries, Entry
    from audit.report.follow_up import Gap
    from audit.report.phrases import Sentence

GAPS, NEAREST, WAIVERS = 4, 3, 3
DRAWN, CONDITIONS = 6, 4
"""Blockers with a plot and conditions that page 1 has room for; further blockers follow in one line each."""
DRAWN_OF_MANY, CONDITIONS_BESIDE_MANY = 1, 0
"""The same where there are more blockers than can be drawn."""
BEFORE, NO_DATE, NOW = "before release", "no date set", "now"


@dataclass(frozen=True, slots=True)
class Block:
    """One finding that blocks or leaves a condition: what it says, and who does what by when."""

    chip: Chip
    severity: str
    bars: str
    question: str
    before: str
    numbers: str
    after: str
    action: str
    who: str
    when: str
    link: Link
    check: str
    plot: Plot


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the decision table that applied, or a rule beyond the checks."""

    name: str
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Remark:
    """What a reader must know, though it changes nothing."""

    name: str
    hue: str
    text: str


@dataclass(frozen=True, slots=True)
class Countdown:
    """A waiver in force and the time it had left when the run started."""

    waiver: Link
    left: str
    until: str
    check: str


@dataclass(frozen=True, slots=True)
class Step:
    """Who does what, and when."""

    action: str
    who: str
    when: str


@dataclass(frozen=True, slots=True)
class Count:
    """A cell of the table of counts."""

    count: str
    effect: str
    """`block`, `condition`, or nothing."""
    note: str


@dataclass(frozen=True, slots=True)
class CountRow:
    """One severity."""

    severity: str
    bars: str
    cells: tuple[Count, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """Page 1."""

    lead: str
    rest: str
    rules_title: str
    rules: tuple[Rule, ...]
    remarks: tuple[Remark, ...]
    blocks_title: str
    blocks: tuple[Block, ...]
    more_blocks: tuple[Block, ...]
    """Without a plot, in one line each."""
    steps: tuple[Step, ...]
    statuses: tuple[Chip, ...]
    counts: tuple[CountRow, ...]
    totals: tuple[str, ...]
    total: str
    counts_title: str
    counts_note: str
    conditions_title: str
    conditions: tuple[OpenCondition, ...]
    more_conditions: str
    waivers: tuple[Countdown, ...]
    more_waivers: str
    gaps: tuple[Gap, ...]
    more_gaps: str


def decision(run: AuditRun, found: Entries) -> Decision:
    """What was decided, why, and what must happen next."""
    title, shown = _drawn_findings(run, found)
    lead, rest = _sentences(run, found) if run.monitor is None else production.lead(run)
    open_ = conditions(run, found)
    missing = gaps(run, found)
    rules = _rules(run, found)
    blocks = tuple(_block(run, entry) for entry in shown)
    ending = _countdowns(run)
    many = len(blocks) > DRAWN
    drawn, conditions_shown = (DRAWN_OF_MANY, CONDITIONS_BESIDE_MANY) if many else (DRAWN, CONDITIONS)
    return Decision(
        lead=lead,
        rest=rest,
        rules_title="Rule that gave it:" if len(rules) == 1 else "Rules that gave it:",
        rules=rules,
        remarks=_remarks(run),
        blocks_title=title,
        blocks=blocks[:drawn],
        more_blocks=tuple(replace(one, action=prose.clip(one.action, 90)) for one in blocks[drawn:]),
        steps=_steps(run) if run.monitor is None else _steps_of_window(run, found),
        statuses=tuple(Chip(key, word) for key, word in prose.STATUSES.items()),
        counts=count_rows(found),
        totals=tuple(str(sum(entry.finding.status == key for entry in found.worst)) for key in prose.STATUSES),
        total=f"all {len(found.worst)}",
        counts_title=f"{prose.sentence(prose.counted(len(found.worst), 'finding'))}, counted",
        counts_note=counts_note(found),
        conditions_title="Conditions that would remain" if run.verdict.decision == "block" and run.monitor is None else "Conditions",
        conditions=open_[:conditions_shown],
        more_conditions=_more(len(open_) - conditions_shown, "more condition" if conditions_shown else "condition", "section 10"),
        waivers=ending[:WAIVERS],
        more_waivers=_more(len(ending) - WAIVERS, "more waiver", "section 10"),
        gaps=missing[:GAPS],
        more_gaps=_more(len(missing) - GAPS, "more gap", "section 9"),
    )


def _drawn_findings(run: AuditRun, found: Entries) -> tuple[str, Sequence[Entry]]:
    """What a reader must see drawn: what blocks, else what leaves a condition, is watched, or is nearest to its bound."""
    if blocking := found.having("block"):
        return "What blocks, and what must happen" if run.monitor is None else "What stands against it, and what must happen", blocking
    if open_ := found.having("condition"):
        return "What leaves a condition, and what must happen", open_
    if watched := [] if run.monitor is None else [*filter(None, map(found.of, production.standing(run.monitor)))]:
        return "What is watched and has moved", watched
    return "What passes by the least", nearest(found)[:NEAREST]


def _more(n: int, noun: str, where: str) -> str:
    return f"{prose.sentence(prose.counted(n, noun))}: {where}." if n > 0 else ""


def _sentences(run: AuditRun, found: Entries) -> tuple[str, str]:
    """The decision in one sentence, then what follows from it."""
    required, blocking, open_ = len(found.required), len(found.having("block")), len(found.having("condition"))
    passed = sum(entry.finding.status == "pass" for entry in found.required)
    rules = [reason for reason in run.verdict.reasons if reason.finding is None and not reason.remark]
    if run.verdict.decision == "promote":
        rest = required - passed
        does_not = f" {prose.sentence(prose.counted(rest, 'check'))} {'does' if rest == 1 else 'do'} not apply." if rest else ""
        return (
            f"{prose.sentence(prose.word(passed))} of {prose.word(required)} required checks pass; none stands against release.",
            does_not.strip(),
        )
    if run.verdict.decision == "promote-with-conditions":
        leave = "leaves" if open_ == 1 else "leave"
        lead = f"{prose.sentence(prose.word(open_))} of {prose.word(required)} required checks {leave} a condition; none blocks."
        return lead, "Nothing is released until the conditions are signed."
    if blocking:
        against = "does" if blocking == 1 else "do"
        lead = f"{prose.sentence(prose.word(blocking))} of {prose.word(required)} required checks {against} not support release."
    else:
        lead = "A rule beyond the single checks blocks release."
    also = (
        f" {prose.sentence(prose.counted(len(rules), 'rule'))} beyond the checks {'is' if len(rules) == 1 else 'are'} broken too."
        if rules
        else ""
    )
    close = "this closes" if blocking + len(rules) == 1 else "all of these close"
    return lead, f"Nothing is released until {close}. {staying(run)}{also if blocking else ''}"


def _rules(run: AuditRun, found: Entries) -> tuple[Rule, ...]:
    """The rules that gave the decision, each with its findings."""
    wanted = {entry.finding.id for entry in (found.having("block") or found.having("condition"))}
    by_rule: dict[str, list[Link]] = {}
    for reason in run.verdict.reasons:
        entry = found.of(reason.finding)
        if entry is not None and reason.finding in wanted:
            by_rule.setdefault(reason.rule, []).append(entry.link)
    beyond = [Rule(reason.rule, ()) for reason in run.verdict.reasons if reason.finding is None and not reason.remark]
    return (*beyond, *(Rule(rule, tuple(links)) for rule, links in by_rule.items()))


def _remarks(run: AuditRun) -> tuple[Remark, ...]:
    """What changes nothing and must be known; a loosened policy in red."""
    told = [reason for reason in run.verdict.reasons if reason.remark]
    return tuple(Remark(one.rule, "red" if one.rule == "policy-loosened" else "", phrases.reason(one, run.findings)) for one in told)


def _block(run: AuditRun, entry: Entry) -> Block:
    finding = entry.finding
    said: Sentence = sentence_of(finding, run.policy.columns.positive)
    due = {condition.finding: condition.due for condition in run.verdict.conditions}
    due |= {} if finding.waiver is None else {finding.id: finding.waiver.due.isoformat()}
    passed = finding.status == "pass"
    return Block(
        chip=Chip(finding.status, prose.STATUSES[finding.status]),
        severity=finding.requirement.severity,
        bars=prose.SEVERITY_BARS[finding.requirement.severity],
        question=phrases.question(finding),
        before=said.before,
        numbers=said.numbers,
        after=said.after,
        action="" if passed else prose.clip(action_of(finding), 180),
        who="" if passed else prose.clip(finding.owner, 60),
        when="" if passed else prose.day(due.get(finding.id, NO_DATE if run.monitor is None else NOW)),
        link=entry.link,
        check=finding.id,
        plot=interval_plot(finding),
    )


def _countdowns(run: AuditRun) -> tuple[Countdown, ...]:
    """Waivers in force, the first to end before the others; a day counts when it is whole."""
    started = datetime.fromisoformat(run.run.started)
    in_force = sorted((one for one in run.waivers if one.standing == "in_force"), key=lambda one: (one.until, one.id))
    return tuple(
        Countdown(
            Link(one.id, f"waiver-{one.id}"),
            f"{prose.counted((datetime.fromisoformat(one.until) - started).days, 'day')} left",
            prose.moment(one.until),
            one.check,
        )
        for one in in_force
    )


def _steps(run: AuditRun) -> tuple[Step, ...]:
    """What people owe beyond the findings: rules that block, approvals, the next audit, signatures."""
    owner = owner_of(run)
    steps = [
        Step(phrases.reason(reason, run.findings), owner, BEFORE)
        for reason in run.verdict.reasons
        if reason.finding is None and not reason.remark and run.verdict.decision == "block"
    ]
    if run.policy_change is not None and run.policy_change.blocks:
        steps.append(Step("Have line 2 approve what the policy loosens, or tighten it again: section 2.", owner, BEFORE))
    if run.verdict.decision == "block":
        return (*steps, Step("Audit again under this policy: a new run, a new decision.", owner, "after these"))
    return (*steps, Step("Sign the digest of the evidence bundle (section 12).", owner, BEFORE))


def _steps_of_window(run: AuditRun, found: Entries) -> tuple[Step, ...]:
    """What the person on call does: the first action, the way back, the new training."""
    given, facts = production.card(run), run.monitor
    whom = run.policy.system.incident_contact or owner_of(run) if given is None or given.call is None else given.call
    quiet = facts is not None and facts.outcome == "keep"
    steps = [Step(production.first_action(run, found), owner_of(run) if quiet else whom, "–" if quiet else "now")]
    if facts is not None and facts.outcome == "roll-back":
        command = rollback_command(run)
        back = f"Return to the previous version{f': `{command}`' if command else ''}. Last rollback drill: {last_drill(run)}."
        steps.append(Step(back, whom, "now"))
    if facts is not None and facts.retraining is not None:
        steps.append(Step(f"Train anew: {facts.retraining.because}", owner_of(run), "next"))
    return tuple(steps)


def count_rows(found: Entries) -> tuple[CountRow, ...]:
    """One row a severity, the highest first."""
    return tuple(
        CountRow(severity, bars, tuple(_count(found, severity, status) for status in prose.STATUSES))
        for severity, bars in prose.SEVERITY_BARS.items()
    )


def _count(found: Entries, severity: str, status: str) -> Count:
    here = [entry for entry in found.worst if entry.finding.requirement.severity == severity and entry.finding.status == status]
    effects = {entry.effect for entry in here}
    worst = "block" if "block" in effects else "condition" if "condition" in effects else ""
    waived = sum(entry.finding.disposition == "waived" for entry in here)
    advisory = sum(entry.finding.requirement.enforce == "advisory" for entry in here)
    required = [entry for entry in here if entry.finding.requirement.enforce == "required" and entry.finding.disposition != "waived"]
    watched = sum(status == "fail" and entry.effect == "ok" for entry in required)
    notes = [f"{n} {what}" for n, what in ((waived, "waived"), (advisory, "advisory"), (watched, "watched")) if n]
    return Count(str(len(here)), worst, ", ".join(notes))


def counts_note(found: Entries) -> str:
    """Says in words what the table marks in small print."""
    waived = sum(entry.finding.disposition == "waived" for entry in found.worst)
    said = []
    for n, what in ((len(found.advisory), "advisory and never decides"), (waived, "waived")):
        if n:
            verb, ending = ("is", what) if n == 1 else ("are", what.replace("decides", "decide"))
            said.append(f"{prose.counted(n, 'finding')} {verb} {ending}")
    return prose.sentence("; ".join(said)) + "." if said else ""
