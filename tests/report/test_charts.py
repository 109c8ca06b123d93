"""Charts put numbers where they belong."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.decision.finding import Judged, bounds
from audit.evidence import OVERALL, Evidence, Histogram, Member, PrecisionRecall, Residuals, Roc, Slice
from audit.report.charts.axes import Scale, around, ticks
from audit.report.charts.curves import precision_recall, residuals, roc, short
from audit.report.charts.distributions import histogram
from audit.report.charts.history import loss
from audit.report.charts.intervals import Caption, forest, interval_plot
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


def test_histogram_names_the_widest_gap() -> None:
    """The foot says where the two samples differ most, with both shares."""
    drawing = histogram(Histogram("age", ("young", "old"), (0.8, 0.2), (0.5, 0.5), "test", "production"), "")
    assert drawing.title == "age, furthest apart: young"
    assert drawing.foot.startswith("Furthest apart: young, with 80\u00a0% of test and 50\u00a0% of production.")
    assert "old: 20\u00a0%, 50\u00a0%" in drawing.drawing


def test_roc_is_thinned_and_keeps_its_ends() -> None:
    """A curve of 5,000 points is drawn with at most 120, the first and the last among them."""
    steps = tuple(i / 4999 for i in range(5000))
    drawing = roc(Roc(steps, steps, steps, steps, None), "area 0.5", "at least 0.8", "").drawing
    curve = re.search(r'd="M([^"]+)" class="inkl"', drawing)
    assert curve
    points = curve[1].split("L")
    assert (points[0], points[-1], len(points)) == ("44 300", "336 26", 120)


def test_loss_rings_the_checkpoint_that_was_kept() -> None:
    """One ring, at the step of the record; without any loss there is no figure."""
    drawing = loss(example.training())
    assert drawing is not None
    assert drawing.drawing.count('r="7"') == 1
    assert "step 480 was kept" in drawing.title
    assert loss(example.training().model_copy(update={"train_loss": (), "validation_loss": ()})) is None


def test_precision_recall_by_hand() -> None:
    """Half found at precision 1, all at 2/3: the line goes level to the middle of the plate, falls there, and goes level again."""
    figure = PrecisionRecall((0.5, 1.0), (1.0, 2 / 3), (0.3, 0.2), (1.0, 0.9), 2 / 3, (0.5, 1.0))
    drawn = precision_recall(figure, "average precision 0.83", "at least 0.8", "3 rows")
    left, middle, right, top, two_thirds = 44, (44 + 336) / 2, 336, 26, 300 - 274 * 2 / 3
    line = [(left, top), (middle, top), (middle, two_thirds), (right, two_thirds)]
    assert 'class="inkl"' in drawn.drawing
    assert re.findall(r"[ML]([\d.]+)[ ,]([\d.]+)", re.findall(r'<path [^>]*class="inkl"[^>]*>', drawn.drawing)[0]) == [
        (f"{a:.2f}".rstrip("0").rstrip("."), f"{b:.2f}".rstrip("0").rstrip(".")) for a, b in line
    ]
    assert "average precision 0.83; at least 0.8. A score that knows nothing has a precision of 67\u00a0%." in str(drawn.drawing)
    assert "At the decision threshold: 50\u00a0% of the cases found, 100\u00a0% of the alarms true." in str(drawn.drawing)
    calm = precision_recall(replace(figure, operating_point=None), "none", "at least 0.8", "")
    assert "threshold" not in str(calm.drawing)


@pytest.mark.parametrize(
    "figure",
    [Roc((0.0, 1.0), (0.0, 1.0), (0.0, 1.0), (0.0, 1.0), None, 0.77), PrecisionRecall((1.0,), (0.5,), (0.4,), (0.6,), 0.5, None, 0.77)],
)
def test_a_curve_of_all_rows_bears_their_number_and_no_slices(figure: Roc | PrecisionRecall) -> None:
    """The worst slice's number belongs to another curve than the one that is drawn."""
    slices = tuple(Member(Slice((("sex", sex),)), Proportion(hits, 100)) for sex, hits in (("f", 60), ("m", 90)))
    for members, told in (
        (slices, "accuracy 0.770, all rows; at least 0.5, of each slice."),
        ((Member(OVERALL, slices[1].estimate),), "0.900"),
    ):
        evidence = Evidence(members, "accuracy", 200, figures=(figure,))
        run = example.audit_run([example.judged(example.ACCURACY, evidence, min=0.5)])
        open_findings, passed = finding_views(run, entries(run))
        (drawing,) = (*open_findings, *passed)[0].figures.drawings
        assert told in drawing.drawing
        assert "0.600" not in drawing.drawing


def test_residuals_say_where_predictions_are_off() -> None:
    """Dots at the bins' means, the bin that is farthest off beyond chance in the title, every number in the words beside it."""
    figure = Residuals(
        (10.0, 20.0, 30.0), (2.0, 0.1, -6.0), (1.0, -0.5, -8.0), (3.0, 0.7, -4.0), (-1.0, -2.0, -9.0), (4.0, 2.0, 1.0), (25, 25, 25)
    )
    drawn = residuals(figure, "75 rows.")
    assert drawn.title == "Predictions near 30.000 are too high by 6.000 on average"
    assert drawn.foot == "Two of 3 bins are off beyond their 95\u00a0% interval. 75 rows."
    heights = [float(y) for y in re.findall(r'<circle cx="[\d.]+" cy="([\d.]+)"', drawn.drawing)]
    assert heights == sorted(heights), "a lower mean lies lower"
    assert "predicted 20.000: 0.100 on average, −2.000 to 2.000 for most rows" in drawn.drawing


def test_residuals_that_are_chance_alone_say_so() -> None:
    figure = Residuals((1.0, 2.0), (0.1, -0.1), (-math.inf, -1.0), (1.0, math.inf), (-2.0, -2.0), (2.0, 2.0), (30, 30))
    assert residuals(figure, "").title == "No stretch of predictions is off by more than chance"


@pytest.mark.parametrize(("value", "said"), [(0.25, "0.25"), (-2500, "−2,500"), (250_000, "250k"), (-1.5e6, "−1.5M"), (2e9, "2G")])
def test_ticks_are_short(value: float, said: str) -> None:
    assert short(value) == said
