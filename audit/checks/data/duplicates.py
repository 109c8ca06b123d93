"""Duplicates: rows that say the same as an earlier row of their data set.

Purpose      Count rows that repeat another: the same text, or the same features, but for case, punctuation and white space.
Risk         High: every error rate counts some cases twice, intervals look narrower than they are, and a fine-tuned model
             learns the repeated rows by heart.
Limitations  Paraphrases are not found. Without `near` a single changed letter makes a new row. In tables an identifier among
             the features makes every row unique: name it under columns.id.
Reference    Lee et al., Deduplicating training data makes language models better, ACL 2022; shingles of Broder, 1997.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from audit.check import Check, Params
from audit.errors import CannotMeasure
from audit.evidence import OVERALL, Evidence, Example, Member, Part
from audit.measures import near, rows
from audit.stats import Census

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.subject import Subject

_SHOWN = 20


class DuplicateParams(Params):
    """How alike two rows must be."""

    near: Annotated[float, Field(gt=0, le=1)] | None = None
    """Jaccard similarity of the texts' 5-character shingles from which a row counts as a repeat; equality where absent."""


def measure(subject: Subject, params: DuplicateParams, _rng: Generator) -> Evidence:
    """Rows for which an earlier row says the same."""
    data = subject.data
    columns = rows.compared(data)
    key = rows.keys((data,), columns)[0]
    first = np.unique(key, return_index=True)[1][key]
    earlier = np.where(first < np.arange(data.rows), first, -1)
    if params.near is not None:
        if data.columns.text is None:
            msg = f"{data.role}: `near` compares texts, and no column is named under columns.text: leave `near` out"
            raise CannotMeasure(msg)
        earlier = np.maximum(earlier, near.first_near([rows.normalise(text) for text in data.texts()], params.near))
    repeats = np.flatnonzero(earlier >= 0)
    return Evidence(
        members=(Member(OVERALL, Census(len(repeats), data.rows)),),
        unit="rows",
        rows=data.rows,
        # the rows' text is left out: it may hold personal data
        examples=tuple(Example(data.shown(row), (Part(f"repeats row {data.shown(earlier[row])}"),)) for row in repeats[:_SHOWN]),
        notes=_notes(data, columns, earlier),
        table={"row": data.ids[repeats], "repeats": data.ids[earlier[repeats]]},
    )


def _notes(data: Dataset, columns: tuple[str, ...], earlier: NDArray[np.int64]) -> tuple[str, ...]:
    notes = [f"Compared by {', '.join(columns)}."]
    repeats = np.flatnonzero(earlier >= 0)
    if data.columns.label is not None and len(repeats):
        label = data.values(data.columns.label)
        torn = int(np.sum(label[repeats] != label[earlier[repeats]]))
        if torn:
            notes.append(f"{torn} of the repeats carry another label than the row they repeat.")
    unique = [name for name in columns if name != data.columns.text and _like_identifier(data, name)]
    if unique:
        notes.append(f"A different value in every row: {', '.join(unique)}. If it identifies the row, name it under columns.id.")
    return tuple(notes)


def _like_identifier(data: Dataset, column: str) -> bool:
    cells = data.frame[column]
    return data.rows > 1 and cells.dtype.kind != "f" and cells.nunique() == data.rows


CHECK = Check(
    measure=measure,
    question="Does every row stand only once?",
    remedy="Drop the repeated rows, settle those whose labels disagree, and look for the join or export that doubled them.",
    rmf=("MAP 2.3",),
    better="lower",
    unit="rows",
    params=DuplicateParams,
    census=True,
    highest=float("inf"),
)
