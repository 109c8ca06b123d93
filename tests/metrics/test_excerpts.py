"""A row without text in words that name nobody."""

from __future__ import annotations

import numpy as np
import pandas as pd

from audit.metrics.excerpts import described, excerpts
from tests.support import dataset, subject


def said(frame: pd.DataFrame, *rows: int) -> list[str]:
    parts = described(subject(frame.assign(label=0, prediction=0)).data, rows)
    return [part.text for (part,) in parts]


def test_categories_are_shown_and_numbers_placed() -> None:
    """Of 0 to 39 the tenth is in the second quarter; ten rows share each region, one each name."""
    regions = np.repeat(["north", "south", "east", "west"], 10)
    frame = pd.DataFrame({"region": regions, "amount": range(40), "name": [f"Ann {i}" for i in range(40)]})
    assert said(frame, 0, 10, 39) == [
        "region: north; amount: in the lowest quarter; name: …",
        "region: south; amount: below the middle; name: …",
        "region: west; amount: in the highest quarter; name: …",
    ]


def test_a_value_that_few_rows_share_hides_its_column() -> None:
    """Nine rows of one village could name who lives there."""
    frame = pd.DataFrame({"village": ["a"] * 31 + ["b"] * 9, "flag": [True] * 20 + [False] * 20})
    assert said(frame, 0) == ["village: …; flag: True"]


def test_gaps_and_many_columns_are_told() -> None:
    frame = pd.DataFrame({f"c{i}": np.arange(20.0) for i in range(8)})
    frame.loc[3, "c0"] = np.nan
    (told,) = said(frame, 3)
    assert told.startswith("c0: empty; c1: in the lowest quarter; ")
    assert told.endswith("; 2 more columns")
    assert said(pd.DataFrame({"label": [0, 1]}), 1) == ["no column that a model reads"]


def test_numbers_that_all_rows_share_lie_in_the_middle() -> None:
    frame = pd.DataFrame({"amount": [7.5] * 5 + [8.5]})
    assert said(frame, 0, 5) == ["amount: below the middle", "amount: in the highest quarter"]


def test_what_one_person_writes_often_is_masked() -> None:
    """Somebody who signs every letter is in many texts, and still one person where `columns.group` tells who wrote what."""
    said = [f"krumbholtz again about bill {i}" for i in range(15)] + [f"please help about bill {i}" for i in range(15)]
    frame = pd.DataFrame({"text": said, "label": "a", "who": ["one"] * 15 + [f"other {i}" for i in range(15)]})
    (parts,) = excerpts(dataset(frame, group="who"), [0])
    assert parts[0].text == "… about bill …"
    (parts,) = excerpts(dataset(frame), [0])
    assert "krumbholtz" in parts[0].text, "so that the first half can fail"
