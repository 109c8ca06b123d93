"""A promotion or rollback from begin to end: its intent into the ledger, the move, then its entry; and what killed ones left.

Two entries frame a move: the first says that it `started`, the second that it `finished`, or that it was `undone`. A first entry
without a second one, of a process that is gone, is settled by the next call: the registry says whether its aliases were moved.
"""

from __future__ import annotations

import getpass
import json
import platform
import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from audit.errors import AuditError, ToolError
from audit.ledger import times
from audit.ledger.chain import following_entry
from audit.registry import processes
from audit.registry.interface import Aliases, Move, NotPromoted, Version
from audit.registry.targets import open_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from audit.ledger import Entry, Ledger
    from audit.registry.interface import Registry

Kind: TypeAlias = Literal["promotion", "rollback"]
PROMOTION: Kind = "promotion"
ROLLBACK: Kind = "rollback"
DRILL = "rollback-drill"
KINDS = (PROMOTION, ROLLBACK)
STARTED, FINISHED, UNDONE = "started", "finished", "undone"


@dataclass(frozen=True, slots=True)
class Settled:
    """A move of a killed process, and what became of it."""

    kind: str
    payload: Mapping[str, Any]

    @property
    def words(self) -> str:
        """In a sentence."""
        name, target = self.payload["name"], self.payload["target"]
        if FINISHED in self.payload:
            return f"a {self.kind} of {name} was killed after it had moved the aliases of {target}: it is recorded now"
        return f"a {self.kind} of {name} was killed before it had moved the aliases of {target}: it is undone"


def new_id() -> str:
    """Of a move."""
    return secrets.token_hex(8)


def promote(registry: Registry, ledger: Ledger, name: str, version: Version, files: Mapping[str, Path]) -> Aliases:
    """Put a version and make it the champion. Where the aliases stand now."""
    before = registry.aliases(name)
    version = version.model_copy(update={"replaces": _way_back(registry, name, before, version)})
    facts = _facts(registry, name, version, before)

    def work() -> Aliases:
        after = Aliases(registry.put(name, version, files), version.replaces)
        registry.move(name, Move(version.move, PROMOTION, before, after))
        return after

    return _framed(PROMOTION, registry, ledger, facts, work)


def champion(registry: Registry, name: str, before: Aliases) -> Version | None:
    """The champion, as far as it was promoted by us and can be read; a promotion replaces any other one too."""
    try:
        return None if before.champion is None else registry.version(name, before.champion)
    except (NotPromoted, ToolError):
        return None


def _way_back(registry: Registry, name: str, before: Aliases, version: Version) -> str | None:
    """What a rollback returns to: never the candidate itself, which was audited again."""
    now = champion(registry, name, before)
    return before.previous if now is not None and now.candidate_sha256 == version.candidate_sha256 and version.files else before.champion


def roll_back(registry: Registry, ledger: Ledger, name: str, before: Aliases, version: Version) -> Aliases:
    """Make the previous version the champion again. `before` is where the aliases stand, `version` the previous one."""
    after = Aliases(before.previous, version.replaces)
    move = Move(new_id(), ROLLBACK, before, after)
    facts = _facts(registry, name, version, before) | {"move": move.id}

    def work() -> Aliases:
        registry.move(name, move)
        return after

    return _framed(ROLLBACK, registry, ledger, facts, work)


def record_drill(ledger: Ledger, registry: Registry, name: str, facts: Mapping[str, object]) -> None:
    """That a rollback was rehearsed, and how it went."""
    payload = {"name": name, "target": registry.target, "by": caller(), **facts}
    ledger.append(_time(), DRILL, payload)


def _facts(registry: Registry, name: str, version: Version, before: Aliases) -> dict[str, object]:
    return {
        "move": version.move,
        "name": name,
        "target": registry.target,
        "from": before.champion,
        "bundle_sha256": version.bundle_sha256,
        "candidate_sha256": version.candidate_sha256,
        "run": version.run,
        "policy": version.policy,
        "policy_sha256": version.policy_sha256,
        "decision": version.decision,
        "by": caller(),
    }


