"""What a column is made of, with the odd cells counted, and its cells as numbers."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from audit.datasets import Columns, Dataset
from audit.datasets.column_store import InMemory
from audit.datasets.remarks import on_columns
from audit.errors import CannotMeasure
from tests.reading_files import read_file

DAY = date(2026, 1, 2)
NOON = datetime(2026, 1, 2, 12)  # noqa: DTZ001  # a file's times have no zone


def dataset(cells: Any, **roles: Any) -> Dataset:
    types = roles.pop("types", {})
    return Dataset("test", Path("test.csv"), InMemory(pd.DataFrame({"x": cells})), Columns(**roles), "made", types=types)


KINDS: dict[str, tuple[Any, str]] = {
    "integers": ([1, 2], "number"),
    "numbers beside words": (["1.5"] * 9 + ["NA"], "number"),
    "as many words as that are no slip": (["1.5"] * 8 + ["?"] * 2, "category"),
    "half numbers beside one word": ([*map(str, range(30)), *["?"] * 20], "number"),
    "half numbers beside many words": ([*map(str, range(30)), *"abcdefghij"], "category"),
    "few numbers beside a word": (["1", "2", "3", "A"] * 10, "category"),
    "mostly a word for nothing": (["NA"] * 95 + [str(n) for n in range(5)], "number"),
    "a word for nothing alone": (["NA", "NA"], "category"),
    "days beside a word for nothing": (["NA", "2026-01-02"], "day"),
    "codes": (["007"] + ["8"] * 99, "category"),
    "numbers written as text throughout": (["12", "13"], "category"),
    "words": (["a", "b"], "category"),
    "truth": ([True, False], "boolean"),
    "truth beside a blank": ([True, None], "boolean"),
    "days": ([DAY, None], "day"),
    "days as text": (["2026-01-02", "2026-01-03"], "day"),
    "times": (pd.to_datetime(["2026-01-02 12:00"]), "time"),
    "times as text": (["2026-01-02T12:00:01", "2026-01-03"], "time"),
    "no day of the calendar": (["2026-02-30"], "category"),
    "durations": (pd.to_timedelta([1, None], unit="s"), "duration"),
    "times of day": ([time(1, 2), None], "duration"),
    "nothing": ([None, None], "blank"),
    "blanks": ([" ", None], "blank"),
    "pandas' own categories": (pd.Series(["1", "2"], dtype="category"), "category"),
}


@pytest.mark.parametrize("case", KINDS)
def test_kinds(case: str) -> None:
    cells, expected = KINDS[case]
    assert dataset(cells).kind("x").name == expected


def test_odd_cells_are_counted_with_the_first_row() -> None:
    cells = [str(n) for n in range(398)]
    cells[7:7] = ["NA"]
    cells.append("12,5")
    kind = dataset([*cells, None, " "]).kind("x")
    assert kind.describe("x") == "x: numbers in 398 of 402 rows; 'NA' in 1, '12,5' in 1, first in row 8"
    assert (kind.blank, kind.odd and kind.odd.rows) == (2, 2)


SCALES: dict[str, tuple[Any, list[float]]] = {
    "numbers": (["1.5"] * 9 + ["NA"], [1.5] * 9 + [np.nan]),
    "numbers and text of numbers": ([1.0] * 8 + ["2", None], [1.0] * 8 + [2, np.nan]),
    "nullable": (pd.array([1, None], dtype="Int64"), [1, np.nan]),
    "truth": ([True, None], [1, np.nan]),
    "days": ([date(1970, 1, 3), None], [2, np.nan]),
    "times": ([NOON, pd.NaT], [1767355200, np.nan]),
    "times as text": (["2026-01-02T12:00:00", "2026-01-03"], [1767355200, 1767398400]),
    "times with a zone": (pd.to_datetime(["2026-01-02T14:00:00+02:00"]), [1767355200]),
    "seconds": (pd.to_timedelta([90, None], unit="s").astype("timedelta64[s]"), [90, np.nan]),
    "milliseconds": (pd.to_timedelta([90, None], unit="s").astype("timedelta64[ms]"), [90, np.nan]),
    "durations among blanks": ([timedelta(minutes=2), None], [120, np.nan]),
    "times of day": ([time(0, 1), None], [60, np.nan]),
}


@pytest.mark.parametrize("case", SCALES)
def test_numbers_of_a_column(case: str) -> None:
    cells, expected = SCALES[case]
    np.testing.assert_allclose(dataset(cells).as_numbers("x").values, expected)


def test_categories_and_texts_have_no_numbers() -> None:
    with pytest.raises(CannotMeasure, match=r"test: column 'x' holds categories, not numbers"):
        dataset(["01", "02"]).as_numbers("x")
    with pytest.raises(CannotMeasure, match="holds texts"):
        dataset(["1", "2"], text="x").as_numbers("x")
    with pytest.raises(CannotMeasure, match="holds categories"):
        dataset([1, 2], types={"x": "category"}).as_numbers("x")


def test_some_rows_keep_the_kind_of_all() -> None:
    """Without its only word a column would be text of numbers; a part with many words would be categories."""
    whole = dataset([*["NA"] * 2, *map(str, range(30))])
    assert whole.where(np.arange(32) > 1).kind("x").name == "number"
    assert whole.where(np.arange(32) > 1).kind("x").odd is None
    first = whole.head(3).kind("x")
    assert (first.name, first.odd and first.odd.rows) == ("number", 2)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (pd.to_timedelta([None, 3, 4], unit="s"), r"holds durations, and no value in 1 of 3 rows \(first: row 1\), and numbers are needed"),
        (pd.to_datetime(["2026-01-02"]), "holds times, and numbers are needed: write them as numbers of one unit"),
        ([DAY], "holds days"),
        ([True, False], "holds true and false"),
        ([1.0, np.inf], r"holds no number in 1 of 2 rows \(first: row 2\)"),
    ],
)
def test_what_is_no_target(cells: Any, message: str) -> None:
    with pytest.raises(CannotMeasure, match=message):
        dataset(cells).numbers("x")


@pytest.mark.parametrize(
    ("cell", "unit"), [("{}%", "%"), ("$ {}", "$"), ("{} kg", "kg"), ("EUR {}", "EUR"), ("M{}", None), ("v1.{}", None), ("{}", None)]
)
def test_numbers_with_a_unit_in_every_cell_are_told(tmp_path: Path, cell: str, unit: str | None) -> None:
    """They are words to every check; codes with letters are not taken for amounts."""
    rows = "".join(f"{cell.format(number)},a\n" for number in range(11, 51))
    told = on_columns(read_file(tmp_path, "rate,label\n" + rows))
    if unit is None:
        assert told == ()
    else:
        (line,) = told
        example = cell.format(11)
        assert line.startswith(
            f"rate: numbers with {unit!r} in 40 of 40 rows, such as {example!r}, are read as words. Write the numbers alone"
        )


def test_few_amounts_with_a_unit_are_categories(tmp_path: Path) -> None:
    assert on_columns(read_file(tmp_path, "size,label\n" + "5 kg,a\n10 kg,b\n" * 20)) == ()
