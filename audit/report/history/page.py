"""The history page: what happened under each policy, its requirements over time, and every run and window with its report."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from audit.report import text as prose
from audit.report.entries import Fact
from audit.report.history.axis import Axis
from audit.report.history.lanes import lanes
from audit.report.history.past import observations
from audit.report.history.trend import trend

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from audit.report.history.lanes import Lanes
    from audit.report.history.past import History, Move, Past
    from audit.report.history.trend import Trend

SHOWN = 60
"""Lines of the table that are open; earlier ones are folded."""
_HUES = {
    "promote": "promote",
    "keep": "promote",
    "watch": "promote-with-conditions",
    "promote-with-conditions": "promote-with-conditions",
    "keep-with-conditions": "promote-with-conditions",
}


@dataclass(frozen=True, slots=True)
class Report:
    """The way to one report."""

    name: str
    href: str
    bundle: str
    """State of the bundle where there is no way."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One line of the table: a run, or windows in a row that ended the same way."""

    when: str
    reports: tuple[Report, ...]
    folded: str
    """What stands above several reports; empty for one."""
    key: str
    word: str
    candidate: str
    version: str
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PolicyHistory:
    """Runs and windows under policies of one name, newest first, and its requirements."""

    name: str
    anchor: str
    lead: str
    facts: tuple[Fact, ...]
    lanes: Lanes
    rows: tuple[RunRow, ...]
    earlier: tuple[RunRow, ...]
    earlier_title: str
    trends: tuple[Trend, ...]


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """The whole page."""

    lead: str
    ledger: str
    problems: tuple[str, ...]
    policies: tuple[PolicyHistory, ...]


def history_page(history: History, ledger: str, problems: Sequence[str]) -> HistoryPage:
    """From everything that the ledger holds."""
    policies = tuple(_policy(place, name, history) for place, name in enumerate(history.policies, 1))
    counted = _counted(one for name in history.policies for one in history.of(name))
    lead = f"{prose.sentence(counted)} under {prose.counted(len(policies), 'policy', 'policies')}."
    return HistoryPage(lead if history.past else "The ledger holds no runs yet.", ledger, tuple(problems), policies)


def _counted(past: Iterable[Past]) -> str:
    kinds = [one.kind for one in past]
    counts = ((kinds.count("run"), "run"), (kinds.count("window"), "window"))
    return prose.listed(prose.counted(n, kind) for n, kind in counts if n)


def _policy(place: int, name: str, history: History) -> PolicyHistory:
    past, moves = history.of(name), history.moves_of(name)
    axis = Axis.of(past)
    rows = tuple(_rows(history.entries_of(name)))
    rest = len(rows) - SHOWN
    return PolicyHistory(
        name=name,
        anchor=f"p{place}",
        lead=_lead(past),
        facts=tuple(_facts(past, moves)),
        lanes=lanes(past, axis, moves),
        rows=rows[:SHOWN],
        earlier=rows[SHOWN:],
        earlier_title=f"{prose.sentence(prose.counted(rest, 'earlier line'))}" if rest > 0 else "",
        trends=tuple(trend(found, axis, moves) for found in observations(past).values()),
    )


def _lead(past: Sequence[Past]) -> str:
    """How many runs and windows, and how they ended."""
    said = []
    for kind, noun in (("run", "run"), ("window", "window")):
        own = [one.decision for one in past if one.kind == kind]
        if own:
            told = prose.listed(f"{own.count(key)} {word.lower()}" for key, word in prose.OUTCOMES.items() if key in own)
            said.append(f"{prose.sentence(prose.counted(len(own), noun))}: {told}.")
    return f"{' '.join(said)} Newest first."


def _facts(past: Sequence[Past], moves: Sequence[Move]) -> Iterator[Fact]:
    """How it stands now."""
    for kind, term in (("run", "Newest run"), ("window", "Newest window")):
        last = next((one for one in reversed(past) if one.kind == kind), None)
        if last is not None:
            when = prose.moment(last.time) if kind == "run" else last.name
            yield Fact(term, f"{prose.outcome(last.decision)}, {when}")
    newest = max((one for one in past if one.kind == "window"), key=lambda one: one.number, default=None)
    alarms = [] if newest is None else sorted(newest.alarms)
    if alarms:
        yield Fact("Alarms that stand", prose.listed(alarms, 6))
    finished = [one for one in moves if one.kind != "drill"]
    if finished:
        move = finished[-1]
        yield Fact("Runs today", f"{move.name} version {move.version}", f"by a {move.kind} on {prose.day(move.time)}")
    drills = [one for one in moves if one.kind == "drill"]
    if drills or finished:
        yield Fact("Last rollback drill", _drill(drills[-1]) if drills else "none: rehearse it with `audit rollback NAME --drill`")


def _drill(one: Move) -> str:
    """`to version 6 on 1 December 2025, passed`."""
    return f"to version {one.version} on {prose.day(one.time)}, {'passed' if one.passed else 'FAILED'}"


def _rows(past: Sequence[Past]) -> Iterator[RunRow]:
    """Newest first; windows in a row that ended the same way for the same candidate, with nothing to remark, are one line."""
    for key, group in groupby(reversed(past), key=_alike):
        own = list(group)
        if key[0] == "window" and not own[0].remarks:
            yield _row(own)
        else:
            yield from (_row([one]) for one in own)


def _alike(one: Past) -> tuple[str, ...]:
    return (one.kind, one.decision, one.model, one.policy_version, "".join(one.remarks), " ".join(sorted(one.alarms)))


def _row(own: Sequence[Past]) -> RunRow:
    """One run, or several windows, newest first."""
    first, last = own[-1], own[0]
    window = last.kind == "window"
    when = prose.moment(last.time) if not window else last.name if len(own) == 1 else f"{first.name} to {last.name}"
    word = "watch" if last.decision == "watch" else "alarm"
    alarms = (f"{word}: {prose.listed(sorted(last.alarms), 4)}",) if last.alarms else ()
    return RunRow(
        when=when,
        reports=tuple(Report(one.name, one.href, one.bundle) for one in own),
        folded=prose.counted(len(own), "window") if len(own) > 1 else "",
        key=_HUES.get(last.decision, "block"),
        word=prose.outcome(last.decision),
        candidate=prose.digest(last.model) if last.model == last.candidate_sha256 else last.model,
        version=last.policy_version or "–",
        remarks=(*alarms, *last.remarks),
    )
