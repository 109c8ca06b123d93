"""The table of Local Law 144: each category with its rate, its ratio and which side of the four-fifths line it is on."""

from __future__ import annotations

from dataclasses import replace

from audit.evidence import Evidence, Member, Pair, RateTable, Slice
from audit.report import render
from audit.report.charts.tables import MOST_CATEGORIES, rates
from audit.report.entries import Link
from audit.report.rows import Places
from audit.stats import Proportion, Ratio
from tests.report import example

NAMES = tuple(
    Slice((("sex", sex), ("race", race))) for sex, race in (("f", "<b>"), ("f", "w"), ("m", "<b>"), ("m", "w"), (None, "w"), ("x", "w"))
)
FIGURE = RateTable(
    rate="selection",
    columns=("sex", "race"),
    of="",
    names=NAMES,
    rows=(200, 300, 100, 1500, 30, 9),
    hits=(40, 120, 35, 600, 3, 1),
    ratios=(0.5, 1.0, 0.75, 1.0, None, None),
    lower=(0.376, None, 0.55, 0.9, None, None),
    upper=(0.662, None, 1.02, 1.1, None, None),
    exact_p=(1e-6, None, 0.31, 1.0, None, None),
    apart=("", "", "", "", "unknown", "small"),
    below=0.02,
)
NOWHERE = Places.of((), example.opportunity(max=0.1))


def test_what_is_said_of_each_category() -> None:
    table = rates(FIGURE, "Foot.", NOWHERE)
    assert table.title == "Selection rates and impact ratios by sex and race"
    assert [(row.name, row.rate, row.ratio, row.interval, row.p, row.said, row.under) for row in table.rows] == [
        (Link("f, <b>", ""), "20.0%", "0.500", "[0.376, 0.662]", "below 0.001", "under four fifths", True),
        (Link("f, w", ""), "40.0%", "1.000", "", "–", "the highest rate", False),
        (Link("m, <b>", ""), "35.0%", "0.750", "[0.550, 1.020]", "0.31", "under four fifths, perhaps by chance", True),
        (Link("m, w", ""), "40.0%", "1.000", "[0.900, 1.100]", "1", "not under four fifths", False),
        (Link("null, w", ""), "10.0%", "–", "", "–", "unknown category, not in the calculation", False),
        (Link("x, w", ""), "11.1%", "–", "", "–", "left out: under 2% of the rows of known category", False),
    ]
    assert table.foot.startswith("30 rows of an unknown category are not in the calculation. Four fifths (0.8) is a screening line")
    assert table.foot.endswith("Foot.")


def test_scores_of_one_class_say_so() -> None:
    table = rates(replace(FIGURE, rate="scoring", of="urgent"), "", NOWHERE)
    assert (table.title, table.hit) == ("Scoring rates and impact ratios by sex and race of the class urgent", "above the median")


def test_where_nobody_is_selected_no_ratio_is_drawn() -> None:
    nothing = (None,) * 6
    table = rates(replace(FIGURE, hits=(0,) * 6, ratios=nothing, lower=nothing, upper=nothing, exact_p=nothing), "", NOWHERE)
    assert [row.said for row in table.rows][:4] == ["no ratio: none is selected"] * 4


def test_many_categories_are_counted() -> None:
    many = {name: getattr(FIGURE, name) * 20 for name in ("names", "rows", "hits", "ratios", "lower", "upper", "exact_p", "apart")}
    table = rates(replace(FIGURE, **many), "", NOWHERE)
    assert len(table.rows) == MOST_CATEGORIES
    assert table.foot.startswith(f"The first {MOST_CATEGORIES} of 120 categories.")


def test_the_table_can_be_read_by_its_heads() -> None:
    """A caption, a scope on each head, and names of the columns at the cells for where they are stacked."""
    pair = Member(Pair(NAMES[0], NAMES[1]), Ratio(Proportion(40, 200), Proportion(120, 300)))
    found = example.judged(example.OPPORTUNITY, Evidence((pair,), "impact ratio", 2139, figures=(FIGURE,)), max=0.8)
    html = render(example.audit_run([found]))
    table = html[html.index('<table class="rates') : html.index("</table>", html.index('<table class="rates'))]
    assert "<caption>Selection rates and impact ratios by sex and race " in table
    assert table.count('<th scope="col"') == 7
    assert table.count('<th scope="row">') == 6
    assert "f, &lt;b&gt;" in table
    assert table.count("data-l=") == 6 * 6
