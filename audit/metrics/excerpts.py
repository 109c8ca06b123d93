"""A row without text in words: what its cells hold where that names nobody, else where they lie among the others."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from audit.evidence import Part
from audit.formatting import limit
from audit.redaction.masking import COMMON, HIDDEN, beginning, common_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeGuard

    from audit.datasets import Dataset

_COLUMNS, _KINDS = 6, 20
"""Columns of a row that are shown; different values that a column of categories has at most."""
_QUARTERS = ("in the lowest quarter", "below the middle", "above the middle", "in the highest quarter")


@dataclass(frozen=True)
class Cells:
    """One column, ready to say any of its cells."""

    name: str
    values: Sequence[object]
    entities: Sequence[object] | None = None
    """Whose each row is; None where rows are independent."""

    @property
    def categories(self) -> bool:
        """Whether so many rows, and rows of so many entities, share each value that none of them names anybody."""
        held = shared_by(self.values, self.entities)
        return len(held) <= _KINDS and min(held.values(), default=COMMON) >= COMMON

    def said(self, row: int, *, categories: bool) -> str:
        """`region: north`, `amount: in the highest quarter`, `name: …`."""
        value = self.values[row]
        if value is None:
            return f"{self.name}: empty"
        if categories:
            return f"{self.name}: {limit(value) if _is_number(value) else value}"
        return f"{self.name}: {HIDDEN if self._ordered is None or not _is_number(value) else self._place(float(value))}"

    @cached_property
    def _ordered(self) -> list[float] | None:
        """The numbers in their order; None where a cell holds something else."""
        there = [value for value in self.values if value is not None]
        numbers = [float(value) for value in there if _is_number(value)]
        return sorted(numbers) if len(numbers) == len(there) else None

    def _place(self, at: float) -> str:
        """Quarter of the rows that a number lies in; one that many rows share counts as the middle of them."""
        there = self._ordered or [at]
        middle = (bisect_left(there, at) + bisect_right(there, at)) / 2
        return _QUARTERS[min(int(4 * middle / len(there)), 3)]


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def shared_by(values: Sequence[object], entities: Sequence[object] | None) -> Counter[object]:
    """How many rows hold each value, or how many different entities where rows belong to some."""
    if entities is None:
        return Counter(value for value in values if value is not None)
    return Counter(value for value, _ in {(value, one) for value, one in zip(values, entities, strict=True) if value is not None})


def entities_of(data: Dataset) -> Sequence[object] | None:
    """Whose each row is, as far as the data say; None where the policy names no entities."""
    return None if data.columns.group is None else data.values(data.columns.group).tolist()


def words_of(data: Dataset, texts: Sequence[str]) -> frozenset[str]:
    """The words of a data set's (n,) texts that may be shown: so many texts, and texts of so many entities, hold them."""
    return common_words(texts, entities_of(data))


def excerpts(data: Dataset, rows: Sequence[int]) -> list[tuple[Part, ...]]:
    """The beginnings of the rows' texts, masked; without texts, what their columns hold."""
    if data.columns.text is None or not rows:
        return described(data, rows)
    texts = data.texts()
    common = words_of(data, texts)
    return [beginning(texts[row], common) for row in rows]


def described(data: Dataset, rows: Sequence[int]) -> list[tuple[Part, ...]]:
    """The first columns of each row, in words."""
    names = [name for name in data.feature_names() if name in data.frame.columns]
    whose = entities_of(data)
    columns = [Cells(name, data.values(name).tolist(), whose) for name in names[:_COLUMNS]] if rows else []
    plain = [one.categories for one in columns]
    left_out = f"; {len(names) - _COLUMNS} more columns" if len(names) > _COLUMNS else ""
    if not columns:
        return [(Part("no column that a model reads"),) for _ in rows]
    return [(Part("; ".join(one.said(row, categories=kind) for one, kind in zip(columns, plain, strict=True)) + left_out),) for row in rows]
