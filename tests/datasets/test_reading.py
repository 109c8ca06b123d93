"""Files become data sets, or are refused with what is wrong, where, and what to do."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import math
import tempfile
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.candidates.predictions import Predictions
from audit.candidates.saved import Absent
from audit.datasets import Columns, canonical
from audit.datasets.reading import read
from audit.errors import InputError
from audit.subject import Subject

TEXT = Columns(id="id", text="text", label="label")
FRAME = pd.DataFrame({"id": ["007", "8", "9"], "text": ["NA", 'a, "b"\nc', "null"], "label": [1, 0, 1], "score": [0.1, 1 / 3, 1e-300]})


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def save(frame: pd.DataFrame, path: Path) -> Path:
    if ".csv" in path.name:
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_json(path, orient="records", lines=True, double_precision=15)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet", "a.jsonl", "a.ndjson.gz", "A.CSV"])
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    """The same table comes back from each format, words such as NA included, and integers stay integers."""
    path = save(FRAME, tmp_path / name.lower()).rename(tmp_path / name)
    data = read("test", path, TEXT, source="made", licence="CC0-1.0")
    assert data.ids.tolist() == ["007", "8", "9"]
    assert data.texts() == ["NA", 'a, "b"\nc', "null"]
    assert data.labels("label").tolist() == ["1", "0", "1"]
    assert data.cells.column("label").dtype == np.int64
    assert math.isclose(data.cells.column("score")[1], 1 / 3, rel_tol=1e-14)
    assert data.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (data.role, data.source, data.licence) == ("test", "made", "CC0-1.0")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1, max_size=8))
def test_any_text_survives_a_csv(texts: list[str]) -> None:
    """Whatever stands in a cell is what the model will read."""
    with tempfile.TemporaryDirectory() as folder:
        frame = pd.DataFrame({"text": texts, "n": range(len(texts))})
        path = Path(folder) / "a.csv"
        frame.to_csv(path, index=False, quoting=csv.QUOTE_NONNUMERIC)
        assert read("test", path, Columns(text="text")).texts() == texts


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_numbers_keep_every_bit(numbers: list[float]) -> None:
    """A probability read from a CSV is the one that was written."""
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), "a.csv", "score\n" + "".join(f"{number!r}\n" for number in numbers))
        assert read("test", path, Columns()).cells.column("score").to_list() == numbers


def test_only_an_empty_cell_is_missing(tmp_path: Path) -> None:
    """A numeric column with a gap stays numeric; the gap is shown as none."""
    path = write(tmp_path, "a.csv", "\ufefftext,age,region\nx,3,\n,,NA\n")
    data = read("test", path, Columns(text="text"))
    assert data.texts() == ["x", ""]
    assert data.values("age").tolist() == [3.0, None]
    assert data.values("region").tolist() == [None, "NA"]


def test_an_index_that_pandas_wrote_is_no_feature(tmp_path: Path) -> None:
    """A nameless index is dropped, a named one is a column."""
    frame = FRAME.set_index("id")
    frame.to_parquet(tmp_path / "named.parquet")
    FRAME.iloc[[2, 0]].to_parquet(tmp_path / "nameless.parquet")
    assert read("test", tmp_path / "named.parquet", TEXT).ids.tolist() == ["007", "8", "9"]
    assert "__index_level_0__" not in read("test", tmp_path / "nameless.parquet", TEXT).feature_names()


REFUSED: dict[str, tuple[str, str | bytes, str]] = {
    "wrong ending": ("a.xlsx", "", "not a kind of file that can be read: give one that ends in .csv"),
    "no rows": ("a.csv", "id,text,label\n", "holds no rows"),
    "empty": ("a.csv", "", "holds no rows"),
    "empty jsonl": ("a.jsonl", "\n\n", "holds no rows"),
    "short record": ("a.csv", "id,text,label\n1,x,0\n2,y\n", "line 3: 2 cells under 3 column names"),
    "long record": ("a.csv", "id,text,label\n1,x,y,0\n", "line 2: 4 cells under 3 column names"),
    "open quote": ("a.csv", 'id,text,label\n1,"x,0\n', "line 2: unexpected end of data"),
    "twice": ("a.csv", "id,text,text,label\n1,x,y,0\n", "column 'text' is there 2 times"),
    "nameless": ("a.csv", "id,,text,label\n0,1,x,0\n", "column 2 of the first line has no name"),
    "nameless and no index": ("a.csv", ",id,text,label\n0,1,x,0\n0,2,y,1\n", "column 1 of the first line has no name"),
    "not utf-8": ("a.csv", b"id,text,label\n1,caf\xe9,0\n", "line 2: not UTF-8 (byte 0xe9): save the file as UTF-8"),
    "absent": ("a.csv", "id,txt,label\n1,x,0\n", "columns.text: no column 'text', did you mean 'txt'?"),
    "same id": ("a.csv", "id,text,label\n1,x,0\n2,y,0\n2,z,0\n1,w,0\n", "id '1' is there 2 times in column 'id'"),
    "same id of another type": (
        "a.jsonl",
        '{"id": "x", "text": "", "label": 0}\n{"id": 1.0, "text": "", "label": 0}\n{"id": "1", "text": "", "label": 0}\n',
        "id '1' is there 2 times in column 'id'",
    ),
    "same truth for an id": ("a.csv", "id,text,label\nx,y,0\nTRUE,z,0\ntrue,w,0\nTrue,w,0\n", "id 'true' is there 3 times in column 'id'"),
    "no id beside texts": (
        "a.jsonl",
        '{"id": "x", "text": "", "label": 0}\n{"id": null, "text": "", "label": 0}\n',
        "row 2 has no id in column 'id'",
    ),
    "no id": ("a.csv", "id,text,label\n1,x,0\n,y,0\n", "row 2 has no id in column 'id'"),
    "not gzip": ("a.csv.gz", "id,text,label\n", "is not a whole gzip file"),
    "cut gzip": ("a.csv.gz", gzip.compress(b"id,text,label\n1,x,0\n")[:-9], "is not a whole gzip file"),
    "not parquet": ("a.parquet", "id,text,label\n", "is not a whole Parquet file"),
    "not json": ("a.jsonl", '{"id": 1, "text": "x", "label": 0}\n{"id": 2,\n', "line 2: "),
    "a list": ("a.jsonl", "[1, 2]\n", "line 1: not a JSON object: write one JSON object a line"),
    "key twice": ("a.jsonl", '{"id": 1, "id": 2, "text": "", "label": 0}\n', "line 1: 'id' is given twice"),
    "nan": ("a.jsonl", '{"id": 1, "text": "x", "label": NaN}\n', "line 1: NaN is not JSON (null is a missing value)"),
    "nul": ("a.csv", "id,text,label\n1,x,0\n2,y\0z,0\n", "line 3: holds a NUL character"),
    "deep json": ("a.jsonl", '{"id": 1, "text": "x", "label": ' + "[" * 100_000 + "]" * 100_000 + "}\n", "line 1: maximum recursion depth"),
    "list for a text": ("a.jsonl", '{"id": 1, "text": ["x"], "label": 0}\n', "row 1 has a list in column 'text'"),
    "object for a label": ("a.jsonl", '{"id": 1, "text": "x", "label": {"a": 1}}\n', "row 1 has an object in column 'label'"),
    "pointer": ("a.csv", "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n", "is a pointer of Git LFS"),
    "half a character": ("a.jsonl", '{"id": 1, "text": "\\ud800", "label": 0}\n', "line 1: 'utf-8' codec can't encode"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(tmp_path: Path, case: str) -> None:
    """Each refusal names the file and what is wrong with it."""
    name, content, message = REFUSED[case]
    path = write(tmp_path, name, content)
    with pytest.raises(InputError) as refused:
        read("test", path, TEXT)
    assert str(refused.value).startswith(f"datasets.test: {path}: ")
    assert message in str(refused.value)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    """A path that leads nowhere, or to a folder, is told apart."""
    (tmp_path / "b.csv").mkdir()
    with pytest.raises(InputError, match="there is no such file"):
        read("test", tmp_path / "a.csv", TEXT)
    with pytest.raises(InputError, match="is a folder without a file of rows: put the files there first"):
        read("test", tmp_path / "b.csv", TEXT)


def test_all_absent_columns_at_once(tmp_path: Path) -> None:
    """One message tells every role whose column is not there, and how to say that a file lacks it."""
    path = write(tmp_path, "a.csv", "id,text\n1,x\n")
    roles = Columns(id="id", text="text", label="label", sensitive=("gender",), scores={"0": "p0", "1": "p1"})
    with pytest.raises(InputError) as refused:
        read("production", path, roles)
    for part in ("columns.label: ", "columns.sensitive.0: ", "columns.scores.0: ", "columns.scores.1: "):
        assert part in str(refused.value)
    assert "datasets.production.columns: {label: null}" in str(refused.value)


def test_a_changed_byte_changes_the_digest(tmp_path: Path) -> None:
    """The digest is of the file, not of what was understood."""
    one = read("test", write(tmp_path, "a.csv", "id,text,label\n1,x,0\n"), TEXT)
    two = read("test", write(tmp_path, "b.csv", "id,text,label\r\n1,x,0\r\n"), TEXT)
    assert one.texts() == two.texts()
    assert one.sha256 != two.sha256


def test_a_code_with_a_leading_zero_is_not_the_number(tmp_path: Path) -> None:
    """`01` and `1` are two slices, in whichever column; numbers as 0.5, 0 and 10 stay numbers."""
    path = write(tmp_path, "a.csv", 'z,q,x,label\n01,"007",0.5,0\n1,8,0,10\n,9,10,1\n')
    data = read("test", path, Columns(label="label"))
    assert data.values("z").tolist() == ["01", "1", None]
    assert data.values("q").tolist() == ["007", "8", "9"]
    assert data.values("x").tolist() == [0.5, 0, 10]
    assert data.values("label").tolist() == [0, 10, 1]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_whole_numbers_beside_blanks_keep_their_names(tmp_path: Path, name: str) -> None:
    frame = pd.DataFrame({"age": pd.array([30, None, 41], dtype="Int64"), "height": [1.0, None, 2.5]})
    values = read("test", save(frame, tmp_path / name), Columns()).values("age").tolist()
    assert values == [30, None, 41]
    assert [type(value) for value in values] == [int, type(None), int]
    heights = read("test", tmp_path / name, Columns()).values("height").tolist()
    assert (heights, type(heights[0])) == ([1.0, None, 2.5], float)


TABLES: dict[str, tuple[pa.Table, str]] = {
    "bytes": (pa.table({"id": ["1", "2"], "text": [b"x", b"y"], "label": [0, 1]}), "row 1 has bytes in column 'text'"),
    "lists": (pa.table({"id": ["1", "2"], "text": ["x", "y"], "label": [[1, 2], [3]]}), "row 1 has a list in column 'label'"),
    "structs": (pa.table({"id": [{"a": 1}, {"a": 2}], "text": ["x", "y"], "label": [0, 1]}), "row 1 has an object in column 'id'"),
    "not utf-8": (pa.table({"text": pa.array([b"caf\xe9", b"x"]).view(pa.string())}), "is not a whole Parquet file"),
    "names": (pa.table([["x"], ["y"]], names=["text", "text"]), "column 'text' is there 2 times: give every column its own name"),
}


@pytest.mark.parametrize("case", TABLES)
def test_refused_tables(tmp_path: Path, case: str) -> None:
    """Cells that are no single value would be read as the text that Python shows for them."""
    table, message = TABLES[case]
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(InputError) as refused:
        read("test", tmp_path / "a.parquet", TEXT)
    assert message in str(refused.value)


def test_numbers_too_large_for_a_float_are_not_merged(tmp_path: Path) -> None:
    """Two accounts stay two groups, beside a gap too; beside fractions they would become one, and are refused."""
    rows = "account,label\n9007199254740993,1\n9007199254740992,0\n"
    roles = Columns(label="label", sensitive=("account",))
    assert len(set(read("test", write(tmp_path, "a.csv", rows), roles).values("account"))) == 2
    quoted = write(tmp_path, "b.jsonl", '{"account": "9007199254740993", "label": 1}\n{"account": null, "label": 0}\n')
    assert read("test", quoted, roles).values("account").tolist() == ["9007199254740993", None]
    with pytest.raises(InputError, match=r"near 9007199254740992 in column 'account'.*: write these numbers as text"):
        read("test", write(tmp_path, "c.csv", rows + "0.5,1\n"), roles)


def test_blank_cells_are_rows_and_empty_lines_are_none(tmp_path: Path) -> None:
    """A text of blanks alone stands for its row; so does a quoted nothing."""
    path = write(tmp_path, "a.csv", 'text\n   \nx\n\n""\n 1\n\n')
    assert read("test", path, Columns(text="text")).texts() == ["   ", "x", "", " 1"]
    path = write(tmp_path, "b.csv", "text,label\nx,1\n\ny,2\n")
    assert read("test", path, Columns(text="text", label="label")).labels("label").tolist() == ["1", "2"]


def test_long_cells_beside_codes(tmp_path: Path) -> None:
    """The csv module's own limit on a cell does not stop the search for leading zeros."""
    path = write(tmp_path, "a.csv", "text,code\n" + "x" * 200_000 + ",007\n")
    assert read("test", path, Columns(text="text")).values("code").tolist() == ["007"]


