"""Section 13: laws, standards and profiles that the evidence of this run supports, clause by clause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.frameworks import crosswalks
from audit.report.rmf import declared_fields, grade

if TYPE_CHECKING:
    from audit.frameworks import Clause, Crosswalk
    from audit.record import AuditRun
    from audit.report.entries import Entries, Entry, Link


@dataclass(frozen=True, slots=True)
class ClauseLine:
    """One clause and what stands for it."""

    id: str
    summary: str
    state: str
    """`measured`, `declared` or `absent`."""
    links: tuple[Link, ...]
    owed: str


@dataclass(frozen=True, slots=True)
class CrosswalkView:
    """One law, standard or profile."""

    anchor: str
    title: str
    note: str
    lead: str
    lines: tuple[ClauseLine, ...]


def crosswalk(run: AuditRun, found: Entries) -> tuple[CrosswalkView, ...]:
    """Each with its clauses in the order of its text."""
    declared = declared_fields(run)
    return tuple(_view(one, found, declared) for one in crosswalks())


def _view(one: Crosswalk, found: Entries, declared: frozenset[str]) -> CrosswalkView:
    lines = tuple(_line(clause, found, declared) for clause in one.clauses)
    counts = [(state, sum(line.state == state for line in lines)) for state in ("measured", "declared", "absent")]
    tally = ", ".join(f"{n} {state}" for state, n in counts if n)
    return CrosswalkView(f"crosswalk-{one.id}", one.name, one.note, f"{one.publication}: {tally}", lines)


def _line(clause: Clause, found: Entries, declared: frozenset[str]) -> ClauseLine:
    naming = [entry for entry in found.worst if entry.finding.requirement.check in clause.by or _family(entry) in clause.by]
    stated = bool(declared & set(clause.by)) or any(grade(entry.finding) == "declared" for entry in naming)
    state = "measured" if any(grade(entry.finding) == "measured" for entry in naming) else "declared" if stated else "absent"
    return ClauseLine(clause.id, clause.summary, state, tuple(entry.link for entry in naming), clause.owed)


def _family(entry: Entry) -> str:
    return entry.finding.requirement.check.split("/")[0]
