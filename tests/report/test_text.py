"""Numbers, dates and counts as the report says them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.decision.finding import Bound, Headline
from audit.evidence import OVERALL
from audit.formatting import bound_in_words, format_evidence, number
from audit.report import text as prose
from audit.report.text import asked_in_words
from tests.report.example import ACCURACY, requirement


@pytest.mark.parametrize(
    ("value", "limits", "said"),
    [
        (0.229, (), "0.229"),
        (0.79996, (0.8,), "0.79996"),  # three decimals would say 0.800 and contradict the status
        (0.8, (0.8,), "0.800"),
        (0.0, (), "0.000"),
        (-0.005, (), "−0.005"),
        (1.1e-4, (), "0.00011"),  # no power of ten where a plain number can be read
        (1e-5, (0.0,), "0.000010"),
        (2e-7, (), "2.0e−07"),
        (1200.5, (), "1,200.500"),
    ],
)
def test_figure(value: float, limits: tuple[float, ...], said: str) -> None:
    """A number never reads as a bound that it does not equal."""
    assert prose.figure(value, *limits) == said


@given(st.floats(0, 1), st.integers(0, 100))
def test_no_printed_number_contradicts_its_status(value: float, hundredths: int) -> None:
    """Read back, the printed number lies on the same side of the bound as the number itself, unless they are closer than 1e-9."""
    limit = hundredths / 100
    shown = float(prose.figure(value, limit).replace("−", "-"))
    if abs(value - limit) > 1e-9:
        assert (shown > limit, shown < limit) == (value > limit, value < limit)


def test_census_counts_are_whole() -> None:
    """A count of nothing is 0, not 0.000; an open end is said as such."""
    assert prose.figure(0.0, census=True) == "0"
    assert prose.bracket((0.5, math.inf)) == "[0.500, ∞]"
    assert prose.is_census(Headline(3, 9, (3, 3), (0.025, 0.025), "rows", "census", OVERALL, Bound(3.0, floor=False)))
    assert not prose.is_census(Headline(3, 9, (2, 4), (0.025, 0.025), "rows", "census", OVERALL, Bound(3.0, floor=False)))


def test_bounds_in_words() -> None:
    """Bounds are said with `at least` and `at most`, never with bare signs."""
    assert prose.bound(requirement(ACCURACY, min=0.75)) == "at least 0.75"
    assert prose.bound(requirement(ACCURACY, min=0.2, max=0.6)) == "at least 0.2 and at most 0.6"
    assert prose.bound(requirement(ACCURACY, against="champion", margin=0.01)) == "not worse than the champion by more than 0.01"


def test_dates() -> None:
    """Dates are written out; what is no date is given back."""
    assert prose.day("2026-12-04") == "4 December 2026"
    assert prose.moment("2026-11-20T01:47:11+00:00") == "20 November 2026, 01:47 UTC"
    assert prose.moment("2026-11-20T01:47:11Z") == "20 November 2026, 01:47 UTC"
    assert prose.day("soon") == "soon"


def test_counts_and_lists() -> None:
    """Small numbers are words; lists say how much they leave out."""
    assert prose.counted(1, "check") == "one check"
    assert prose.counted(15, "check") == "fifteen checks"
    assert prose.counted(42, "check") == "42 checks"
    assert prose.listed(["a", "b", "c"]) == "a, b and c"
    assert prose.listed(["a", "b", "c"], 1) == "a and 2 more"
    assert prose.clip("one two three", 9) == "one two …"
    assert prose.seconds(0.04) == "0.0 s"
    assert prose.seconds(200) == "3 min 20 s"
    assert prose.confidence(0.95) == "95\u00a0%"
    assert prose.confidence(0.025 / 6) == "0.417\u00a0%"


def test_no_sign_stands_before_zero() -> None:
    """A margin of 0 makes a bound of −0."""
    assert bound_in_words(-0.0, None) == "at least 0"
    assert number(-0.0) == "0.000"
    assert asked_in_words(requirement(ACCURACY, against="champion", margin=0.0)) == "not worse than the champion at all"


def test_dates_in_a_sentence_are_written_out() -> None:
    said = "expired at 2026-11-01 00:00:00 UTC; due 2027-01-20, asked for in W-2026-01-20"
    assert prose.dates(said) == "expired at 1 November 2026, 00:00 UTC; due 20 January 2027, asked for in W-2026-01-20"
    assert prose.dates("signed 2026-11-01T08:30:00+00:00") == "signed 1 November 2026, 08:30 UTC"
    assert prose.dates("row 2026-13-01 and 2026-11-01_test") == "row 2026-13-01 and 2026-11-01_test"


def test_evidence_is_told_as_exactly_as_it_matters() -> None:
    told = [format_evidence(one) for one in (0.0, 1e-9, 0.25, 7.34, 812.4, 2e9, float("inf"))]
    assert told == ["0", "less than 0.01", "0.25", "7.3", "812", "more than 1,000,000,000", "more than 1,000,000,000"]