def test_decimals_and_numbers_name_the_same_class(tmp_path: Path) -> None:
    """What a database writes as 1.00 is the 1 of a CSV; a fraction is the nearest float, as everywhere."""
    cells = [Decimal("1.00"), Decimal("0.30"), None]
    table = pa.table({"label": pa.array(cells, pa.decimal128(5, 2)), "n": pa.array([Decimal(7)] * 3, pa.decimal128(20, 0))})
    pq.write_table(table, tmp_path / "a.parquet")
    data = read("test", tmp_path / "a.parquet", Columns())
    assert [canonical(value) for value in data.cells.column("label")] == ["1", "0.3", None]
    assert data.cells.column("n").dtype == np.int64


def test_lists_that_play_no_role_are_read(tmp_path: Path) -> None:
    pq.write_table(pa.table({"label": [0, 1], "tokens": [[1, 2], [3]]}), tmp_path / "a.parquet")
    assert read("test", tmp_path / "a.parquet", Columns(label="label")).values("tokens").tolist() == ["[1, 2]", "[3]"]
    path = write(tmp_path, "a.jsonl", '{"label": 0, "tokens": [1, 2]}\n{"label": 1, "tokens": {"a": 1}}\n{"label": 1}\n')
    data = read("test", path, Columns(label="label"))
    assert data.values("tokens").tolist() == ["[1, 2]", '{"a": 1}', None]
    assert not data.cells.frame().duplicated().any()


