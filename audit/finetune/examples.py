"""What is learnt from, and what the checkpoint is chosen on: rows of their own, or some taken from the training rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audit import seeds
from audit.canonical_text import canonical_values
from audit.errors import CannotMeasure, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.datasets import Dataset


@dataclass(frozen=True, slots=True)
class Examples:
    """Texts with their labels."""

    texts: tuple[str, ...]
    labels: tuple[str, ...]

    def where(self, mask: NDArray[np.bool_]) -> Examples:
        """The rows that a mask marks."""
        rows = np.flatnonzero(mask)
        return Examples(tuple(self.texts[row] for row in rows), tuple(self.labels[row] for row in rows))


def parts(data: Dataset, validation: Dataset | float, seed: int) -> tuple[Examples, Examples, str]:
    """Rows to learn from, rows to choose the checkpoint on, and where the latter come from."""
    if isinstance(validation, float):
        train, held = _divided(data, validation, seed)
        told = f"fraction {validation:g} of {data.role}"
    else:
        train, held, told = _read(data), _read(validation), validation.role
    if len(set(train.labels)) < 2 or not held.texts:  # noqa: PLR2004  # one class is no choice
        what = f"{len(set(train.labels))} classes to learn and {len(held.texts)} rows to validate on"
        msg = f"datasets.{data.role}: {what}: add rows"
        raise InputError(msg)
    unknown = set(held.labels) - set(train.labels)
    if unknown:
        msg = f"validation ({told}): holds {', '.join(sorted(unknown)[:5])}, which no training row has: add rows of it, or mend the labels"
        raise InputError(msg)
    return train, held, told


def datasets(data: Dataset, validation: Dataset | float, seed: int) -> tuple[Dataset, Dataset]:
    """The same rows as `parts` tells apart, with all their columns."""
    if not isinstance(validation, float):
        return data, validation
    mask = _validation_rows(data, _read(data), validation, seed)
    return data.where(~mask), data.where(mask)


def _divided(data: Dataset, fraction: float, seed: int) -> tuple[Examples, Examples]:
    whole = _read(data)
    mask = _validation_rows(data, whole, fraction, seed)
    return whole.where(~mask), whole.where(mask)


def _validation_rows(data: Dataset, whole: Examples, fraction: float, seed: int) -> NDArray[np.bool_]:
    """(n,) True for validation rows."""
    column = data.columns.group
    entities = None if column is None else _entities(data, column)
    return held_out(whole.labels, entities, fraction, seeds.stream(seed, "fine-tune/validation"))


def _entities(data: Dataset, column: str) -> list[str]:
    """Rows without an entity would all be one, or none: either way rows of one entity could come to stand on both sides."""
    found = canonical_values(data.cells.column(column).to_list())
    if None in found:
        msg = f"datasets.{data.role}: row {data.shown(found.index(None))} names no entity in column {column!r}: "
        msg += "name one in every row, or leave columns.group out"
        raise InputError(msg)
    return [name for name in found if name is not None]


def _read(data: Dataset) -> Examples:
    if data.columns.text is None or data.columns.label is None:
        msg = f"datasets.{data.role}: fine-tuning reads a text and a label column: name them under columns.text and columns.label"
        raise InputError(msg)
    try:
        return Examples(tuple(data.texts()), tuple(data.labels(data.columns.label)))
    except CannotMeasure as error:  # a row without a label
        msg = f"datasets.{error}"
        raise InputError(msg) from error


def held_out(labels: Sequence[str], entities: Sequence[object] | None, fraction: float, rng: Generator) -> NDArray[np.bool_]:
    """(n,) True for validation rows: about `fraction` of each label's rows. Rows of one entity stay together."""
    rows_of: dict[object, list[int]] = defaultdict(list)
    for row, entity in enumerate(range(len(labels)) if entities is None else entities):
        rows_of[entity].append(row)
    strata: dict[str, list[list[int]]] = defaultdict(list)
    for rows in rows_of.values():
        strata[_commonest([labels[row] for row in rows])].append(rows)
    mask = np.zeros(len(labels), dtype=bool)
    for label in sorted(strata):
        mask[_taken(strata[label], fraction, rng)] = True
    return mask


def _commonest(labels: Sequence[str]) -> str:
    counts = Counter(labels)
    return min(counts, key=lambda label: (-counts[label], label))


def _taken(entities: list[list[int]], fraction: float, rng: Generator) -> list[int]:
    """Rows of entities drawn until the fraction is reached; at least one entity on either side where there are two."""
    wanted = fraction * sum(map(len, entities))
    taken: list[int] = []
    for count, index in enumerate(rng.permutation(len(entities)), start=1):
        if count == len(entities) or (taken and len(taken) + len(entities[index]) / 2 > wanted):
            break
        taken += entities[index]
    return taken
