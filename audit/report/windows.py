"""The section on the evidence over windows: what stands, one chart a requirement, and which features, words and rows moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit import phrases
from audit.evidence import OVERALL, Intervals
from audit.formatting import ended
from audit.report import production
from audit.report import text as prose
from audit.report.charts.evidence import evidence
from audit.report.entries import Chip
from audit.report.phrases import label

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from audit.decision.finding import Finding, Judged
    from audit.evidence import Point
    from audit.record import AuditRun, MonitorFacts, Signal
    from audit.report.charts.drawing import Drawing
    from audit.report.entries import Entries, Link

MOST_SIGNALS, MOST_MOVED, MOST_CHARTS = 20, 12, 24


@dataclass(frozen=True, slots=True)
class SignalRow:
    """The evidence of one member over all windows."""

    chip: Chip
    link: Link | None
    requirement: str
    member: str
    evidence: str
    windows: str
    since: str
    change: str


@dataclass(frozen=True, slots=True)
class MovedRow:
    """A feature that this window shows at another place than the reference."""

    link: Link
    requirement: str
    feature: str
    effect: str
    bound: str
    chip: Chip


@dataclass(frozen=True, slots=True)
class Pointer:
    """Words that moved, or the way to rows that look least like the reference."""

    link: Link
    requirement: str
    text: str


@dataclass(frozen=True, slots=True)
class Windows:
    """The section on the evidence over the windows."""

    budget: str
    strongest: str
    signals: tuple[SignalRow, ...]
    quiet: str
    charts: tuple[Drawing, ...]
    more_charts: str
    moved: tuple[MovedRow, ...]
    moved_lead: str
    pointers: tuple[Pointer, ...]
    retraining: str


def windows(run: AuditRun, found: Entries) -> Windows | None:
    """None for `audit run`."""
    facts = run.monitor
    if facts is None:
        return None
    shown = [one for one in production.ranked(facts.signals) if one.state != "quiet"]
    quiet = len(facts.signals) - len(shown)
    charts = _charts(facts, found)
    moved = tuple(_moved_rows(found))
    return Windows(
        budget=production.budget(run, facts),
        strongest=production.strongest(facts),
        signals=tuple(_signal(one, found) for one in shown[:MOST_SIGNALS]),
        quiet=_quiet(quiet, len(shown)),
        charts=charts[:MOST_CHARTS],
        more_charts=f"{prose.sentence(prose.counted(len(charts) - MOST_CHARTS, 'more requirement'))}: the quiet ones are left out."
        if len(charts) > MOST_CHARTS
        else "",
        moved=moved[:MOST_MOVED],
        moved_lead=_moved_lead(moved),
        pointers=tuple(_pointers(found)),
        retraining=_retraining(facts),
    )


def _quiet(quiet: int, shown: int) -> str:
    if not quiet:
        return ""
    rest = "The rest" if shown else "Everything"
    return f"{rest} is quiet: {prose.counted(quiet, 'member')} below a tenth of {'its' if quiet == 1 else 'their'} threshold."


def _signal(one: Signal, found: Entries) -> SignalRow:
    entry = found.of(one.requirement)
    return SignalRow(
        chip=production.state_chip(one),
        link=None if entry is None else entry.link,
        requirement=one.requirement,
        member="all rows" if one.member is None else prose.clip(label(one.member), 80),
        evidence=production.evidence_in_words(one),
        windows=f"{one.windows:,}",
        since="–" if one.since is None else production.window_name(one.since),
        change="–" if one.change is None else production.window_name(one.change),
    )


def _charts(facts: MonitorFacts, found: Entries) -> tuple[Drawing, ...]:
    """One a requirement, the most evidence first."""

    def newest(relative_: Sequence[float | None]) -> float:
        return next((one for one in reversed(relative_) if one is not None), 0.0)

    drawn = []
    for trace in sorted(facts.traces, key=lambda one: -newest(one.relative)):
        entry = found.of(trace.requirement)
        drawn.append(evidence(trace, facts, "" if entry is None else f"{phrases.question(entry.finding)} {entry.label}."))
    return tuple(one for one in drawn if one is not None)


def _moved_rows(found: Entries) -> Iterator[MovedRow]:
    """Members of drift checks, farthest beyond or nearest to their bound first."""
    rows = [
        (_distance(finding, one), entry.link, finding, one)
        for entry in found.worst
        for finding in (entry.finding,)
        if finding.check.measures == "drift"
        for one in finding.slices
        if one.value is not None and one.name != OVERALL
    ]
    for _, link, finding, one in sorted(rows, key=lambda row: -row[0]):
        ends = "" if one.interval is None else f" {prose.bracket(one.interval)}"
        status = one.status or "not_applicable"
        yield MovedRow(
            link=link,
            requirement=finding.id,
            feature=prose.clip(label(one.name), 80),
            effect=f"{prose.figure(one.value or 0.0)}{ends}",
            bound=prose.bound(finding.requirement),
            chip=Chip(status, prose.STATUSES[status]),
        )


def _distance(finding: Finding, one: Judged) -> float:
    """The effect in parts of its bound."""
    limit = finding.requirement.max or finding.requirement.min
    return abs(one.value or 0.0) / abs(limit) if limit else abs(one.value or 0.0)


def _moved_lead(moved: Sequence[MovedRow]) -> str:
    if not moved:
        return "No check of this policy compares features with a reference."
    left = f" The first {MOST_MOVED} of {len(moved):,}." if len(moved) > MOST_MOVED else ""
    return f"Effects in this window against the reference, the largest for its bound first; each interval stands alone.{left}"


def _pointers(found: Entries) -> Iterator[Pointer]:
    """Numbers by name that a drift check draws beside each other, such as words; and rows that it shows."""
    for entry in found.worst:
        finding = entry.finding
        if finding.check.measures != "drift" or finding.evidence is None:
            continue
        for figure in finding.evidence.figures:
            if isinstance(figure, Intervals):
                told = [f"{name} {_ends(points)}" for name, points in zip(figure.names, figure.points, strict=True)]
                yield Pointer(entry.link, finding.id, f"{figure.unit}, {' to '.join(figure.series)}: {prose.listed(told, MOST_MOVED)}.")
        if finding.evidence.examples:
            count_ = prose.counted(len(finding.evidence.examples), "row")
            yield Pointer(entry.link, finding.id, f"{count_} to look at.")


def _ends(points: Sequence[Point | None]) -> str:
    """`0.012 to 0.340`."""
    return " to ".join("nothing" if one is None else prose.figure(one.value) for one in (points[0], points[-1]))


def _retraining(facts: MonitorFacts) -> str:
    """What the policy asks for after an alarm."""
    due = facts.retraining
    if due is None:
        return ""
    ends = prose.listed(dict.fromkeys(map(production.window_name, (*due.windows[:1], *due.windows[-1:]))))
    windows = f" Use {prose.counted(len(due.windows), 'window')}, the first and the last {ends}." if due.windows else ""
    must = f" The new candidate must pass {due.policy}." if due.policy is not None else " The new candidate must pass this policy."
    return f"A new training is due: {ended(due.because)}{windows}{must}"
