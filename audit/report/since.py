"""The results against those of the last promotion, and which version stays where nothing is released."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.formatting import bound_in_words, interval_in_words, limit, number
from audit.record import Outcome, outcome
from audit.report import text as prose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.record import AuditRun, Drill, LastPromotion
    from audit.report.entries import Entries, Link

_RANK = {"pass": 0, "not_applicable": 1, "inconclusive": 2, "fail": 3, "not_run": 4, "error": 4}
"""Statuses by what they do to the decision."""


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One thing that is no longer as it was."""

    kind: str
    hue: str
    what: str
    link: Link | None
    then: str
    now: str


@dataclass(frozen=True, slots=True)
class ResultsSince:
    """All of them, what got worse first."""

    lead: str
    rows: tuple[ResultRow, ...]


def results_since(run: AuditRun, found: Entries) -> ResultsSince:
    """Decision, candidate, findings and bounds, each only where it differs."""
    last = run.last_promotion
    if last is None:
        return ResultsSince("The ledger holds no promotion under a policy of this name: no earlier results are compared with these.", ())
    lead = f"Against {promoted_in_words(last)}."
    if last.outcomes is None:
        return ResultsSince(
            f"{lead} The ledger did not keep its findings: only decision and candidate are compared.", tuple(_whole(run, last))
        )
    rows = sorted((*_whole(run, last), *_findings(last, found)), key=lambda one: _ORDER.index(one.kind))
    same = len(run.findings) - sum(one.link is not None for one in rows)
    return ResultsSince(f"{lead} {same} of {prose.counted(len(run.findings), 'finding')} as before.", tuple(rows))


_ORDER = ("worse", "gone", "new", "better", "changed")
_HUES = {"worse": "red", "gone": "red"}


def _row(kind: str, what: str, then: str, now: str, link: Link | None = None) -> ResultRow:
    return ResultRow(kind, _HUES.get(kind, ""), what, link, then, now)


def _whole(run: AuditRun, last: LastPromotion) -> Iterator[ResultRow]:
    decisions = tuple(prose.DECISIONS)
    now = run.verdict.decision
    if last.decision != now:
        known = last.decision in decisions
        worse = known and decisions.index(now) > decisions.index(last.decision)
        yield _row("worse" if worse else "better" if known else "changed", "decision", last.decision, now)
    if last.candidate_sha256 != run.candidate.sha256:
        yield _row("changed", "candidate", prose.digest(last.candidate_sha256), prose.digest(run.candidate.sha256))
    if last.policy_version not in {"", str(run.policy.version)}:
        yield _row("changed", "policy version", last.policy_version, str(run.policy.version))


def _findings(last: LastPromotion, found: Entries) -> Iterator[ResultRow]:
    before = {one.finding: one for one in last.outcomes or ()}
    for entry in found.worst:
        now, then = outcome(entry.finding), before.pop(entry.finding.id, None)
        if then is None:
            yield _row("new", now.finding, "\u2013", _figures(now), entry.link)
        elif (then.status, then.value, then.interval, _bound(then), then.severity) != (
            now.status,
            now.value,
            now.interval,
            _bound(now),
            now.severity,
        ):
            yield _row(_direction(then, now), now.finding, _figures(then, beside=now), _figures(now, beside=then), entry.link)
    for one in before.values():
        yield _row("gone", one.finding, _figures(one), "no longer measured")


def _direction(then: Outcome, now: Outcome) -> str:
    ranks = _RANK.get(then.status, 0), _RANK.get(now.status, 0)
    return "changed" if ranks[0] == ranks[1] else "worse" if ranks[1] > ranks[0] else "better"


def _figures(one: Outcome, beside: Outcome | None = None) -> str:
    """Status, value and interval; the bound and the severity where they are others than beside it."""
    parts = [prose.STATUSES.get(one.status, one.status)]
    if one.value is not None and one.interval is not None:
        ends = "" if one.interval == (one.value, one.value) else f" {interval_in_words(one.interval)}"
        parts.append(f"{number(one.value)}{ends}, n {one.n:,}")
    if beside is None or _bound(one) != _bound(beside):
        parts.append(_bound(one))
    if beside is not None and one.severity != beside.severity:
        parts.append(one.severity)
    return "; ".join(parts)


def _bound(one: Outcome) -> str:
    if one.margin is not None:
        return f"not worse by more than {limit(one.margin)}"
    return bound_in_words(one.minimum, one.maximum)


def promoted_in_words(last: LastPromotion) -> str:
    """`complaint-triage version 7 (run ..., promoted 2 May 2026)`, or the run where no registry holds it."""
    when = prose.day(last.time)
    if last.name is not None and last.version is not None:
        return f"{last.name} version {last.version} (run {last.run}, promoted {when})"
    return f"run {last.run} of {when}, the last that ended in promote"


def drill_in_words(drill: Drill) -> str:
    """When a rollback was rehearsed last, from which version to which, and how that went."""
    went = f"passed in {prose.seconds(drill.seconds)}" if drill.passed else "FAILED: the way back does not work"
    way = f"from version {drill.champion or 'none'} to {drill.version}"
    return f"{prose.day(drill.time)}, {way}, {went}"


def staying(run: AuditRun) -> str:
    """Which version runs on where this candidate is not released."""
    last = run.last_promotion
    if last is not None and last.version is not None:
        return f"What runs today stays: {promoted_in_words(last)}."
    champion = run.comparators.get("champion")
    if champion is not None:
        return f"What runs today stays: the champion, {prose.clip(champion.description, 64)} ({prose.digest(champion.sha256)})."
    if last is not None:
        return f"What runs today stays: the candidate of {promoted_in_words(last)}."
    return (
        "What runs today stays; the ledger names no version." if run.policy.champion else "Nothing changes: no earlier version is recorded."
    )


def until_then(run: AuditRun) -> str:
    """Which version runs until this one is released; nothing where none is known."""
    return f"Until then: {staying(run)}" if run.last_promotion is not None or run.policy.champion is not None else ""
