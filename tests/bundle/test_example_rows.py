"""Rows for people to look at: the wrong ones first, masked, none where there are few."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from audit.bundle import example_rows
from audit.evidence import OVERALL, Bars, Slice
from tests.findings import proportions
from tests.judged import finding
from tests.support import subject

if TYPE_CHECKING:
    from audit.record import Sampled
    from audit.subject import Subject

WORDS = "please send the parcel"


def sampled(seen: Subject, *by: str, check: str = "performance/accuracy") -> tuple[Sampled, ...]:
    asked = finding(check, proportions((30, 40)), on="test", min=0.5, by=[[one] for one in by])
    seen.predicted.of(seen.data)
    return example_rows.sampled([asked], {"test": seen.data}, seen.predicted)


def frame(rows: int = 60) -> pd.DataFrame:
    """Rows 5, 15, … are wrong: truly 1 and called 0; nine rows lie in the east."""
    wrong = np.arange(rows) % 10 == 5
    return pd.DataFrame(
        {
            "text": [f"{WORDS} Xaver{i}" for i in range(rows)],
            "label": np.where(wrong, 1, np.arange(rows) % 2),
            "prediction": np.where(wrong, 0, np.arange(rows) % 2),
            "region": np.where(np.arange(rows) < 9, "east", "west"),
        }
    )


def of(found: tuple[Sampled, ...], name: Slice) -> Sampled:
    return next(one for one in found if one.cell is None and one.name == name)


def test_wrong_rows_stand_first_in_the_order_of_the_file() -> None:
    west = of(sampled(subject(frame()), "region"), Slice((("region", "west"),)))
    assert (west.rows, west.wrong) == (51, 5)
    assert [one.row for one in west.examples] == ["16", "26", "36", "46", "56"]
    assert {one.note for one in west.examples} == {"truly 1, the candidate says 0"}


def test_names_are_hidden() -> None:
    shown = [part.text for one in sampled(subject(frame()), "region") for example in one.examples for part in example.parts]
    assert shown
    assert set(shown) == {f"{WORDS} …"}


def test_a_part_of_nine_rows_shows_none() -> None:
    found = sampled(subject(frame()), "region")
    east = of(found, Slice((("region", "east"),)))
    assert (east.rows, east.wrong, east.examples) == (9, 1, ())
    wrong = next(one for one in found if one.cell == ("1", "0"))
    assert (wrong.rows, wrong.examples) == (6, ())


def test_a_part_of_few_entities_shows_none() -> None:
    """Twelve rows of nine customers are no more than nine: what they say could point to one."""
    table = frame().assign(region=np.where(np.arange(60) < 12, "east", "west"), who=[f"c{i % 9}" if i < 12 else f"d{i}" for i in range(60)])
    east, west = (of(sampled(subject(table, group="who"), "region"), Slice((("region", name),))) for name in ("east", "west"))
    assert (east.rows, east.entities, east.few, east.examples) == (12, 9, True, ())
    assert (west.entities, west.few, len(west.examples)) == (48, False, example_rows.ROWS)
    assert of(sampled(subject(table), "region"), Slice((("region", "east"),))).examples, "so that the first half can fail"


def test_cells_hold_every_row_once_and_rows_of_their_own_kind() -> None:
    found = [one for one in sampled(subject(frame(240))) if one.cell is not None]
    assert {one.cell: one.rows for one in found} == {("1", "0"): 24, ("0", "0"): 120, ("1", "1"): 96}
    for one in found:
        assert one.name == OVERALL
        assert one.wrong == (one.rows if one.cell == ("1", "0") else 0)
        assert len(one.examples) == example_rows.ROWS
        assert {example.note for example in one.examples} == {f"truly {one.cell[0]}, the candidate says {one.cell[1]}"}  # type: ignore[index]  # cells were filtered


def test_rows_shown_are_bounded() -> None:
    """Seventy slices and thirty-six cells: forty and twenty-five of them show rows, the larger cells of wrong answers first."""
    n = 70 * 12
    many = pd.DataFrame(
        {
            "label": [f"c{i % 6}" for i in range(n)],
            "prediction": [f"c{(i // 6) % 6}" for i in range(n)],
            "region": [f"r{i // 12:02d}" for i in range(n)],
        }
    )
    found = sampled(subject(many), "region")
    assert len([one for one in found if one.cell]) == 36
    assert len([one for one in found if one.cell and one.examples]) == example_rows.CELLS
    assert len([one for one in found if not one.cell and one.examples]) == example_rows.SLICES
    assert all(one.cell[0] != one.cell[1] for one in found[: example_rows.CELLS] if one.cell)


def test_nothing_is_shown_of_rows_that_nobody_measured_or_whose_truth_is_unknown() -> None:
    seen = subject(frame())
    assert example_rows.sampled([], {"test": seen.data}, seen.predicted) == ()
    asked = finding("performance/accuracy", proportions((30, 40)), on="test", min=0.5)
    assert example_rows.sampled([asked], {"test": seen.data}, seen.predicted) == (), "the candidate was not asked"
    assert sampled(subject(frame().drop(columns="label"))) == ()


def test_columns_that_a_check_compares_are_no_slices() -> None:
    found = sampled(subject(frame()), "region", check="drift/ks")
    assert found
    assert all(one.cell is not None for one in found)


def test_a_feature_that_moved_shows_rows_in_which_it_has() -> None:
    """Of 60 rows a third was old before and two thirds are; the rows are those, and no name of few rows is told."""
    before = frame().assign(age=np.arange(60) % 3, town=["here"] * 55 + ["krumbholtz"] * 5)
    now = frame().assign(age=np.where(np.arange(60) < 40, 2, 0), town=["here"] * 30 + ["krumbholtz"] * 30)
    seen = subject(now, reference=before)
    drawn = tuple(Bars(name, ("a",), (1.0,), (1.0,), member=Slice((("column", name),))) for name in ("age", "town", "text (words)"))
    evidence = replace(proportions((30, 40)), figures=drawn)
    asked = finding("drift/psi", evidence, on="test", reference="reference", max=0.5)
    found = example_rows.sampled([asked], {"test": seen.data, "reference": seen.datasets["reference"]}, seen.predicted)
    (age,) = (one for one in found if one.name.items)
    assert (age.name, age.rows, age.wrong) == (Slice((("column", "age"),)), 40, None)
    assert [one.row for one in age.examples] == ["1", "2", "3", "4", "5"]
    assert {one.note for one in age.examples} == {"age 2: 66.7% of the rows of test, 33.3% of reference"}
    assert {part.text for one in age.examples for part in one.parts} == {f"{WORDS} …"}
