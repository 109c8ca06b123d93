"""What changed between two audits, as their bundles tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from audit.formatting import count, interval_in_words, number
from audit.governance import policy_diff

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from audit.check import Check
    from audit.decision.finding import Decision, Finding, Status
    from audit.record import AuditRun

Kind: TypeAlias = Literal["worse", "loosened", "better", "other"]
KINDS: tuple[Kind, ...] = ("worse", "loosened", "better", "other")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is no longer as it was."""

    kind: Kind
    """`worse` and `better` of a decision or a status; `loosened` of what was asked."""
    place: str
    words: str


_DECISIONS: tuple[Decision, ...] = ("promote", "promote-with-conditions", "block")
_STATUSES: dict[Status, int] = {"pass": 0, "not_applicable": 1, "inconclusive": 2, "fail": 3, "not_run": 4, "error": 4}
"""By what they do to the decision, where severities are equal: missing evidence is the worst."""


def differences(old: AuditRun, new: AuditRun, catalog: Mapping[str, Check]) -> tuple[Difference, ...]:
    """All that differs, what got worse first."""
    found = [*_whole(old, new), *_findings(old, new, catalog)]
    return tuple(sorted(found, key=lambda one: KINDS.index(one.kind)))


def _whole(old: AuditRun, new: AuditRun) -> Iterator[Difference]:
    was, is_ = old.verdict, new.verdict
    if (was.decision, was.exit_code) != (is_.decision, is_.exit_code):
        words = f"{was.decision} (exit code {was.exit_code}) → {is_.decision} (exit code {is_.exit_code})"
        yield Difference(_direction(_DECISIONS.index(was.decision), _DECISIONS.index(is_.decision)), "decision", words)
    names = [(one.policy.policy, one.policy.version, one.policy_sha256) for one in (old, new)]
    if names[0] != names[1]:
        yield Difference("other", "policy", f"{names[0][0]} {names[0][1]} → {names[1][0]} {names[1][1]}, another text")
    if old.candidate.sha256 != new.candidate.sha256:
        yield Difference("other", "candidate", f"another one: {new.candidate.description}")
    data = [{each.role: each for each in one.datasets} for one in (old, new)]
    for role in dict.fromkeys([*data[0], *data[1]]):
        before, after = (one.get(role) for one in data)
        if (before and (before.sha256, before.rows)) != (after and (after.sha256, after.rows)):
            rows = [f"{one.rows:,} rows" if one else "none" for one in (before, after)]
            yield Difference("other", f"datasets.{role}", f"other data: {rows[0]} → {rows[1]}")


def _direction(before: int, after: int) -> Kind:
    return "other" if before == after else "worse" if after > before else "better"


def _findings(old: AuditRun, new: AuditRun, catalog: Mapping[str, Check]) -> Iterator[Difference]:
    was = {one.id: one for one in old.findings}
    for after in new.findings:
        before = was.pop(after.id, None)
        if before is None:
            yield Difference("other", after.id, f"is new: {after.status}{_figure(after)}")
        else:
            yield from _finding(before, after, (old.policy.confidence, new.policy.confidence), catalog)
    yield from (Difference("worse", one.id, f"is no longer measured; was {one.status}{_figure(one)}") for one in was.values())


def _finding(before: Finding, after: Finding, confidence: tuple[float, float], catalog: Mapping[str, Check]) -> Iterator[Difference]:
    figures = _figure(before), _figure(after)
    moved = f":{figures[0]} →{figures[1]}" if figures[0] != figures[1] else ""
    if before.status != after.status:
        kind = _direction(_STATUSES[before.status], _STATUSES[after.status])
        yield Difference(kind, after.id, f"{before.status} → {after.status}{moved}")
    elif moved:
        yield Difference("other", after.id, f"{after.status} as before{moved}")
    if before.disposition != after.disposition:
        yield Difference("other", after.id, f"disposition {before.disposition} → {after.disposition}")
    was, is_ = before.requirement, after.requirement
    if was.check != is_.check:
        yield Difference("other", after.id, f"another check: {was.check} → {is_.check}")
        return
    asked = [one.model_copy(update={"confidence": one.confidence or own}) for one, own in zip((was, is_), confidence, strict=True)]
    for one in policy_diff.of_requirement(asked[0], asked[1], catalog):
        yield Difference("loosened" if one.kind == "loosened" else "other", one.place, one.words)


def _figure(one: Finding) -> str:
    """` accuracy 0.861 [0.838, 0.882], n 1,200`, or nothing where nothing was measured."""
    head = one.headline
    if head is None:
        return ""
    if head.method == "census":
        return f" {count(head.value)} {head.unit}, n {head.n:,}"
    return f" {head.unit} {count(head.value) if head.value == 0 else number(head.value)} {interval_in_words(head.interval)}, n {head.n:,}"
