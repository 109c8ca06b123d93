"""Classes that are written in two ways: `approved` and `Approved`, `1` and `true`, `down` with a blank behind it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from audit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from audit.datasets.table import Dataset

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
