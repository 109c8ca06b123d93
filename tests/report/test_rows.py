"""Rows to look at: each cell and slice leads to its own, and too few lead nowhere."""

from __future__ import annotations

import re

from audit.evidence import OVERALL, Pair, Slice
from audit.report import render
from audit.report.page import page
from audit.report.rows import linked
from tests.report import example
from tests.report.example.checks import region


def part() -> str:
    html = render(example.looked_at())
    return html[html.index('id="rows"') : html.index('id="change"')]


def test_a_cell_leads_to_its_rows_and_a_small_one_is_not_counted_out() -> None:
    """Cells in the order of the sample: R-1 is truly other and called urgent; seven rows are told as 1–9 and lead nowhere."""
    cells = re.findall(r"<td(?: class=\"right\")?>(.+?)</td>", part()[part().index("<tbody>") :])
    assert cells == ['<a href="#R-3">890</a>', '<a href="#R-1">48</a>', "1–9", '<a href="#R-4">255</a>']
    assert re.search(r'id="R-1"><summary><bdi>Truly other, but called urgent</bdi> <span class="muted">48 rows</span>', part())
    assert re.search(r'id="R-4"><summary><bdi>Truly urgent, and called urgent</bdi>', part())
    assert 'id="R-2"' not in part()


def test_rows_of_a_data_set_without_truth_in_classes_have_no_table() -> None:
    _, production = page(example.looked_at()).rows.sets
    assert (production.role, production.classes, production.table) == ("production", (), ())
    assert [one.size for one in production.parts] == ["40 rows"]
    assert production.foot.startswith("A few rows of each part, those farthest off first")


def test_what_a_row_holds_is_text() -> None:
    assert "<script>" not in part()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in part()
    assert '<span class="mask">telephone number</span>' in part()


def test_a_member_leads_to_its_slice() -> None:
    run = example.looked_at()
    sliced = next(one for one in run.findings if one.requirement.by == (("region",),))
    anchor = linked(run.sampled, sliced)
    assert anchor(region("north")) == "R-5"
    assert anchor(region("north").further("class", "urgent")) == "R-5"
    assert anchor(region("islands")) == "", "nine rows show none"
    assert anchor(region("west")) == ""
    assert anchor(OVERALL) == ""
    assert anchor(Slice((("column", "region"),))) == ""
    assert anchor(Pair(region("north"), region("abroad"))) == ""
    html = render(run)
    assert '<th scope="row"><a href="#R-5"><bdi>region=north</bdi></a></th>' in html


def test_members_of_a_finding_that_is_not_cut_by_it_lead_nowhere() -> None:
    run = example.looked_at()
    whole = next(one for one in run.findings if not one.requirement.by and one.requirement.on == "test")
    assert linked(run.sampled, whole)(region("north")) == ""


def test_a_run_without_rows_has_no_such_part() -> None:
    assert 'id="rows"' not in render(example.block())