def test_infinity_names_a_slice(tmp_path: Path) -> None:
    """JSON has no number for it, and results are JSON."""
    data = read("test", write(tmp_path, "a.csv", "x,label\ninf,1\n-inf,0\n0.5,1\n"), Columns(label="label"))
    seen = Subject(data=data, predicted=Predictions(Absent()), by=(("x",),))
    names = [name.to_json() for name, _ in seen.slices()]
    assert json.loads(json.dumps(names, allow_nan=False)) == [{"x": 0.5}, {"x": "-inf"}, {"x": "inf"}]


def test_a_number_for_a_text_beside_a_gap_stays_as_written(tmp_path: Path) -> None:
    data = read("test", write(tmp_path, "a.jsonl", '{"text": 5}\n{"text": null}\n{}\n'), Columns(text="text"))
    assert data.texts() == ["5", "", ""]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *[(1, "1"), (1.0, "1"), ("1", "1"), (True, "true"), ("True", "true"), ("FALSE", "false"), (-0.0, "0"), ("1.0", "1.0"), ("", "")],
        *[(None, None), (np.float64("nan"), None), (pd.NA, None), (pd.NaT, None), (2**53 + 1, "9007199254740993")],
    ],
)
def test_labels_as_text(value: object, text: str | None) -> None:
    assert canonical(value) == text
