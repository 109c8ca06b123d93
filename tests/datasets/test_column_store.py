"""Cells by column: the same rows whichever way they are asked for, and queries that reach nothing else."""

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from audit.datasets.column_store import InMemory

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
