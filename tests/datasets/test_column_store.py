"""Cells by column: the same rows whichever way they are asked for, and queries that reach nothing else."""

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from audit.datasets import Columns, parquet_file
from audit.datasets.column_store import InMemory
from audit.datasets.columns import ReadOptions
from audit.datasets.parquet_file import ParquetColumns
from audit.datasets.parts import Part
from audit.datasets.reading import read
from audit.errors import InputError

FRAME = pd.DataFrame({"region": ["north", "south", None, "north"], "age": [31, 45, 27, 60], "score": [0.1, 0.9, 0.4, 0.7]})


def test_a_column_is_that_of_the_table() -> None:
    cells = InMemory(FRAME)
    assert (cells.names, cells.rows) == (("region", "age", "score"), 4)
    assert cells.column("age").to_list() == [31, 45, 27, 60]
    codes, distinct = cells.codes("region")
    assert (codes.tolist(), distinct) == ([0, 1, -1, 0], ["north", "south"])


def test_batches_hold_every_row_once_in_order() -> None:
    parts = list(InMemory(FRAME).batches(["age", "region"], 3))
    assert [len(part) for part in parts] == [3, 1]
    pd.testing.assert_frame_equal(pd.concat(parts), FRAME[["age", "region"]])


def test_rows_that_are_picked_are_numbered_anew() -> None:
    picked = InMemory(FRAME).where((FRAME["age"] > 30).to_numpy())
    assert picked.column("age").to_dict() == {0: 31, 1: 45, 2: 60}
    assert InMemory(FRAME).head(2).column("region").to_list() == ["north", "south"]


def test_a_query_reads_the_cells() -> None:
    found = InMemory(FRAME).sql("SELECT region, count(*) AS n, max(score) AS best FROM cells GROUP BY region ORDER BY n DESC, region")
    assert found.iloc[0].to_dict() == {"region": "north", "n": 2, "best": 0.7}


