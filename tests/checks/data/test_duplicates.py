from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from audit.errors import CannotMeasure
from audit.metrics.row_matches import SHINGLE, first_near
from audit.metrics.rows import normalise
from tests.judged import status
from tests.support import measure, subject

if TYPE_CHECKING:
    from audit.evidence import Evidence

CHECK = "data/duplicates"


def texts(*rows: str, **params: Any) -> Evidence:
    frame = pd.DataFrame({"id": [f"r{i}" for i in range(len(rows))], "text": rows, "prediction": "x"})
    return measure(CHECK, subject(frame), **params)


def table(frame: pd.DataFrame, **columns: Any) -> Evidence:
    return measure(CHECK, subject(frame.assign(prediction="x"), **columns))


def value(evidence: Evidence) -> float:
    return evidence.members[0].estimate.value


def test_a_worked_example_counts_each_repeat_and_names_the_first_row() -> None:
    """Case, punctuation, white space, Unicode form and invisible characters make no new row; a changed letter does."""
    found = texts("Please call me!", "no answer", "please  CALL me", "pleas call me", "ＰＬＥＡＳＥ call\u200b me", "")
    assert value(found) == 2
    assert found.table["row"].tolist() == ["r2", "r4"]
    assert found.table["repeats"].tolist() == ["r0", "r0"]
    assert [(e.row, e.parts[0].text) for e in found.examples] == [("r2", "repeats row r0"), ("r4", "repeats row r0")]
    assert found.rows == 6


def test_no_text_of_a_row_reaches_the_report() -> None:
    found = texts("mail bob@example.org", "mail bob@example.org")
    assert "bob" not in repr(found)


def test_an_id_that_is_personal_data_is_not_shown() -> None:
    """The report counts such rows from 1; the evidence file, as sensitive as the data, keeps their ids."""
    mails = ["ann@example.org", "bob@example.org", "cid@example.org"]
    found = measure(CHECK, subject(pd.DataFrame({"id": mails, "text": "same", "prediction": "x"})))
    assert [(e.row, e.parts[0].text) for e in found.examples] == [
        ("number 2", "repeats row number 1"),
        ("number 3", "repeats row number 1"),
    ]
    assert found.table["repeats"].tolist() == mails[:1] * 2


@pytest.mark.parametrize(
    ("one", "other"), [("don't", "don t"), ("Straße", "STRASSE"), ("naïve", "nai\u0308ve"), ("a\u00a0b", "a b"), ("½ price", "1⁄2 price")]
)
def test_spellings_of_one_text_are_equal(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(("one", "other"), [(":)", ":("), ("5 $", "5 €"), ("👍", "👎"), ("की", "का"), ("resume", "résumé")])
def test_marks_that_carry_the_meaning_are_kept(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


@settings(deadline=None)
@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


def test_a_table_compares_every_feature_and_equal_missing_cells() -> None:
    """Cells are values: of two spellings nobody said that they are one."""
    cities = ["Rome", "Rome", "rome ", "Oslo", None, None]
    found = table(pd.DataFrame({"age": [30, 30, 30, 30, None, None], "city": cities, "label": list("aababa")}))
    assert value(found) == 2
    assert found.table["repeats"].tolist() == ["1", "5"]
    assert "1 of the repeats carry another label than the row they repeat." in found.notes
    assert found.notes[0] == "Compared by age, city."


def test_whole_numbers_of_many_digits_are_compared_exactly() -> None:
    """In a column of numbers with odd cells; a float would take the two long ones for one, and 70 digits are text."""
    long, seventy = "12345678901234567890123", "9" * 70
    cells = [*map(str, range(40)), "n/k", long, f"{long[:-1]}4", f"+{long}", seventy, seventy]
    assert value(table(pd.DataFrame({"x": pd.Series(cells, dtype=object), "y": 1}), features=("x", "y"))) == 2


def test_agrees_with_pandas_on_numbers() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.integers(0, 4, (500, 4)), columns=list("abcd"))
    frame.loc[rng.integers(0, 500, 40), "b"] = np.nan
    assert value(table(frame)) == int(frame.duplicated().sum())


def test_labels_ids_and_row_numbers_do_not_make_a_row_new() -> None:
    """Nor does a column that names the rows, whoever forgot to say so; a number that merely differs everywhere is told."""
    frame = pd.DataFrame({"id": [1, 2], "x": [7, 7]})
    assert value(table(frame)) == 1
    found = table(frame.assign(key=["k1", "k2"]))
    assert (value(found), found.notes[1]) == (1, "key is left out: it numbers or names the rows.")
    found = table(frame.assign(income=[1003, 1010]))
    assert value(found) == 0
    assert "A different value in every row: income. If it identifies the row, name it under columns.id." in found.notes
    assert value(measure(CHECK, subject(frame.assign(income=[1003, 1010], prediction="x")), columns=["x"])) == 1


@pytest.mark.parametrize("kind", ["Unnamed: 0", "nr", "order_id", "rowId", "sha"])
def test_identifiers_are_known_by_name_or_values(kind: str) -> None:
    """A saved index, numbers that count on, an id of other numbers, tokens; a blank or a word among them changes nothing."""
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"x": np.tile(np.linspace(0, 1, 30), 2), "c": ["a", "b", "c"] * 20})
    cells: list[Any] = {
        "Unnamed: 0": [*range(30), *range(30)],
        "nr": list(rng.permutation(60) + 7),
        "order_id": [*range(100, 160, 2), "NULL", *range(500, 587, 3)],
        "rowId": [None, *rng.permutation(10_000)[:59].astype(float)],
        "sha": [f"{i:x}f{i * 7}" for i in range(60)],
    }[kind]
    found = table(frame.assign(**{kind: cells}))
    assert (value(found), found.notes[1]) == (30, f"{kind} is left out: it numbers or names the rows.")


