"""A run's bundle and its ledger entry: both or neither, whenever a run is killed, and each known by the other."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from audit import files
from audit.bundle import reader, writer
from audit.decision.finding import Reason
from audit.errors import AuditError, InputError, ToolError
from audit.ledger import BUNDLED, Entry, times
from audit.ledger.chain import START

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from audit.ledger import Ledger

_PENDING = ".entry.json"
"""Ending of the file that holds a run's entry from the moment its bundle is put in place until the ledger has it."""
_ASIDE = ".unrecorded"
"""Ending of a bundle that was whole when its run was killed, and that the ledger can no longer take."""


def record(
    making: writer.Bundle, ledger: Ledger, time: str, payload_of: Callable[[tuple[Entry, ...]], Mapping[str, object]], *, kind: str = "run"
) -> Entry:
    """Put a whole bundle in its place and its entry into the ledger.

    The bundle is moved first and the entry committed second, so that no entry is without its bundle. The entry is kept beside
    the bundle meanwhile: a run that is killed in between is completed by the next one.
    """
    pending = making.place.with_name(f".{making.place.name}{_PENDING}")
    done: list[Entry] = []

    def put_in_place(entry: Entry) -> None:
        done.append(entry)
        files.replace(pending, json.dumps([ledger.identity, *entry.row, dict(entry.contents)]))
        making.finish()

    try:
        ledger.extend(time, kind, payload_of, before_commit=put_in_place)
    except BaseException:  # an interruption too; raised again
        if not done or not _holds(ledger, done[0]):
            making.withdraw()
            pending.unlink(missing_ok=True)
            making.discard()
        raise
    pending.unlink(missing_ok=True)
    making.release()
    return done[0]


def _holds(ledger: Ledger, entry: Entry) -> bool:
    """Whether an interruption came after the commit; where the ledger cannot be read, the next run finds out."""
    try:
        return entry in ledger.entries()
    except AuditError:
        return True


def reconcile(out: Path, ledger: Ledger) -> tuple[Reason, ...]:
    """Before a run: clear away and complete what killed runs left, and refuse a ledger that does not hold every bundle of the folder."""
    writer.clear_stale(out)
    entries = ledger.verified()
    said = [Reason("clock-behind-ledger", None, text) for text in times.behind(entries)]
    if not any(_bundles(out)) and not any(_pending(out)):
        return tuple(said)
    unknown: list[str] = []

    def missing(before: tuple[Entry, ...]) -> Sequence[Entry]:  # while no run is between its bundle and its entry
        added = _completed(out, ledger, before, said)
        unknown.extend(unknown_bundles(out, (*before, *added)))
        return added

    suspects = unknown_bundles(out, entries)
    if suspects and not any(_pending(out)):  # no run is between its bundle and its entry: another ledger is told before its changed bytes
        unknown.extend(set(unknown_bundles(out, ledger.verified())).intersection(suspects))
    if unknown:
        raise InputError(*gap(out, ledger, sorted(unknown)))
    if ledger.exists():
        entries = ledger.settle(missing)
        _forget(out, ledger, entries)
    else:
        missing(())
    if unknown:
        raise InputError(*gap(out, ledger, unknown))
    return tuple(said)


def gap(out: Path, ledger: Ledger, unknown: Sequence[str]) -> Iterator[str]:
    """What is wrong with a ledger that does not hold some bundles of a folder, in words."""
    if unknown:
        count = f"{len(unknown)} bundles that are" if len(unknown) > 1 else "a bundle that is"
        yield (
            f"{out}: holds {count} not in the ledger {ledger.name}, first {unknown[0]}: the ledger is missing, was shortened or is another "
            "one, and with it the looks, waivers and promotions before. Restore it from a copy, name the right one with AUDIT_LEDGER, "
            "or move these bundles away, which begins a new history"
        )


def unknown_bundles(out: Path, entries: Sequence[Entry]) -> list[str]:
    """Bundles of a folder whose own run, or whose newest entry then, these entries do not hold."""
    runs = {str(json.loads(entry.payload).get("run")) for entry in entries if entry.kind in BUNDLED}
    digests = {entry.digest for entry in entries}
    named = (one for one in map(_named, _bundles(out)) if one is not None)
    return [one.folder.name for one in named if one.run not in runs or (one.head is not None and one.head not in digests)]


