"""Words such as NA and infinity as a label or prediction: no class, and nothing that can be right."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from audit.canonical_text import canonical
from audit.datasets.options import quote
from audit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        if data.types.get(column) in {"category", "text"}:
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
            msg = f"datasets.{data.role}: {data.path}: row {bad[0] + 1:,} has {word!r} in column {column!r} ({rows} such a word): it is "
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
