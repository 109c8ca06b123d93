"""Cells as labels, JSON values and slices: the same as row by row, whatever a column is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.datasets import Columns, Dataset, canonical
from audit.datasets.column_store import InMemory
from tests.support import subject

CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([0.0, 1.0, 2.5, float("nan"), float("inf")]), st.sampled_from("ab")
)
ONE_KIND = st.one_of(
    st.lists(st.sampled_from(["a", "b", "True", "1"]), min_size=1),
    st.lists(st.booleans(), min_size=1),
    st.lists(st.integers(-3, 3), min_size=1),
    st.lists(st.sampled_from([0.0, 1.0, 2.5, float("nan")]), min_size=1),
    st.lists(st.one_of(st.none(), st.sampled_from("ab")), min_size=1),
)


def _data(cells: list[Any]) -> Dataset:
    return Dataset("test", Path("test.csv"), InMemory(pd.DataFrame({"x": pd.Series(cells)})), Columns(), "drawn")


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))


@given(st.one_of(ONE_KIND, st.lists(CELLS, min_size=1)))
def test_labels_are_each_cell_as_text(cells: list[Any]) -> None:
    there = [cell for cell in cells if not _missing(cell)] or ["a"]
    data = _data(there)
    assert data.labels("x").tolist() == [canonical(cell) for cell in data.cells.column("x").to_list()]


@given(st.one_of(ONE_KIND, st.lists(CELLS, min_size=1)))
def test_values_are_each_cell_and_nothing_for_a_missing_one(cells: list[Any]) -> None:
    data = _data(cells)
    read = data.cells.column("x").to_list()
    found = data.values("x").tolist()
    assert [value is None for value in found] == [_missing(cell) for cell in read]
    told = [(value, cell) for value, cell in zip(found, read, strict=True) if value is not None]
    assert all(value == cell and isinstance(value, str) == isinstance(cell, str) for value, cell in told)


@given(st.lists(st.tuples(st.sampled_from([None, "a", "b"]), st.sampled_from([1.0, 2.0, float("nan")])), min_size=1))
def test_slices_part_the_rows_and_hold_rows_alike(rows: list[tuple[str | None, float]]) -> None:
    frame = pd.DataFrame(rows, columns=["x", "y"])
    data = Dataset("test", Path("test.csv"), InMemory(frame), Columns(), "drawn")
    (family,) = subject(frame.assign(label="p", prediction="p"), by=(("x", "y"),)).families(data)
    assert np.array_equal(np.sum([mask for _, mask in family], axis=0), np.ones(len(rows)))
    for group, mask in family:
        held = [tuple(None if _missing(cell) else cell for cell in row) for row, there in zip(rows, mask, strict=True) if there]
        assert held == [tuple(value for _, value in group.items)] * len(held)
        assert held


def test_true_and_one_are_two_labels_where_a_column_holds_both() -> None:
    assert _data([True, 1, "True", "a"]).labels("x").tolist() == ["true", "1", "true", "a"]


@pytest.mark.parametrize("kind", ["category", "Int64", "boolean", "string", "datetime64[ns]"])
def test_columns_of_pandas_own_kinds_keep_their_missing_cells(kind: str) -> None:
    cells: dict[str, list[Any]] = {
        "Int64": [3, None, 3],
        "boolean": [True, None, False],
        "datetime64[ns]": ["2026-01-02", None, "2026-01-03"],
    }
    given_cells = cells.get(kind, ["a", None, "b"])
    data = Dataset("test", Path("test.csv"), InMemory(pd.DataFrame({"x": pd.Series(given_cells, dtype=kind)})), Columns(), "drawn")
    expected = {"datetime64[ns]": ["2026-01-02 00:00:00", None, "2026-01-03 00:00:00"]}.get(kind, given_cells)
    assert data.values("x").tolist() == expected
