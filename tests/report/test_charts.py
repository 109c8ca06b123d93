"""Charts put numbers where they belong."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.decision.finding import Judged, bounds
from audit.evidence import OVERALL, Bars, Curve, Evidence, Lines, Member, Slice, points
from audit.report.charts.drawing import LEFT, RIGHT, TOP, Drawing, Scale, around, short, ticks
from audit.report.charts.history import loss
from audit.report.charts.intervals import Caption, forest, interval_plot
from audit.report.charts.lines import MOST_POINTS, SQUARE, lines
from audit.report.charts.tables import bars
from audit.report.entries import entries
from audit.report.findings import finding_views
from audit.stats import Proportion
from tests.report import example


def places(drawing: str, mark: str) -> list[float]:
    return [float(x) for x in re.findall(rf'<use href="#{mark}" x="([\d.]+)%"', drawing)]


def test_interval_plot_by_hand() -> None:
    """At least 0.8 and a value of 0.9: half of the good side's 0.2, so at 50 + 46 / 2 = 73 percent."""
    evidence = Evidence((Member(OVERALL, Proportion(900, 1000)),), "accuracy", 1000)
    plot = interval_plot(example.judged(example.ACCURACY, evidence, min=0.8))
    assert places(plot.drawing, "m-pass") == [73]
    low, high = Proportion(900, 1000).bounds(0.025, 0.025)
    assert places(plot.drawing, "m-cap") == pytest.approx([50 + 46 * (low - 0.8) / 0.2, 50 + 46 * (high - 0.8) / 0.2], abs=0.01)


def test_better_is_to_the_right_for_a_ceiling_too() -> None:
    """At most 0.3 and a value of 0.2 lies on the same good side as at least 0.1 and a value of 0.2."""
    evidence = Evidence((Member(OVERALL, Proportion(200, 1000)),), "share", 1000)
    ceiling = interval_plot(example.judged(example.ACCURACY, evidence, max=0.3))
    floor = interval_plot(example.judged(example.ACCURACY, evidence, min=0.1))
    assert places(ceiling.drawing, "m-pass") == places(floor.drawing, "m-pass") == [73]


def test_beyond_the_scale_is_an_arrow() -> None:
    """A value far below its bound shows an arrow to the left and no mark that could be read as a place."""
    evidence = Evidence((Member(OVERALL, Proportion(100, 1000)),), "share", 1000)
    plot = interval_plot(example.judged(example.ACCURACY, evidence, min=0.9))
    assert "#m-left" in plot.drawing
    assert not places(plot.drawing, "m-fail")


def test_census_has_a_square_and_a_scale_of_its_own() -> None:
    """17 where none is allowed is drawn to the left of the bound, on a scale that says so; there is no whisker."""
    plot = interval_plot(example.census(example.PII, 17, 6000, max=0))
    assert places(plot.drawing, "m-cen") == pytest.approx([50 - 46 * 17 / 20], abs=0.01)
    assert plot.scale == "scale: 20 to each side"
    assert 'class="wh"' not in plot.drawing


def test_no_evidence_is_words() -> None:
    """Without a measurement there is no drawing, and the place says why."""
    for status, said in (("error", "the check broke"), ("not_run", "not run"), ("not_applicable", "not applicable")):
        plot = interval_plot(example.without(example.F1, status, "no"))
        assert (str(plot.drawing), plot.absent) == ("", said)


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.floats(allow_nan=False))
def test_scale_keeps_everything_on_the_plate(low: float, span: float, value: float) -> None:
    """No value, however far out, is drawn outside; order is kept."""
    scale = Scale(low, low + span, 4, 96)
    assert 4 <= scale(value) <= 96
    assert scale(low) <= scale(value) <= scale(math.inf)


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3))
def test_ticks_are_round_inside_and_say_their_place(low: float, span: float) -> None:
    """There are at most seven, they lie between the ends, and each label is its number."""
    marks = ticks(low, low + span)
    assert len(marks) <= 7
    for place, label in marks:
        assert low - span * 1e-6 <= place <= low + span * (1 + 1e-6)
        assert float(label.replace("−", "-").replace(",", "")) == pytest.approx(place, abs=span * 1e-6)


def test_around_holds_all_finite_values() -> None:
    """Infinite ends do not stretch an axis."""
    assert around([0.2, math.inf, 0.4])[0] < 0.2
    assert around([0.2, math.inf, 0.4])[1] < 1
    assert around([3.0]) != (3.0, 3.0)


def test_forest_shows_members_in_order_and_counts_the_rest() -> None:
    """Forty rows are drawn; the foot says how many are not. A member without a number says why."""
    members = [Judged(Slice((("id", i),)), 0.5, 10, (0.4, 0.6), "pass") for i in range(50)]
    plot = forest(members, bounds(example.requirement(example.ACCURACY, min=0.45), "higher"), Caption("t"))
    assert [one.text for row in plot.rows for one in row.names] == [f"id: {i}" for i in range(40)]
    assert "10 more in results.json" in plot.foot
    missing = forest([Judged(OVERALL, None, 0, None, "inconclusive", "no rows")], (), Caption("t"))
    assert missing.rows[0].absent == "no rows"


