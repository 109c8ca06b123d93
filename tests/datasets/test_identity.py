"""A test set is known again by its rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from audit.datasets import identity
from audit.datasets.identity import columns_sha256, rows_sha256
from tests.support import dataset

TABLE = pd.DataFrame({"id": [1, 2, 3], "x": [0.5, 0.25, 1.0], "label": [0, 1, 1], "prediction": [0, 1, 0], "score": [0.1, 0.7, 0.2]})
NAMELESS = TABLE.drop(columns="id")


@pytest.fixture(autouse=True, params=[False, True], ids=["few cells", "many cells"])
def _either_digest(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are written out in small sets and hashed by number in large ones; both digests tell the same sets apart."""
    if request.param:
        monkeypatch.setattr(identity, "MOST_CELLS", 0)


@pytest.mark.parametrize("table", [TABLE, NAMELESS], ids=["by id", "by every column"])
def test_what_a_candidate_says_is_no_part_of_the_rows(table: pd.DataFrame) -> None:
    """Another candidate's predictions make another file, and not another test set; nor does another format or column order."""
    known = rows_sha256(dataset(table))
    said = table.assign(prediction=[1, 1, 1], score=[0.9, 0.8, 0.7])
    assert rows_sha256(dataset(said)) == known
    assert rows_sha256(dataset(table[table.columns[::-1]])) == known
    assert rows_sha256(dataset(table.astype({"label": float}))) == known
    assert rows_sha256(dataset(table.drop(columns=["prediction", "score"]))) == known
    several = table.rename(columns={"score": "p1"}).assign(p0=0.5)
    assert rows_sha256(dataset(several, scores={"0": "p0", "1": "p1"})) == known


@pytest.mark.parametrize("table", [TABLE, NAMELESS], ids=["by id", "by every column"])
def test_one_changed_label_one_row_less_or_one_row_twice_is_another_set(table: pd.DataFrame) -> None:
    others = [table.assign(label=[0, 1, 0]), table.head(2), table.iloc[[0, 1, 2, 2]], table.iloc[[0, 1, 1]]]
    assert len({rows_sha256(dataset(one)) for one in (table, *others)}) == 5


@pytest.mark.parametrize("table", [TABLE, NAMELESS, TABLE.assign(text=["a", "b", "b"])], ids=["by id", "by every column", "by text"])
def test_shuffled_rows_are_the_same_set(table: pd.DataFrame) -> None:
    """A pipeline that writes its file anew in another order, or somebody who sorts it, gets no fresh test set."""
    assert rows_sha256(dataset(table.iloc[[2, 0, 1]])) == rows_sha256(dataset(table))


def test_texts_are_the_same_set_under_other_names_and_with_ids() -> None:
    """What columns are called and how rows are numbered is no part of what a candidate is asked."""
    table = pd.DataFrame({"text": ["a", "b"], "label": [0, 1]})
    renamed = table.rename(columns={"text": "body", "label": "truth"}).assign(number=[7, 8])
    assert rows_sha256(dataset(renamed, text="body", label="truth", id="number")) == rows_sha256(dataset(table))


def test_a_missing_value_is_no_text() -> None:
    texts = [["a", None], ["a", "None"], ["a", ""], ["a,", ""]]
    assert len({rows_sha256(dataset(pd.DataFrame({"text": one, "label": [0, 1]}))) for one in texts}) == 4


def test_columns_of_other_candidates_are_no_part_of_the_rows() -> None:
    """A champion's answers beside the candidate's."""
    known = rows_sha256(dataset(NAMELESS.assign(old=[0, 1, 1])), without=["old"])
    assert known == rows_sha256(dataset(NAMELESS.assign(old=[1, 1, 1])), without=["old"])
    assert known != rows_sha256(dataset(NAMELESS.assign(old=[1, 1, 1])))


def many(seed: int, rows: int = 200) -> pd.DataFrame:
    """Row numbers, a label that follows nothing, a measurement, and a group of few values."""
    rng = np.random.default_rng(seed)
    made = {"id": range(rows), "label": rng.integers(0, 2, rows), "size": rng.normal(0, 1, rows), "group": rng.integers(0, 3, rows)}
    return pd.DataFrame(made)


@pytest.mark.parametrize("kept", [["id", "label"], ["size", "label"], ["id", "size", "label", "group"]])
def test_rows_are_known_by_any_column_under_any_roles(kept: list[str]) -> None:
    """Other names, other roles, fewer columns, another order, a column more, another type of number."""
    known = set(columns_sha256(dataset(many(1))))
    table = many(1)[kept].sample(frac=1, random_state=3).assign(prediction=1)
    renamed = table.rename(columns={"id": "text", "label": "truth", "size": "x"}).astype({"truth": float})
    assert known & set(columns_sha256(dataset(renamed.astype({renamed.columns[0]: str}), text=None, label="truth")))
    assert not known & set(columns_sha256(dataset(many(2)[kept])))


