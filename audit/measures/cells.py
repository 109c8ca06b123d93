"""A row without text in words: what its cells hold where that names nobody, else where they lie among the others."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.evidence import Part
from audit.measures.masking import COMMON, HIDDEN
from audit.wording import limit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeGuard

    from audit.datasets import Dataset

_COLUMNS, _KINDS = 6, 20
"""Columns of a row that are shown; different values that a column of categories has at most."""
_QUARTERS = ("in the lowest quarter", "below the middle", "above the middle", "in the highest quarter")


@dataclass(frozen=True, slots=True)
class Cells:
    """One column, ready to say any of its cells."""

    name: str
    values: Sequence[object]

    @property
    def categories(self) -> bool:
        """Whether so many rows share each value that none of them names anybody."""
        held = Counter(value for value in self.values if value is not None)
        return len(held) <= _KINDS and min(held.values(), default=COMMON) >= COMMON

    def said(self, row: int, *, categories: bool) -> str:
        """`region: north`, `amount: in the highest quarter`, `name: …`."""
        value = self.values[row]
        if value is None:
            return f"{self.name}: empty"
        if categories:
            return f"{self.name}: {limit(value) if _is_number(value) else value}"
        return f"{self.name}: {self._place(value) if all(map(_is_number, self._there)) else HIDDEN}"

    @property
    def _there(self) -> list[object]:
        return [value for value in self.values if value is not None]

    def _place(self, value: object) -> str:
        """Quarter of the rows that a number lies in; one that many rows share counts as the middle of them."""
        there = [float(one) for one in self._there if _is_number(one)]
        at = float(value) if _is_number(value) else 0.0
        below, alike = sum(one < at for one in there), sum(one == at for one in there)
        return _QUARTERS[min(int(4 * (below + alike / 2) / len(there)), 3)]


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def described(data: Dataset, rows: Sequence[int]) -> list[tuple[Part, ...]]:
    """The first columns of each row, in words."""
    names = [name for name in data.feature_names() if name in data.frame.columns]
    columns = [Cells(name, data.values(name).tolist()) for name in names[:_COLUMNS]] if rows else []
    plain = [one.categories for one in columns]
    left_out = f"; {len(names) - _COLUMNS} more columns" if len(names) > _COLUMNS else ""
    if not columns:
        return [(Part("no column that a model reads"),) for _ in rows]
    return [
        (Part("; ".join(one.said(row, categories=kind) for one, kind in zip(columns, plain, strict=True)) + left_out),) for row in rows
    ]
