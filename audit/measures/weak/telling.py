"""What a reader is told of the slices that were proposed and judged: the figure, sentences, rows to look at, and the table behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audit.evidence import Example, Part, WeakSlices
from audit.measures.masking import beginning, common_words
from audit.measures.weak.naming import Q
from audit.wording import number, rows_in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from audit.measures.weak.halves import Halves
    from audit.measures.weak.naming import Weak
    from audit.subject import Subject

SHOWN = 3
"""Rows of a named slice that are shown."""


def figure(subject: Subject, weak: Sequence[Weak], halves: Halves) -> WeakSlices:
    """Errors in each slice and elsewhere, among the judged rows."""
    return WeakSlices(
        names=tuple(str(one.name) for one in weak),
        rows=tuple(one.gap.second.n for one in weak),
        wrong=tuple(one.gap.second.n - one.gap.second.hits for one in weak),
        rest_rows=tuple(one.gap.first.n for one in weak),
        rest_wrong=tuple(one.gap.first.n - one.gap.first.hits for one in weak),
        lower=tuple(one.interval[0] for one in weak),
        upper=tuple(one.interval[1] for one in weak),
        named=tuple(one.named for one in weak),
        examples=tuple(tuple(map(subject.data.shown, rows)) for rows in _rows(weak, halves)),
    )


def notes(weak: Sequence[Weak], halves: Halves, looked_at: str) -> tuple[str, ...]:
    """What was searched, what is named, and how sure that is."""
    judged = int((~halves.search).sum())
    said = f"Searched on {rows_in_words(halves.search.sum())} and judged on the other {judged:,}, drawn at random: {looked_at}."
    named = [one for one in weak if one.named]
    if not named:
        said_none = f"No slice is named: of {len(weak)} that the search proposed none is worse than the rest beyond chance"
        return said, f"{said_none} (Benjamini-Hochberg, q = {Q})."
    chance = f"Named by Benjamini-Hochberg at q = {Q} over {len(weak)} proposed; of the named ones' ends a share of {Q} may miss."
    return (said, *(_sentence(one) for one in named), chance)


def _sentence(one: Weak) -> str:
    inside, rest = one.gap.second, one.gap.first
    return (
        f"Weak: {one.name}. Wrong in {inside.n - inside.hits:,} of {rows_in_words(inside.n)} ({1 - inside.value:.1%}), elsewhere in "
        f"{1 - rest.value:.1%}: a gap of {number(one.gap.value)}, at least {number(one.interval[0])}."
    )


def examples(subject: Subject, weak: Sequence[Weak], halves: Halves) -> tuple[Example, ...]:
    """The first judged rows that are answered wrong in each named slice, of all slices in turn."""
    texts = None if subject.data.columns.text is None else subject.data.texts()
    common = common_words(texts or (), subject.clusters() if texts else None)
    y_true, y_pred = subject.y_true(), subject.y_pred()
    chosen = [(place, one, row) for one, rows in zip(weak, _rows(weak, halves), strict=True) for place, row in enumerate(rows)]
    chosen.sort(key=lambda entry: entry[0])
    told = {row: f"truly {y_true[row]}, the candidate says {y_pred[row]}" for _, _, row in chosen}
    return tuple(
        Example(subject.data.shown(row), (Part(told[row]),), str(one.name))
        if texts is None
        else Example(subject.data.shown(row), beginning(texts[row], common), f"{one.name}: {told[row]}")
        for _, one, row in chosen
    )


def table(subject: Subject, weak: Sequence[Weak], halves: Halves) -> dict[str, NDArray[np.generic]]:
    """Each row's half, whether it is answered right, and the slices that hold it."""
    found: dict[str, NDArray[np.generic]] = {
        "id": subject.data.ids,
        "half": np.where(halves.search, "searched", "judged"),
        "right": ~halves.wrong,
    }
    return found | {f"slice {number}": one.rows for number, one in enumerate(weak, start=1)}


def _rows(weak: Sequence[Weak], halves: Halves) -> list[list[int]]:
    """Of each named slice the first judged rows that are answered wrong and are not shown for an earlier one."""
    left, found = ~halves.search & halves.wrong, []
    for one in weak:
        rows = np.flatnonzero(one.rows & left)[:SHOWN] if one.named else np.zeros(0, dtype=np.int64)
        left[rows] = False
        found.append([int(row) for row in rows])
    return found
