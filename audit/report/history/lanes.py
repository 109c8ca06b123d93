"""What happened under a policy, one lane for each kind of thing on the axis of its trends; x in percent, so that the width is free."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from audit.report import text as prose
from audit.report.charts import drawing as svg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from markupsafe import Markup

    from audit.report.history.axis import Axis
    from audit.report.history.past import Move, Past

EDGE = 1.5
"""Percent of the width kept free at each end."""
BARS = 200
"""Bars that a lane of windows draws at most; each shows the worst of its stretch."""
MOST_WAIVERS = 4
APART = 9.0
"""Percent of the width that a version needs."""
WIDE = 14.0
"""The same for the begin of a digest."""
_RANK = ("keep", "watch", "keep-with-conditions", "roll-back")
_RUN_MARKS = {"promote": ("m-pass", "s-pass"), "block": ("m-fail", "s-fail")}


@dataclass(frozen=True, slots=True)
class Lane:
    """One kind of thing over time."""

    label: str
    drawing: Markup


@dataclass(frozen=True, slots=True)
class Lanes:
    """All that there is to show, and the dates below."""

    rows: tuple[Lane, ...]
    axis: Markup


def lanes(past: Sequence[Past], axis: Axis, moves: Sequence[Move]) -> Lanes:
    """Runs, windows, promotions, candidates, policy versions and waivers; a lane that would be empty is left out."""
    runs = [(axis.places[i], one) for i, one in enumerate(past) if one.kind == "run"]
    windows = [(axis.places[i], one) for i, one in enumerate(past) if one.kind == "window"]
    rows: list[Lane] = []
    if runs:
        rows.append(_lane("runs", (_run(place, one) for place, one in runs), _counts_in_words(runs)))
    if windows:
        rows.append(_lane("windows", _windows(windows), _counts_in_words(windows)))
    for label, kinds in (("promotions", {"promotion", "rollback"}), ("rollback drills", {"drill"})):
        own = [one for one in moves if one.kind in kinds]
        if own:
            rows.append(_lane(label, _moves(own, axis), "; ".join(map(move_in_words, own))))
    if len({one.model for one in past}) > 1:
        rows.append(_segments("candidate", past, axis, _short))
    if len({one.policy_version for one in past}) > 1:
        rows.append(_segments("policy version", past, axis, lambda one: one.policy_version))
    rows += _waivers(past, axis)
    return Lanes(tuple(rows), _axis(axis))


def _percent(place: float) -> float:
    return EDGE + place * (100 - 2 * EDGE)


def _x(place: float) -> str:
    return f"{svg.number(_percent(place))}%"


def _lane(label: str, parts: Iterator[Markup], said: str) -> Lane:
    return Lane(label, svg.el("svg", svg.el("title", prose.clip(f"{label}: {said}", 600)), *parts, class_="lane", role="img"))


def _counts_in_words(found: Sequence[tuple[float, Past]]) -> str:
    """How many of each decision; each that was no keep and no promote with its day."""
    counts: dict[str, int] = {}
    for _, one in found:
        counts[one.decision] = counts.get(one.decision, 0) + 1
    bad = [f"{one.decision} on {prose.day(one.time)}" for _, one in found if one.decision in {"roll-back", "keep-with-conditions"}]
    return "; ".join([*(f"{n} {prose.outcome(key).lower()}" for key, n in counts.items()), *bad[:6]])


def _run(place: float, one: Past) -> Markup:
    mark, class_ = _RUN_MARKS.get(one.decision, ("m-open", "s-inconclusive"))
    return svg.group(svg.el("use", href=f"#{mark}", x=_x(place), y="50%"), class_=class_)


def _windows(windows: Sequence[tuple[float, Past]]) -> Iterator[Markup]:
    """A short bar for a keep, a tall one for an alarm."""
    width = max(0.25, min(3.0, 0.7 * (100 - 2 * EDGE) / min(len(windows), BARS)))
    for bucket in _buckets(windows):
        place, one = max(bucket, key=lambda item: _RANK.index(item[1].decision) if item[1].decision in _RANK else len(_RANK))
        rank = _RANK.index(one.decision) if one.decision in _RANK else len(_RANK) - 1
        height = (30, 55, 75, 100)[rank]
        x = f"{svg.number(_percent(place) - width / 2)}%"
        class_ = ("barf", "openf", "openf", "lostf")[rank]
        yield svg.el("rect", x=x, y=f"{100 - height}%", width=f"{svg.number(width)}%", height=f"{height}%", class_=class_)


def _buckets(windows: Sequence[tuple[float, Past]]) -> Iterator[Sequence[tuple[float, Past]]]:
    n, most = len(windows), min(len(windows), BARS)
    for k in range(most):
        yield windows[k * n // most : (k + 1) * n // most]


def _moves(moves: Sequence[Move], axis: Axis) -> Iterator[Markup]:
    """A triangle up for a promotion, down for a rollback, a ring for a drill, each with the version where there is room."""
    free = -APART
    for one in sorted(moves, key=lambda one: one.time):
        place = axis.at(one.time)
        glyph = {"promotion": "▲", "rollback": "▼"}.get(one.kind, "○" if one.passed else "✕")
        class_ = "tf" if one.kind == "rollback" or not one.passed else "h"
        yield svg.el("text", glyph, x=_x(place), y="70%", text_anchor="middle", class_=class_)
        if _percent(place) - free >= APART:
            free = _percent(place)
            end = free > 100 - APART
            anchor, shift = ("end", -9.0) if end else ("start", 9.0)
            yield svg.el("text", f"v{prose.clip(one.version, 8)}", x=_x(place), dx=shift, y="70%", text_anchor=anchor)


def move_in_words(one: Move) -> str:
    """`promoted as triage version 7 on 2 May 2026`."""
    did = {"promotion": "promoted as", "rollback": "returned to", "drill": "rollback drill of"}[one.kind]
    to = " to" if one.kind == "drill" else ""
    failed = "" if one.passed else ", FAILED"
    return f"{did} {one.name}{to} version {one.version} on {prose.day(one.time)}{failed}"


def _short(one: Past) -> str:
    return one.model[:6] if one.model == one.candidate_sha256 else one.model


def _segments(label: str, past: Sequence[Past], axis: Axis, key: Callable[[Past], str]) -> Lane:
    """Stretches in which one thing was the same, each with its name where there is room."""
    stretches = [(name, [place for place, _ in own]) for name, own in groupby(enumerate(past), key=lambda item: key(item[1]))]
    begins = [_percent(axis.places[places[0]]) for _, places in stretches]
    parts = []
    for i, (name, _) in enumerate(stretches):
        start, end = begins[i] - (EDGE if i == 0 else 0), begins[i + 1] if i + 1 < len(begins) else 100.0
        width = max(0.2, end - start)
        parts.append(
            svg.el(
                "rect", x=f"{svg.number(start)}%", y="12%", width=f"{svg.number(width)}%", height="76%", class_=("bandf", "dataf")[i % 2]
            )
        )
        if width >= WIDE:
            parts.append(svg.el("text", prose.clip(name or "–", 12), x=f"{svg.number(start + 0.6)}%", y="68%"))
    said = "; ".join(f"{name} from {prose.day(past[places[0]].time)}" for name, places in stretches)
    return _lane(label, iter(parts), said)


def _waivers(past: Sequence[Past], axis: Axis) -> Iterator[Lane]:
    """From the first to the last run in which each was in force."""
    spans: dict[str, tuple[int, int]] = {}
    for i, one in enumerate(past):
        for name in one.waivers:
            spans[name] = (spans.get(name, (i, i))[0], i)
    newest = sorted(spans.items(), key=lambda item: (-item[1][1], item[0]))[:MOST_WAIVERS]
    for name, (first, last) in newest:
        start, end = _percent(axis.places[first]), _percent(axis.places[last])
        bar = svg.el(
            "rect", x=f"{svg.number(start)}%", y="30%", width=f"{svg.number(max(1.0, end - start))}%", height="40%", class_="openf"
        )
        said = f"in force from {prose.day(past[first].time)} to {prose.day(past[last].time)}"
        yield _lane(f"waiver {prose.clip(name, 16)}", iter([bar]), said)


def _axis(axis: Axis) -> Markup:
    labels = [svg.el("text", one.label, x=_x(one.place), y="75%", text_anchor=one.anchor) for one in axis.ticks]
    return svg.el("svg", *labels, class_="lane", aria_hidden="true")
