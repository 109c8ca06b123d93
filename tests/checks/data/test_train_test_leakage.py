from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.catalog import discover
from audit.errors import CannotMeasure
from tests.judged import status
from tests.support import dataset, measure, subject

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


def tables(test: pd.DataFrame, train: pd.DataFrame, **params: Any) -> Evidence:
    return measure(CHECK, subject(test.assign(prediction="x"), train=train.assign(prediction="x")), **params)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ([1, 2], ["1.0", "2"], 2),
        ([1.0, 2.5], ["1.00", "2.50"], 2),
        ([60.0, 7.0, 1.5], ["60.00", "7.00", "NULL"], 2),
        ([True, False], ["True", "false"], 2),
        ([1, 0], [True, False], 2),
        (np.array([0.1, 0.7], dtype=np.float32), [0.1, 0.7], 2),
        (np.array([0.1, 0.7], dtype=np.float32), ["0.1", "NULL"], 1),
        (pd.to_datetime(["2024-03-01 00:00", "2024-03-02 10:00"]), ["2024-03-01", "2024-03-02T10:00:00"], 2),
        ([date(2024, 3, 1), date(2024, 3, 2)], ["2024-03-01", "?"], 1),
        (pd.to_timedelta(["1h", "90s"]), ["0 days 01:00:00", "0 days 00:01:30"], 2),
        (pd.Categorical(["a", "b"]), ["a", "b"], 2),
        (pd.array([2**60 + 1, None, 2**60 + 1], dtype="Int64"), pd.array([2**60 + 1, None, 2**60 + 2], dtype="Int64"), 2),
        (["", "b"], [None, "b"], 2),
    ],
)
def test_cells_are_compared_as_values(one: Any, other: Any, same: int) -> None:
    """Whichever way each file holds them."""
    fraction = {"key": [0.5, 0.25, 0.125][: len(one)]}
    assert value(tables(pd.DataFrame({"a": one} | fraction), pd.DataFrame({"a": other} | fraction))) == same


def test_codes_and_spellings_are_no_numbers_and_no_texts() -> None:
    assert value(tables(pd.DataFrame({"zip": ["007", "12", "5"]}), pd.DataFrame({"zip": ["7", "012", "5"]}))) == 1
    assert value(tables(pd.DataFrame({"a": ["Rome"], "b": 1}), pd.DataFrame({"a": ["rome!", "Rome"], "b": [1, 2]}))) == 0


@settings(deadline=None)
@given(st.lists(st.text("ab", max_size=2), min_size=1), st.lists(st.text("ab", max_size=2), min_size=1))
def test_the_count_is_that_of_sets(test: list[str], train: list[str]) -> None:
    """But for blank texts, which say nothing."""
    assert value(leak(test, train)) == sum(row in set(train) - {""} for row in test)


def real_rows(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"price": rng.integers(10, 60, rows), "qty": rng.integers(1, 9, rows), "shop": rng.choice(list("abcdef"), rows)})


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("Unnamed: 0", [range(100), range(5, 305)]),
        ("ticket", [range(7, 100_000, 7), range(3, 100_000, 11)]),
        ("noise", [np.random.default_rng(0).normal(size=100), np.random.default_rng(1).normal(size=300)]),
        ("split", [["test"] * 100, ["train"] * 300]),
        ("exported", [["2024-05-02"] * 100, ["2024-05-01"] * 300]),
        ("uuid", [[f"t{i}" for i in range(100)], [f"r{i}" for i in range(300)]]),
    ],
)
def test_a_column_in_which_no_row_can_agree_hides_no_leak(name: str, cells: list[Any]) -> None:
    train = real_rows(300, 1).drop_duplicates()
    test = train.sample(80, random_state=2)
    of_test, of_train = (list(column)[:rows] for column, rows in zip(cells, (80, len(train)), strict=True))
    found = tables(test.assign(**{name: of_test}), train.assign(**{name: of_train}))
    assert value(found) == 80
    assert any(note.startswith(f"{name} is left out") for note in found.notes)
    fresh = tables(real_rows(80, 9).assign(**{name: of_test}), train.assign(**{name: of_train}))
    assert value(fresh) <= 12  # those that share price, quantity and shop by chance


def test_measurements_that_are_never_the_same_show_that_no_row_is() -> None:
    """Where the other columns are coarse, their agreement is chance."""
    rng = np.random.default_rng(4)
    test, train = (pd.DataFrame({"x": rng.normal(size=n), "y": rng.normal(size=n), "g": rng.choice(list("ab"), n)}) for n in (200, 500))
    found = tables(test, train)
    assert value(found) == 0
    assert "x, y: no value stands in both data sets. A column that numbers the rows belongs under columns.id." in found.notes
    assert value(tables(test, train, columns=["g"])) == 200


def test_free_texts_without_a_role_tell_rows_apart() -> None:
    """Names or notes that differ in every row; where all other columns agree, they hide no leak."""
    said = [[f"{role} note number {i}" for i in range(n)] for role, n in (("first", 80), ("other", 300))]
    test, train = (pd.DataFrame({"note": notes, "g": ["a", "b"] * (len(notes) // 2)}) for notes in said)
    assert value(tables(test, train)) == 0
    known = real_rows(300, 1).drop_duplicates()
    test, train = known.head(80).assign(note=said[0]), known.assign(note=said[1][: len(known)])
    assert value(tables(test, train)) == 80


def test_nothing_left_to_compare_is_not_measured() -> None:
    test, train = pd.DataFrame({"shop": list("abab")}), pd.DataFrame({"shop": list("xyxy")})
    with pytest.raises(CannotMeasure, match="test and train share no value of shop, and nothing else is there to compare"):
        tables(test, train)
    with pytest.raises(CannotMeasure, match="share no value of shop, and g cannot tell rows apart"):
        tables(test.assign(g="a"), train.assign(g="a"))


def test_a_column_with_another_role_in_one_file_is_no_feature() -> None:
    """The model's answers stand in the test file; those in the training file are another matter."""
    frame = pd.DataFrame({"a": [1, 2, 3], "prediction": [0, 0, 0]})
    seen = subject(frame, train=frame.assign(prediction=1))
    train = replace(seen.datasets["train"], columns=seen.data.columns.model_copy(update={"prediction": None}))
    assert value(measure(CHECK, replace(seen, datasets={**seen.datasets, "train": train}))) == 3


def test_validation_rows_are_looked_at_too() -> None:
    """They chose the checkpoint."""
    frames = {"test": ["a", "b", "c", "d"], "train": ["a", "x"], "validation": ["b", "a", "y"]}
    seen = subject(*[pd.DataFrame({"text": rows, "prediction": "x"}) for rows in (frames["test"],)])
    more = {role: dataset(pd.DataFrame({"text": rows}), role) for role, rows in frames.items() if role != "test"}
    seen = replace(seen, datasets={**seen.datasets, **more}, learned_from=("train", "validation"))
    found = measure(CHECK, seen)
    assert (value(found), found.rows) == (2, 4 + 2 + 3)
    assert found.table["stands_in"].tolist() == ["train", "validation"]
    assert [example.parts[0].text for example in found.examples] == [
        "also stands in train, as row 1",
        "also stands in validation, as row 1",
    ]
    renamed = replace(seen, datasets={"test": seen.data, "fit": replace(more["train"], role="fit")}, learned_from=("fit",))
    assert value(measure(CHECK, renamed)) == 1


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
    assert tables(test.assign(c=2), train.assign(c=2)).notes[1:] == (
        "a is left out: train has no such column.",
        "b is left out: test has no such column.",
    )
