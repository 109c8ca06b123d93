"""Folders, globs and partitions of files: one data set in a defined order, or a message that names the file that does not fit."""

from __future__ import annotations

import hashlib
import subprocess
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.datasets import Columns, parquet_file
from audit.datasets.columns import ReadOptions
from audit.datasets.identity import rows_sha256
from audit.datasets.parts import Location, Part, find_parts, is_there
from audit.datasets.reading import read
from audit.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from audit.datasets import Dataset

WHOLE = pd.DataFrame(
    {
        "age": [31, 45, 27, 60, 52, 38],
        "score": [0.1, 0.9, 0.4, 0.7, None, 0.2],
        "region": ["north", "south", None, "north", "07", "east"],
        "member": [True, False, True, True, False, False],
    }
)
FORMATS = ("csv", "csv.gz", "jsonl", "parquet")


def save(frame: pd.DataFrame, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    elif ".csv" in path.name:
        frame.to_csv(path, index=False)
    else:
        frame.to_json(path, orient="records", lines=True, double_precision=15)
    return path


def rows_of(path: Path, columns: Columns | None = None, **options: Any) -> Dataset:
    return read("test", path, columns or Columns(), ReadOptions(**options))


@pytest.mark.parametrize("kind", FORMATS)
def test_three_files_hold_what_one_file_holds(tmp_path: Path, kind: str) -> None:
    """The same cells of the same types, in the natural order of the names, and the same digest of the rows."""
    one = rows_of(save(WHOLE, tmp_path / f"one.{kind}"))
    for place, name in enumerate(("part-1", "part-2", "part-10")):
        save(WHOLE[2 * place : 2 * place + 2], tmp_path / "parts" / f"{name}.{kind}")
    many = rows_of(tmp_path / "parts")
    assert (many.cells.names, many.rows) == (one.cells.names, one.rows)
    for name in one.cells.names:
        pd.testing.assert_series_equal(many.cells.column(name), one.cells.column(name))
    assert rows_sha256(many) == rows_sha256(one)
    batches = pd.concat(list(many.cells.batches(["score", "region", "member"], 3)))
    pd.testing.assert_frame_equal(batches, one.cells.frame(["score", "region", "member"]))


def test_the_digest_is_that_of_what_sha256sum_prints(tmp_path: Path) -> None:
    for name in ("a-2.csv", "a-10.csv"):
        (tmp_path / name).write_text(f"x\n{name}\n")
    printed = subprocess.run(["sha256sum", "a-2.csv", "a-10.csv"], cwd=tmp_path, capture_output=True, check=True).stdout
    assert rows_of(tmp_path / "a-*.csv").sha256 == hashlib.sha256(printed).hexdigest()


@pytest.mark.parametrize("kind", FORMATS)
def test_a_partition_gives_typed_columns(tmp_path: Path, kind: str) -> None:
    for day, shop, age in (("2026-11-29", "7", 31), ("2026-11-30", "12", 45)):
        save(pd.DataFrame({"age": [age]}), tmp_path / f"day={day}" / f"shop={shop}" / "hour=07" / f"part-0.{kind}")
    data = rows_of(tmp_path)
    assert data.cells.names == ("age", "day", "shop", "hour")
    assert data.cells.column("day").to_list() == [date(2026, 11, 29), date(2026, 11, 30)]
    assert (data.kind("day").name, data.kind("shop").name, data.kind("hour").name) == ("day", "number", "category")
    assert data.cells.column("shop").to_list() == [7, 12]
    assert data.cells.column("hour").to_list() == ["07", "07"]
    assert rows_of(tmp_path / "day=2026-11-30").cells.column("day").to_list() == [date(2026, 11, 30)]
    assert rows_of(tmp_path / "day=*" / "shop=12" / "*" / "*").cells.column("shop").to_list() == [12]
    assert rows_of(tmp_path / f"day=2026-11-29/shop=7/hour=07/part-0.{kind}").cells.column("shop").to_list() == [7]


def test_an_empty_cell_of_a_partition_and_a_blank_in_its_name(tmp_path: Path) -> None:
    for value in ("__HIVE_DEFAULT_PARTITION__", "north%20west"):
        save(pd.DataFrame({"age": [len(value)]}), tmp_path / f"region={value}" / "a.parquet")
    assert rows_of(tmp_path).values("region").tolist() == [None, "north west"]


def test_a_day_that_no_calendar_has_is_text(tmp_path: Path) -> None:
    save(WHOLE, tmp_path / "day=2026-02-30" / "a.csv")
    assert set(rows_of(tmp_path).cells.column("day")) == {"2026-02-30"}


def test_hidden_and_temporary_files_are_left_out_and_listed(tmp_path: Path) -> None:
    save(WHOLE, tmp_path / "part-0.csv")
    for name in ("_SUCCESS", ".part-0.csv.crc", "part-1.csv.tmp", "_temporary/part-9.csv"):
        save(WHOLE, tmp_path / name)
    data = rows_of(tmp_path)
    assert data.rows == 6
    assert data.remarks == ("4 hidden or temporary files are left out: .part-0.csv.crc, _SUCCESS, _temporary and 1 more.",)


def test_rows_are_named_by_file_and_row(tmp_path: Path) -> None:
    save(pd.DataFrame({"age": [31, 45], "when": ["2026-01-01", "2026-01-02"]}), tmp_path / "part-1.csv")
    save(pd.DataFrame({"age": [27, 60], "when": ["2026-01-03", "soon"]}), tmp_path / "part-2.csv")
    data = rows_of(tmp_path)
    assert [data.shown(row) for row in range(4)] == ["1 of part-1.csv", "2 of part-1.csv", "1 of part-2.csv", "2 of part-2.csv"]
    assert data.where(np.array([False, False, False, True])).shown(0) == "2 of part-2.csv"
    assert data.ids.tolist() == ["1", "2", "3", "4"]
    with pytest.raises(InputError, match=r"part-2.csv: row 2 has 'soon' in column 'when', which is declared to hold days"):
        rows_of(tmp_path, types={"when": "day"})
    save(pd.DataFrame({"age": [31], "when": ["2026-01-01"]}), tmp_path / "part-3.csv")
    with pytest.raises(InputError, match=r"id '31' is there 2 times"):
        rows_of(tmp_path, Columns(id="age"))


def test_a_file_that_is_called_by_an_address_is_not_named(tmp_path: Path) -> None:
    save(pd.DataFrame({"age": [31]}), tmp_path / "a.csv")
    save(pd.DataFrame({"age": [45]}), tmp_path / "jane.doe@example.org.csv")
    data = rows_of(tmp_path)
    assert [data.shown(row) for row in range(2)] == ["1 of a.csv", "2"]


def test_rows_of_parquet_files_are_named_too(tmp_path: Path) -> None:
    save(pd.DataFrame({"when": ["2026-01-01"]}), tmp_path / "part-1.parquet")
    save(pd.DataFrame({"when": ["2026-01-03", "soon"]}), tmp_path / "part-2.parquet")
    with pytest.raises(InputError, match=r"row 2 of part-2.parquet has 'soon' in column 'when'"):
        rows_of(tmp_path, types={"when": "day"})


def refused(folder: Path, match: str, **files: pd.DataFrame) -> None:
    for name, frame in files.items():
        save(frame, folder / name.replace("_", "."))
    with pytest.raises(InputError, match=match):
        rows_of(folder)


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_files_that_do_not_fit_together(tmp_path: Path, kind: str) -> None:
    """The message names the file and the column."""
    numbers, words, flags = (pd.DataFrame({"x": cells, "y": [1, 2]}) for cells in ([1, 2], ["a", "b"], [True, False]))
    cases = {
        f"b.{kind} has no column 'y', which a.{kind} has: it has x: write every file with the same columns": numbers[["x"]],
        f"b.{kind} has a column 'z', which a.{kind} lacks: write every file with the same columns": numbers.assign(z=1),
        f"column 'x' holds numbers in a.{kind}, and text in b.{kind}: write": words,
        f"column 'x' holds numbers in a.{kind}, and true and false in b.{kind}: write": flags,
        f"b.{kind} holds the same 2 rows as a.{kind}: take one of them away": numbers,
    }
    for place, (message, other) in enumerate(cases.items()):
        refused(tmp_path / str(place), message, **{f"a_{kind}": numbers, f"b_{kind}": other})


def test_the_same_rows_written_by_another_hand(tmp_path: Path) -> None:
    """Two Parquet files whose bytes differ."""
    save(WHOLE, tmp_path / "a.parquet")
    WHOLE.to_parquet(tmp_path / "b.parquet", index=False, compression="zstd", row_group_size=2)
    with pytest.raises(InputError, match=r"b.parquet holds the same 6 rows as a.parquet"):
        rows_of(tmp_path)


def test_numbers_of_several_types_are_one_column(tmp_path: Path) -> None:
    """Whole numbers beside fractions, beside a file without any, and beyond what a float can tell apart."""
    for kind in ("csv", "parquet"):
        folder = tmp_path / kind
        save(pd.DataFrame({"x": [1, 2], "id": [2**60 + 1, 3], "n": [None, None]}), folder / f"a.{kind}")
        save(pd.DataFrame({"x": [0.5, None], "id": pd.array([2**60 + 3, None], dtype="Int64"), "n": [None, "a"]}), folder / f"b.{kind}")
        data = rows_of(folder)
        np.testing.assert_array_equal(data.cells.column("x").to_numpy(), [1, 2, 0.5, np.nan])
        assert data.cells.column("id").dropna().to_list() == [2**60 + 1, 3, 2**60 + 3]
        assert [cell for cell in data.cells.column("n") if isinstance(cell, str)] == ["a"]


def test_a_file_without_rows_is_none(tmp_path: Path) -> None:
    for kind in ("csv", "parquet"):
        save(WHOLE[:0], tmp_path / kind / f"a.{kind}")
        save(WHOLE, tmp_path / kind / f"b.{kind}")
        assert rows_of(tmp_path / kind).cells.column("age").to_list() == WHOLE["age"].to_list()


def test_what_no_data_set_can_be_made_of(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "is a folder without a file of rows: put the files there first")
    with pytest.raises(InputError, match=r"no file matches: mend the pattern"):
        rows_of(tmp_path / "2026-*.csv")
    refused(tmp_path / "mixed", r"two formats, a.csv \(CSV\) and b.parquet \(Parquet\): name those", a_csv=WHOLE, b_parquet=WHOLE)
    save(WHOLE, tmp_path / "notes" / "a.csv").with_name("README.md").write_text("notes")
    refused(tmp_path / "notes", r"holds README.md, which is not a kind of file that can be read: name the files by a glob")
    save(WHOLE, tmp_path / "layouts" / "day=1" / "a.csv")
    refused(tmp_path / "layouts", r"a.csv lies in a partition by none, and day=1/a.csv in one by day", a_csv=WHOLE)
    save(WHOLE, tmp_path / "twice" / "age=31" / "a.csv")
    refused(tmp_path / "twice", "column 'age' is in the file and in the name of its folder: leave it out")
    save(WHOLE, tmp_path / "damaged" / "a.parquet")
    save(WHOLE, tmp_path / "damaged" / "b.parquet").write_bytes(b"PAR1 and no more")
    refused(tmp_path / "damaged", r"b.parquet: is not a whole Parquet file")
    save(WHOLE, tmp_path / "lines" / "a.csv")
    save(WHOLE, tmp_path / "lines" / "b.csv").write_text("age,score\n1,2,3\n")
    refused(tmp_path / "lines", r"b.csv: line 2: 3 cells under 2 column names")


def test_links_stay_in_the_project(tmp_path: Path) -> None:
    outside = save(WHOLE, tmp_path / "outside" / "a.csv")
    project = tmp_path / "project"
    (project / "data").mkdir(parents=True)
    (project / "data" / "b.csv").symlink_to(outside)
    assert read("test", Location(project / "data"), Columns()).rows == 6
    with pytest.raises(InputError, match=r"b.csv is a link that leads out of the project folder .*project: copy the file inside"):
        read("test", Location(project / "data", within=project), Columns())
    (project / "data" / "b.csv").unlink()
    (project / "data" / "b.csv").symlink_to(project / "gone.csv")
    with pytest.raises(InputError, match=r"b.csv is a link to a file that is not there"):
        read("test", Location(project / "data"), Columns())
    (project / "data" / "b.csv").unlink()
    (project / "data" / "round").symlink_to(project / "data")
    with pytest.raises(InputError, match=r"reaches the folder round twice, by a link"):
        read("test", Location(project / "data"), Columns())


def test_a_file_whose_name_looks_like_a_glob_is_that_file(tmp_path: Path) -> None:
    assert rows_of(save(WHOLE, tmp_path / "a[1].csv")).rows == 6
    assert is_there(tmp_path / "a[1].csv")
    assert is_there(tmp_path / "a*.csv")
    assert not is_there(tmp_path / "b*.csv")


def test_a_parquet_part_that_changes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_file, "CACHED_BYTES", 0)
    save(WHOLE[:3], tmp_path / "a.parquet")
    save(WHOLE[3:], tmp_path / "b.parquet")
    data = rows_of(tmp_path)
    save(WHOLE[4:], tmp_path / "b.parquet")
    with pytest.raises(InputError, match=r"b.parquet: was changed while it was audited"):
        data.cells.column("age")


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=8, unique=True))
def test_files_come_in_the_order_of_their_numbers(tmp_path_factory: pytest.TempPathFactory, numbers: list[int]) -> None:
    folder = tmp_path_factory.mktemp("parts")
    for number in numbers:
        (folder / f"part-{number}.csv").touch()
    assert [part.name for part in find_parts(folder).parts] == [f"part-{number}.csv" for number in sorted(numbers)]


def test_a_format_by_the_name_of_a_file(tmp_path: Path) -> None:
    names = ("A.CSV", "a.csv.gz", "b.NDJSON", "c.jsonl.gz", "d.parquet")
    assert [Part(tmp_path / name, name).format for name in names] == ["CSV", "CSV", "JSON lines", "JSON lines", "Parquet"]
