"""The history page: runs by date, what became of each, and the headline values of each requirement over them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.formatting import bound_in_words, interval_in_words, number
from audit.report import text as prose
from audit.report.charts import drawing as svg
from audit.report.charts.drawing import Scale
from audit.report.entries import Chip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from audit.record import Outcome

WIDTH, HEIGHT, EDGE = 240.0, 56.0, 8.0
_MOST = 60
"""Newest runs that a picture shows."""


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run as the ledger has it."""

    run: str
    time: str
    policy: str
    policy_version: str
    candidate_sha256: str
    decision: str
    href: str
    """Of its report, seen from the page; empty where no unchanged bundle is at hand."""
    bundle: str
    """State of its bundle in words."""
    outcomes: tuple[Outcome, ...]
    events: tuple[str, ...]
    """Signatures, reviews, promotions and rollbacks since, oldest first."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One line of the table."""

    when: str
    run: str
    href: str
    bundle: str
    key: str
    word: str
    candidate: str
    version: str
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trend:
    """A requirement over the runs."""

    finding: str
    chip: Chip
    now: str
    bound: str
    picture: Markup | None


@dataclass(frozen=True, slots=True)
class PolicyHistory:
    """Runs under policies of one name, newest first, and its requirements."""

    name: str
    anchor: str
    lead: str
    rows: tuple[RunRow, ...]
    trends: tuple[Trend, ...]


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """The whole page."""

    lead: str
    ledger: str
    problems: tuple[str, ...]
    policies: tuple[PolicyHistory, ...]


def history_page(runs: Sequence[PastRun], ledger: str, problems: Sequence[str]) -> HistoryPage:
    """From runs in the ledger's order."""
    names = dict.fromkeys(one.policy for one in reversed(runs))
    policies = tuple(_policy(number_, name, [one for one in runs if one.policy == name]) for number_, name in enumerate(names, 1))
    lead = f"{prose.sentence(prose.counted(len(runs), 'run'))} under {prose.counted(len(policies), 'policy', 'policies')}."
    return HistoryPage(lead if runs else "The ledger holds no runs yet.", ledger, tuple(problems), policies)


def _policy(place: int, name: str, runs: Sequence[PastRun]) -> PolicyHistory:
    counts = {word: sum(one.decision == key for one in runs) for key, word in prose.DECISIONS.items()}
    told = prose.listed(f"{n} {word.lower()}" for word, n in counts.items() if n)
    lead = f"{prose.sentence(prose.counted(len(runs), 'run'))}: {told}. Newest first."
    findings = dict.fromkeys(outcome.finding for one in reversed(runs) for outcome in one.outcomes)
    return PolicyHistory(name, f"p{place}", lead, tuple(map(_row, reversed(runs))), tuple(_trend(one, runs) for one in findings))


def _row(one: PastRun) -> RunRow:
    return RunRow(
        when=prose.moment(one.time),
        run=one.run,
        href=one.href,
        bundle=one.bundle,
        key=one.decision if one.decision in prose.DECISIONS else "block",
        word=prose.DECISIONS.get(one.decision, one.decision),
        candidate=prose.digest(one.candidate_sha256),
        version=one.policy_version or "–",
        events=one.events,
    )


def _trend(finding: str, runs: Sequence[PastRun]) -> Trend:
    """The newest result, and all values there are."""
    found = [(one, outcome) for one in runs for outcome in one.outcomes if outcome.finding == finding]
    newest = found[-1][1]
    ends = "" if newest.interval is None or newest.interval == (newest.value, newest.value) else f" {interval_in_words(newest.interval)}"
    return Trend(
        finding=finding,
        chip=Chip(newest.status, prose.STATUSES[newest.status]) if newest.status in prose.STATUSES else Chip("error", newest.status),
        now="no number" if newest.value is None else f"{number(newest.value)}{ends}",
        bound=_bound(newest),
        picture=_picture(finding, found[-_MOST:]),
    )


def _bound(one: Outcome) -> str:
    return f"not worse by more than {number(one.margin)}" if one.margin is not None else bound_in_words(one.minimum, one.maximum)


def _picture(finding: str, found: Sequence[tuple[PastRun, Outcome]]) -> Markup | None:
    """A line through the values with its bounds; nothing where no run measured it."""
    values = [one.value for _, one in found if one.value is not None and math.isfinite(one.value)]
    limits = [one for one in (found[-1][1].minimum, found[-1][1].maximum) if one is not None]
    if not values:
        return None
    low, high = min([*values, *limits]), max([*values, *limits])
    room = (high - low or abs(high) or 1.0) * 0.1
    x, y = Scale(0.0, max(len(found) - 1, 1), EDGE, WIDTH - EDGE), Scale(low - room, high + room, HEIGHT - EDGE, EDGE)
    drawn = [(x(i), y(one.value), one) for i, (_, one) in enumerate(found) if one.value is not None and math.isfinite(one.value)]
    parts = [svg.line(EDGE, y(limit), WIDTH - EDGE, y(limit), "bdl dash") for limit in limits]
    parts += [svg.path([(a, b) for a, b, _ in drawn], "ink3l")] if len(drawn) > 1 else []
    parts += list(map(_mark, drawn))
    told = "; ".join(f"{prose.day(run.time)} {prose.STATUSES.get(one.status, one.status)} {_value(one)}" for run, one in found)
    return svg.figure(WIDTH, HEIGHT, f"{finding}, {prose.counted(len(found), 'run')}, oldest first", told, *parts)


def _mark(drawn: tuple[float, float, Outcome]) -> Markup:
    """A disc for a pass, a diamond for a fail, a ring for the rest: shape and colour say the same."""
    x, y, one = drawn
    if one.status == "fail":
        return svg.path([(x, y - 4.5), (x + 4.5, y), (x, y + 4.5), (x - 4.5, y)], "lostf", closed=True)
    return svg.el("circle", cx=x, cy=y, r=3.6, class_="gainf" if one.status == "pass" else "ringf")


def _value(one: Outcome) -> str:
    return "no number" if one.value is None else number(one.value)