@pytest.mark.parametrize(
    "query", ["SELECT * FROM read_csv('{}')", "COPY cells TO '{}'", "INSTALL httpfs", "SET enable_external_access=true"]
)
def test_a_query_reaches_no_file_and_no_network(query: str, tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a\n1\n")
    with pytest.raises(duckdb.Error):
        InMemory(FRAME).sql(query.format(path))
    assert path.read_text() == "a\n1\n"


def stored(path: Path, frame: pd.DataFrame = FRAME, **options: Any) -> ParquetColumns:
    frame.to_parquet(path / "test.parquet", index=False, row_group_size=2)
    return ParquetColumns([Part(path / "test.parquet", "test.parquet")], ReadOptions(**options), texts=())


def test_a_parquet_file_gives_the_cells_of_its_table(tmp_path: Path) -> None:
    cells = stored(tmp_path)
    pd.testing.assert_frame_equal(cells.frame(), FRAME)
    assert (cells.names, cells.rows) == (("region", "age", "score"), 4)
    assert cells.codes("region")[0].tolist() == [0, 1, -1, 0]
    assert cells.where((FRAME["age"] > 30).to_numpy()).column("age").to_dict() == {0: 31, 1: 45, 2: 60}
    assert cells.head(2).frame(["score"])["score"].to_list() == [0.1, 0.9]
    assert [len(part) for part in cells.batches(["age"], 3)] == [3, 1]
    assert cells.sql("SELECT count(*) AS n FROM cells WHERE region = 'north'")["n"].to_list() == [2]


MANY_TYPES = pd.DataFrame(
    {
        "whole": range(9),
        "gaps": pd.array([*range(7), None, 8], dtype="Int64"),
        "long": pd.array([2**60 + 1, *range(7), None], dtype="Int64"),
        "fraction": [k / 3 for k in range(9)],
        "narrow": pd.Series([k / 3 for k in range(9)], dtype="float32"),
        "truth": [True, False, True] * 3,
        "maybe": pd.Series([True, False, None] * 3, dtype=object),
        "word": pd.Series(["a", "NA", None] * 3, dtype=object),
        "late": pd.Series([None] * 8 + ["b"], dtype=object),
        "class": pd.Series(["u", "v", "w"] * 3, dtype="category"),
        "day": pd.date_range("2026-01-01", periods=9),
        "list": [[k] for k in range(9)],
        "number": [*"12345678", "-1"],
        "declared": ["1", "2", "x"] * 3,
    }
)


@pytest.mark.parametrize("rows", [1, 4, 5, 9, 100])
@pytest.mark.parametrize("group", [2, 5, 9])
def test_batches_hold_what_the_columns_hold(tmp_path: Path, rows: int, group: int) -> None:
    """Types too, which blanks and long numbers in other rows decide."""
    MANY_TYPES.to_parquet(tmp_path / "test.parquet", index=False, row_group_size=group)
    options = ReadOptions(missing=("NA", "8"), types={"declared": "category", "number": "number"})
    cells = ParquetColumns([Part(tmp_path / "test.parquet", "test.parquet")], options, texts=())
    table = cells.frame()
    for mask in (None, np.arange(9) % 4 > 0):
        chosen, expected = (cells, table) if mask is None else (cells.where(mask), table[mask].reset_index(drop=True))
        cells._cache.clear()  # as if larger columns had been read since
        parts = list(chosen.batches(list(cells.names), rows))
        assert max(map(len, parts)) <= rows
        pd.testing.assert_frame_equal(pd.concat(parts), expected)
        assert all((part.dtypes == expected.dtypes).all() for part in parts)


def test_declared_types_and_words_for_empty_cells_hold_for_each_column(tmp_path: Path) -> None:
    cells = stored(tmp_path, FRAME.assign(size=["1", "NA", "3", "4"]), missing=["NA"], types={"size": "number"})
    assert cells.column("size").fillna(-1).to_list() == [1.0, -1.0, 3.0, 4.0]


def test_few_columns_are_kept_and_read_again_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = stored(tmp_path)
    monkeypatch.setattr(parquet_file, "CACHED_BYTES", 1)
    assert [cells.column(name).to_list()[0] for name in ("age", "score", "age")] == [31, 0.1, 31]
    assert len(cells._cache) == 1  # what it holds shows nowhere else


def test_codes_of_few_values_are_kept_longer_than_wide_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Finding them again is dear, and they need little room."""
    cells = stored(tmp_path, pd.concat([FRAME] * 500, ignore_index=True))
    monkeypatch.setattr(parquet_file, "CACHED_BYTES", 2000 * 9 + 4000)
    codes, distinct = cells.codes("region")
    assert (str(codes.dtype), distinct) == ("int64", ["north", "south"])
    assert codes[:4].tolist() == [0, 1, -1, 0]
    for name in ("age", "score"):
        cells.column(name)
    assert set(cells._cache) == {("codes", "region"), ("cells", "score")}  # what it holds shows nowhere else
    assert cells.codes("region")[0].tolist() == codes.tolist()


@pytest.mark.parametrize("different", [126, 127, 128, 129, 40_000])
def test_codes_of_many_values_are_whole(tmp_path: Path, different: int) -> None:
    frame = pd.DataFrame({"word": pd.Series([*map(str, range(different)), None], dtype=object)})
    frame.to_parquet(tmp_path / "test.parquet", index=False)
    codes, distinct = ParquetColumns([Part(tmp_path / "test.parquet", "test.parquet")], ReadOptions(), texts=()).codes("word")
    assert codes.tolist() == [*range(different), -1]
    assert distinct == frame["word"].to_list()[:-1]


def test_a_file_that_changes_during_the_audit_is_refused(tmp_path: Path) -> None:
    """The digest in the record is of the bytes that were read at first."""
    path = tmp_path / "test.parquet"
    FRAME.to_parquet(path, index=False)
    data = read("test", path, Columns())
    other = tmp_path / "other.parquet"
    FRAME.assign(age=1).to_parquet(other, index=False)
    other.replace(path)
    data.cells._cache.clear()  # type: ignore[attr-defined]  # as if larger columns had been read since
    with pytest.raises(InputError, match="was changed while it was audited"):
        data.cells.column("age")
    path.unlink()
    with pytest.raises(InputError, match="there is no such file"):
        data.cells.column("age")


@pytest.mark.parametrize("marked", [[1, 2], [0, 1, 2, 3], [0, 3], [], [3]])
def test_rows_that_stand_together_are_those_that_are_marked(marked: list[int], tmp_path: Path) -> None:
    mask = np.isin(np.arange(4), marked)
    picked = stored(tmp_path).where(mask)
    expected = FRAME[mask].reset_index(drop=True)
    assert picked.rows == len(marked)
    assert picked.column("age").to_list() == expected["age"].to_list()
    assert picked.frame(["age", "score"]).to_dict() == expected[["age", "score"]].to_dict()
    assert [row for part in picked.batches(["age"], 2) for row in part["age"]] == expected["age"].to_list()
