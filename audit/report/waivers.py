"""Waivers in section 11: in force, void with the reason, unused, and what ends soon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.report import text as prose

if TYPE_CHECKING:
    from audit.governance.waiver_state import WaiverState
    from audit.record import AuditRun
    from audit.report.entries import Entries, Link

_STANDINGS = {"in_force": "in force", "void": "VOID", "unused": "unused"}
_RANK = ("in_force", "void", "unused")


@dataclass(frozen=True, slots=True)
class Waiver:
    """One waiver in words."""

    id: str
    file: str
    check: str
    link: Link | None
    standing: str
    warning: str
    until: str
    approved: str
    said: tuple[str, ...]
    """Why it is not in force; or what was accepted, what limits the harm and what was promised."""


def waivers(run: AuditRun, found: Entries) -> tuple[Waiver, ...]:
    """Those in force first, in each kind the first to end before the others."""
    ranked = sorted(run.waivers, key=lambda one: (_RANK.index(one.standing), one.until, one.id))
    return tuple(_row(one, found) for one in ranked)


def _row(one: WaiverState, found: Entries) -> Waiver:
    entry = found.of(one.check)
    return Waiver(
        id=one.id,
        file=one.file,
        check=one.check,
        link=None if entry is None else entry.link,
        standing=_STANDINGS[one.standing],
        warning=_sentence(one, one.warning) if one.warning else "",
        until=prose.moment(one.until),
        approved=prose.listed(one.approved_by) or "nobody",
        said=_accepted(one) if one.standing == "in_force" else tuple(_sentence(one, why) for why in one.why),
    )


def _sentence(one: WaiverState, text: str) -> str:
    """With a stop, and a large letter unless it begins with the name of the check."""
    return (text if text.startswith(one.check) else prose.sentence(prose.dates(text))) + "."


def _accepted(one: WaiverState) -> tuple[str, ...]:
    controls = tuple(f"Control: {control}." for control in one.controls)
    return (f"Why: {one.reason}", f"Risk accepted: {one.risk_accepted}", *controls, f"Promised: {prose.dates(one.remedy)}.")
