"""Statements over files and databases: the rows that DuckDB gives, and nothing else that a statement could reach."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from audit.datasets import Columns, Dataset, scratch_files
from audit.datasets.columns import ReadOptions
from audit.datasets.file_bytes import Unreadable
from audit.datasets.parts import Location
from audit.datasets.reading import read
from audit.datasets.scratch_files import RowsDigest, write_rows
from audit.errors import InputError, PolicyError
from audit.pipeline.prepare import read_datasets
from audit.policy.loading import load

FRAME = pd.DataFrame({"id": ["007", "8", "9", "10"], "age": [31, 45, 27, 60], "region": ["north", "south", "north", None]})


def answer(path: Path, statement: str, columns: Columns | None = None, **options: Any) -> Dataset:
    return read("test", Location(path, sql=statement), columns or Columns(), ReadOptions(**options))


@pytest.fixture(params=["csv", "jsonl", "parquet"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Two files, one for each day."""
    for day, rows in (("2026-11-29", FRAME[:2]), ("2026-11-30", FRAME[2:])):
        folder = tmp_path / f"day={day}"
        folder.mkdir()
        match request.param:
            case "csv":
                rows.to_csv(folder / "a.csv", index=False)
            case "jsonl":
                rows.to_json(folder / "a.jsonl", orient="records", lines=True)
            case _:
                rows.to_parquet(folder / "a.parquet", index=False)
    return tmp_path


def test_the_answer_over_files_is_a_data_set(files: Path) -> None:
    """With the columns of the folders, in the order that the statement gives, and a digest of these rows."""
    data = answer(files, "SELECT id, age * 2 AS twice, day FROM data WHERE age > 30 ORDER BY age DESC", Columns(id="id"))
    assert data.ids.tolist() == ["10", "8", "007"]
    assert data.cells.column("twice").to_list() == [120, 90, 62]
    assert data.cells.column("day").to_list() == [date(2026, 11, 30), date(2026, 11, 29), date(2026, 11, 29)]
    again = answer(files, "SELECT id, age * 2 AS twice, day FROM data WHERE age > 30 ORDER BY 2 DESC -- the same", Columns(id="id"))
    other = answer(files, "SELECT id, age * 2 AS twice, day FROM data WHERE age > 30 ORDER BY age", Columns(id="id"))
    assert again.sha256 == data.sha256 != other.sha256


def test_a_table_can_be_read_twice_and_types_hold_for_the_answer(files: Path) -> None:
    statement = "SELECT a.age, count(*) AS n FROM data a JOIN data b ON a.age >= b.age GROUP BY a.age ORDER BY 1"
    data = answer(files, statement, types={"n": "category", "id": "text"})
    assert data.cells.column("age").to_list() == [27, 31, 45, 60]
    assert data.cells.column("n").to_list() == ["1", "2", "3", "4"]
    with pytest.raises(InputError, match=r"types.m: no column 'm': it has age, n"):
        answer(files, statement, types={"m": "category", "id": "text"})
    assert answer(files, "FROM data", Columns(id="id"), missing=["north"]).cells.column("region").isna().sum() == 3


def test_sums_and_other_types_that_duckdb_gives(files: Path) -> None:
    statement = """
        SELECT sum(age) AS s, avg(age) AS m, 1.50::DECIMAL(9, 2) AS d, [1, 2] AS l, 'x'::ENUM('x') AS e, TIMESTAMP '2026-01-01' AS t
        FROM data
    """
    row = answer(files, statement, types={"id": "text"}).cells.frame().iloc[0].to_dict()
    assert row == {"s": 163, "m": 40.75, "d": 1.5, "l": "[1, 2]", "e": "x", "t": pd.Timestamp("2026-01-01")}
    with pytest.raises(InputError, match=r"the answer has a column that cannot be kept .*: cast it in the statement"):
        answer(files, "SELECT INTERVAL 1 DAY AS i FROM data", types={"id": "text"})


def test_a_database_is_read_and_never_written(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE sales AS SELECT range AS amount FROM range(5)")
        connection.execute("CREATE VIEW users AS SELECT * FROM read_csv('/etc/passwd', sep = ':')")
    before = path.read_bytes()
    assert answer(path, "SELECT amount FROM sales WHERE amount > 1").cells.column("amount").to_list() == [2, 3, 4]
    with pytest.raises(InputError, match=r"sql: .*attached in read-only mode"):
        answer(path, "WITH x AS (INSERT INTO sales VALUES (9) RETURNING *) SELECT * FROM x")
    with pytest.raises(InputError, match=r"sql: .*file system operations are disabled"):
        answer(path, "FROM users")
    with pytest.raises(InputError, match=r"is a database of DuckDB, and decimal is for CSV"):
        answer(path, "FROM sales", decimal=",")
    with pytest.raises(InputError, match="is a database: say which rows of it are meant"):
        read("test", path, Columns())
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("SELECT * FROM read_csv('{}')", "file system operations are disabled"),
        ("SELECT * FROM '{}'", "does not exist|file system operations are disabled"),
        ("SELECT * FROM read_text('{}')", "file system operations are disabled"),
        ("SELECT * FROM glob('{}')", "file system operations are disabled"),
        ("COPY data TO '{}'", "sql: is COPY, and only SELECT is read: write one SELECT statement"),
        ("INSTALL httpfs", "and only SELECT is read"),
        ("LOAD httpfs", "and only SELECT is read"),
        ("ATTACH '{}'", "sql: is ATTACH, and only SELECT is read"),
        ("SET enable_external_access = true", "sql: is SET, and only SELECT is read"),
        ("SELECT 1; SELECT * FROM data", "sql: holds 2 statements: write one SELECT"),
        ("  -- nothing", "sql: holds 0 statements"),
        ("SELECT getenv('HOME')", "sql: Catalog Error"),
        ("SELECT * FROM frame", "sql: Catalog Error"),
        ("SELECT nothing FROM data", "sql: Binder Error"),
        ("SELEC 1", "sql: Parser Error"),
        ("SELECT CAST(region AS INTEGER) FROM data", "sql: .*Could not convert string"),
    ],
)
def test_a_statement_reaches_nothing_else(tmp_path: Path, statement: str, message: str) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("password\nhunter2\n")
    FRAME.to_parquet(tmp_path / "a.parquet", index=False)
    with pytest.raises(InputError, match=message) as raised:
        answer(tmp_path / "a.parquet", statement.format(secret))
    assert "hunter2" not in str(raised.value)
    assert secret.read_text() == "password\nhunter2\n"


