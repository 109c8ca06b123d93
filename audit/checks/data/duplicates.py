"""Duplicates: rows that say the same as an earlier row of their data set.

Purpose      Count rows that repeat another: the same text, but for case, punctuation and white space, or the same features.
Risk         High: every error rate counts some cases twice, intervals look narrower than they are, and a fine-tuned model
             learns the repeated rows by heart.
Limitations  Paraphrases are not found. Without `near` a single changed letter makes a new row. Columns that number or name the
             rows are left out; one that is not known as such makes every row unique: name it under columns.id. Blank texts are
             no repeats of each other. A sample hides most repeats: what is found is the least that there is, and nothing bounds the rest
             but the number of rows, so that a sample never passes.
Reference    Lee et al., Deduplicating training data makes language models better, ACL 2022; shingles of Broder, 1997.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audit.checks.data import MatchParams, data_check
from audit.evidence import OVERALL, Evidence, Example, Member, Part
from audit.metrics import row_matches, rows
from audit.metrics.counting import count_rows

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.metrics.rows import Comparison
    from audit.subject import Subject

_SHOWN = 20


def measure(subject: Subject, params: MatchParams, _rng: Generator) -> Evidence:
    """Rows for which an earlier row says the same."""
    data = subject.data
    compared = rows.comparison((data,), params.columns)
    earlier = row_matches.repeats(compared)
    if params.near is not None:
        earlier = np.maximum(earlier, row_matches.near_places((data,), params.near))
    repeats = np.flatnonzero(earlier >= 0)
    return Evidence(
        members=(Member(OVERALL, count_rows(data, len(repeats), judged_alone=False)),),
        unit="rows",
        rows=data.rows,
        # the rows' text is left out: it may hold personal data
        examples=tuple(Example(data.shown(row), (Part(f"repeats row {data.shown(earlier[row])}"),)) for row in repeats[:_SHOWN]),
        notes=_notes(data, compared, earlier),
        table={"row": data.ids_of(repeats), "repeats": data.ids_of(earlier[repeats])},
    )


def _notes(data: Dataset, compared: Comparison, earlier: NDArray[np.int64]) -> tuple[str, ...]:
    notes = [f"Compared by {', '.join(compared.columns)}.", *compared.left_out, *row_matches.blank_notes(compared, (data,))]
    repeats = np.flatnonzero(earlier >= 0)
    if data.columns.label is not None and len(repeats):
        label = data.values(data.columns.label)
        torn = int(np.sum(label[repeats] != label[earlier[repeats]]))
        if torn:
            notes.append(f"{torn} of the repeats carry another label than the row they repeat.")
    distinct = [name for name in compared.columns if not _is_measured(data, name) and compared.differs_in_every_row(name)]
    if distinct:
        notes.append(f"A different value in every row: {', '.join(distinct)}. If it identifies the row, name it under columns.id.")
    return tuple(notes)


def _is_measured(data: Dataset, column: str) -> bool:
    """Whether a column holds fractions, which differ in every row as a matter of course."""
    return data.cells.dtype(column).kind == "f" if column in data.cells.names else False


CHECK = data_check(
    measure=measure,
    question="Are any rows duplicated?",
    remedy="Drop the repeated rows, settle those whose labels disagree, and look for the join or export that doubled them.",
    unit="rows",
    params=MatchParams,
    census=True,
    counts_samples=True,
    highest=float("inf"),
)
