"""Class labels: words that name none, classes that are written in two ways, and the class that counts as positive."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from audit.canonical_text import canonical
from audit.datasets.columns import quote
from audit.errors import CannotMeasure, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from audit.datasets.table import Dataset


_NO_CLASS = frozenset(
    {"na", "n/a", "#n/a", "#n/a n/a", "#na", "<na>", "nan", "-nan", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan", "null", "nat"}
    | {"inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"}
)
"""Words in any case that programs write for a missing or infinite value, and that name no class unless the policy says so."""
_SIGN = re.compile(r"\s*(\?+|[-\u2012-\u2015\u2212]+)\s*")
_NO_CLASS_AS_WRITTEN = frozenset({"None", "NONE"})
"""The same where the case tells: `none` is a class of its own in many tables."""


def refuse_label_words(data: Dataset) -> None:
    """InputError at the first such word, unless the column is declared to hold categories or `labels.map` names the word."""
    for column in dict.fromkeys(column for column in (data.columns.label, data.columns.prediction) if column is not None):
        if data.types.get(column) in {"category", "text"} or not data.has_cells(column):
            continue
        codes, distinct = data.cells.codes(column)
        sign = _sign_for_nothing(distinct)
        is_bad = [
            (_is_no_class(value) or (sign is not None and canonical(value) == sign)) and str(canonical(value)) not in data.label_map
            for value in distinct
        ]
        bad = np.flatnonzero(np.array([*is_bad, False])[codes])
        if bad.size:
            word = str(distinct[codes[bad[0]]])
            rows = f"{bad.size:,} of {data.rows:,} rows have" if bad.size > 1 else f"1 of {data.rows:,} rows has"
            row = data.cells.name_of_row(int(bad[0]))
            msg = f"datasets.{data.role}: {data.path}: row {row} has {word!r} in column {column!r} ({rows} such a word): it is "
            msg += f"no class and no number; set `missing: [{quote(word)}]` where a row has no value, or declare that it is a class "
            msg += f"(`types: {{{quote(column)}: category}}`)"
            raise InputError(msg)


def _sign_for_nothing(distinct: Sequence[object]) -> str | None:
    """A dash or question mark beside classes that all have a letter or digit. Beside another sign, such as +, it is a class."""
    signs = {value for value in distinct if isinstance(value, str) and _SIGN.fullmatch(value)}
    if len(signs) != 1:
        return None
    words = {str(canonical(value)) for value in distinct if canonical(value) is not None} - signs
    return signs.pop() if words and all(any(map(str.isalnum, word)) for word in words) else None


def _is_no_class(value: object) -> bool:
    if isinstance(value, (float, np.floating)):
        return bool(np.isinf(value))
    word = value.strip() if isinstance(value, str) else ""
    return word.casefold() in _NO_CLASS or word in _NO_CLASS_AS_WRITTEN


_TWINS: tuple[tuple[frozenset[str], dict[str | None, str]], ...] = (
    (frozenset({"0", "1"}), {None: "1", "true": "1", "false": "0"}),
    (frozenset({"false", "true"}), {None: "true", "1": "true", "0": "false"}),
)
"""Pairs of classes, and which of them is meant by nothing at all or by the other pair's spelling."""


def positive_class(data: Dataset, classes: Sequence[str]) -> str:
    """`columns.positive` as one of the classes; 1 or true where the labels are 0/1 or booleans."""
    declared = data.class_name(data.columns.positive)
    if declared not in classes:
        for pair, meant in _TWINS:
            if pair.issuperset(classes) and declared in meant:
                return meant[declared]
    if declared is not None:
        return declared
    msg = f"which class counts as positive is not said: set columns.positive to {either(classes)}"
    raise CannotMeasure(msg)


def either(classes: Sequence[str]) -> str:
    """The classes to choose from: `no or yes`."""
    return " or ".join(classes) if len(classes) <= 2 else f"one of {', '.join(classes)}"  # noqa: PLR2004  # two classes


_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,4})?", re.ASCII)
_TRUTHS = {"true": "1", "yes": "1", "false": "0", "no": "0"}
_SHOWN = 3
"""Pairs of spellings that a message names."""


@dataclass(frozen=True, slots=True)
class _Use:
    """Where a class stands under one spelling."""

    role: str | None
    """The data set; None where it stands in a model or a policy."""
    words: str
    labelled: int = 0
    """Rows that have it as their label."""


def normal_form(text: str) -> str:
    """What two spellings of one class have in common: without blanks, case, widths, or notation of numbers and truths."""
    visible = "".join(_plain_dash(letter) for letter in unicodedata.normalize("NFKC", text) if unicodedata.category(letter) != "Cf")
    plain = unicodedata.normalize("NFKC", " ".join(visible.split()).casefold())
    if _NUMBER.fullmatch(plain):
        number = Decimal(plain).normalize()
        return str(number or abs(number))
    return _TRUTHS.get(plain, plain)


