"""`audit run --changed-since`: which evidence was reused, and why the rest was measured anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.decision.finding import Finding
    from audit.record import AuditRun


def lines(before: AuditRun, now: AuditRun) -> Iterator[str]:
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
