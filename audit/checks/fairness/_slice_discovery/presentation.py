"""What a reader is told of the slices that were proposed and judged: the figure, sentences, rows to look at, and the table behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audit.checks.fairness._slice_discovery.holdout import Q
from audit.evidence import Example, Part, WeakSlices
from audit.formatting import number, rows_in_words
from audit.redaction.masking import beginning, common_words
from audit.stats import Difference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from audit.checks.fairness._slice_discovery.holdout import Halves, TestedSlice
    from audit.subject import Subject

SHOWN = 3
"""Rows of a named slice that are shown."""


def figure(subject: Subject, weak: Sequence[TestedSlice], halves: Halves) -> WeakSlices:
    """Errors in each slice and elsewhere, among the judged rows."""
    gaps = [one.gap for one in weak if isinstance(one.gap, Difference)]
    flags = halves.flags
    return WeakSlices(
        names=tuple(str(one.name) for one in weak),
        rows=tuple(one.inside.n for one in weak),
        wrong=tuple(gap.second.n - gap.second.hits for gap in gaps),
        rest_rows=tuple(one.rest.n for one in weak),
        rest_wrong=tuple(gap.first.n - gap.first.hits for gap in gaps),
        lower=tuple(one.interval[0] for one in weak),
        upper=tuple(one.interval[1] for one in weak),
        named=tuple(one.named for one in weak),
        examples=tuple(tuple(map(subject.data.shown, rows)) for rows in _rows(weak, halves)),
        errors=() if flags else tuple(one.inside.value for one in weak),
        rest_errors=() if flags else tuple(one.rest.value for one in weak),
        measured_in="" if flags else str(subject.data.columns.label),
    )


def notes(subject: Subject, weak: Sequence[TestedSlice], halves: Halves, looked_at: str) -> tuple[str, ...]:
    """What was searched, what is named, and how sure that is."""
    judged = int((~halves.search).sum())
    said = f"Searched on {rows_in_words(halves.search.sum())} and judged on the other {judged:,}, drawn at random: {looked_at}."
    if not halves.flags:
        said += f" Errors are absolute, in the unit of {subject.data.columns.label}."
    named = [one for one in weak if one.named]
    if not named:
        said_none = f"No slice is named: of {len(weak)} that the search proposed none is worse than the rest beyond chance"
        return said, f"{said_none} (Benjamini-Hochberg, q = {Q})."
    chance = f"Named by Benjamini-Hochberg at q = {Q} over {len(weak)} proposed; of the named ones' ends a share of {Q} may miss."
    return (said, *(_sentence(one) for one in named), chance)


def _sentence(one: TestedSlice) -> str:
    rows, value, elsewhere = rows_in_words(one.inside.n), one.inside.value, one.rest.value
    if isinstance(one.gap, Difference):
        wrong = one.gap.second.n - one.gap.second.hits
        said = f"Wrong in {wrong:,} of {rows} ({1 - value:.1%}), elsewhere in {1 - elsewhere:.1%}"
    else:
        said = f"Off by {number(value)} on average in {rows}, elsewhere by {number(elsewhere)}"
    return f"Weak: {one.name}. {said}: a gap of {number(one.gap.value)}, at least {number(one.interval[0])}."


def examples(subject: Subject, weak: Sequence[TestedSlice], halves: Halves) -> tuple[Example, ...]:
    """Judged rows of each named slice that are answered wrong, or are farthest off, of all slices in turn."""
    texts = None if subject.data.columns.text is None else subject.data.texts()
    common = common_words(texts or (), subject.clusters() if texts else None)
    chosen = [(place, one, row) for one, rows in zip(weak, _rows(weak, halves), strict=True) for place, row in enumerate(rows)]
    chosen.sort(key=lambda entry: entry[0])
    told = _describe_rows(subject, [row for _, _, row in chosen], halves)
    return tuple(
        Example(subject.data.shown(row), (Part(said),), str(one.name))
        if texts is None
        else Example(subject.data.shown(row), beginning(texts[row], common), f"{one.name}: {said}")
        for (_, one, row), said in zip(chosen, told, strict=True)
    )


def _describe_rows(subject: Subject, rows: Sequence[int], halves: Halves) -> list[str]:
    """What is true of each row, and what the candidate says."""
    if halves.flags:
        y_true, y_pred = subject.y_true(), subject.y_pred()
        return [f"truly {y_true[row]}, the candidate says {y_pred[row]}" for row in rows]
    true, predicted = subject.target(), subject.predicted_values()
    ways = ["high" if predicted[row] > true[row] else "low" for row in rows]
    return [
        f"truly {number(true[row])}, predicted {number(predicted[row])}: too {way} by {number(halves.loss[row])}"
        for row, way in zip(rows, ways, strict=True)
    ]


def table(subject: Subject, weak: Sequence[TestedSlice], halves: Halves) -> dict[str, NDArray[np.generic]]:
    """Each row's half, whether it is answered right or how far off it is, and the slices that hold it."""
    found: dict[str, NDArray[np.generic]] = {
        "id": subject.data.ids,
        "half": np.where(halves.search, "searched", "judged"),
    }
    found |= {"right": ~halves.loss.astype(bool)} if halves.flags else {"absolute_error": halves.loss}
    return found | {f"slice {number}": one.rows for number, one in enumerate(weak, start=1)}


def _rows(weak: Sequence[TestedSlice], halves: Halves) -> list[list[int]]:
    """Of each named slice the first judged rows that are answered wrong, or the farthest off, and are not shown for an earlier one."""
    order = np.arange(len(halves.loss)) if halves.flags else np.argsort(-halves.loss, kind="stable")
    left, found = ~halves.search & (halves.loss > 0), []
    for one in weak:
        rows = order[(one.rows & left)[order]][:SHOWN] if one.named else np.zeros(0, dtype=np.int64)
        left[rows] = False
        found.append([int(row) for row in rows])
    return found
