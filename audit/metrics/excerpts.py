"""Rows and changes of texts, fit to be shown: nothing in them names anybody."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from audit.evidence import Part
from audit.formatting import limit
from audit.redaction.masking import COMMON, HIDDEN, bare, beginning, common_words, veiled

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeGuard

    from audit.datasets import Dataset

_COLUMNS, _KINDS = 6, 20
"""Columns of a row that are shown; different values that a column of categories has at most."""
_QUARTERS = ("in the lowest quarter", "below the middle", "above the middle", "in the highest quarter")
LONGEST = 200
"""Characters of an excerpt, roughly: it ends with the word that passes them."""
AROUND = 6
"""Words kept on either side of a change."""
_DIGIT = "•"
_Mark = Literal["deleted", "inserted"]


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


def changes(before: str, after: str, common: frozenset[str], *, listed: frozenset[str] = frozenset()) -> tuple[Part, ...]:
    """The words around each change, deleted ones before inserted ones.

    Only `common` words are shown, as in any excerpt, and in any case those of a list that the change was made by; of what took
    their place, all that is new, but for digits and addresses. A changed word that few texts hold may be somebody's name.
    """
    old, new = before.split(), after.split()
    known = _Known(common, listed, frozenset(old))
    parts: list[Part] = []
    codes = SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes()
    for number, (kind, a, b, c, d) in enumerate(codes):
        if sum(len(part.text) for part in parts) > LONGEST:
            return _spaced([*parts, Part(HIDDEN)])
        if kind == "equal":
            kept = _shortened(old[a:b], first=number == 0 < len(codes) - 1, last=number == len(codes) - 1)
            parts += _unchanged(kept, common)
        else:
            parts += _changed(old[a:b], "deleted", [known.word(word) for word in old[a:b]])
            parts += _changed(new[c:d], "inserted", known.in_place_of(old[a:b], new[c:d]))
    return _spaced(parts)


@dataclass(frozen=True, slots=True)
class _Known:
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


def _changed(words: list[str], mark: _Mark, shown: list[bool]) -> list[Part]:
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
