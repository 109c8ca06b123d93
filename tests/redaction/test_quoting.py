"""What looks like personal data is not repeated by a message about the data, however it is typeset."""

from __future__ import annotations

import pandas as pd
import pytest

from audit.datasets.declared_types import _refuse_cell
from audit.datasets.file_bytes import Unreadable
from audit.redaction.masking import looks_personal, quoted
from tests.support import dataset

PERSONAL = (
    "kim@example.com",
    "kim&#64;example.com",
    "kim%40example.com",
    "kim\uff20example.com",
    "06\u00a012\u00a034\u00a056\u00a078",
    "\u0660\u0666 \u0661\u0662 \u0663\u0664 \u0665\u0666",
    "4111\u20111111\u20111111\u20111111",
    "07\u200b94 612\u200b3458",
)


@pytest.mark.parametrize("text", PERSONAL)
def test_dots_stand_for_what_looks_personal(text: str) -> None:
    assert looks_personal(text)
    assert quoted(text) == "'…'"


@pytest.mark.parametrize("text", ["NA", "12,5", "1,234.50", "row-123456", "n/a", "", "01/02/2026", "2026-02-31 10:00"])
def test_other_words_are_quoted(text: str) -> None:
    assert quoted(text) == repr(text)


@pytest.mark.parametrize("text", PERSONAL)
def test_no_message_about_a_cell_or_a_row_repeats_it(text: str) -> None:
    data = dataset(pd.DataFrame({"id": [text, *map(str, range(39))], "x": [text, *(f"{i}.5" for i in range(39))], "label": "a"}), id="id")
    said = data.kind("x").describe("x")
    assert "in 39 of 40 rows; '…' in 1, first in row 1" in said
    assert data.shown(0) == "number 1"
    assert data.shown(1) == "0"
    with pytest.raises(Unreadable) as refusal:
        _refuse_cell("1", text, "x", "number")
    assert text not in str(refusal.value)