def test_a_file_with_a_name_like_a_pattern(tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "a[1].parquet", index=False)
    assert answer(tmp_path / "a[1].parquet", "SELECT age FROM data").rows == 4


def test_the_digest_of_rows_is_of_what_they_hold() -> None:
    """Not of batches, nor of a type that holds the same cells; any other cell, name or order gives another."""

    def digest(*tables: pa.Table) -> str:
        found = RowsDigest(tables[0].schema)
        for batch in (batch for table in tables for batch in table.to_batches()):
            found.update(batch)
        return found.hexdigest()

    numbers = {"n": [1, None, 3], "x": [0.5, 1.5, None]}
    table = pa.table({**numbers, "s": ["a", None, ""], "b": [True, None, False], "l": [[1], None, []]})
    assert digest(table) == digest(table[:1], table[1:]) == digest(table.cast(table.schema.set(2, pa.field("s", pa.large_string()))))
    assert digest(table) == digest(table.set_column(2, "s", table["s"].dictionary_encode()))
    filled, moved = table.set_column(0, "n", pa.array([1, 0, 3])), table.set_column(2, "s", pa.array(["a", "", None]))
    others = [filled, moved, table.rename_columns(list("nxsbm")), table.take([1, 0, 2])]
    assert len({digest(table), *map(digest, others)}) == 5
    days = pa.table({"d": pa.array([date(2026, 1, 1)])})
    assert digest(days) != digest(days.cast(pa.schema([("d", pa.timestamp("us"))])))


def test_an_answer_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.datasets.file_bytes.MOST_BYTES", 100)
    table = pa.table({"x": list(range(100))})
    with pytest.raises(Unreadable, match="the answer holds more than"):
        write_rows(table.to_batches(), table.schema, "a.parquet")


def test_answers_are_deleted_when_the_process_ends(tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "a.parquet", index=False)
    code = (
        "import os; from pathlib import Path; from audit.datasets import Columns; from audit.datasets.parts import Location;"
        "from audit.datasets.reading import read; from audit import disk_cache;"
        "data = read('test', Location(Path('a.parquet'), sql='FROM data'), Columns());"
        "child = os.fork()\nif child == 0: raise SystemExit\nos.waitpid(child, 0); data.cells.refuse_change();"
        "print(len([*disk_cache.root().glob('rows-*')]))"
    )
    surroundings = {"AUDIT_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(Path(__file__).parents[2])}
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True, env=surroundings)
    assert ran.stdout == "1\n"
    assert not [*(tmp_path / "cache").glob("rows-*")]


def test_what_a_killed_process_left_goes_after_a_month(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT_CACHE", str(tmp_path))
    for name, days in (("rows-old", 31), ("rows-new", 29), ("predictions", 31)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - days * 86_400,) * 2)
    monkeypatch.setattr(scratch_files, "_folder", scratch_files._folder.__wrapped__)
    made = scratch_files.scratch_file("a.parquet").parents[1]
    assert {path for path in tmp_path.iterdir() if path.is_dir()} == {tmp_path / "rows-new", tmp_path / "predictions", made}


POLICY = """
policy: shop
datasets:
  test:
    path: data
    sql: {sql}
columns: {{label: y, prediction: p}}
candidate: {{task: tabular-classification, load: {{kind: predictions}}}}
require:
  - {{check: performance/accuracy, min: 0.5}}
"""


def test_a_mistake_in_a_statement_is_at_its_line(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    pd.DataFrame({"y": [0, 1], "p": [0, 1]}).to_parquet(tmp_path / "data" / "a.parquet", index=False)
    (tmp_path / "policy.yaml").write_text(POLICY.format(sql="SELECT z FROM data"))
    with pytest.raises(PolicyError, match=r"policy.yaml:6:10: datasets.test.sql: .*data: sql: Binder Error"):
        read_datasets(load(tmp_path / "policy.yaml"))
    (tmp_path / "policy.yaml").write_text(POLICY.format(sql="SELECT y, p FROM data"))
    assert read_datasets(load(tmp_path / "policy.yaml"))["test"].rows == 2
    (tmp_path / "policy.yaml").write_text(POLICY.format(sql="''"))
    with pytest.raises(PolicyError, match=r"policy.yaml:6:10: datasets.test.sql: "):
        load(tmp_path / "policy.yaml")
