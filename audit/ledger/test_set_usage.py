"""How often a test set has served to decide, and for how many different candidates."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audit.ledger.alpha_spending import Look, Plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from audit.ledger.chain import Entry


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells a set of rows from others: two are one set if they share any digest."""

    file: str
    """SHA-256 of the file's bytes."""
    rows: str
    """SHA-256 of its rows, whatever else the file holds; empty where an old entry does not say it."""
    columns: tuple[str, ...] = ()
    """SHA-256 of each column that tells its rows apart, with the label, whatever roles are declared; none where an old entry says none."""

    def same(self, other: Identity) -> bool:
        """Whether both are one set."""
        return not self.digests().isdisjoint(other.digests())

    def digests(self) -> frozenset[str]:
        """All that it may be known by."""
        return frozenset({f"file {self.file}", *([f"rows {self.rows}"] if self.rows else ()), *self.columns})

    def to_json(self) -> dict[str, object]:
        """As an entry of the ledger keeps it."""
        return {"file": self.file, "rows": self.rows, "columns": list(self.columns)}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Identity:
        """The same identity."""
        return cls(told["file"], told["rows"], tuple(told.get("columns", ())))


@dataclass(frozen=True, slots=True)
class Wear:
    """What a test set has been through."""

    decisions: int
    """Runs that held a candidate against it, also those that were killed after they had begun to measure."""
    candidates: tuple[str, ...]
    """Distinct digests, in the order in which they were first measured on it."""
    looks: tuple[Look, ...]
    """Looks under a plan, in the ledger's order."""

    def number(self, candidate: str) -> int:
        """Which of the distinct candidates this one is, or would be, from 1."""
        return (self.candidates.index(candidate) if candidate in self.candidates else len(self.candidates)) + 1


@dataclass(frozen=True, slots=True)
class Exchanged:
    """Rows that stood in a data set's place before, under a policy of the same name."""

    sha256: str
    """Of the file that was seen last."""
    candidates: int
    """Distinct candidates that were measured on them."""


@dataclass(frozen=True, slots=True)
class _Use:
    """One entry about a candidate measured on test sets."""

    entry: Entry
    told: Mapping[str, Any]

    @property
    def candidate(self) -> str:
        return str(self.told["candidate_sha256"])

    def sets(self) -> dict[str, Identity]:
        """By role; an entry that does not say which sets decided stands for all that it names."""
        if "test_sets" in self.told:
            return {role: Identity.from_json(one) for role, one in self.told["test_sets"].items()}
        return {role: Identity(digest, "") for role, digest in self.told["datasets"].items()}

    def look(self, role: str) -> Look:
        return Look(self.candidate, self.told["numbers"][role], Plan(self.told["max"], self.told["spending"]))


def wear(entries: Sequence[Entry], rows: Identity) -> Wear:
    """How often these rows have served, by the ledger's runs and looks. A look and the run that it began are one decision."""
    known = _known(entries, rows)
    decisions, candidates, looks = 0, dict[str, None](), []
    for use in _uses(entries):
        role = next((role for role, one in use.sets().items() if one in known), None)
        if role is None:
            continue
        candidates[use.candidate] = None
        decisions += use.told.get("look") is None
        if use.entry.kind == "look":
            looks.append(use.look(role))
    return Wear(decisions, tuple(candidates), tuple(looks))


def _known(entries: Sequence[Entry], rows: Identity) -> frozenset[Identity]:
    """Every identity under which the ledger holds these rows: what is the same as one of them is the same set too."""
    others, known = {one for use in _uses(entries) for one in use.sets().values()}, {rows}
    while True:
        digests = frozenset().union(*(one.digests() for one in known))
        fresh = {one for one in others - known if not one.digests().isdisjoint(digests)}
        if not fresh:
            return frozenset(known)
        known |= fresh


def exchanged(entries: Sequence[Entry], *, policy: str, role: str, now: Identity) -> tuple[Exchanged, ...]:
    """Other rows that had this role under a policy of this name, in the order in which they came."""
    known_now = _known(entries, now)
    found: list[tuple[list[Identity], set[str]]] = []
    for use in _uses(entries):
        one = use.sets().get(role)
        if use.told.get("policy") != policy or one is None or one in known_now:
            continue
        known = next((group for group in found if any(one.same(other) for other in group[0])), None)
        if known is None:
            found.append(([one], {use.candidate}))
        else:
            known[0].append(one)
            known[1].add(use.candidate)
    return tuple(Exchanged(seen[-1].file, len(candidates)) for seen, candidates in found)


def _uses(entries: Sequence[Entry]) -> Iterator[_Use]:
    return (_Use(entry, json.loads(entry.payload)) for entry in entries if entry.kind in {"look", "run"})
