"""What changes against another model, drawn and counted."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from audit import report
from audit.evidence import OVERALL, Churn, Evidence, Example, Member, Part
from audit.report.charts.slices import CHURN_LETTER, CHURN_RIGHT, MOST_CHURN, churn
from audit.report.entries import Link, entries
from audit.report.findings import finding_views
from audit.stats import PairedDifference
from tests.report import example

FIGURE = Churn("the champion", ("all rows", "region=<b>"), (70, 10), (20, 5), (10, 0), (0, 5), (32, 5))


def test_bars_by_hand() -> None:
    """Of all rows 10 % are lost and 20 % gained; of the slice none and 25 %, so that the axis ends at 1.1 times 25 %."""
    drawing = str(churn(FIGURE, "", {}).drawing)
    bars = [(float(x), float(width)) for x, width in re.findall(r'<rect x="([\d.]+)"[^>]* width="([\d.]+)"', drawing)]
    left = 14 + CHURN_LETTER * len("region=<b>")
    unit, middle = (CHURN_RIGHT - left) / 2 / (1.1 * 0.25), (left + CHURN_RIGHT) / 2
    expected = [(middle - 0.1 * unit, 0.1 * unit), (middle, 0.2 * unit), (middle, 0.0), (middle, 0.25 * unit)]
    assert [one for bar in bars for one in bar] == pytest.approx([one for bar in expected for one in bar], abs=0.01)


def test_the_words_say_what_the_picture_shows() -> None:
    table = churn(FIGURE, "100 rows examined.", {})
    assert table.title == "What changes against the champion: 10 rows lost, 20 gained"
    assert [(row.n, row.gained, row.lost, row.changed) for row in table.rows] == [
        ("100", "20", "10", "32\u00a0%"),
        ("20", "5", "0", "25\u00a0%"),
    ]
    assert (
        "all rows: 10 lost (10\u00a0%), 20 gained (20\u00a0%); region=&lt;b&gt;: 0 lost (0\u00a0%), 5 gained (25\u00a0%)" in table.drawing
    )


def test_many_slices_are_cut_and_said_to_be() -> None:
    many = (1,) * 30
    table = churn(Churn("the champion", tuple(map(str, range(30))), many, many, many, many, many), "", {})
    assert len(table.rows) == MOST_CHURN
    assert table.foot.startswith("The first 20 of 30 lines.")


def test_long_names_keep_their_beginning() -> None:
    """Cut at a word, `region=the islands` would read `region=the …`."""
    long = Churn("the champion", ("region=the islands beyond the strait",), (1,), (1,), (1,), (1,), (2,))
    assert ">region=the islands beyond…</text>" in churn(long, "", {}).drawing


def test_two_models_that_never_differ_are_drawn() -> None:
    alike = Churn("the base model", ("all rows",), (5,), (0,), (0,), (1,), (0,))
    assert "0 rows lost, 0 gained" in churn(alike, "", {}).title


def test_rows_that_stand_above_already_are_pointed_at() -> None:
    """Several checks compare the same two models on the same rows: one picture and one list of examples will do."""
    example_row = Example("7", (Part("a row"),), "lost: truly 1")
    evidence = Evidence((Member(OVERALL, PairedDifference(70, 20, 10, 0)),), "difference", 100, figures=(FIGURE,), examples=(example_row,))
    overall = replace(evidence, figures=(Churn("the champion", ("all rows",), (70,), (20,), (10,), (0,), (32,)),))
    pairs = ((example.ACCURACY, evidence), (example.F1, overall))
    lines = [example.judged(check, found, against="champion", margin=0.05) for check, found in pairs]
    run = example.audit_run(lines)
    first, second = (one.figures for views in finding_views(run, entries(run)) for one in views)
    assert (len(first.churns), len(first.examples)) == (1, 1)
    assert (second.churns, second.examples) == ((), ())
    assert second.notes[-1] == "Rows that change, and examples of them: under F-1."


def test_the_report_shows_it_beside_the_difference() -> None:
    evidence = Evidence(
        (Member(OVERALL, PairedDifference(70, 20, 10, 0)),), "accuracy difference from the champion", 100, figures=(FIGURE,)
    )
    run = example.audit_run([example.judged(example.ACCURACY, evidence, against="champion", margin=0.05)])
    (first, *_) = (one.figures for views in finding_views(run, entries(run)) for one in views)
    assert ["the champion" in table.title for table in first.churns] == [True]
    page = report.render(run)
    assert "Is it no worse than the champion, in accuracy?" in page
    assert "not worse than the champion by more than 0.05" in page
    assert "<bdi>region=&lt;b&gt;</bdi>" in page


def test_slices_of_the_table_lead_to_their_rows() -> None:
    rows = churn(FIGURE, "", {FIGURE.names[1]: "R-3"}).rows
    assert [row.name for row in rows[:2]] == [Link(FIGURE.names[0], ""), Link(FIGURE.names[1], "R-3")]
