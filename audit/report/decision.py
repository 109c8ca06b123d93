"""Section 1: the decision on one page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.report import text as prose
from audit.report.change import nearest
from audit.report.charts.interval import interval_plot
from audit.report.conditions import OpenCondition, conditions
from audit.report.counts import CountRow, count_rows, counts_note
from audit.report.entries import Chip
from audit.report.gaps import gaps
from audit.report.phrases import headline_numbers, of_member, owner_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.record import AuditRun
    from audit.report.charts.interval import Plot
    from audit.report.entries import Entries, Entry, Link
    from audit.report.gaps import Gap

BLOCKS, GAPS, NEAREST = 5, 6, 3
FEW, SHORT, LONG = 3, 2, 4
"""Up to FEW findings drawn leave room for LONG lists below them, more than that for SHORT ones."""
"""How much of each list page 1 shows; the whole lists stand in the sections named beside them."""


@dataclass(frozen=True, slots=True)
class Block:
    """One finding that stands against release, or leaves a condition."""

    chip: Chip
    severity: str
    bars: str
    question: str
    numbers: str
    rest: str
    link: Link
    check: str
    plot: Plot


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the decision table that applied, or a rule beyond the checks."""

    name: str
    text: str
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Remark:
    """What a reader must know, though it changes nothing."""

    name: str
    hue: str
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """Who does what, and when."""

    do: str
    who: str
    when: str
    links: tuple[Link, ...]


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
    more_blocks: tuple[Link, ...]
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
    gaps: tuple[Gap, ...]
    more_gaps: str


def decision(run: AuditRun, found: Entries) -> Decision:
    """What was decided, why, and what must happen next."""
    title, shown = _shown(found)
    lead, rest = _sentences(run, found)
    open_ = conditions(run, found)
    missing = gaps(run, found)
    rules = _rules(run, found)
    room = LONG if len(shown) <= FEW else SHORT
    return Decision(
        lead=lead,
        rest=rest,
        rules_title="Rule that gave it:" if len(rules) == 1 else "Rules that gave it:",
        rules=rules,
        remarks=_remarks(run),
        blocks_title=title,
        blocks=tuple(_block(entry) for entry in shown[:BLOCKS]),
        more_blocks=tuple(entry.link for entry in shown[BLOCKS:]),
        steps=_steps(run, found, room),
        statuses=tuple(Chip(key, word) for key, word in prose.STATUSES.items()),
        counts=count_rows(found),
        totals=tuple(str(sum(entry.finding.status == key for entry in found.worst)) for key in prose.STATUSES),
        total=f"all {len(found.worst)}",
        counts_title=f"{prose.sentence(prose.counted(len(found.worst), 'finding'))}, counted",
        counts_note=counts_note(found),
        conditions_title="Conditions that would remain" if run.verdict.decision == "block" else "Conditions",
        conditions=open_[:room],
        more_conditions=_more(len(open_) - room, "condition", "section 11"),
        gaps=missing[:GAPS],
        more_gaps=_more(len(missing) - GAPS, "gap", "section 10"),
    )


def _shown(found: Entries) -> tuple[str, Sequence[Entry]]:
    """What a reader must see drawn: what stands against release, else what is nearest to its bound."""
    if blocking := found.having("block"):
        return "What blocks", blocking
    if open_ := found.having("condition"):
        return "What leaves a condition", open_
    return "What passes by the least", nearest(found)[:NEAREST]


def _more(n: int, noun: str, where: str) -> str:
    return f"{prose.sentence(prose.counted(n, 'more ' + noun))}: {where}." if n > 0 else ""


def _sentences(run: AuditRun, found: Entries) -> tuple[str, str]:
    """The decision in one sentence, then what follows from it."""
    required, blocking, open_ = len(found.required), len(found.having("block")), len(found.having("condition"))
    passed = sum(entry.finding.status == "pass" for entry in found.required)
    rules = [reason for reason in run.verdict.reasons if reason.finding is None and not reason.remark]
    stays = "What runs in production today stays." if run.policy.champion else "Nothing changes in production."
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
    return lead, f"Nothing is released until {close}. {stays}{also if blocking else ''}"


def _rules(run: AuditRun, found: Entries) -> tuple[Rule, ...]:
    """The rules that gave the decision, each with its findings."""
    wanted = {entry.finding.id for entry in (found.having("block") or found.having("condition"))}
    by_rule: dict[str, list[Link]] = {}
    for reason in run.verdict.reasons:
        entry = found.of(reason.finding)
        if entry is not None and reason.finding in wanted:
            by_rule.setdefault(reason.rule, []).append(entry.link)
    beyond = [
        Rule(reason.rule, "" if run.verdict.decision == "promote" else reason.text, ())
        for reason in run.verdict.reasons
        if reason.finding is None and not reason.remark
    ]
    return (*beyond, *(Rule(rule, "", tuple(links)) for rule, links in by_rule.items()))


def _remarks(run: AuditRun) -> tuple[Remark, ...]:
    """What changes nothing and must be known; a loosened policy in red."""
    told = [reason for reason in run.verdict.reasons if reason.remark]
    return tuple(Remark(one.rule, "red" if one.rule == "policy-loosened" else "", one.text) for one in told)


def _block(entry: Entry) -> Block:
    finding = entry.finding
    head, requirement = finding.headline, finding.requirement
    if head is None or head.n == 0:
        numbers, rest = "", prose.clip(finding.message, 180)
    else:
        numbers = headline_numbers(head, requirement)
        rest = f"{head.unit}{of_member(entry)}; {prose.bound(requirement)} is asked for."
    return Block(
        chip=Chip(finding.status, prose.STATUSES[finding.status]),
        severity=requirement.severity,
        bars=prose.SEVERITY_BARS[requirement.severity],
        question=finding.question,
        numbers=numbers,
        rest=rest,
        link=entry.link,
        check=finding.id,
        plot=interval_plot(finding),
    )


def _steps(run: AuditRun, found: Entries, room: int) -> tuple[Step, ...]:
    """One line for every remedy of what stands against release, then what people owe."""
    due = {condition.finding: prose.day(condition.due) for condition in run.verdict.conditions}
    against = found.having("block") or found.having("condition")
    together: dict[tuple[str, str, str], list[Link]] = {}
    for entry in against:
        key = (prose.clip(entry.finding.remedy, 150), prose.clip(entry.finding.owner, 60), due.get(entry.finding.id, "before release"))
        together.setdefault(key, []).append(entry.link)
    steps = [Step(*key, tuple(links)) for key, links in together.items()][:room]
    left = sum(map(len, together.values())) - sum(len(step.links) for step in steps)
    if left:
        steps.append(Step(f"{prose.sentence(prose.counted(left, 'more finding'))}: section 7.", "see there", "before release", ()))
    owner = owner_of(run)
    if run.policy_change is not None and run.policy_change.blocks:
        steps.append(Step("Have line 2 approve what the policy loosens, or ask what was asked: section 2.", owner, "before release", ()))
    if run.verdict.decision == "block":
        return (*steps, Step("Audit again under this policy: a new run, a new decision.", owner, "after these", ()))
    return (*steps, Step("Sign the digest of the evidence bundle (section 15).", owner, "before release", ()))
