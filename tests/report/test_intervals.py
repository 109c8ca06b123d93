"""A number at several stages, drawn side by side."""

from __future__ import annotations

import re

import pytest

from audit.evidence import OVERALL, Evidence, Intervals, Member, Point
from audit.report.charts.lines import MOST_STAGED, STAGES_LEFT, STAGES_RIGHT, intervals
from audit.report.entries import entries
from audit.report.findings import finding_views
from audit.stats import Proportion
from tests.report import example

FIGURE = Intervals(
    "accuracy",
    ("base model", "after fine-tuning"),
    ("all rows", "region=<b>"),
    ((Point(0.5, 0.4, 0.6), Point(0.8, 0.75, 0.9)), (None, Point(0.7, 0.5, 0.85))),
)


def test_places_by_hand() -> None:
    """The axis holds .4 to .9 with 6 % of room at either end; a stage without rows has no mark."""
    drawing = str(intervals(FIGURE, "").drawing)
    marks = [float(x) for x in re.findall(r'<use href="#m-[a-z]+" x="([\d.]+)"', drawing)][2:]  # the first two are the key
    unit = (STAGES_RIGHT - STAGES_LEFT) / (0.5 * 1.12)
    assert marks == pytest.approx([STAGES_LEFT + unit * (value - 0.37) for value in (0.5, 0.8, 0.7)], abs=0.01)
    assert drawing.count("no rows</text>") == 1


def test_the_words_say_what_the_picture_shows() -> None:
    drawn = intervals(FIGURE, "100 rows examined.")
    assert drawn.title == "Accuracy: base model → after fine-tuning"
    said = "all rows: base model 0.500 [0.400, 0.600], after fine-tuning 0.800 [0.750, 0.900]; "
    assert said + "region=&lt;b&gt;: base model no rows, after fine-tuning 0.700 [0.500, 0.850]" in drawn.drawing
    assert drawn.foot == "100 rows examined."


def test_stages_are_told_apart_by_shape() -> None:
    shapes = re.findall(r'href="(#m-[a-z]+)"', str(intervals(FIGURE, "").drawing))
    assert shapes == ["#m-open", "#m-cen", "#m-open", "#m-cen", "#m-cen"]


def test_many_slices_are_cut_and_said_to_be() -> None:
    many = Intervals("accuracy", ("before", "after"), tuple(map(str, range(30))), ((Point(0.5, 0.4, 0.6),) * 2,) * 30)
    drawn = intervals(many, "")
    assert drawn.foot.startswith(f"The first {MOST_STAGED} of 30 slices.")
    assert "; 14: before" in drawn.drawing
    assert "; 15: before" not in drawn.drawing


def test_values_all_alike_are_drawn() -> None:
    assert intervals(Intervals("share", ("before", "after"), ("all rows",), ((Point(1.0, 1.0, 1.0),) * 2,)), "").drawing


def test_the_report_draws_it() -> None:
    evidence = Evidence((Member(OVERALL, Proportion(80, 100)),), "accuracy", 100, figures=(FIGURE,))
    run = example.audit_run([example.judged(example.ACCURACY, evidence, min=0.5)])
    _, (finding,) = finding_views(run, entries(run))
    assert [drawing.title for drawing in finding.figures.drawings] == ["Accuracy: base model → after fine-tuning"]