def test_a_further_column_that_makes_a_set_large_makes_no_other_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns are hashed by number beyond a number of cells, on which nothing may depend."""
    monkeypatch.setattr(identity, "MOST_CELLS", 4 * 200)
    table = many(1)
    assert set(columns_sha256(dataset(table))) & set(columns_sha256(dataset(table.assign(noise=0))))
    monkeypatch.setattr(identity, "MOST_CELLS", 16 * 200)
    assert set(columns_sha256(dataset(table))) & set(columns_sha256(dataset(table.assign(**{f"noise {k}": 0 for k in range(20)}))))


def test_the_digests_of_columns_do_not_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ledgers keep them too."""
    table = pd.DataFrame({"x": [k / 3 for k in range(40)], "word": [f"w{k % 37}" for k in range(40)], "label": [k % 2 for k in range(40)]})
    monkeypatch.setattr(identity, "MOST_CELLS", 5_000_000)
    assert [one[:8] for one in columns_sha256(dataset(table))] == ["54caf643", "cc4b539f"]
    monkeypatch.setattr(identity, "MOST_CELLS", 0)
    assert [one[:8] for one in columns_sha256(dataset(table))] == ["2678b793", "e7b29bcf"]


def test_what_chance_could_make_alike_tells_nothing() -> None:
    """Few values, row numbers along sorted labels, row numbers without labels, and few rows."""
    plain = many(1)[["id", "label", "group"]]
    assert columns_sha256(dataset(plain.assign(label=sorted(plain["label"])))) == ()
    assert columns_sha256(dataset(plain.drop(columns="label"))) == ()
    assert columns_sha256(dataset(many(1, rows=15))) == ()


def test_a_changed_label_makes_other_rows() -> None:
    table = many(1)
    assert not set(columns_sha256(dataset(table))) & set(columns_sha256(dataset(table.assign(label=1 - table["label"]))))


def test_the_digest_of_a_large_set_does_not_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ledgers keep it, so that its value is part of the format."""
    monkeypatch.setattr(identity, "MOST_CELLS", 0)
    table = pd.DataFrame({"x": [0.5, None, -0.0], "n": [1, 2**60 + 1, 3], "word": ["007", "1.5", None], "is_new": [True, False, True]})
    assert rows_sha256(dataset(table)) == "067e5f8e6268af407cb16b417733c722c9a1a2f597480f04069d810434884513"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pd.Series([1.0, 2.0]), pd.Series([1, 2])),
        (pd.Series([1.0, None]), pd.Series(["1", None], dtype=object)),
        (pd.Series([0.5, -0.0]), pd.Series(["0.5", "0"], dtype=object)),
        (pd.Series([2**60 + 1, 3]), pd.Series([str(2**60 + 1), "3"], dtype=object)),
        (pd.Series([True, False]), pd.Series(["True", "false"], dtype=object)),
        (pd.Series([0.5, float("inf")]), pd.Series(["0.5", "inf"], dtype=object)),
        (pd.Series([0.1, 0.3], dtype="float32"), pd.Series(np.array([0.1, 0.3], dtype="float32").astype(float))),
    ],
)
def test_the_type_of_a_column_is_no_part_of_the_rows(one: pd.Series, other: pd.Series) -> None:
    assert rows_sha256(dataset(pd.DataFrame({"x": one}))) == rows_sha256(dataset(pd.DataFrame({"x": other})))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pd.Series(["007", "8"]), pd.Series(["7", "8"])),
        (pd.Series([2**60 + 1, 3]), pd.Series([2**60, 3])),
        (pd.Series(["nan", "8"]), pd.Series([None, "8"], dtype=object)),
    ],
)
def test_another_cell_makes_another_set(one: pd.Series, other: pd.Series) -> None:
    assert rows_sha256(dataset(pd.DataFrame({"x": one}))) != rows_sha256(dataset(pd.DataFrame({"x": other})))


def test_cells_that_change_columns_or_rows_make_another_set() -> None:
    table = pd.DataFrame({"x": [1, 2], "y": [3, 4]})
    others = [pd.DataFrame({"x": [3, 2], "y": [1, 4]}), pd.DataFrame({"x": [1, 2], "y": [4, 3]}), table.rename(columns={"x": "z"})]
    assert len({rows_sha256(dataset(one)) for one in (table, *others)}) == 4
