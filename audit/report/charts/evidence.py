"""Evidence over windows against the threshold of an alarm, on a logarithmic scale."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from audit.formatting import format_evidence
from audit.report import text as prose
from audit.report.charts import drawing as svg
from audit.report.charts.drawing import LEFT, RIGHT, WIDTH, Drawing, Scale

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markupsafe import Markup

    from audit.record import MonitorFacts, Trace

TOP, BOTTOM, STRIP, KEY = 22.0, 150.0, 163.0, 198.0
LEAST, MOST = 1e-4, 1e4
"""Evidence beyond these parts of its threshold is drawn at the edge."""
_LISTED = 8
"""Windows that the text alternative names of each kind."""
_MARKS = {"late window": ("△", "came late"), "labels": ("○", "labels came"), "missing": ("×", "never came")}
"""Marks below the axis."""


def evidence(trace: Trace, facts: MonitorFacts, foot: str) -> Drawing | None:
    """The evidence of one requirement over the arrivals, at its threshold of today; nothing where no arrival counted."""
    needed = max((one.threshold for one in facts.signals if one.requirement == trace.requirement), default=facts.budget.windows)
    known = [(i, one) for i, one in enumerate(trace.relative) if one is not None]
    if not known:
        return None
    x = Scale(0.0, float(max(len(facts.history) - 1, 1)), LEFT + 8, RIGHT - 4)
    low = min(max(min(one for _, one in known), LEAST), 0.1)
    y = Scale(math.log10(low), math.log10(min(max(3.0, *(one for _, one in known)), MOST)), BOTTOM, TOP)
    watched = any(one.requirement == trace.requirement and one.state == "watch" for one in facts.signals)
    parts = [*_levels(y, needed), *_curve(known, x, y, "openf" if watched else "lostf"), *_strip(facts, x)]
    title = f"{trace.requirement}: evidence {format_evidence(known[-1][1] * needed)} of {format_evidence(needed)} needed"
    figure = svg.figure(WIDTH, KEY + 6, title, _in_words(known, facts, needed), *parts)
    return Drawing(title, "Evidence of a breach after each window, logarithmic. Dashed: where an alarm begins.", figure, foot)


def _levels(y: Scale, needed: float) -> Iterator[Markup]:
    """Powers of ten with what they are called, and the threshold."""
    limit = y(0.0)
    for power in range(math.ceil(y.low + math.log10(needed)), math.floor(y.high + math.log10(needed)) + 1):
        level = y(power - math.log10(needed))
        yield svg.line(LEFT, level, RIGHT, level, "grd")
        if abs(level - limit) > 12:  # noqa: PLR2004  # the threshold's own label stands there
            yield svg.text(LEFT - 6, level + 4, svg.short(10.0**power), text_anchor="end")
    yield svg.line(LEFT, limit, RIGHT, limit, "bdl dash")
    yield svg.text(LEFT - 6, limit + 4, svg.short(round(needed, 1)), text_anchor="end", class_="h")
    yield svg.text(0, 12, "evidence")
    yield svg.line(LEFT, BOTTOM, RIGHT, BOTTOM, "axl")


def _place(relative: float, y: Scale) -> float:
    return y(math.log10(relative)) if relative > 0 else y.start


def _curve(known: Sequence[tuple[int, float]], x: Scale, y: Scale, raised: str) -> Iterator[Markup]:
    """The line, and a diamond wherever it reaches the threshold and at its end."""
    points = [(x(i), _place(one, y)) for i, one in known]
    if len(points) > 1:
        yield svg.path(points, "datal")
    before = 0.0
    for (i, one), (a, b) in zip(known, points, strict=True):
        last = i == known[-1][0]
        if one >= 1 and (before < 1 or last):
            yield svg.path([(a, b - 5), (a + 5, b), (a, b + 5), (a - 5, b)], raised, closed=True)
        elif last:
            yield svg.el("circle", cx=a, cy=b, r=3.6, class_="datadot")
        before = one


def _strip(facts: MonitorFacts, x: Scale) -> Iterator[Markup]:
    """Below the axis: what came late, whose labels came later, what never came; then the first and the last window."""
    marked = [*((i, one.what) for i, one in enumerate(facts.history) if one.what in _MARKS), *_missing(facts)]
    for place, what in marked:
        yield svg.text(x(place), STRIP, _MARKS[what][0], text_anchor="middle", class_="tf" if what == "missing" else "h")
    first, last = facts.history[0].key, facts.history[-1].key
    yield svg.text(LEFT, STRIP + 16, prose.clip(first, 24))
    if last != first:
        yield svg.text(RIGHT, STRIP + 16, prose.clip(last, 24), text_anchor="end")
    kinds = [kind for kind in _MARKS if any(what == kind for _, what in marked)]
    yield svg.text(LEFT, KEY, " · ".join(f"{_MARKS[kind][0]} {_MARKS[kind][1]}" for kind in kinds))


def _missing(facts: MonitorFacts) -> list[tuple[float, str]]:
    """Each window that never came, just before the first one after it."""
    windows = [(i, one.key) for i, one in enumerate(facts.history) if one.what != "labels"]
    after = [next((i for i, key in windows if key > gone), None) for gone in facts.missing]
    return [(max(i - 0.5, 0.0), "missing") for i in after if i]


def _in_words(known: Sequence[tuple[int, float]], facts: MonitorFacts, needed: float) -> str:
    """The ends and the highest; since when it alarms; the windows with a mark."""
    keys = [one.key for one in facts.history]
    highest = max(known, key=lambda one: one[1])
    ends = (("first", known[0]), ("highest", highest), ("last", known[-1]))
    told = [f"{word} {format_evidence(one * needed)} at {keys[i]}" for word, (i, one) in ends]
    begun = [keys[i] for (i, one), (_, before) in zip(known, [(0, 0.0), *known], strict=False) if one >= 1 > before]
    reached = f"reached its threshold of {format_evidence(needed)} at {prose.listed(begun, _LISTED)}"
    told.append(reached if begun else "never reached its threshold")
    told += [f"{word}: {prose.listed(these, _LISTED)}" for word, these in _marked(facts) if these]
    return "; ".join(told)


def _marked(facts: MonitorFacts) -> Iterator[tuple[str, list[str]]]:
    def of(what: str) -> list[str]:
        return [one.key for one in facts.history if one.what == what]

    yield "came late", of("late window")
    yield "labels came later", of("labels")
    yield "never came", list(facts.missing)
