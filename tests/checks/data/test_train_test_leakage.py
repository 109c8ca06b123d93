from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.catalog import discover
from audit.errors import CannotMeasure
from tests.judged import status
from tests.support import measure, subject

if TYPE_CHECKING:
    from audit.evidence import Evidence

CHECK = "data/train_test_leakage"


def leak(test: list[str], train: list[str], **params: Any) -> Evidence:
    frames = [
        pd.DataFrame({"id": [f"{role}{i}" for i in range(len(rows))], "text": rows, "prediction": "x"})
        for role, rows in (("t", test), ("r", train))
    ]
    return measure(CHECK, subject(frames[0], train=frames[1]), **params)


def value(evidence: Evidence) -> float:
    return evidence.members[0].estimate.value


def test_a_worked_example() -> None:
    found = leak(["new text", "Seen before.", "SEEN, before", "brand new"], ["other", "seen before", "seen before"])
    assert value(found) == 2
    assert found.table["row"].tolist() == ["t1", "t2"]
    assert found.table["train_row"].tolist() == ["r1", "r1"]
    assert found.examples[0].parts[0].text == "also stands in train, as row r1"
    assert found.members[0].estimate.n == 4


def test_rows_repeated_inside_one_data_set_are_no_leak() -> None:
    assert value(leak(["twice", "twice"], ["once", "once"])) == 0


def test_near_finds_a_changed_letter() -> None:
    train, test = ["my parcel never came, please call"], ["my parcel never come, please call", "nothing like it at all"]
    assert value(leak(test, train)) == 0
    assert value(leak(test, train, near=0.6)) == 1


def test_tables_agree_with_a_merge() -> None:
    rng = np.random.default_rng(5)
    train, test = (pd.DataFrame(rng.integers(0, 5, (200, 4)), columns=list("abcd")).assign(prediction="x") for _ in range(2))
    merged = test.merge(train.drop_duplicates(), how="inner", on=list("abcd"))
    assert value(measure(CHECK, subject(test, train=train))) == len(merged)


def test_numbers_written_as_text_in_one_file_are_the_same_numbers() -> None:
    test = pd.DataFrame({"a": [1, 2], "prediction": "x"})
    train = pd.DataFrame({"a": ["1.0", "2"], "prediction": "x"})
    assert value(measure(CHECK, subject(test, train=train))) == 1
    assert value(measure(CHECK, subject(test, train=train.assign(a=[1.0, 2.0])))) == 2


@settings(deadline=None)
@given(st.lists(st.text("ab", max_size=2), min_size=1), st.lists(st.text("ab", max_size=2), min_size=1))
def test_the_count_is_that_of_sets(test: list[str], train: list[str]) -> None:
    assert value(leak(test, train)) == sum(row in set(train) for row in test)


def test_a_training_set_that_is_the_test_set_leaks_every_row() -> None:
    assert value(leak(["a", "b"], ["a", "b"])) == 2


def test_a_truncated_training_set_is_noticed() -> None:
    """The rows of both data sets are reported, so that the engine sees when either was cut."""
    seen = subject(pd.DataFrame({"text": ["a"], "prediction": "x"}), train=pd.DataFrame({"text": ["a", "b"], "prediction": "x"}))
    check = discover()[CHECK]
    cut = replace(seen, datasets={**seen.datasets, "train": seen.datasets["train"].head(1)})
    assert measure(CHECK, seen).rows == check.expected_rows(seen, check.params()) == 3
    assert measure(CHECK, cut).rows != check.expected_rows(seen, check.params())


def test_any_leak_above_the_bound_fails() -> None:
    found = leak(["a", "b"], ["a"])
    assert (status(CHECK, found, max=1), status(CHECK, found, max=0)) == ("pass", "fail")


def test_what_cannot_be_measured_is_refused() -> None:
    alone = subject(pd.DataFrame({"text": ["a"], "prediction": "x"}))
    with pytest.raises(CannotMeasure, match=r"datasets\.train"):
        measure(CHECK, alone)
    with pytest.raises(CannotMeasure, match="no rows"):
        leak(["a"], [])
    test, train = pd.DataFrame({"a": [1], "prediction": "x"}), pd.DataFrame({"b": [1], "prediction": "x"})
    with pytest.raises(CannotMeasure, match="no column 'a'"):
        measure(CHECK, subject(test, train=train))
    with pytest.raises(CannotMeasure, match="`near` compares texts"):
        measure(CHECK, subject(test, train=test), near=0.9)
