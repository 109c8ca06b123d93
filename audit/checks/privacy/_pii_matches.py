"""Personal data found in the rows of a data set, as evidence may hold it: places and kinds, never the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audit.checks.privacy import _reviews
from audit.evidence import Example
from audit.metrics import excerpts
from audit.redaction import masking
from audit.redaction import scanner as scanning

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.redaction.entities import Entity
    from audit.redaction.scanner import Scanner


@dataclass(frozen=True, slots=True)
class Hit:
    """One entity in one cell."""

    row: int
    column: str
    sha256: str
    """Of the cell's text."""
    entity: Entity

    @property
    def key(self) -> _reviews.Key:
        """How a review names it."""
        return (self.sha256, self.entity.start, self.entity.end, self.entity.kind)


def of(data: Dataset, column: str, scanner: Scanner, score: float) -> Iterator[Hit]:
    """Entities of at least a score, row by row; equal texts are read once. The column's name counts as context."""
    texts = scanning.texts(data.frame[column])
    context = scanning.words_of_name(column)
    found = {text: [entity for entity in scanner.find(text, context) if entity.score >= score] for text in dict.fromkeys(texts)}
    for row, text in enumerate(texts):
        yield from (Hit(row, column, _reviews.digest(text), entity) for entity in found[text])


def table(data: Dataset, hits: Sequence[Hit]) -> dict[str, NDArray[np.generic]]:
    """One line a hit."""
    return {
        "row": np.array([data.ids[hit.row] for hit in hits], dtype=str),
        "column": np.array([hit.column for hit in hits], dtype=str),
        "entity": np.array([hit.entity.kind for hit in hits], dtype=str),
        "start": np.array([hit.entity.start for hit in hits], dtype=np.int64),
        "end": np.array([hit.entity.end for hit in hits], dtype=np.int64),
        "score": np.array([hit.entity.score for hit in hits], dtype=float),
        "row_sha256": np.array([hit.sha256 for hit in hits], dtype=str),
    }


def examples(data: Dataset, scanner: Scanner, hits: Sequence[Hit]) -> tuple[Example, ...]:
    """Masked excerpts. Everything that looks like an entity is masked, however low its score."""
    texts = {column: scanning.texts(data.frame[column]) for column in dict.fromkeys(hit.column for hit in hits)}
    common = {column: excerpts.words_of(data, said) for column, said in texts.items()}
    return tuple(
        Example(
            data.shown(hit.row),
            masking.excerpt(texts[hit.column][hit.row], scanner.find(texts[hit.column][hit.row]), hit.entity, common[hit.column]),
            f"{hit.entity.kind} in {hit.column}, characters {hit.entity.start} to {hit.entity.end}",
        )
        for hit in hits
    )
