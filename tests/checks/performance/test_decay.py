"""The mean loss in time order has an interval for every look, and its changes are dated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from audit.errors import CannotMeasure
from audit.evidence import Lines
from audit.stats import BettingMean
from audit.testing import assert_complete, assert_crash_blocks, assert_order_of_rows_is_irrelevant, assert_refused
from tests import realdata
from tests.judged import status
from tests.misses import misses, most
from tests.numbered import numbers, regressed
from tests.support import dataset, measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from audit.evidence import Evidence

CHECK = "performance/decay"


def answers(wrong: Any, **columns: Any) -> pd.DataFrame:
    """A table whose rows are wrong where the flags say so."""
    row = np.arange(len(wrong))
    label, flags = row % 2, np.asarray(wrong, dtype=bool)
    return pd.DataFrame({"label": label.astype(str), "prediction": (label ^ flags).astype(str), "x": row} | columns)


def value(found: Evidence) -> float:
    (member,) = found.members
    return member.estimate.value


def test_a_worked_example() -> None:
    """3 of 20 rows are wrong; the interval is that of the mean by betting."""
    flags = np.arange(20) % 7 == 6
    found = measure(CHECK, subject(answers(flags)))
    assert value(found) == pytest.approx(0.1)
    assert found.members[0].estimate == BettingMean.of(flags.astype(float))
    assert found.notes == ("No column tells the time of a row (test): the order of the file counts.",)


def test_errors_of_numbers_count_up_to_the_highest() -> None:
    """Off by 1, 2, 0 and 9 where 4 costs 1: a quarter, a half, nothing and 1."""
    found = measure(CHECK, regressed(numbers([(1, 2), (5, 3), (4, 4), (1, 10)])), highest=4.0)
    assert value(found) == pytest.approx((0.25 + 0.5 + 0 + 1) / 4)
    assert found.unit == "absolute error over 4"


def test_the_interval_decides() -> None:
    found = measure(CHECK, subject(answers(np.arange(1000) % 10 == 0)))
    low, high = found.members[0].estimate.bounds(0.025, 0.025)
    assert [status(CHECK, found, max=bound) for bound in (high, 0.11, low - 0.001)] == ["pass", "inconclusive", "fail"]
    assert status(CHECK, unplugged(found), max=0.11) == "pass"


def test_coverage_of_a_moving_loss() -> None:
    """Its average is .15, from .05 to .25; betting errs far less often than it may at a single look."""
    rng, trials = np.random.default_rng(0), 20
    rates = np.linspace(0.05, 0.25, 300)
    assert max(misses(lambda: measure(CHECK, subject(answers(rng.random(300) < rates))).members[0].estimate, 0.15, trials)) <= most(
        0.025, trials
    )


def test_the_rise_is_dated_by_the_time_of_the_rows_and_not_by_their_place() -> None:
    rng, n = np.random.default_rng(1), 4000
    frame = answers(rng.random(n) < np.repeat([0.1, 0.3], n // 2), when=pd.date_range("2026-03-01", periods=n, freq="30min").astype(str))
    shuffled = measure(CHECK, subject(frame.sample(frac=1, random_state=0), time="when"))
    (note,) = shuffled.notes
    assert note.startswith(("On 2026-04-10", "On 2026-04-11", "On 2026-04-12"))
    (figure,) = shuffled.figures
    assert isinstance(figure, Lines)
    assert figure.x_label == "days since 2026-03-01"
    so_far, recent = figure.curves
    assert so_far.y[-1] == pytest.approx(value(shuffled))
    assert so_far.x[-1] == pytest.approx((n - 1) / 48)
    assert (so_far.lower[-1], so_far.upper[-1]) == pytest.approx(shuffled.members[0].estimate.bounds(0.025, 0.025))
    assert recent.y[-1] > 0.25
    assert recent.y[2] < 0.15


def test_only_the_largest_changes_are_told() -> None:
    rates = np.repeat(np.tile([0.05, 0.6], 5), 400)
    notes = measure(CHECK, subject(answers(np.random.default_rng(2).random(4000) < rates))).notes
    assert [note.split()[0] for note in notes] == ["On", "On", "On", "6", "No"]


def test_a_time_of_numbers_is_shown_as_it_is() -> None:
    frame = answers([False] * 500 + [True] * 500, hour=np.arange(1000.0)[::-1])
    found = measure(CHECK, subject(frame, time="hour"))
    assert found.notes[0] == "On time 500.000 the mean loss changed from 1.000 to 0.000 (ADWIN)."


def test_entities_count_and_not_their_rows() -> None:
    frame = answers(np.repeat(np.arange(30) % 5 == 0, 40), person=np.repeat(np.arange(30), 40))
    alone, clustered = measure(CHECK, subject(frame)), measure(CHECK, subject(frame, group="person"))
    assert np.ptp(clustered.members[0].estimate.bounds(0.025, 0.025)) > 3 * np.ptp(alone.members[0].estimate.bounds(0.025, 0.025))
    assert clustered.members[0].estimate.support == 30


def test_it_behaves() -> None:
    rng = np.random.default_rng(3)
    frame = answers(rng.random(200) < 0.3, region=rng.choice(["n", "s"], 200), when=np.arange(200.0))
    seen = subject(frame, by=(("region",),), time="when")
    assert {str(one.name) for one in assert_complete(CHECK, seen).members} == {"region=n", "region=s"}
    assert_crash_blocks(CHECK, seen)
    assert_order_of_rows_is_irrelevant(CHECK, lambda table: subject(table, time="when"), frame)


def test_what_it_cannot_order_is_refused() -> None:
    assert_refused(CHECK, subject(answers([True])), "an order needs two")
    assert_refused(CHECK, subject(answers([True, False], when=["2026-01-01", None]), time="when"), "tells no time in 1 of 2 rows")
    assert_refused(CHECK, subject(answers([True, False], when=["spring", "fall"]), time="when"), "not numbers")


def test_a_range_belongs_to_numbers() -> None:
    assert_refused(CHECK, regressed(numbers([(1, 2), (3, 3)])), "set `highest`")
    assert_refused(CHECK, subject(answers([True, False])), "leave it out", highest=1.0)
    with pytest.raises(CannotMeasure, match="holds no number"):
        measure(CHECK, regressed(pd.DataFrame({"label": [1.0, np.nan], "prediction": [1.0, 1.0]})), highest=1.0)
    with pytest.raises(ValueError, match="greater than 0"):
        measure(CHECK, subject(answers([True, False])), highest=0.0)


@pytest.mark.data
def test_a_model_of_the_first_half_year_decays_on_electricity_prices() -> None:
    """elec2: the rule "as half an hour before" keeps its error; one that says the commonest class of the first 10,000 rows does not."""
    frame = pd.read_csv(realdata.path("elec2") / "elec.csv.gz")["class"].astype(str)
    table = pd.DataFrame({"label": frame[1:], "prediction": frame.shift()[1:]}).reset_index(drop=True)
    persistent = measure(CHECK, subject(table))
    low, high = persistent.members[0].estimate.bounds(0.025, 0.025)
    assert value(persistent) == pytest.approx(float((table.label != table.prediction).mean()))
    assert low < 0.146 < high
    assert status(CHECK, persistent, max=0.16) == "pass"
    assert status(CHECK, persistent, max=0.135) == "fail"
    assert dataset(table).rows == 45_311
