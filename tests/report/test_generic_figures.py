"""Figures that any check may bring: the report draws them from their data alone."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import pytest

from audit import report
from audit.evidence import OVERALL, Bars, Curve, Evidence, Grid, Intervals, Lines, Member, Point
from audit.report.charts.drawing import LEFT, RIGHT, TOP
from audit.report.charts.lines import LINES, lines
from audit.report.charts.tables import MOST, BarTable, bars, grid
from audit.report.entries import entries
from audit.report.findings import finding_views
from audit.report.rows import Places
from audit.stats import Proportion
from tests.report import example

if TYPE_CHECKING:
    from collections.abc import Callable

CURVES = Lines(
    "accuracy as texts get longer",
    "words",
    "accuracy",
    (
        Curve("candidate", (0.0, 50.0, 100.0), (0.9, 0.8, 0.7), (0.8, 0.7, 0.6), (1.0, 0.9, 0.8)),
        Curve("champion", (0.0, 100.0), (0.7, 0.7)),
    ),
)
NOWHERE = Places("", {}, frozenset(), {})
CELLS = Grid("distance of each two groups", ("north", "south"), ("north", "south", "west"), ((None, 0.25, 3), (0.25, None, 12000)))


def test_lines_stand_where_their_numbers_belong() -> None:
    """The axes hold 0 to 100 with 2 % of room and .6 to 1 with 6 %."""
    drawing = str(lines(CURVES, "").drawing)
    across, up = (RIGHT - LEFT) / 104, (LINES - TOP) / (0.4 * 1.12)
    paths = [re.findall(r"([\d.]+) ([\d.]+)", one) for one in re.findall(r'd="M([^"]+)" class="inkl', drawing)]
    by_hand = [[(LEFT + across * (x + 2), LINES - up * (y - 0.576)) for x, y in points] for points in (((0, 0.9), (50, 0.8), (100, 0.7)),)]
    assert [[(float(x), float(y)) for x, y in points] for points in paths[:1]] == [[pytest.approx(one, abs=0.01) for one in by_hand[0]]]


def test_lines_say_in_words_what_they_show() -> None:
    drawn = lines(CURVES, "100 rows examined.")
    assert (drawn.title, drawn.subtitle, drawn.foot) == (
        "Accuracy as texts get longer",
        "Accuracy over words.",
        "100 rows examined.",
    )
    assert "candidate: 0.900 at 0, 0.700 at 100; champion: 0.700 at 0, 0.700 at 100</desc>" in drawn.drawing


def test_curves_are_told_apart_by_their_stroke_and_named_in_a_key() -> None:
    drawing = str(lines(CURVES, "").drawing)
    assert re.findall(r'class="(inkl[^"]*)"/><text[^>]*>(\w+)<', drawing) == [("inkl", "candidate"), ("inkl dash", "champion")]
    many = Lines("t", "x", "y", tuple(Curve(str(one), (0.0, 1.0), (0.0, 1.0)) for one in range(6)))
    assert lines(many, "").foot == "The first 4 of 6 lines. "


def test_a_curve_of_one_value_is_drawn() -> None:
    assert "1.000 at 5, 1.000 at 5" in lines(Lines("t", "x", "y", (Curve("one", (5.0,), (1.0,)),)), "").drawing


def test_bars_of_shares_are_written_as_numbers() -> None:
    table = bars(Bars("shares", ("a", "b"), (0.25, 0.5)), "")
    assert isinstance(table, BarTable)
    assert [(bar.label, bar.count, bar.width) for bar in table.bars] == [("a", "0.250", "50"), ("b", "0.500", "100")]


def test_a_grid_is_a_table_of_its_cells() -> None:
    table = grid(CELLS, "foot", NOWHERE)
    assert table.title == "Distance of each two groups"
    assert table.classes == ("north", "south", "west")
    assert [(name, [cell.count for cell in cells]) for name, cells in table.rows] == [
        ("north", ["–", "0.250", "3"]),
        ("south", ["0.250", "–", "12,000"]),
    ]
    wide = grid(Grid("t", ("a",), tuple(map(str, range(30))), (tuple(range(30)),)), "foot", NOWHERE)
    assert (len(wide.classes), len(wide.rows[0][1]), wide.foot) == (MOST, MOST, f"The first {MOST} of 30 columns. foot")


def test_a_new_check_s_figures_are_in_the_report_without_a_line_of_it() -> None:
    shown = (CURVES, Bars("rows by kind", ("a", "b"), (3, 4)), CELLS, Intervals("gap", ("now",), ("all rows",), ((Point(0.1, 0.0, 0.2),),)))
    evidence = Evidence((Member(OVERALL, Proportion(80, 100)),), "accuracy", 100, figures=shown)
    run = example.audit_run([example.judged(example.ACCURACY, evidence, min=0.5)])
    _, (finding,) = finding_views(run, entries(run))
    assert [one.title for one in finding.figures.drawings] == ["Accuracy as texts get longer", "Gap: now"]
    assert [one.title for one in finding.figures.bars] == ["Rows by kind"]
    assert [one.title for one in finding.figures.confusions] == ["Distance of each two groups"]
    html = report.render(run)
    assert all(title in html for title in ("Accuracy as texts get longer", "Gap: now", "Rows by kind", "Distance of each two groups"))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Curve("c", (), ()),
        lambda: Curve("c", (0.0,), (1.0, 2.0)),
        lambda: Curve("c", (0.0,), (math.nan,)),
        lambda: Curve("c", (0.0,), (1.0,), (0.5,)),
        lambda: Lines("t", "x", "y", ()),
        lambda: Bars("t", ("a",), (1, 2)),
        lambda: Bars("t", ("a",), (-1,)),
        lambda: Bars("t", ("a", "b"), (0.5, 0.5), (1.0,)),
        lambda: Grid("t", ("a",), ("b", "c"), ((1,),)),
        lambda: Grid("t", ("a",), ("b",), ((math.inf,),)),
        lambda: Intervals("u", ("now",), ("a",), ((None,),)),
        lambda: Intervals("u", ("now", "then"), ("a",), ((Point(0, 0, 0),),)),
    ],
)
def test_a_figure_that_cannot_be_drawn_is_refused_where_it_is_made(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="its lists differ in length, are empty, or hold what is no number"):
        make()
