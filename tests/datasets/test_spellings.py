"""Classes that are written in two ways are refused, mapped by the policy, or declared to be two."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from audit.datasets.labels import normal_form, one_sided_classes, refuse_two_spellings, unknown_labels
from audit.errors import InputError
from tests.support import dataset


@pytest.mark.parametrize(
    "spellings",
    [
        ("approved", "Approved", " approved", "approved ", "APPROVED", "appro\u200bved", "ａｐｐｒｏｖｅｄ"),
        ("1", "1.0", "01", "+1", "true", "True ", "yes", "1e0"),
        ("0", "0.0", "-0", "FALSE", "no"),
        ("very good", "very  good", "very\u00a0good"),
        ("straße", "STRASSE"),
        ("non-spam", "non\u2011spam", "non\u2013spam"),
        ("-1", "\u22121", "-1.0"),
        ("café", "cafe\u0301"),
    ],
)
def test_spellings_of_one_class_have_one_form(spellings: tuple[str, ...]) -> None:
    assert len({normal_form(one) for one in spellings}) == 1


@pytest.mark.parametrize("pair", [("1", "10"), ("0.1", "0.10001"), ("up", "down"), ("a", "á"), ("1-2", "1 2"), ("true", "0")])
def test_different_classes_keep_different_forms(pair: tuple[str, str]) -> None:
    assert normal_form(pair[0]) != normal_form(pair[1])


@pytest.mark.parametrize(
    ("labels", "predictions", "told"),
    [
        (["spam.", "ham"], ["spam", "ham"], "'spam.' is true in 10 rows and never predicted, and 'spam' is predicted in 10"),
        (["T", "F"], ["TRUE", "F"], "'T' is true in 10 rows"),
        (["a", "b"], ["a", "b"], None),
        (["a", "b"], ["a", "a"], None),  # a class that is never predicted may be a rare one
    ],
)
def test_classes_of_one_column_alone_are_told(labels: list[str], predictions: list[str], told: str | None) -> None:
    found = one_sided_classes(dataset(pd.DataFrame({"label": labels * 10, "prediction": predictions * 10})))
    assert found == () if told is None else told in "".join(found)


def test_values_counts_and_rows_are_named() -> None:
    frame = pd.DataFrame({"label": ["ok", "bad", "ok", "ok"], "prediction": ["ok", "bad", "Ok", "Ok"]})
    with pytest.raises(InputError) as error:
        refuse_two_spellings({"test": dataset(frame)})
    told = str(error.value)
    assert "'Ok' (2 rows of column 'prediction' in test.csv, first row 3)" in told
    assert "'ok' (3 rows of column 'label' in test.csv, first row 1; 1 row of column 'prediction' in test.csv, first row 1)" in told
    assert "labels: {map: {Ok: ok}}" in told, "predictions are mapped to the labels' spelling"


def test_labels_of_several_data_sets_and_of_the_model_are_compared() -> None:
    train, test = dataset(pd.DataFrame({"label": ["up ", "down"]}), "train"), dataset(pd.DataFrame({"label": ["up", "down"]}))
    with pytest.raises(InputError, match=r"'up ' \(1 row of column 'label' in train.csv, first row 1\)"):
        refuse_two_spellings({"train": train, "test": test})
    with pytest.raises(InputError, match=r"'UP' \(a class of the model\)"):
        refuse_two_spellings({"test": test}, {"a class of the model": ["UP", "down"]})
    refuse_two_spellings({"test": test}, {"a class of the model": ["up", "down"]})


def test_a_map_merges_spellings_or_keeps_them_apart() -> None:
    frame = pd.DataFrame({"label": ["a", "b", "A"], "prediction": ["a", "b", "A"]})
    merged, apart = ({"A": "a"}, {"A": "A", "a": "a"})
    data = dataset(frame, label_map=merged)
    refuse_two_spellings({"test": data})
    assert data.labels("label").tolist() == ["a", "b", "a"]
    assert data.class_counts("label") == {"a": (2, 0), "b": (1, 1)}
    refuse_two_spellings({"test": dataset(frame, label_map=apart)})
    with pytest.raises(InputError, match="two ways"):
        refuse_two_spellings({"test": dataset(frame, label_map={"A": "A"})})


def test_a_label_that_the_model_does_not_know_is_named() -> None:
    data = dataset(pd.DataFrame({"label": ["up", "down", "sideways", None, "sideways"]}))
    (told,) = unknown_labels({"test": data}, ["up", "down"])
    assert told == "datasets.test: a label is unknown to the model, which gets these rows wrong: 'sideways' in 2 (first: row 3)"
    assert unknown_labels({"test": data}, ["up", "down", "sideways"]) == ()
    assert data.path == Path("test.csv")
