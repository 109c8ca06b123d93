"""`audit promote` and `audit rollback`: what must hold before an alias moves, and what is said of it."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.bundle import reader, verification
from audit.errors import InputError
from audit.governance.keys import read_keys
from audit.ledger import Ledger, ledger_path, times
from audit.policy.paths import project_folder
from audit.registry import MovedMeanwhile, NotPromoted, Version, artefact, moves, open_registry
from audit.registry.interface import refuse_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from audit.governance.keys import PublicKey
    from audit.record import AuditRun
    from audit.registry import Aliases, Registry
    from audit.registry.artefact import Artefact

DEFAULT_OUT = Path("reports")
"""Where the ledger of `audit rollback` lies unless it is told otherwise."""


@dataclass(frozen=True, slots=True)
class PromotionRequest:
    """What the command line said."""

    bundle: Path
    to: str | None = None
    """The registry; the one that the policy of the bundle names where absent."""
    name: str | None = None
    """Of the model; the policy's where absent."""
    keys: Sequence[Path] = ()
    """Trusted public keys; those that the policy of the bundle names where absent."""
    artefact: Path | None = None
    out: Path | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done, and why something was not."""

    lines: tuple[str, ...]
    problems: tuple[str, ...] = ()
    """None if it was done."""


def promote(asked: PromotionRequest) -> Outcome:
    """Make the candidate of a bundle the champion, if everything that a promotion asks for holds."""
    registry, ledger = open_registry(asked.to) if asked.to else None, Ledger(ledger_path(asked.out or asked.bundle.resolve().parent))
    if asked.name is not None:
        refuse_name(asked.name)
    settled = tuple(line for lines in moves.settle_killed(ledger, registry.target if registry else None) for line in lines)
    problems = tuple(_unproven(asked, ledger))
    if problems:
        return Outcome(settled, problems)
    audit = reader.audit_run(asked.bundle, tables=False)
    if audit.monitor is not None:
        return Outcome(settled, (f"bundle: it is of the window {audit.monitor.window.key}: promote a bundle of `audit run`",))
    try:
        found = artefact.of_bundle(audit, asked.artefact)
    except InputError as error:
        return Outcome(settled, (f"artefact: {error}",))
    registry, name = registry or _registry_of(audit, asked.bundle), asked.name or _name_of(audit)
    version = _version(asked.bundle, audit, found)
    stand = registry.aliases(name)
    now = moves.champion(registry, name, stand)
    if now is not None and now.bundle_sha256 == version.bundle_sha256:
        done = f"{registry.target}: {name} version {stand.champion} of this bundle is the champion already: nothing to move"
        return Outcome((*settled, done))
    try:
        after = moves.promote(registry, ledger, name, version, found.files)
    except MovedMeanwhile as error:
        return Outcome(settled, (str(error),))
    return Outcome((*settled, *_promoted(registry, name, version, after)))


def _registry_of(audit: AuditRun, bundle: Path) -> Registry:
    """The registry that the policy names; a path in it starts where all paths of the policy do."""
    named = audit.policy.registry
    if named is None:
        msg = f"{bundle}: its policy names no registry: say with --to where it is promoted to"
        raise InputError(msg)
    scheme, _, place = named.to.partition(":")
    return open_registry(f"folder:{project_folder(Path(audit.policy_path)) / place}" if scheme == "folder" and place else named.to)


def _name_of(audit: AuditRun) -> str:
    named = audit.policy.registry
    return audit.policy.policy if named is None or named.name is None else named.name


def _unproven(asked: PromotionRequest, ledger: Ledger) -> Iterator[str]:
    """What does not hold of the bundle: its bytes, its decision, its quorum, its dates, its place in the ledger."""
    keys = read_keys(asked.keys) if asked.keys else _own_keys(asked.bundle)
    yield from verification.verify(asked.bundle, keys, ledger, times.now()).problems
    if not ledger.exists():
        yield f"ledger: {ledger.name} is not there, and a promotion is recorded in the ledger of its run: name its folder with -o"
    if not keys:
        yield "quorum: the policy names no trusted keys (trust.keys): name those that you trust with --key"


def _own_keys(bundle: Path) -> tuple[PublicKey, ...]:
    """The keys that the policy of a bundle trusted, which lie in it and are covered by its digests."""
    return read_keys(sorted((bundle / "waivers" / "keys").glob("*.pub")))


def _version(bundle: Path, audit: AuditRun, found: Artefact) -> Version:
    return Version(
        move=moves.new_id(),
        replaces=None,
        kind=found.kind,
        max_length=found.max_length,
        candidate_sha256=audit.candidate.sha256,
        bundle_sha256=reader.digest(bundle),
        run=audit.run.id,
        policy=audit.policy.policy,
        policy_sha256=audit.policy_sha256,
        decision=audit.verdict.decision,
        valid_until=audit.valid_until,
        files=found.listed,
    )


def _promoted(registry: Registry, name: str, version: Version, after: Aliases) -> Iterator[str]:
    previous = "there is no previous one" if after.previous is None else f"version {after.previous} is previous"
    yield f"{registry.target}: {name} version {after.champion} is the champion; {previous}"
    if not version.files:
        yield "saved predictions have no artefact, so the version is the bundle alone: check yourself that the deployed model is this one"


@dataclass(frozen=True, slots=True)
class RollbackRequest:
    """What the command line said."""

    name: str
    to: str | None = None
    drill: bool = False
    out: Path = DEFAULT_OUT


def roll_back(asked: RollbackRequest) -> Outcome:
    """Make the previous version the champion again, or rehearse that."""
    refuse_name(asked.name)
    ledger = Ledger(ledger_path(asked.out))
    target = _target(asked, ledger)
    registry, begun = open_registry(target), time.monotonic()
    settled = tuple(line for lines in moves.settle_killed(ledger, registry.target) for line in lines)
    before = registry.aliases(asked.name)
    if before.previous is None:
        champion = "has no champion" if before.champion is None else f"has no version before {before.champion}, its champion"
        return Outcome(settled, (f"{registry.target}: {asked.name} {champion}: there is nothing to return to",))
    try:
        version = registry.version(asked.name, before.previous)
    except NotPromoted as error:
        return Outcome(settled, (str(error),))
    promotions = moves.recorded(ledger.verified(), registry.target, asked.name, before.previous, version)
    unfit = (
        *_unrecorded(ledger, promotions, before.previous, version),
        *_unfit(registry, promotions, asked.name, before.previous, version),
    )
    problems = tuple(f"version {before.previous}: {one}" for one in unfit)
    remarks = tuple(_expired(version))
    if asked.drill:
        drilled = _drilled(asked.name, registry, ledger, before, version, problems, seconds=time.monotonic() - begun)
        return Outcome((*settled, *drilled, *remarks), problems)
    if problems:
        return Outcome(settled, problems)
    try:
        after = moves.roll_back(registry, ledger, asked.name, before, version)
    except MovedMeanwhile as error:
        return Outcome(settled, (str(error),))
    done = f"{registry.target}: {asked.name} version {after.champion} is the champion again, in place of version {before.champion}"
    return Outcome((*settled, done, *remarks))


def _target(asked: RollbackRequest, ledger: Ledger) -> str:
    """As `--to` says, else where the model was promoted last."""
    if asked.to is not None:
        return asked.to
    last = moves.last_finished(ledger.verified(), asked.name)
    if last is None:
        msg = f"the ledger {ledger.name} holds no promotion of {asked.name}: say where it lies with --to"
        raise InputError(msg)
    return str(last["target"])


def _unfit(registry: Registry, promotions: Sequence[Mapping[str, Any]], name: str, number: str, version: Version) -> Iterator[str]:
    """Why a version cannot be returned to: its files, and what the ledger recorded of its promotion."""
    for key, value in (("candidate_sha256", version.candidate_sha256), ("bundle_sha256", version.bundle_sha256)):
        for one in promotions:
            if one[key] != value:
                yield f"its {key} is {value}, and the ledger recorded {one[key]}"
    with tempfile.TemporaryDirectory(prefix="audit-") as scratch:
        yield from artefact.problems(version, registry.model(name, number, Path(scratch)))


def _drilled(
    name: str, registry: Registry, ledger: Ledger, before: Aliases, version: Version, problems: tuple[str, ...], *, seconds: float
) -> tuple[str, ...]:
    """Record the drill; what is said of it where it passed."""
    facts = {
        "champion": before.champion,
        "version": before.previous,
        "bundle_sha256": version.bundle_sha256,
        "candidate_sha256": version.candidate_sha256,
        "passed": not problems,
        "problems": list(problems),
        "seconds": round(seconds, 3),
    }
    moves.record_drill(ledger, registry, name, facts)
    if problems:
        return ()
    checked = "all files as promoted" if version.files else "it has no files, since saved predictions were audited"
    way = f"{name} can return from version {before.champion} to {before.previous} of {registry.target}"
    line = f"drill passed in {seconds:.1f} s: {way}; {checked}"
    return line, "nothing was moved; the ledger holds the drill"


def _unrecorded(ledger: Ledger, promotions: Sequence[Mapping[str, Any]], number: str, version: Version) -> Iterator[str]:
    """Its own list of files proves nothing: whoever may write the registry can plant both."""
    if not any((one["move"], one["version"]) == (version.move, number) for one in promotions):
        yield f"the ledger {ledger.name} holds no promotion of version {number}: name the folder of its ledger with -o, or AUDIT_LEDGER"


def _expired(version: Version) -> Iterator[str]:
    today = times.latest(times.now()).date()
    if version.valid_until is not None and datetime.fromisoformat(version.valid_until).date() < today:
        yield f"its decision was valid until {version.valid_until}: audit it again"