def test_measurements_and_dates_are_no_identifiers() -> None:
    frame = pd.DataFrame({"when": [f"2024-01-{day:02}" for day in range(1, 29)], "x": np.linspace(0.1, 1, 28), "n": np.arange(28) * 9})
    assert table(frame).notes[0] == "Compared by when, x, n."


def test_blank_texts_repeat_nothing() -> None:
    """A row without text says nothing; beside other columns its blank is a value."""
    found = texts("", "", " \u200b ", "called back", "Called back.")
    assert (value(found), found.table["row"].tolist()) == (1, ["r4"])
    assert "3 rows of test have no text: they are the same as no other row." in found.notes
    assert value(texts("", "", "called back", "called  back", near=0.5)) == 1
    frame = pd.DataFrame({"text": ["", "", ""], "channel": ["mail", "mail", None]})
    assert value(table(frame, features=("channel",))) == 1


def test_features_named_beside_a_text_count_too() -> None:
    frame = pd.DataFrame({"text": ["hello", "Hello"], "channel": ["mail", "phone"]})
    assert value(table(frame)) == 1
    assert value(table(frame, features=("channel",))) == 0


def test_near_counts_texts_that_share_most_shingles() -> None:
    rows = (
        "the parcel came late and broken",
        "the parcel came late and broken.",
        "the parcel came late and brokem",
        "something else entirely",
    )
    assert value(texts(*rows)) == 1
    assert value(texts(*rows, near=0.9)) == 2
    assert value(texts(*rows, near=0.99)) == 1


def jaccard(one: str, other: str) -> float:
    sets = [{padded[i : i + SHINGLE] for i in range(len(padded) - SHINGLE + 1)} for padded in (one.ljust(SHINGLE), other.ljust(SHINGLE))]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


@settings(deadline=None)
@given(
    st.lists(st.text("abé漢 ", min_size=0, max_size=25), min_size=1, max_size=12),
    st.sampled_from([0.2, 0.5, 2 / 3, 0.8, 1.0]),
    st.data(),
)
def test_near_agrees_with_comparing_every_pair(rows: list[str], threshold: float, data: st.DataObject) -> None:
    """The inverted index misses no pair and invents none, with and without a split between two data sets."""
    start = data.draw(st.integers(0, len(rows) - 1))
    found = first_near(rows, threshold, start)
    for i, row in enumerate(rows):
        others = range(min(i, start)) if start and i < start else range(start or i)
        expected = i >= start and any(jaccard(row, rows[j]) >= threshold - 1e-12 for j in others)
        assert (found[i] >= 0) == expected
        assert found[i] < 0 or jaccard(row, rows[found[i]]) >= threshold - 1e-12


def test_the_order_of_rows_does_not_change_the_count() -> None:
    rng = np.random.default_rng(0)
    rows = [f"{'word ' * int(k)}" for k in rng.integers(1, 9, 60)]
    assert value(texts(*rows)) == value(texts(*rng.permutation(rows))) == 60 - len(set(rows))


def test_a_hundred_thousand_rows_take_seconds() -> None:
    rng = np.random.default_rng(1)
    words = np.array([f"w{i}" for i in range(5000)])
    rows = [" ".join(row) for row in words[rng.integers(0, 5000, (50_000, 12))]]
    started = time.process_time()
    assert value(texts(*rows, *rows)) >= 50_000
    assert time.process_time() - started < 20


def test_a_census_is_judged_on_its_value() -> None:
    found = texts("a", "b", "a")
    assert found.members[0].estimate.bounds(0.025, 0.025) == (1, 1)
    assert (status(CHECK, found, max=1), status(CHECK, found, max=0)) == ("pass", "fail")


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(CannotMeasure, match="no rows"):
        table(pd.DataFrame({"x": pd.Series([], dtype=float)}))
    with pytest.raises(CannotMeasure, match="no column to compare"):
        table(pd.DataFrame({"id": [1, 2]}))
    with pytest.raises(CannotMeasure, match="nothing but Unnamed: 0, which identifies the rows"):
        table(pd.DataFrame({"Unnamed: 0": [1, 2]}))
    with pytest.raises(CannotMeasure, match="no column 'y'"):
        measure(CHECK, subject(pd.DataFrame({"x": [1, 1], "prediction": "a"})), columns=["y"])
    with pytest.raises(CannotMeasure, match="`near` compares texts"):
        measure(CHECK, subject(pd.DataFrame({"x": [1, 1], "prediction": "a"})), near=0.8)
    with pytest.raises(ValidationError):
        texts("a", near=1.5)