def test_each_two_groups_are_drawn_once_the_worse_way_round() -> None:
    """Three groups make three pairs, not six; the judged one carries the deciding interval and the status."""
    run = example.audit_run([example.opportunity(max=0.1)])
    (finding,), _ = finding_views(run, entries(run))
    rates, gap = finding.figures.forests
    assert len(rates.rows) == len(gap.rows) == 3
    assert not rates.has_status
    assert [row.chip.key if row.chip else "" for row in gap.rows] == ["fail", "", ""]
    head = run.findings[0].headline
    assert head is not None
    assert gap.rows[0].value == "0.229"
    assert gap.rows[0].interval == f"[{head.interval[0]:.3f}, {head.interval[1]:.3f}]"
    assert all(not row.value.startswith("−") for row in gap.rows)


def test_bars_of_two_samples_name_the_widest_gap() -> None:
    """The foot says where the two samples differ most, with both shares."""
    drawing = bars(Bars("age", ("young", "old"), (0.5, 0.5), (0.8, 0.2), ("test", "production")), "")
    assert isinstance(drawing, Drawing)
    assert drawing.title == "age, furthest apart: young"
    assert drawing.foot.startswith("Furthest apart: young, with 80\u00a0% of test and 50\u00a0% of production.")
    assert "old: 20\u00a0%, 50\u00a0%" in drawing.drawing


def test_a_long_line_is_thinned_and_keeps_its_ends() -> None:
    """A curve of 5,000 points is drawn with at most 240, the first and the last among them; shares lie on a square plate."""
    steps = tuple(i / 4999 for i in range(5000))
    drawing = lines(Lines("t", "x", "y", (Curve("c", steps, steps),)), "").drawing
    curve = re.search(r'd="M([^"]+)" class="inkl"', drawing)
    assert curve
    drawn = curve[1].split("L")
    across, up = (RIGHT - LEFT) / 1.04, (SQUARE - TOP) / 1.04
    ends = [f"{LEFT + across * (x + 0.02):.2f} {SQUARE - up * (x + 0.02):.2f}" for x in (0, 1)]
    assert (drawn[0], drawn[-1], len(drawn)) == (*ends, MOST_POINTS)


def test_loss_rings_the_checkpoint_that_was_kept() -> None:
    """One ring, at the step of the record; without any loss there is no figure."""
    drawing = loss(example.training())
    assert drawing is not None
    assert drawing.drawing.count('r="7"') == 1
    assert "step 480 was kept" in drawing.title
    assert loss(example.training().model_copy(update={"train_loss": (), "validation_loss": ()})) is None


def test_points_stand_with_their_intervals_and_those_that_are_off_stand_out() -> None:
    """A ring for a point, a diamond for one that is off, a disc for one without an interval; every number is in the words."""
    marked = points(
        ("bins", "bins that are off"), (0.2, 0.5, 0.8), (0.2, 0.9, 0.8), ((0.1, 0.3), (0.7, math.inf), (0.7, 0.9)), (False, True, False)
    )
    chosen = Curve("at the threshold", (0.4,), (0.6,), style="points")
    figure = Lines("t", "x", "y", (Curve("no error", (0.0, 1.0), (0.0, 1.0), style="expected"), *marked, chosen))
    drawing = str(lines(figure, "").drawing)
    assert [drawing.count(f'href="#{mark}"') for mark in ("m-open", "m-fail")] == [2 + 1, 1 + 1], "each with its mark in the key"
    assert drawing.count("<circle") == 2
    assert "at the threshold: 0.600 at 0.4</text>" in drawing
    assert "bins: 0.200 [0.100, 0.300] at 0.2, 0.800 [0.700, 0.900] at 0.8; bins that are off: 0.900 [0.700, ∞] at 0.5" in drawing
    assert "no error: " not in drawing


def test_the_strip_shows_how_many_rows_lie_where() -> None:
    """Ten rows are as high as the strip, five are half as high."""
    figure = Lines("t", "x", "y", (Curve("c", (0.0, 1.0), (0.0, 1.0)),), rows_at=((0.0, 10), (1.0, 5)), foot="Bins of equal mass.")
    drawn = lines(figure, "15 rows.")
    assert re.findall(r'<rect [^>]*height="([\d.]+)"', drawn.drawing) == ["28", "14"]
    assert "rows in each bin, at most 10" in drawn.drawing
    assert drawn.foot == "Bins of equal mass. 15 rows."


@pytest.mark.parametrize(("value", "said"), [(0.25, "0.25"), (-2500, "−2,500"), (250_000, "250k"), (-1.5e6, "−1.5M"), (2e9, "2G")])
def test_ticks_are_short(value: float, said: str) -> None:
    assert short(value) == said
