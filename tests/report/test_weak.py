"""Slices that a search proposed, drawn and told."""

from __future__ import annotations

import re

import pytest

from audit import report
from audit.evidence import Evidence, Example, Member, Part, Slice, WeakSlices
from audit.report.charts.slices import LEFT, MOST, RIGHT, weak
from audit.stats import Difference, Proportion
from tests.judged import finding
from tests.report import example

CHECK = "fairness/discovered_slices"
FIGURE = WeakSlices(
    names=("plan=a", "region=<b>"),
    rows=(50, 100),
    wrong=(5, 40),
    rest_rows=(450, 400),
    rest_wrong=(45, 20),
    lower=(-0.09, 0.21),
    upper=(0.1, 0.4),
    named=(False, True),
    examples=((), ("row-7", "row-9")),
)


def test_marks_by_hand() -> None:
    """The named slice comes first, at 40 % against 5 %; the axis ends at 1.1 times 40 %."""
    drawing = str(weak(FIGURE, "").drawing)
    dots = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', drawing)]
    bars = [float(x) + 1.5 for x in re.findall(r'<rect x="([\d.]+)"', drawing)]
    unit = (RIGHT - LEFT) / (1.1 * 0.4)
    assert dots == pytest.approx([LEFT + 0.4 * unit, LEFT + 0.1 * unit], abs=0.01)
    assert bars == pytest.approx([LEFT + 0.05 * unit, LEFT + 0.1 * unit], abs=0.01)


def test_the_words_say_what_the_picture_shows() -> None:
    table = weak(FIGURE, "500 rows examined.")
    assert table.title == "One weak slice named, of two slices proposed by the search"
    first, second = table.rows
    assert (first.inside, first.elsewhere, first.gap, first.sure) == ("40 of 100 (40\u00a0%)", "5\u00a0%", "0.350", "at least 0.210")
    assert [one.text for one in first.to] == ["row-7", "row-9"]
    assert (second.sure, second.to) == ("no worse than elsewhere", ())
    assert (
        "region=&lt;b&gt;: 40\u00a0% wrong, elsewhere 5\u00a0%, at least 0.210; "
        "plan=a: 10\u00a0% wrong, elsewhere 10\u00a0%, no worse than elsewhere" in table.drawing
    )


def test_errors_of_numbers_are_told_in_their_unit() -> None:
    """The named slice is off by 4 against 1; the axis ends at 4.4."""
    off = WeakSlices(
        FIGURE.names,
        FIGURE.rows,
        (),
        FIGURE.rest_rows,
        (),
        FIGURE.lower,
        FIGURE.upper,
        FIGURE.named,
        FIGURE.examples,
        errors=(1000.0, 4000.0),
        rest_errors=(1500.0, 1000.0),
        measured_in="price",
    )
    table = weak(off, "")
    drawing = str(table.drawing)
    assert [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', drawing)] == pytest.approx(
        [LEFT + (RIGHT - LEFT) * 4 / 4.4, LEFT + (RIGHT - LEFT) / 4.4], abs=0.01
    )
    assert "wrong" not in drawing.lower() + table.subtitle.lower() + " ".join(table.heads)
    assert "mean absolute error, in the unit of price," in table.subtitle
    assert table.heads == ("mean absolute error in it", "elsewhere")
    first, second = table.rows
    assert (first.inside, first.elsewhere, first.gap, first.sure) == (
        "4,000.000 in\xa0100\xa0rows",
        "1,000.000",
        "3,000.000",
        "at least 0.210",
    )
    assert (second.sure, second.to) == ("no worse than elsewhere", ())
    assert "region=&lt;b&gt;: 4,000.000 on average, elsewhere 1,000.000, at least 0.210" in drawing


def test_numbers_without_an_error_are_drawn_too() -> None:
    exact = WeakSlices(
        ("plan=a",), (50,), (), (450,), (), (0.0,), (0.0,), (False,), ((),), errors=(0.0,), rest_errors=(0.0,), measured_in="price"
    )
    assert 'cx="10"' in weak(exact, "").drawing


def test_none_named_and_too_many_to_show() -> None:
    n = 30
    many = WeakSlices(tuple(map(str, range(n))), (9,) * n, (0,) * n, (9,) * n, (0,) * n, (-0.1,) * n, (0.1,) * n, (False,) * n, ((),) * n)
    table = weak(many, "")
    assert table.title.startswith("No weak slice named")
    assert len(table.rows) == MOST
    assert table.foot.startswith(f"The first {MOST} of {n} slices.")


def test_the_report_shows_it() -> None:
    rest = Proportion(380, 400)
    members = tuple(Member(Slice(((name, "x"),)), Difference(rest, Proportion(hits, 100))) for name, hits in (("region", 60), ("plan", 90)))
    evidence = Evidence(members, "accuracy gap", 500, figures=(FIGURE,))
    run = example.audit_run([finding(CHECK, evidence, max=0.1)])
    page = report.render(run)
    assert page.count('aria-label="Weak slices') == 1
    assert "Does it serve any part of the data worse that the policy does not name?" in page
    assert "<bdi>region=&lt;b&gt;</bdi>" in page
    assert "<div><bdi>row-7</bdi></div><div><bdi>row-9</bdi></div>" in page


def test_ids_lead_to_the_rows_that_are_shown() -> None:
    """Of a named slice's two rows one is among the examples; the other keeps its id and leads nowhere."""
    member = Member(Slice(), Difference(Proportion(380, 400), Proportion(60, 100)))
    shown = (Example("row-7", (Part("my parcel …"),), "region=<b>: truly a, the candidate says b"),)
    made = finding(CHECK, Evidence((member,), "gap", 500, figures=(FIGURE,), examples=shown), on="test", max=0.1, by=[["region"]])
    html = report.render(example.audit_run([made]))
    assert '<td data-l="rows to look at"><div><a href="#D-F-1-1"><bdi>row-7</bdi></a></div><div><bdi>row-9</bdi></div></td>' in html
    assert html.count('<li id="D-F-1-1">') == 1


def test_a_named_slice_leads_to_the_first_of_its_rows() -> None:
    """From its line of the forest plot too; what is not named leads nowhere."""
    rest = Proportion(380, 400)
    members = (
        Member(Slice((("region", "<b>"),)), Difference(rest, Proportion(60, 100))),
        Member(Slice((("plan", "a"),)), Difference(rest, Proportion(45, 50))),
    )
    shown = (Example("row-7", (Part("my parcel …"),), "region=<b>: truly a, the candidate says b"),)
    made = finding(CHECK, Evidence(members, "gap", 500, figures=(FIGURE,), examples=shown), on="test", max=0.1)
    html = report.render(example.audit_run([made]))
    assert '<th scope="row"><a href="#D-F-1-1"><bdi>region: &lt;b&gt;</bdi></a></th><td class="fx">' in html
    assert '<th scope="row"><bdi>plan: a</bdi></th><td class="fx">' in html