def state(out: Path, entry: Entry) -> str:
    """Whether the bundle of a run is at hand and still the one that its entry names."""
    payload = json.loads(entry.payload)
    folder = out / str(payload.get("run"))
    if not (folder / reader.NAME).exists():
        return "no bundle here"
    try:
        reader.refuse_changed(folder)
        same = reader.digest(folder) == payload.get("bundle_sha256")
    except InputError:
        same = False
    return "bundle as recorded" if same else CHANGED


CHANGED = "BUNDLE CHANGED"
"""State of a bundle that is not the one whose digest was recorded."""


class _Named(NamedTuple):
    """What a bundle says of its place in the ledger."""

    folder: Path
    run: str
    head: str | None


def _bundles(out: Path) -> Iterator[Path]:
    """Folders of bundles, in the order of their names."""
    with suppress(OSError):  # no folder yet; one that cannot be written is refused later
        yield from sorted(path.parent for path in out.glob(f"*/{reader.NAME}") if not path.parent.name.startswith("."))


def _pending(out: Path) -> Iterator[Path]:
    yield from out.glob(f".*{_PENDING}")


def _named(folder: Path) -> _Named | None:
    """What a bundle names; None where its results cannot be read, of which `audit history` tells."""
    try:
        results: Any = json.loads((folder / "results.json").read_bytes())
        return _Named(folder, str(results["run"]["id"]), results["ledger_head"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _completed(out: Path, ledger: Ledger, before: tuple[Entry, ...], said: list[Reason]) -> Sequence[Entry]:
    """Entries of killed runs whose bundles are in place, as far as they follow the newest one; the bundles of others are put aside."""
    added: list[Entry] = []
    for path in sorted(_pending(out)):
        place, entry = _place(path), _entry_of(path, ledger)
        if entry is None or entry in before or not place.is_dir():
            continue
        head = (*before, *added)[-1].digest if before or added else START
        if entry.previous == head and entry.digest == entry.computed():
            added.append(entry)
            said.append(Reason("run-completed", None, f"Run {place.name} was killed before it was recorded: it is recorded now."))
        else:
            aside = path.with_name(f".{place.name}{_ASIDE}")
            place.rename(aside)
            text = f"Run {place.name} was killed before it was recorded, and others were recorded since: it counts for nothing."
            said.append(Reason("run-unrecorded", None, f"{text} Its bundle was put aside as {aside.name}."))
    return added


def _forget(out: Path, ledger: Ledger, entries: Sequence[Entry]) -> None:
    """Remove what was kept for a killed run once the ledger has its entry, or there is no bundle of it."""
    for path in _pending(out):
        entry = _entry_of(path, ledger)
        if entry is not None and (entry in entries or not _place(path).is_dir()):
            path.unlink(missing_ok=True)


def _place(pending: Path) -> Path:
    """Where the bundle is whose entry is kept in a file."""
    return pending.with_name(pending.name.removeprefix(".").removesuffix(_PENDING))


def _entry_of(path: Path, ledger: Ledger) -> Entry | None:
    """The entry that a killed run left; None where it belongs to another ledger, or another run was quicker."""
    try:
        name, *fields = json.loads(path.read_text(encoding="utf-8"))
        return Entry(*fields) if name == ledger.identity else None
    except (OSError, ValueError, TypeError):
        path.unlink(missing_ok=True)
        return None


def refuse_unproven(out: Path, ledger: Ledger, token: str) -> None:
    """ToolError unless a ledger entry and a bundle, both whole, say that the run of this token promotes."""
    try:
        proven = any(_promotes(out, entry, token) for entry in ledger.verified())
    except AuditError:
        proven = False
    if not proven:
        msg = f"the audit's process ended as if it promoted, but no bundle in {out} and entry of {ledger.name} say so: nothing is promoted"
        raise ToolError(msg)


def _promotes(out: Path, entry: Entry, token: str) -> bool:
    payload: Any = json.loads(entry.payload)
    run = str(payload.get("run", ""))
    if entry.kind != "run" or token not in run or state(out, entry) == CHANGED:
        return False
    results: Any = json.loads(reader.results(out / run))
    agreed = results["run"]["id"] == run and results["candidate"]["sha256"] == payload["candidate_sha256"]
    return agreed and all(one["decision"] in _PROMOTING and one["exit_code"] == 0 for one in (payload, results))


_PROMOTING = frozenset({"promote", "promote-with-conditions"})
"""Decisions that may end in 0: the second one where its conditions are signed."""
