"""What is said in the terminal of runs: one line a requirement, worst first, then the decision; what was reused; how two runs differ."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from audit import catalog, phrases
from audit.bundle import diff as bundle_diff
from audit.bundle import reader
from audit.decision.rules import worst_first
from audit.errors import InputError
from audit.evidence import RateTable
from audit.formatting import interval_in_words, measured_in_words, moment, number
from audit.governance import policy_diff
from audit.pipeline.compatibility import load_policy
from audit.report.text import asked_in_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

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
_DIFFERENCE_STYLES = {"loosened": "bold red", "worse": "bold red", "tightened": "green", "better": "green", "other": ""}
DECISIONS = {"promote": "PROMOTE", "promote-with-conditions": "PROMOTE WITH CONDITIONS", "block": "BLOCK"}
_NO_RATIO = {"": "no ratio: none is selected", "unknown": "unknown category, in no ratio", "small": "small category, in no ratio"}


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
    yield decision_line(audit)
    for reason in verdict.reasons:
        name = "" if reason.finding is None else f"{reason.finding}: "
        yield Line(f"  {reason.rule}: {name}{phrases.reason(reason, audit.findings)}")
    if audit.monitor is not None:
        yield from _unsettled(ranked)
    for condition in verdict.conditions:
        yield Line(f"  condition until {condition.due}, {condition.owner}: {phrases.closes_with(condition, audit.findings)}")
    for one in audit.waivers:
        if one.standing != "void":  # what is void stands among the reasons
            until = moment(datetime.fromisoformat(one.until))
            state = "; ".join(one.why) or f"in force until {until}" + (f"; {one.warning}" if one.warning else "")
            yield Line(f"  waiver {one.id} for {one.check}: {state}", "magenta" if one.warning else "")
    yield Line(f"Report: {place}/report.html")


def _unsettled(findings: Sequence[Finding]) -> Iterator[Line]:
    """What this window alone does not settle: how near an alarm is, and what would settle it."""
    for one in findings:
        if one.status == "inconclusive" and one.evidence is not None:
            yield Line(f"  {one.id}: {' '.join(filter(None, [*one.evidence.notes[-1:], phrases.would_pass(one)]))}")


def decision_line(audit: AuditRun) -> Line:
    """`BLOCK  letters (exit code 1)`; of a window `ROLL BACK  letters, window 2026-11-30 (exit code 1)`."""
    verdict, monitor = audit.verdict, audit.monitor
    if monitor is not None:
        outcome = monitor.outcome.upper().replace("-", " ")
        return Line(f"{outcome}  {audit.policy.policy}, window {monitor.window.key} (exit code {verdict.exit_code})", "bold")
    return Line(f"{DECISIONS[verdict.decision]}  {audit.policy.policy} (exit code {verdict.exit_code})", "bold")


def requirement_line(finding: Finding, width: int) -> str:
    """`✗ fail  high  fairness/…  0.229 [0.136, 0.315], at most 0.1  gender=woman`."""
    one = finding.requirement
    severity = one.severity if one.enforce == "required" else "advisory"
    return f"{GLYPHS[finding.status]} {finding.status:<14} {severity:<8} {one.id:<{width}}  {_outcome(finding)}".rstrip()


def _outcome(finding: Finding) -> str:
    head, one = finding.headline, finding.requirement
    if head is None:
        return phrases.message(finding)
    figure = measured_in_words(head.method, head.value, head.interval)
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
        text = f"  {name.further('class', table.of) if table.of else name}: {table.hits[i]:,} of {table.rows[i]:,} {what}"
        text += f", rate {number(table.hits[i] / table.rows[i])}"
        if ratio is None:
            yield Line(f"{text}, {_NO_RATIO[table.apart[i]]}")
        elif low is None or high is None:
            yield Line(f"{text}, impact ratio {number(ratio)}, the highest rate")
        else:
            exact = "" if p is None else f", exact p {p:.2g}"
            yield Line(f"{text}, impact ratio {number(ratio)} {interval_in_words((low, high))}{exact}")


def reuse_lines(before: AuditRun, now: AuditRun) -> Iterator[str]:
    """One line for each requirement, those whose evidence was reused first."""
    earlier = {one.id: one for one in before.findings}
    reused = [one for one in now.findings if one.id in now.run.reused]
    yield f"Since run {before.run.id}: {len(reused)} of {len(now.findings)} measurements reused."
    for one in reused:
        yield f"  reused          {one.id}{_changes(earlier.get(one.id), one, same='')}"
    for one in now.findings:
        if one.id not in now.run.reused:
            why = _changes(earlier.get(one.id), one, same=": nothing changed, and no evidence was kept that could be verified")
            yield f"  {'not measured' if one.evidence is None else 'measured anew':15} {one.id}{why}"
    yield from (f"  gone            {name}" for name in earlier if name not in {one.id for one in now.findings})


def _changes(before: Finding | None, now: Finding, *, same: str) -> str:
    """What determines the evidence and is no longer as it was."""
    if before is None:
        return ": is new"
    if not now.measured_on:
        return ": depends on files that no digest covers" if now.evidence is not None else f": {now.status}"
    changed = [name for name, digest in now.measured_on.items() if before.measured_on.get(name) != digest]
    if changed:
        return f": changed since: {', '.join(changed)}"
    return same if now.evidence is not None else f": {now.status}"


def difference_lines(old: Path, new: Path, *, allow_outside: bool) -> tuple[list[Line], bool]:
    """The lines, and whether anything was loosened between two policies, or got worse between two bundles."""
    if old.is_dir() != new.is_dir():
        msg = f"{old} and {new}: one is a folder and one is not: name two policies, or two folders that `audit run` wrote"
        raise InputError(msg)
    found: Sequence[policy_diff.Change | bundle_diff.Difference]
    if old.is_dir():
        earlier, later = (reader.audit_run(one, tables=False) for one in (old, new))
        bad, found = "worse", bundle_diff.differences(earlier, later, catalog.discover())
    else:
        before, after = (load_policy(path, allow_outside=allow_outside).policy for path in (old, new))
        bad, found = "loosened", policy_diff.differences(before, after, catalog=catalog.discover())
    lines = [Line(f"{one.kind}: {one.place}: {one.words}", _DIFFERENCE_STYLES[one.kind]) for one in found]
    counts: Counter[str] = Counter(one.kind for one in found)
    total = ", ".join(f"{n} {kind}" for kind, n in counts.items())
    return [*lines, Line(total or "no difference", "bold")], counts[bad] > 0
