"""What `audit history` says: the ledger's entries, whether the bundles at hand are the ones that were recorded, and trends."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.errors import InputError
from audit.formatting import interval_in_words, number
from audit.ledger import BUNDLED, Ledger, ledger_path
from audit.pipeline import record
from audit.registry import moves
from audit.report.history.past import alarm, observations
from audit.report.history.trend import bound_of

DEFAULT_OUT = Path("reports")
"""Where `audit run` writes unless it is told otherwise; it need not be there yet."""

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from audit.ledger import Entry
    from audit.report.history.past import History, Observation, Past


@dataclass(frozen=True, slots=True)
class Checked:
    """A ledger after its chain and the bundles at hand were checked."""

    entries: tuple[Entry, ...]
    states: Mapping[int, str]
    """Of bundles, by the number of their entry."""
    settled: tuple[str, ...]
    """Moves of killed processes that were completed or undone."""
    wrong: tuple[str, ...]
    """What is not as recorded."""


def checked(out: Path) -> Checked:
    """The entries, after checking the chain; and what is not as recorded."""
    if out.is_file() or not (out.exists() or out == DEFAULT_OUT or Ledger(ledger_path(out)).entries()):
        msg = f"{out}: no such folder: name the one that `audit run` writes its bundles into"
        raise InputError(msg)
    ledger = Ledger(ledger_path(out))
    settled, unsettled = moves.settle_killed(ledger)
    entries = ledger.verified()
    states = {entry.number: record.state(out, entry) for entry in entries if entry.kind in BUNDLED}
    unknown = record.unknown_bundles(out, entries)
    unknown = record.unknown_bundles(out, ledger.verified()) if unknown else []  # a run at work moves its bundle first
    wrong = [f"{out / name}: a bundle that the ledger {ledger.name} does not hold" for name in unknown]
    changed = [number for number, state in states.items() if state == record.CHANGED]
    wrong += [f"entry {number}: its bundle was changed after it was recorded: restore it from a copy" for number in changed]
    return Checked(entries, states, tuple(settled), (*wrong, *unsettled))


def entry_lines(entries: Sequence[Entry], states: Mapping[int, str] | None = None) -> Iterator[str]:
    """One line an entry of the ledger, oldest first, with the state of its bundle by its number."""
    for entry in entries:
        payload = json.loads(entry.payload)
        facts = [str(payload[name]) for name in ("decision", "policy", "run", "by", "role") if name in payload]
        facts += _move_facts(payload) if entry.kind in (*moves.KINDS, moves.DRILL) else []
        facts += [f"look {number} of {payload['max']} on {role}" for role, number in payload.get("numbers", {}).items()]
        facts += [states[entry.number]] if states and entry.number in states else []
        yield f"{entry.number:>5}  {entry.time}  {entry.kind:<14}  {'  '.join(facts)}  {entry.digest[:12]}"


def _move_facts(payload: Mapping[str, Any]) -> Iterator[str]:
    """From which version to which, where, and whether it took place."""
    yield f"{payload['name']} at {payload['target']}"
    if moves.FINISHED in payload or "passed" in payload:
        yield f"version {payload.get('from', payload.get('champion')) or 'none'} to {payload['version']}"
    if "passed" in payload:
        yield f"{'passed' if payload['passed'] else 'FAILED'} in {payload['seconds']} s"
    else:
        yield next((state for state in (moves.FINISHED, moves.UNDONE) if state in payload), moves.STARTED)


SPARKS = "▁▂▃▄▅▆▇█"
NEWEST = 40
"""Values of a sparkline."""


def trend_lines(history: History) -> Iterator[str]:
    """Under each policy how it stands, and every requirement in one line: a sparkline of its values, the newest one, its bound."""
    for policy in history.policies:
        past = history.of(policy)
        found = observations(past)
        if not found:
            continue
        yield ""
        yield f"{policy}: {_standing(past)}"
        name, drawn = max(map(len, found)), min(NEWEST, max(map(len, found.values())))
        for finding, own in found.items():
            yield f"  {finding:<{name}}  {sparkline(own):>{drawn}}  {_newest(own)}"


def _standing(past: Sequence[Past]) -> str:
    """`12 runs, the newest of 2026-05-02 promote; 30 windows, the newest 2026-05-31 keep`."""
    said = []
    for kind in ("run", "window"):
        own = [one for one in past if one.kind == kind]
        if own:
            when = own[-1].time[:10] if kind == "run" else own[-1].name
            said.append(f"{len(own):,} {kind}{'' if len(own) == 1 else 's'}, the newest of {when}: {own[-1].decision}")
    return "; ".join(said)


def sparkline(found: Sequence[Observation]) -> str:
    """The newest values, from the lowest to the highest of them and of the bound; a dot where there is no number, `!` under an alarm."""
    shown = found[-NEWEST:]
    values = [one.outcome.value for one in shown if one.outcome.value is not None and math.isfinite(one.outcome.value)]
    limits = [one for one in (shown[-1].outcome.minimum, shown[-1].outcome.maximum) if one is not None]
    low, high = min([*values, *limits], default=0.0), max([*values, *limits], default=0.0)
    return "".join(_spark(one, low, high) for one in shown)


def _spark(one: Observation, low: float, high: float) -> str:
    value = one.outcome.value
    if one.alarm:
        return "!"
    if value is None or not math.isfinite(value):
        return "·"
    share = (value - low) / (high - low) if high > low else 0.5
    return SPARKS[min(len(SPARKS) - 1, int(share * len(SPARKS)))]


def _newest(found: Sequence[Observation]) -> str:
    """Value, interval, bound, and the status or the alarm with its date."""
    one = found[-1].outcome
    ends = "" if one.interval is None or one.interval == (one.value, one.value) else f" {interval_in_words(one.interval)}"
    value = "no number" if one.value is None else f"{number(one.value)}{ends}"
    since = alarm(found)
    state = one.status.replace("_", " ") if since is None else f"ALARM since {since[:10]}"
    return "  ".join(filter(None, (value, state, bound_of(one))))
