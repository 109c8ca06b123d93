"""Rows and changes of texts, fit to be shown: nothing in them names anybody."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Literal

import numpy as np

from audit.evidence import Part
from audit.formatting import limit
from audit.redaction.masking import COMMON, HIDDEN, bare, beginning, common_words, veiled

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeGuard

    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.evidence import Value

_COLUMNS, _KINDS = 6, 20
"""Columns of a row that are shown; different values that a column of categories has at most."""
_QUARTERS = ("in the lowest quarter", "below the middle", "above the middle", "in the highest quarter")
LONGEST = 200
"""Characters of an excerpt, roughly: it ends with the word that passes them."""
AROUND = 6
"""Words kept on either side of a change."""
_DIGIT = "•"
_Mark = Literal["deleted", "inserted"]


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """One column, ready to say any of its cells; only its distinct values are looked at one by one."""

    name: str
    codes: NDArray[np.int64]
    """(n,) place of each row's value."""
    values: list[Value]
    """Each value once, None for what is missing."""
    categories: bool
    """Whether so many rows, and rows of so many entities, share each value that none of them names anybody."""
    ranks: NDArray[np.float64] | None
    """(values,) share of the rows with a number that lie below each, half of those with the same counted; None unless all are numbers."""

    @classmethod
    def of(cls, data: Dataset, column: str, entities: tuple[NDArray[np.int64], int] | None) -> _Cells:
        """`entities` are the place of each row's entity, and how many there are."""
        codes, values = _distinct(data, column)
        rows = np.bincount(codes, minlength=len(values))
        there = np.array([one is not None for one in values]) & (rows > 0)
        shared = rows
        if entities is not None:
            of_row, several = entities
            shared = np.bincount(np.unique(codes * several + of_row) // several, minlength=len(values))
        categories = np.count_nonzero(there) <= _KINDS and bool((shared[there] >= COMMON).all())
        numbers = all(_is_number(one) for one, held in zip(values, there.tolist(), strict=True) if held)
        return cls(column, codes, values, categories, _ranks(values, np.where(there, rows, 0)) if numbers else None)

    def describe(self, row: int) -> str:
        """`region: north`, `amount: in the highest quarter`, `name: …`."""
        place = int(self.codes[row])
        value = self.values[place]
        if value is None:
            return f"{self.name}: empty"
        if self.categories:
            return f"{self.name}: {limit(value) if _is_number(value) else value}"
        return f"{self.name}: {HIDDEN if self.ranks is None else _quarter(self.ranks[place])}"


@dataclass(frozen=True, slots=True, eq=False)
class _Numbers:
    """One column of numbers that are no categories, ready to say any of its cells."""

    name: str
    values: NDArray[np.float64]
    """(n,) NaN where a cell is empty."""
    ordered: NDArray[np.float64]
    """The numbers, the least first."""

    @classmethod
    def of(cls, data: Dataset, column: str) -> _Numbers | None:
        """None where the type of the column does not say that it holds numbers, or where they are few different ones."""
        cells = data.cells.column(column)
        if not isinstance(cells.dtype, np.dtype) or cells.dtype.kind not in "iuf":
            return None
        values = cells.to_numpy(dtype=np.float64)
        ordered = np.sort(values[~np.isnan(values)])
        return cls(column, values, ordered) if np.count_nonzero(ordered[1:] != ordered[:-1]) >= _KINDS else None

    def describe(self, row: int) -> str:
        """`amount: in the highest quarter`."""
        value = self.values[row]
        if np.isnan(value):
            return f"{self.name}: empty"
        below, up_to = (int(np.searchsorted(self.ordered, value, side)) for side in ("left", "right"))
        return f"{self.name}: {_quarter((below + up_to) / 2 / len(self.ordered))}"


def _quarter(rank: float) -> str:
    return _QUARTERS[min(int(4 * rank), 3)]


def _ranks(values: Sequence[Value], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    numbers = np.array([float(one) if _is_number(one) else np.nan for one in values])
    order = np.argsort(numbers, kind="stable")
    below = np.cumsum(rows[order]) - rows[order] / 2
    ranks = np.empty(len(values))
    ranks[order] = below / max(1, int(rows.sum()))
    return ranks


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


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
    return [beginning(texts[row], data.common_words) for row in rows]


def described(data: Dataset, rows: Sequence[int]) -> list[tuple[Part, ...]]:
    """The first columns of each row, in words."""
    names = [name for name in data.feature_names() if name in data.cells.names]
    if not rows:
        return []
    whose = None
    if data.columns.group is not None:
        codes, entities = _distinct(data, data.columns.group)
        whose = codes, len(entities)
    columns = [_Numbers.of(data, name) or _Cells.of(data, name, whose) for name in names[:_COLUMNS]]
    left_out = f"; {len(names) - _COLUMNS} more columns" if len(names) > _COLUMNS else ""
    if not columns:
        return [(Part("no column that a model reads"),) for _ in rows]
    return [(Part("; ".join(one.describe(row) for one in columns) + left_out),) for row in rows]


def _distinct(data: Dataset, column: str) -> tuple[NDArray[np.int64], list[Value]]:
    """(n,) place of each row's value among the different ones, of which one is None."""
    codes, written = data.coded(column)
    places = {value: place for place, value in enumerate(dict.fromkeys(written))}
    return np.array([places[value] for value in written], dtype=np.int64)[codes], list(places)


def changes(before: str, after: str, common: frozenset[str], *, listed: frozenset[str] = frozenset()) -> tuple[Part, ...]:
    """The words around each change, deleted ones before inserted ones.

    Only `common` words are shown, as in any excerpt, and in any case those of a list that the change was made by; of what took
    their place, all that is new, but for digits and addresses. A changed word that few texts hold may be somebody's name.
    """
    old, new = before.split(), after.split()
    known = _Vocabulary(common, listed, frozenset(old))
    parts: list[Part] = []
    codes = SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes()
    for number, (kind, a, b, c, d) in enumerate(codes):
        if sum(len(part.text) for part in parts) > LONGEST:
            return _spaced([*parts, Part(HIDDEN)])
        if kind == "equal":
            kept = _shortened(old[a:b], first=number == 0 < len(codes) - 1, last=number == len(codes) - 1)
            parts += _unchanged(kept, common)
        else:
            parts += _changed_words(old[a:b], "deleted", [known.word(word) for word in old[a:b]])
            parts += _changed_words(new[c:d], "inserted", known.in_place_of(old[a:b], new[c:d]))
    return _spaced(parts)


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """Which words name nobody."""

    common: frozenset[str]
    listed: frozenset[str]
    old: frozenset[str]
    """Words of the text before."""

    def word(self, word: str) -> bool:
        """Whether many texts hold it, or the list does."""
        return veiled(word, self.common) == word or bare(word).casefold().removesuffix("'s") in self.listed

    def in_place_of(self, old: list[str], new: list[str]) -> list[bool]:
        """Whether each inserted word is known, or a new spelling of known ones: of the one at its place, else of all that went."""
        spelt = [self.word(word) for word in old]
        if len(old) != len(new):
            spelt = [bool(spelt) and all(spelt)] * len(new)
        return [self.word(word) or (known and word not in self.old) for word, known in zip(new, spelt, strict=True)]


def _spaced(parts: list[Part]) -> tuple[Part, ...]:
    """With a blank between them, so that the parts can be set one after the other."""
    return tuple(part for pair in zip([Part(" ")] * len(parts), parts, strict=True) for part in pair)[1:]


def _shortened(words: list[str], *, first: bool, last: bool) -> list[str]:
    """Unchanged words far from any change left out."""
    head = [] if first else words[:AROUND]
    tail = [] if last else words[max(len(head), len(words) - AROUND) :]
    if len(head) + len(tail) >= len(words):
        return words
    return [*head, HIDDEN, *tail]


def _unchanged(words: list[str], common: frozenset[str]) -> list[Part]:
    """One part; one sign for each run of hidden words."""
    shown = [veiled(word, common) for word in words]
    kept = [word for word, last in zip(shown, ["", *shown], strict=False) if not word == last == HIDDEN]
    return [Part(" ".join(kept))] if kept else []


def _changed_words(words: list[str], mark: _Mark, shown: list[bool]) -> list[Part]:
    """One part for each run of words of the same kind."""
    parts: list[Part] = []
    for word, known in zip(words, shown, strict=True):
        kind = _personal(word) or (None if known else "rare word")
        if kind is not None:
            parts.append(Part(kind, "mask"))
            continue
        said = re.sub(r"\d", _DIGIT, word)
        if parts and parts[-1].mark == mark:
            parts[-1] = Part(f"{parts[-1].text} {said}", mark)
        else:
            parts.append(Part(said, mark))
    return parts


def _personal(word: str) -> str | None:
    if "@" in word:
        return "address"
    return "number" if len(re.findall(r"\d", word)) >= 4 else None  # noqa: PLR2004  # account, card and telephone numbers come in such blocks