def _framed(kind: Kind, registry: Registry, ledger: Ledger, facts: Mapping[str, object], work: Callable[[], Aliases]) -> Aliases:
    """The work between its two entries. If it fails, whatever it left is settled as far as the registry answers."""
    started = _time()
    ledger.append(started, kind, {**facts, STARTED: started, "process": processes.this_process()})
    try:
        after = work()
    except AuditError:
        with suppress(ToolError):  # a registry that does not answer: the next call settles it
            _settle(kind, {**facts, STARTED: started}, registry, ledger)
        raise
    _end(kind, {**facts, STARTED: started}, after, ledger)
    return after


def _settle(kind: str, payload: Mapping[str, Any], registry: Registry, ledger: Ledger) -> Settled:
    """Complete or undo one move in its registry, then end it in the ledger."""
    after = registry.settle(str(payload["name"]), str(payload["move"]))
    return Settled(kind, _end(kind, payload, after, ledger))


def _end(kind: str, payload: Mapping[str, Any], after: Aliases | None, ledger: Ledger) -> Mapping[str, Any]:
    """The second entry of a move, once: another process may be settling it too."""
    told = {key: value for key, value in payload.items() if key != "process"}
    ended = told | ({UNDONE: _time()} if after is None else {"version": after.champion, "previous": after.previous, FINISHED: _time()})

    def missing(before: tuple[Entry, ...]) -> Sequence[Entry]:
        known = {str(one["move"]) for _, one in unfinished(before)}
        return [following_entry(before, _time(), kind, ended)] if payload["move"] in known else []

    ledger.settle(missing)
    return ended


def unfinished(entries: Sequence[Entry]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Kind and payload of moves that started and have not ended."""
    begun: dict[str, tuple[str, dict[str, Any]]] = {}
    for entry in entries:
        if entry.kind in KINDS:
            payload = json.loads(entry.payload)
            if FINISHED in payload or UNDONE in payload:
                begun.pop(str(payload.get("move")), None)
            elif STARTED in payload and "move" in payload:
                begun[str(payload["move"])] = (entry.kind, payload)
    yield from begun.values()


def settle_killed(ledger: Ledger, target: str | None = None) -> tuple[list[str], list[str]]:
    """Complete or undo the moves of processes that are gone; what was done, and what could not be, in words.

    ToolError where the registry of `target` does not answer. Others may be gone for ever, and stop nothing here.
    """
    done: list[str] = []
    failed: list[str] = []
    if not ledger.exists():
        return done, failed
    if ledger.changed_bytes() is not None:
        with suppress(ToolError):  # a killed writer's checksum is renewed; changed bytes are not, and `verify` names them
            ledger.settle(lambda _before: ())
    for kind, one in unfinished(ledger.verified()):
        if processes.is_alive(str(one.get("process")), str(one[STARTED])):
            continue
        try:
            done.append(_settle(kind, one, open_registry(str(one["target"])), ledger).words)
        except AuditError as error:
            if one["target"] == target:
                raise
            failed.append(f"a {kind} of {one['name']} was killed, and cannot be completed or undone: {error}")
    return done, failed


def last_finished(entries: Sequence[Entry], name: str, kinds: Sequence[str] = KINDS) -> dict[str, Any] | None:
    """The newest promotion or rollback of a model that took place."""
    told = (json.loads(one.payload) for one in reversed(entries) if one.kind in kinds)
    return next((one for one in told if one.get("name") == name and FINISHED in one), None)


def recorded(entries: Sequence[Entry], target: str, name: str, number: str, version: Version) -> list[dict[str, Any]]:
    """The promotions that made a version, by its place or by its id; none where another ledger has it."""
    told = [json.loads(one.payload) for one in entries if one.kind == PROMOTION]
    finished = [one for one in told if FINISHED in one]
    place = (target, name, number)
    return [one for one in finished if one["move"] == version.move or (one["target"], one["name"], one["version"]) == place]


def caller() -> str:
    """Who calls, as the machine knows them."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = "unknown"
    return f"{user}@{platform.node()}"


def _time() -> str:
    return times.now().isoformat(timespec="seconds")
