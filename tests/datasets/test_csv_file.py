"""CSV of other separators, marks and encodings: read where one reading fits, else refused with the key that helps."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit.datasets import file_bytes
from audit.errors import InputError
from tests.reading_files import read_file

if TYPE_CHECKING:
    from pathlib import Path

MANY = "".join(f"{n},{n}.5\n" for n in range(30))

READ: dict[str, tuple[str | bytes, dict[str, Any], dict[str, list[Any]], str]] = {
    "semicolon": ("a;s\n1;0,5\n2;0,25\n", {}, {"a": [1, 2], "s": [0.5, 0.25]}, "';' stands between its cells"),
    "semicolon, told": ("a;s\n1;0,5\n2;0,25\n", {"separator": ";", "decimal": ","}, {"s": [0.5, 0.25]}, ""),
    "semicolon and points": ("a;s\n1;0.5\n2;0.25\n", {}, {"s": [0.5, 0.25]}, "';'"),
    "thousands beside commas": ("a;s\n1;1.234,56\n2;12,5\n", {}, {"s": [1234.56, 12.5]}, "a comma is read as the decimal mark ('s')"),
    "thousands in another column": ("a;s\n1.234;0,5\n2.345;0,25\n", {}, {"a": [1234, 2345]}, "decimal mark"),
    "semicolon and quotes": (
        '"a";"s"\n"x;y";"0,5"\n"z";"0,25"\n',
        {},
        {"a": ["x;y", "z"], "s": [0.5, 0.25]},
        "';' stands between its cells",
    ),
    "spaces of thousands": ("a;s\n1;1 234,5\n2;12 345,25\n", {}, {"s": [1234.5, 12345.25]}, "decimal mark"),
    "an index beside commas": (";a\n0;2,5\n1;4,5\n", {}, {"a": [2.5, 4.5]}, "left out as the index"),
    "a word beside commas": (
        "x;k\n" + "".join(f"{n},5;1\n" for n in range(30)) + "NA;1\n",
        {},
        {},
        "x: numbers in 30 of 31 rows; 'NA' in 1, first in row 31",
    ),
    "tab": ("a\tb\n1\tx, y\n2\tz\n", {}, {"b": ["x, y", "z"]}, "a tab stands between"),
    "tab, named by its word": ("a\tb\n1\tx\n2\tz\n", {"separator": "tab"}, {"b": ["x", "z"]}, ""),
    "bar": ("a|b\n1|x\n2|z\n", {}, {"b": ["x", "z"]}, "'|' stands between"),
    "named by its first line": ("sep=;\na;b\n1;x\n2;z\n", {}, {"b": ["x", "z"]}, ""),
    "quoted, with empty lines": ('a;b\n1;"x;y"\n\n2;z\n', {}, {"b": ["x;y", "z"]}, "';'"),
    "a bar in a name": ("a|b,c\n1,2\n3,4\n", {}, {"a|b": [1, 3], "c": [2, 4]}, ""),
    "one column": ("text\na;b\nc\n", {}, {"text": ["a;b", "c"]}, ""),
    "commas of thousands": ('a,s\n1,"1,234.50"\n2,999.5\n', {}, {"s": [1234.5, 999.5]}, "s: separators between thousands are left out"),
    "commas beside a comma": ('a,s\n1,"1,5"\n2,"2,25"\n', {}, {"s": ["1,5", "2,25"]}, 'if these are numbers, set `decimal: ","`'),
    "commas beside a comma, told": ('a,s\n1,"1,5"\n2,"2,25"\n', {"decimal": ","}, {"s": [1.5, 2.25]}, ""),
    "a thousand or one": ('a,s\n1,"1,234"\n2,"2,345"\n', {}, {"s": ["1,234", "2,345"]}, "where the comma separates thousands"),
    "a thousand, told": ('a,s\n1,"1,234"\n2,"2,345"\n', {"decimal": "."}, {"s": [1234, 2345]}, ""),
    "utf-16": ("a,b\n1,é\n".encode("utf-16"), {}, {"b": ["é"]}, ""),
    "utf-32": ("a,b\n1,é\n".encode("utf-32"), {}, {"b": ["é"]}, ""),
    "utf-16, told": ("a,b\n1,é\n".encode("utf-16-le"), {"encoding": "utf-16-le"}, {"b": ["é"]}, ""),
    "cp1252": ("a,b\n1,é\n".encode("cp1252"), {"encoding": "cp1252"}, {"b": ["é"]}, ""),
    "an index": (",a,b\n7,1,2\n3,3,4\n", {}, {"a": [1, 3], "b": [2, 4]}, "left out as the index that pandas writes"),
    "names of rows": ('"","a"\n"Mazda",1\n"Fiat",3\n', {}, {"a": [1, 3]}, "left out as the index"),
    "blanks for no number": ("a,b\n1,1\n ,2\n3,3\n", {}, {"a": [1, None, 3]}, ""),
    "a word": (
        f"a,b\n{MANY}NA,1\n",
        {},
        {"a": [*map(str, range(30)), "NA"]},
        "a: numbers in 30 of 31 rows; 'NA' in 1, first in row 31. Set",
    ),
    "a word, told": (f"a,b\n{MANY}NA,1\n", {"missing": ["NA"]}, {"a": [*range(30), None]}, ""),
    "null, told": (f"a,b\n{MANY}NULL,1\n", {"missing": [None]}, {"a": [*range(30), None]}, ""),
    "a number for nothing": ("a,b\n-999,1\n4,2\n", {"missing": [-999]}, {"a": [None, 4]}, ""),
    "another notation": (f'a,b\n{MANY}5,"12,5"\n', {}, {}, "b: numbers in 30 of 31 rows; '12,5' in 1, first in row 31. Mend these cells"),
    "a percentage": (f"a,b\n{MANY}3%,1\n", {}, {}, "'3%' in 1, first in row 31. Mend these cells, or set `types: {a: text}`"),
    "a category": ("a\nNA\nx\ny\n", {}, {"a": ["NA", "x", "y"]}, "a: 'NA' is read as a word, not as an empty cell, in 1 of 3 rows"),
    "a category, told": ("a\nNA\nx\ny\n", {"types": {"a": "category"}}, {"a": ["NA", "x", "y"]}, ""),
}


@pytest.mark.parametrize("case", READ)
def test_read(tmp_path: Path, case: str) -> None:
    """Cells as meant, and a remark where something was chosen or is odd."""
    content, options, expected, remark = READ[case]
    data = read_file(tmp_path, content, **options)
    assert {name: data.values(name).tolist() for name in expected} == expected
    assert remark in " ".join(data.remarks)
    assert bool(remark) == bool(data.remarks)


def test_many_columns_are_told_together(tmp_path: Path) -> None:
    names = [f"c{place}" for place in range(20)]
    data = read_file(tmp_path, f"{','.join(names)}\n{','.join(['NA'] * 20)}\n{','.join('x' * 20)}\n")
    assert len(data.remarks) == 4
    assert data.remarks[-1] == "The same holds of 17 further columns of categories: c3, c4, c5, c6, c7, c8, c9, c10, c11, c12 and 7 more."


REFUSED: dict[str, tuple[str | bytes, dict[str, Any], str]] = {
    "two separators": ("a;b,c;d\n1;2,3;4\n", {}, "can be read with ',' (2 columns) and with ';' (3 columns) between its cells"),
    "one that nearly fits": ("a;b\n1;2;3\n", {}, "seems to have ';' between its cells, but line 2: 3 cells under 2 column names"),
    "two marks": ("s;t\n0.5;0,5\n0.25;1,5\n", {}, "column 't' has decimal commas, and column 's' has decimal points ('0.5'): say"),
    "a thousand or one": ("a;s\n1;1,234\n2;2,345\n", {}, "row 1 has '1,234' in column 's', which is 1234 or 1.234: say what the comma is"),
    "another encoding": ("a\né\n".encode("cp1252"), {}, "line 2: not UTF-8 (byte 0xe9): save the file as UTF-8, or say"),
    "the wrong encoding": (b"a\n\xff\xff\n", {"encoding": "utf-8"}, "line 2: not utf-8"),
    "utf-16 without a mark": ("a,b\n1,é\n".encode("utf-16-le"), {}, "UTF-16 without a byte order mark: say so (`encoding: utf-16-le`)"),
    "a nameless column": (",a\n1.5,2\n2.5,3\n", {}, "column 1 of the first line has no name"),
    "a word in a number": (
        "a\n3\nNA\n",
        {"types": {"a": "number"}},
        "row 2 has 'NA' in column 'a', which is declared to hold numbers: mend it",
    ),
    "no number": ("a\n3\ninf\n", {"types": {"a": "number"}}, "row 2 has 'inf' in column 'a'"),
    "no day": ("a\n01/02/2026\n", {"types": {"a": "day"}}, "row 1 has '01/02/2026' in column 'a', which is declared to hold days"),
    "a comma in a number": ('a\n"1,234"\n', {"types": {"a": "number"}}, "say whether the comma is the decimal mark"),
    "no time that can be held": ("a\n9999-12-31\n", {"types": {"a": "time"}}, "row 1 has '9999-12-31' in column 'a'"),
    "times of two kinds": ("a\n2026-01-02T00:00Z\n2026-01-02T00:00\n", {"types": {"a": "time"}}, "has times with a zone and without one"),
    "no column": ("age\n3\n", {"types": {"aeg": "number"}}, "types.aeg: no column 'aeg', did you mean 'age'?"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(tmp_path: Path, case: str) -> None:
    content, options, message = REFUSED[case]
    with pytest.raises(InputError) as refused:
        read_file(tmp_path, content, **options)
    assert message in str(refused.value)


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_declared_types(tmp_path: Path, name: str) -> None:
    """Columns are what the policy says, in every format."""
    frame = pd.DataFrame(
        {
            "zip": ["01067", "8"],
            "code": [7, 8],
            "age": ["3", "NA"],
            "day": ["2026-01-02", "NA"],
            "at": ["2026-01-02T01:00:00", "2026-01-03"],
        }
    )
    path = tmp_path / f"made-{name}"
    if name.endswith(".csv"):
        frame.to_csv(path, index=False)
    elif name.endswith(".jsonl"):
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path)
    types = {"zip": "text", "code": "category", "age": "number", "day": "date", "at": "time"}
    data = read_file(tmp_path, path.read_bytes(), name, missing=["NA"], types=types)
    assert data.values("zip").tolist() == ["01067", "8"]
    assert data.values("code").tolist() == ["7", "8"]
    assert data.values("age").tolist() == [3, None]
    assert data.values("day").tolist() == ["2026-01-02", None]
    assert data.values("at").tolist() == ["2026-01-02 01:00:00", "2026-01-03 00:00:00"]
    assert [data.kind(column).name for column in types] == ["text", "category", "number", "day", "time"]
    assert data.remarks == ()


LONG = [9007199254740993, None, 9007199254740992]


@pytest.mark.parametrize(
    ("name", "scale"), [("a.parquet", 2000), *[(name, scale) for name in ("a.csv", "a.jsonl") for scale in (1, 2000, 10**5)]]
)
def test_long_whole_numbers_keep_every_digit_beside_blanks(tmp_path: Path, name: str, scale: int) -> None:
    """In any column; beyond 64 bits as text, which names the same things."""
    cells = [None if cell is None else cell * scale for cell in LONG]
    if name.endswith(".parquet"):
        pd.DataFrame({"x": pd.array(cells, dtype="UInt64")}).to_parquet(tmp_path / name)
        content: str | bytes = (tmp_path / name).read_bytes()
    elif name.endswith(".csv"):
        content = "x,y\n" + "".join(f"{'' if cell is None else cell},1\n" for cell in cells)
    else:
        content = "".join(f'{{"x": {"null" if cell is None else cell}}}\n' for cell in cells)
    data = read_file(tmp_path, content, name)
    assert [None if value is None else int(str(value)) for value in data.values("x").tolist()] == cells


def test_large_numbers_are_no_classes_and_may_be_targets(tmp_path: Path) -> None:
    """What a float has rounded can be predicted, and names nothing."""
    data = read_file(tmp_path, "y\n1.7603031710824606e16\n0.5\n")
    assert data.numbers("y").tolist() == [17603031710824606.0, 0.5]
    with pytest.raises(Exception, match=r"near 17603031710824606.*it names no class"):
        data.labels("y")


def test_the_limit_on_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file, an archive and a Parquet that unpack beyond it are refused before they are unpacked in full."""
    monkeypatch.setattr(file_bytes, "MOST_BYTES", 10_000)
    rows = "text\n" + "x" * 20_000 + "\n"
    for name, content in (("a.csv", rows.encode()), ("a.csv.gz", gzip.compress(rows.encode()))):
        with pytest.raises(InputError, match=r"(holds|unpacks to) more than .* GiB: give a sample of its rows"):
            read_file(tmp_path, content, name)
    for kind, cell in ((pa.string(), "x" * 500), (pa.large_string(), "x" * 500), (pa.list_(pa.string()), ["x" * 500])):
        pq.write_table(pa.table({"text": pa.array([cell] * 100, kind)}), tmp_path / "made.parquet")
        assert (tmp_path / "made.parquet").stat().st_size < 5_000
        with pytest.raises(InputError, match="unpacks to more than"):
            read_file(tmp_path, (tmp_path / "made.parquet").read_bytes(), "a.parquet")
    pd.DataFrame({"x": np.zeros(5_000)}).to_parquet(tmp_path / "zeros.parquet")
    with pytest.raises(InputError, match="unpacks to more than"):
        read_file(tmp_path, (tmp_path / "zeros.parquet").read_bytes(), "a.parquet")


def test_pipes_and_devices_are_refused(tmp_path: Path) -> None:
    """One that never ends would be read for ever."""
    import os

    from audit.datasets import Columns
    from audit.datasets.reading import read

    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    for name in ("pipe.csv", "zero.csv"):
        with pytest.raises(InputError, match="is a pipe or a device, and no file: save its content in a file first"):
            read("test", tmp_path / name, Columns())


def test_what_is_for_csv_alone(tmp_path: Path) -> None:
    pd.DataFrame({"x": [1]}).to_parquet(tmp_path / "made.parquet")
    with pytest.raises(InputError, match="is Parquet, and separator and encoding are for CSV: leave it out"):
        read_file(tmp_path, (tmp_path / "made.parquet").read_bytes(), "a.parquet", separator=";", encoding="utf-8")
    assert read_file(tmp_path, '{"x": "é"}\n'.encode("cp1252"), "a.jsonl", encoding="cp1252").values("x").tolist() == ["é"]