def _plain_dash(letter: str) -> str:
    """The hyphen for a dash or minus sign of any length."""
    return "-" if unicodedata.category(letter) == "Pd" or letter == "\u2212" else letter


def refuse_two_spellings(datasets: Mapping[str, Dataset], named: Mapping[str, Iterable[str]] | None = None) -> None:
    """InputError where a class is written in two ways, in the labels and predictions of all data sets and in `named` places.

    `named` holds classes by the words for their place, such as `the model`. Spellings that `labels.map` maps to themselves are
    classes of their own.
    """
    uses: dict[str, list[_Use]] = {}
    for data in {data.role: data for data in datasets.values()}.values():  # `audit check` has one under two names
        for name, use in _uses(data):
            uses.setdefault(name, []).append(use)
    for words, names in (named or {}).items():
        for name in names:
            uses.setdefault(name, []).append(_Use(None, words))
    own = {written for data in datasets.values() for written, meant in data.label_map.items() if written == meant}
    spelled: dict[str, list[str]] = {}
    for name in uses:
        spelled.setdefault(normal_form(name), []).append(name)
    twice = [names for names in spelled.values() if len(names) > 1 and not own.issuperset(names)]
    if twice:
        raise InputError(_message(twice, uses))


def unknown_labels(datasets: Mapping[str, Dataset], classes: Iterable[str]) -> tuple[str, ...]:
    """One sentence for each data set with labels that a model does not know, which it can only get wrong."""
    known, found = set(classes), []
    for role, data in datasets.items():
        if data.columns.label is None or role != data.role:
            continue
        counts = data.class_counts(data.columns.label)
        strange = [f"{name!r} in {rows:,} (first: row {data.shown(first)})" for name, (rows, first) in counts.items() if name not in known]
        if strange:
            more = f"; and {len(strange) - _SHOWN} more" if len(strange) > _SHOWN else ""
            several = f"{len(strange)} labels are" if len(strange) > 1 else "a label is"
            text = f"datasets.{role}: {several} unknown to the model, which gets these rows wrong"
            found.append(f"{text}: {'; '.join(strange[:_SHOWN])}{more}")
    return tuple(found)


_MANY = 0.05
"""Share of the rows from which on a class is too frequent to be missed by chance alone."""


def one_sided_classes(data: Dataset) -> tuple[str, ...]:
    """A remark where a frequent class is never predicted and another one is never true, as two words for one class leave it."""
    columns = (data.columns.label, data.columns.prediction)
    if None in columns:
        return ()
    counts = [{name: rows for name, (rows, _) in data.class_counts(str(column)).items()} for column in columns]
    never = [{name: rows for name, rows in one.items() if name not in other} for one, other in (counts, counts[::-1])]
    if any(max(one.values(), default=0) < max(_MANY * data.rows, 2) for one in never):
        return ()
    true, predicted = (max(one, key=lambda name: one[name]) for one in never)
    text = f"datasets.{data.role}: {true!r} is true in {never[0][true]:,} rows and never predicted, and {predicted!r} is predicted in "
    return (f"{text}{never[1][predicted]:,} rows and never true: if these are one class, write it in one way.",)


def _uses(data: Dataset) -> Iterator[tuple[str, _Use]]:
    whole = data.whole or data
    for column in (whole.columns.label, whole.columns.prediction):
        if column is not None:
            for name, (rows, first) in whole.class_counts(column).items():
                words = f"{rows:,} row{'s' if rows > 1 else ''} of column {column!r} in {data.path.name}, first row {whole.shown(first)}"
                yield name, _Use(data.role, words, rows if column == whole.columns.label else 0)


def _message(twice: list[list[str]], uses: Mapping[str, list[_Use]]) -> str:
    """Every spelling with its places, and the mapping that would make them one."""
    told = [" and ".join(f"{name!r} ({'; '.join(use.words for use in uses[name])})" for name in names) for names in twice[:_SHOWN]]
    more = f"; and {len(twice) - _SHOWN} more classes" if len(twice) > _SHOWN else ""
    usual = {name: max(names, key=lambda one: sum(use.labelled for use in uses[one])) for names in twice[:_SHOWN] for name in names}
    pairs = ", ".join(f"{_quoted(written)}: {_quoted(meant)}" for written, meant in usual.items() if written != meant)
    roles = [use.role for names in twice for name in names for use in uses[name]]
    at = next((f"datasets.{role}: " for role in roles if role is not None), "candidate: ")
    return (
        f"{at}one class is written in two ways: {'; '.join(told)}{more}: write it in one way, or let a policy say which is meant, "
        f"labels: {{map: {{{pairs}}}}}; classes that are two are each mapped to themselves"
    )


def _quoted(text: str) -> str:
    """Text as a YAML scalar in a flow mapping."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", text) and text.lower() not in {"null", "true", "false"}
    return text if plain else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
