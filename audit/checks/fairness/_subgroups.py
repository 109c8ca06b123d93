"""Groups of people that rows are about: values of columns, or identity terms in the text; and what is not the group."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from audit.datasets import canonical
from audit.errors import CannotMeasure
from audit.evidence import Slice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from audit.subject import Subject

_FLAGS = frozenset({"0", "1", "true", "false"})
_UP = frozenset({"1", "true"})


def subgroups(subject: Subject, terms: Sequence[str]) -> list[tuple[Slice, NDArray[np.bool_]]]:
    """Each group with its rows: what `by` names, a column of flags by its set ones alone, and rows whose text holds a term."""
    if not subject.by and not terms:
        msg = "no groups: name columns under `by`, or identity terms of the text under `terms`"
        raise CannotMeasure(msg)
    return [*_of_columns(subject), *_of_terms(subject, terms)]


def background(subject: Subject, groups: Sequence[tuple[Slice, NDArray[np.bool_]]]) -> tuple[Slice, ...]:
    """What `by` names and is no group of its own: the rows whose flag is not set."""
    named = {name for name, _ in groups}
    return tuple(name for name, _ in subject.slices() if name not in named) if subject.by else ()


def _of_columns(subject: Subject) -> Iterator[tuple[Slice, NDArray[np.bool_]]]:
    for columns, family in zip(subject.by, subject.families(), strict=True):
        values = {canonical(name.items[0][1]) for name, _ in family}
        flags = len(columns) == 1 and bool(values & _UP) and values - {None} <= _FLAGS
        yield from ((name, rows) for name, rows in family if not flags or canonical(name.items[0][1]) in _UP)


def _of_terms(subject: Subject, terms: Sequence[str]) -> Iterator[tuple[Slice, NDArray[np.bool_]]]:
    if not terms:
        return
    texts = subject.data.texts()
    for term in terms:
        word = whole_word(term)
        yield Slice((("term", term),)), np.array([word.search(text) is not None for text in texts], dtype=bool)


def whole_word(term: str) -> re.Pattern[str]:
    """A term as a word of its own, in any case; white space between its parts may be of any length."""
    inner = r"\s+".join(re.escape(part) for part in term.split())
    return re.compile(rf"(?<!\w){inner}(?!\w)", re.IGNORECASE)
