"""Rows to look at: each cell and slice leads to its own, and too few lead nowhere."""

from __future__ import annotations

import re
from dataclasses import replace

from audit.evidence import OVERALL, Grid, Pair, Slice
from audit.record import Sampled
from audit.report import render
from audit.report.charts.tables import grid
from audit.report.entries import Link
from audit.report.page import page
from audit.report.rows import CellView, Places, rows
from tests.report import example
from tests.report.example.checks import region


def part() -> str:
    html = render(example.looked_at())
    return html[html.index('id="rows"') : html.index('id="change"')]


def test_a_cell_leads_to_its_rows_and_a_small_one_is_not_counted_out() -> None:
    """Cells in the order of the sample: R-1 is truly other and called urgent; seven rows are told as 1–9 and lead nowhere."""
    cells = re.findall(r"<td(?: class=\"right\")?>(.+?)</td>", part()[part().index("<tbody>") :])
    assert cells == ['<a href="#R-3">890</a>', '<a href="#R-1">48</a>', "1–9", '<a href="#R-4">255</a>']
    assert re.search(
        r'<summary><bdi>Truly other, but called urgent</bdi> <span class="muted">48 rows</span></summary><ul id="R-1">', part()
    )
    assert re.search(r'<summary><bdi>Truly urgent, and called urgent</bdi>.+?</summary><ul id="R-4">', part())
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
    places = Places.of(run.sampled, sliced)
    anchor = places.slice
    assert anchor(region("north")) == "R-5"
    assert anchor(region("north").further("class", "urgent")) == "R-5"
    assert anchor(region("islands")) == "", "nine rows show none"
    assert anchor(region("west")) == ""
    assert anchor(OVERALL) == ""
    assert anchor(Slice((("column", "region"),))) == ""
    assert places.member(Pair(region("north"), region("abroad"))) == (Link("region: north", "R-5"), Link("region: abroad", "R-7"))
    html = render(run)
    assert '<th scope="row"><a href="#R-5"><bdi>region: north</bdi></a></th>' in html


def test_a_small_crossing_does_not_lead_to_the_slice_around_it() -> None:
    """Where both a column and its crossing are asked for, few rows of the crossing show none, and not those of the column."""
    run = example.looked_at()
    sliced = next(one for one in run.findings if one.requirement.by == (("region",),))
    crossed = sliced.requirement.model_copy(update={"by": (("region",), ("region", "sex"))})
    places = Places.of(run.sampled, replace(sliced, requirement=crossed))
    assert places.slice(region("north")) == "R-5"
    assert places.slice(region("north").further("sex", "f")) == ""
    assert places.slice(region("north").further("class", "urgent")) == "R-5"


def test_members_of_a_finding_that_is_not_cut_by_it_lead_nowhere() -> None:
    run = example.looked_at()
    whole = next(one for one in run.findings if not one.requirement.by and one.requirement.on == "test")
    assert Places.of(run.sampled, whole).slice(region("north")) == ""


def test_cells_of_every_confusion_table_lead_to_the_same_rows() -> None:
    """Of a class against the rest too; cells of few rows are not counted out; a table of other rows leads nowhere."""
    run = example.looked_at()
    places = Places.of(run.sampled, next(one for one in run.findings if one.requirement.on == "test"))
    cells = [("other", "other", 890), ("other", "urgent", 48), ("urgent", "other", 7), ("urgent", "urgent", 255)]
    expected = [CellView("890", True, "R-3"), CellView("48", False, "R-1"), CellView("1–9", False, ""), CellView("255", True, "R-4")]
    assert [places.cell(*cell, one=None) for cell in cells] == expected
    rest = [(true.replace("other", "not urgent"), said.replace("other", "not urgent"), count) for true, said, count in cells]
    assert [places.cell(*cell, one="urgent") for cell in rest] == expected
    assert places.cell("other", "other", 889, one=None) == CellView("889", True, "")
    assert places.cell("other", "other", 3, one=None) == CellView("1–9", True, "")
    table = grid(Grid.confusion(("not urgent", "urgent"), ((890, 48), (7, 255))), "Foot.", places)
    assert [cell for _, row in table.rows for cell in row] == expected
    assert table.foot == "1–9: so few could point to a person. Foot."


def test_a_class_against_many_leads_to_the_table_of_all() -> None:
    """Two cells of the sample stand behind one of the figure."""
    run = example.looked_at()
    (first, *rest) = (replace(one, cell=("a", "b"), rows=12) for one in run.sampled[:1])
    sampled = [first, replace(first, cell=("c", "b"), rows=8), *rest]
    places = Places.of(sampled, next(one for one in run.findings if one.requirement.on == "test"))
    assert places.cell("not b", "b", 20, one="b") == CellView("20", False, "S-1")
    assert places.cell("b", "b", 0, one="b") == CellView("0", True, "")


def test_a_cell_of_few_entities_does_not_tell_how_many_rows() -> None:
    run = example.looked_at()
    few = [replace(one, entities=3, examples=()) if one.cell else one for one in run.sampled]
    html = render(replace(run, sampled=tuple(few)))
    said = html[html.index('id="rows"') : html.index('id="change"')]
    assert re.findall(r"<td(?: class=\"right\")?>(.+?)</td>", said[said.index("<tbody>") :]) == ["few", "few", "1–9", "few"]
    assert "What has rows of fewer than ten different entities shows none" in said


def test_findings_on_the_candidates_answers_lead_to_their_data_set() -> None:
    run = example.looked_at()
    pages = page(run)
    findings = (*pages.open_findings, *pages.passed_findings)
    led = {one.check: one.figures.rows.anchor for one in findings if one.figures.rows is not None}
    assert led
    assert set(led.values()) <= {one.anchor for one in pages.rows.sets}
    assert {one.figures.rows.text for one in findings if one.figures.rows is not None} == {"rows to look at"}
    assert '<h4 id="S-1">Data set <bdi>test</bdi></h4>' in render(run)


def test_rows_are_unfolded_without_a_script() -> None:
    """A browser opens what is folded where a link leads inside it, and not where it leads to the fold itself."""
    for anchor in re.findall(r'href="#(R-\d+)"', part()):
        assert re.search(rf'</summary><ul id="{anchor}">', part())
        assert f'<details class="few" id="{anchor}"' not in part()


def test_a_run_without_rows_has_no_such_part() -> None:
    assert 'id="rows"' not in render(example.block())


def test_a_feature_leads_to_rows_in_which_it_moved() -> None:
    run = example.looked_at()
    moved = Sampled("production", Slice((("column", "age"),)), None, 40, None, run.sampled[0].examples)
    drift = next(one for one in run.findings if one.requirement.on == "production")
    with_it = [*run.sampled, moved]
    assert Places.of(with_it, drift).slice(moved.name) == f"R-{len(with_it)}"
    assert Places.of(with_it, drift).slice(Slice((("column", "sex"),))) == ""
    (one,) = rows([moved], ()).sets
    assert one.parts[0].name == "age: what became more frequent"
    assert one.foot.startswith("A few rows of each part, in the order of the file.")
