"""What a model reads of a data set."""

from __future__ import annotations

import pandas as pd
import pytest

from audit.datasets.column_store import Table, Texts
from tests.support import dataset

FRAME = pd.DataFrame({"text": ["a", None], "age": [1, 2], "label": [0, 1]})


def test_a_text_column_gives_texts() -> None:
    inputs = dataset(FRAME).inputs()
    assert isinstance(inputs, Texts)
    assert (list(inputs.texts), len(inputs)) == (["a", ""], 2)


def test_named_features_give_a_table_of_them() -> None:
    inputs = dataset(FRAME, features=["age"]).inputs()
    assert isinstance(inputs, Table)
    assert inputs.frame.equals(FRAME[["age"]])
    without = dataset(FRAME.drop(columns="text")).inputs()
    assert isinstance(without, Table)
    assert list(without.frame.columns) == ["age"]


@pytest.mark.parametrize("kind", [Texts, Table])
def test_nothing_is_read_before_it_is_asked_for(kind: type[Texts | Table]) -> None:
    """And what was read is not read again."""
    reads: list[int] = []

    def read() -> pd.DataFrame:
        reads.append(1)
        return FRAME

    inputs = kind(read)  # type: ignore[arg-type]  # a table has a length as texts do
    assert reads == []
    assert (len(inputs), len(inputs), reads) == (2, 2, [1])
