"""What a run says in the terminal: one line a requirement, worst first, then the decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from audit import phrases
from audit.decision.rules import worst_first
from audit.evidence import RateTable
from audit.formatting import count, interval_in_words, moment, number
from audit.report.text import asked_in_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from audit.decision.finding import Finding
    from audit.evidence import Evidence
    from audit.record import AuditRun

GLYPHS = {"pass": "✓", "fail": "✗", "inconclusive": "?", "not_run": "-", "error": "!", "not_applicable": "·"}
STYLES = {
    "pass": "green",
    "fail": "bold red",
    "inconclusive": "magenta",
    "not_run": "yellow",
    "error": "bold yellow",
    "not_applicable": "dim",
}
DECISIONS = {"promote": "PROMOTE", "promote-with-conditions": "PROMOTE WITH CONDITIONS", "block": "BLOCK"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output and how it looks where colours are shown."""

    text: str
    style: str = ""


def lines(audit: AuditRun, place: str) -> Iterator[Line]:
    """Everything that a run prints to standard output."""
    ranked = worst_first(audit.findings)
    width = max((len(finding.id) for finding in ranked), default=0)
    for finding in ranked:
        yield Line(requirement_line(finding, width), STYLES[finding.status])
    yield Line("")
    verdict = audit.verdict
    yield Line(f"{DECISIONS[verdict.decision]}  {audit.policy.policy} (exit code {verdict.exit_code})", "bold")
    for reason in verdict.reasons:
        name = "" if reason.finding is None else f"{reason.finding}: "
        yield Line(f"  {reason.rule}: {name}{phrases.reason(reason, audit.findings)}")
    for condition in verdict.conditions:
        yield Line(f"  condition until {condition.due}, {condition.owner}: {phrases.closes_with(condition, audit.findings)}")
    for one in audit.waivers:
        if one.standing != "void":  # what is void stands among the reasons
            until = moment(datetime.fromisoformat(one.until))
            said = "; ".join(one.why) or f"in force until {until}" + (f"; {one.warning}" if one.warning else "")
            yield Line(f"  waiver {one.id} for {one.check}: {said}", "magenta" if one.warning else "")
    yield Line(f"Report: {place}/report.html")


def requirement_line(finding: Finding, width: int) -> str:
    """`✗ fail  high  fairness/…  0.229 [0.136, 0.315], at most 0.1  gender=woman`."""
    one = finding.requirement
    severity = one.severity if one.enforce == "required" else "advisory"
    return f"{GLYPHS[finding.status]} {finding.status:<14} {severity:<8} {one.id:<{width}}  {_outcome(finding)}".rstrip()


def _outcome(finding: Finding) -> str:
    head, one = finding.headline, finding.requirement
    if head is None:
        return phrases.message(finding)
    figure = count(head.value) if head.method == "census" else f"{number(head.value)} {interval_in_words(head.interval)}"
    member = "" if str(head.member) == "overall" else f"  {head.member}"
    return f"{figure}, {asked_in_words(one)}, n {head.n:,}{member}"


def finding_lines(finding: Finding) -> Iterator[Line]:
    """One finding with its slices, for a single check on the command line."""
    yield Line(requirement_line(finding, len(finding.id)), STYLES[finding.status])
    if finding.headline is not None:
        yield Line(f"  {phrases.message(finding)}")
    if change := phrases.would_pass(finding):
        yield Line(f"  {change}")
    for row in finding.slices:
        figure = row.reason if row.value is None or row.interval is None else f"{number(row.value)} {interval_in_words(row.interval)}"
        yield Line(f"    {row.name}: {figure}, n {row.n:,}", STYLES.get(row.status or "", ""))
    yield from _evidence_lines(finding.evidence)


def evidence_lines(check_id: str, evidence: Evidence, confidence: float) -> Iterator[Line]:
    """What was measured, where no bound was given."""
    alpha = (1 - confidence) / 2
    yield Line(f"{check_id}: {evidence.unit}, measured and not judged: no --min or --max was given", "bold")
    for member in (*evidence.members, *evidence.context):
        estimate = member.estimate
        figure = f"{number(estimate.value)} {interval_in_words(estimate.bounds(alpha, alpha))}"
        yield Line(f"    {member.name}: {figure}, n {estimate.n:,}, {estimate.method}")
    for one in evidence.unmeasured:
        yield Line(f"    {one.name}: {one.reason}")
    yield from _evidence_lines(evidence)


def remark_lines(remarks: Sequence[str]) -> Iterator[Line]:
    """What a reader of a single check must know of its data, though it changes nothing."""
    yield from (Line(f"  remark: {text}") for text in remarks)


def _evidence_lines(evidence: Evidence | None) -> Iterator[Line]:
    """Tables that a law prescribes, and the notes."""
    for table in evidence.figures if evidence else ():
        if isinstance(table, RateTable):
            yield from _rates(table)
    for note in evidence.notes if evidence else ():
        yield Line(f"  {note}")


def _rates(table: RateTable) -> Iterator[Line]:
    """One line a category; of those that a ratio is reckoned for, how far chance may have moved it."""
    what = "selected" if table.rate == "selection" else "above the median"
    for i, name in enumerate(table.names):
        ratio, low, high, p = table.ratios[i], table.lower[i], table.upper[i], table.exact_p[i]
        said = f"  {name.further('class', table.of) if table.of else name}: {table.hits[i]:,} of {table.rows[i]:,} {what}"
        said += f", rate {number(table.hits[i] / table.rows[i])}"
        if ratio is None:
            yield Line(f"{said}, {_NO_RATIO[table.apart[i]]}")
        elif low is None or high is None:
            yield Line(f"{said}, impact ratio {number(ratio)}, the highest rate")
        else:
            exact = "" if p is None else f", exact p {p:.2g}"
            yield Line(f"{said}, impact ratio {number(ratio)} {interval_in_words((low, high))}{exact}")


_NO_RATIO = {"": "no ratio: none is selected", "unknown": "unknown category, in no ratio", "small": "small category, in no ratio"}
