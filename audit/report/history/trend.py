"""One requirement over runs and windows: its values with their interval band, its bound, alarms, promotions and rollbacks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.formatting import bound_in_words, interval_in_words, number
from audit.report import text as prose
from audit.report.charts import drawing as svg
from audit.report.charts.drawing import Scale, short, ticks
from audit.report.entries import Chip
from audit.report.history.past import alarm

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markupsafe import Markup

    from audit.record import Outcome
    from audit.report.history.axis import Axis
    from audit.report.history.past import Move, Observation

WIDTH, HEIGHT = 344.0, 148.0
LEFT, RIGHT, TOP, BOTTOM = 40.0, 338.0, 16.0, 122.0
MOST_POINTS, MOST_MARKS, MOST_WORDS = 180, 40, 24
"""Values that a picture draws, that it marks one by one, and that its text alternative lists."""


@dataclass(frozen=True, slots=True)
class Trend:
    """A requirement over the runs and windows."""

    finding: str
    chip: Chip
    now: str
    bound: str
    alarm: str
    """Since when its alarm has stood; empty where it does not."""
    picture: Markup | None


def trend(found: Sequence[Observation], axis: Axis, moves: Sequence[Move]) -> Trend:
    """The newest result, and all values there are, oldest first."""
    newest = found[-1].outcome
    ends = "" if newest.interval is None or newest.interval == (newest.value, newest.value) else f" {interval_in_words(newest.interval)}"
    since = alarm(found)
    unit = f" {newest.unit}" if newest.unit and newest.value is not None else ""
    return Trend(
        finding=newest.finding,
        chip=Chip(newest.status, prose.STATUSES[newest.status]) if newest.status in prose.STATUSES else Chip("error", newest.status),
        now="no number" if newest.value is None else f"{number(newest.value)}{ends}{unit}",
        bound=bound_of(newest),
        alarm="" if since is None else f"alarm since {prose.day(since)}",
        picture=_picture(found, axis, moves),
    )


def bound_of(one: Outcome) -> str:
    """What the requirement asks, in words."""
    return f"not worse by more than {number(one.margin)}" if one.margin is not None else bound_in_words(one.minimum, one.maximum)


def _finite(one: Observation) -> bool:
    return one.outcome.value is not None and math.isfinite(one.outcome.value)


def _picture(found: Sequence[Observation], axis: Axis, moves: Sequence[Move]) -> Markup | None:
    """Nothing where no run measured it."""
    shown = _thinned([one for one in found if _finite(one)])
    if not shown:
        return None
    limits = [one for one in (found[-1].outcome.minimum, found[-1].outcome.maximum) if one is not None]
    x, y = Scale(0.0, 1.0, LEFT + 6, RIGHT - 6), _scale(shown, limits)
    parts = [part for value, label in ticks(y.low, y.high, 3) for part in _level(y(value), short(value) if abs(value) >= 1 else label)]
    parts += [svg.line(LEFT, y(limit), RIGHT, y(limit), "bdl dash") for limit in limits]
    parts += list(_moves(moves, axis, x))
    for kind in ("window", "run"):
        own = [one for one in shown if one.past.kind == kind]
        beside = kind == "run" and len(own) < len(shown)
        parts += _whiskers(own, axis, x, y) if beside else _line(own, axis, x, y)
        parts += _marks(own, axis, x, y)
    parts.append(svg.line(LEFT, BOTTOM, RIGHT, BOTTOM, "axl"))
    parts += [svg.text(x(one.place), BOTTOM + 17, one.label, text_anchor=one.anchor) for one in axis.ticks]
    return svg.figure(WIDTH, HEIGHT, f"{found[-1].outcome.finding}, {_counted(found)}, oldest first", _in_words(found), *parts)


def _scale(shown: Sequence[Observation], limits: Sequence[float]) -> Scale:
    """Room for values and bounds, and for intervals as far as they do not dwarf these."""
    values = [one.outcome.value for one in shown if one.outcome.value is not None]
    low, high = min([*values, *limits]), max([*values, *limits])
    span = high - low or abs(high) * 0.2 or 1.0
    ends = [end for one in shown for end in one.outcome.interval or () if math.isfinite(end)]
    low, high = max(min([low, *ends]), low - span), min(max([high, *ends]), high + span)
    room = (high - low or span) * 0.06
    return Scale(low - room, high + room, BOTTOM, TOP)


def _level(y: float, label: str) -> tuple[Markup, Markup]:
    return svg.line(LEFT, y, RIGHT, y, "grd"), svg.text(LEFT - 5, y + 4, label, text_anchor="end")


def _moves(moves: Sequence[Move], axis: Axis, x: Scale) -> Iterator[Markup]:
    """An upright line for every promotion, dashed for a rollback."""
    for one in moves:
        if one.kind != "drill":
            place = x(axis.at(one.time))
            yield svg.line(place, TOP - 8, place, BOTTOM, "ink2l thin" if one.kind == "promotion" else "ink2l thin dash")
            yield svg.text(place, TOP - 6, "▲" if one.kind == "promotion" else "▼", text_anchor="middle", class_="h")


def _line(own: Sequence[Observation], axis: Axis, x: Scale, y: Scale) -> Iterator[Markup]:
    """A line through the values, with the band of their intervals."""
    at = [x(axis.places[one.place]) for one in own]
    bounded = [(a, one.outcome.interval) for a, one in zip(at, own, strict=True) if one.outcome.interval is not None]
    if len(bounded) > 1:
        there = [(a, y(ends[1])) for a, ends in bounded]
        yield svg.path(there + [(a, y(ends[0])) for a, ends in reversed(bounded)], "bandf", closed=True)
    if len(own) > 1:
        yield svg.path([(a, y(one.outcome.value or 0.0)) for a, one in zip(at, own, strict=True)], "datal thin")


def _whiskers(own: Sequence[Observation], axis: Axis, x: Scale, y: Scale) -> Iterator[Markup]:
    """Intervals of runs among windows: what lies between two runs is not theirs."""
    for one in own:
        if one.outcome.interval is not None:
            place = x(axis.places[one.place])
            yield svg.line(place, y(one.outcome.interval[0]), place, y(one.outcome.interval[1]), "inkl thin")


def _marks(own: Sequence[Observation], axis: Axis, x: Scale, y: Scale) -> Iterator[Markup]:
    """One a value; of very many only those that stand out."""
    for one in own:
        if len(own) <= MOST_MARKS or one.alarm or one.outcome.status == "fail":
            yield _mark(x(axis.places[one.place]), y(one.outcome.value or 0.0), one)


def _mark(x: float, y: float, one: Observation) -> Markup:
    """A diamond for a fail or an alarm, a disc for a pass, a ring for the rest: shape and colour say the same."""
    if one.alarm or one.outcome.status == "fail":
        return svg.path([(x, y - 4.5), (x + 4.5, y), (x, y + 4.5), (x - 4.5, y)], "lostf", closed=True)
    return svg.el("circle", cx=x, cy=y, r=3.2, class_="gainf" if one.outcome.status == "pass" else "ringf")


def _thinned(found: Sequence[Observation]) -> list[Observation]:
    """Of very many values the lowest and the highest of every stretch, the newest, and each at which an alarm began."""
    if len(found) <= MOST_POINTS:
        return list(found)
    kept = {0, len(found) - 1}
    kept |= {i for i in range(1, len(found)) if found[i].alarm and not found[i - 1].alarm}
    stretches = MOST_POINTS // 2
    for k in range(stretches):
        own = range(k * len(found) // stretches, (k + 1) * len(found) // stretches)
        kept |= {min(own, key=lambda i: found[i].outcome.value or 0.0), max(own, key=lambda i: found[i].outcome.value or 0.0)}
    return [found[i] for i in sorted(kept)]


def _counted(found: Sequence[Observation]) -> str:
    counts = [(sum(one.past.kind == kind for one in found), kind) for kind in ("run", "window")]
    return prose.listed(prose.counted(n, kind) for n, kind in counts if n)


def _in_words(found: Sequence[Observation]) -> str:
    """Every value; of very many the first, the lowest, the highest and the last, and the alarms."""
    if len(found) <= MOST_WORDS:
        return "; ".join(map(_value, found))
    known = [one for one in found if _finite(one)]
    named = {
        "first": known[0],
        "lowest": min(known, key=lambda one: one.outcome.value or 0.0),
        "highest": max(known, key=lambda one: one.outcome.value or 0.0),
        "last": known[-1],
    }
    begun = [one for before, one in zip([None, *found], found, strict=False) if one.alarm and (before is None or not before.alarm)]
    alarms = f"; alarm on {prose.listed([prose.day(one.past.time) for one in begun], 6)}" if begun else "; no alarm"
    return "; ".join(f"{word}: {_value(one)}" for word, one in named.items()) + alarms


def _value(one: Observation) -> str:
    value = one.outcome.value
    told = "no number" if value is None else number(value)
    alarm = ", alarm" if one.alarm else ""
    return f"{prose.day(one.past.time)} {prose.STATUSES.get(one.outcome.status, one.outcome.status)} {told}{alarm}"
