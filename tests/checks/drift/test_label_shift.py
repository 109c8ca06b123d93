"""Shares of true classes, and true numbers, are compared between two windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from audit.candidates.saved import SavedValues
from audit.errors import CannotMeasure
from audit.evidence import Pair
from audit.stats import Difference, Proportion
from audit.testing import assert_complete, assert_crash_blocks, assert_order_of_rows_is_irrelevant, assert_refused
from tests.judged import status
from tests.misses import misses, most
from tests.support import dataset, measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from audit.evidence import Evidence
    from audit.subject import Subject

CHECK = "drift/label_shift"


def windows(before: Any, now: Any, **roles: Any) -> Subject:
    frames = [pd.DataFrame({"label": labels, "prediction": labels}) for labels in (before, now)]
    return subject(frames[1], reference=frames[0], **roles)


def test_a_worked_example() -> None:
    """30 of 100 are yes before and 45 of 100 now: up by .15, and Newcombe's interval."""
    before, now = ["yes"] * 30 + ["no"] * 70, ["yes"] * 45 + ["no"] * 55
    found = measure(CHECK, windows(before, now, positive="yes"))
    up, down = (member.estimate for member in found.members)
    assert up == Difference(Proportion(45, 100), Proportion(30, 100))
    assert (up.value, down.value) == pytest.approx((0.15, -0.15))
    assert up.bounds(0.025, 0.025) == pytest.approx((0.0159, 0.2768), abs=1e-4)
    assert any("Total variation distance of the labels, without an interval: 0.150." in note for note in found.notes)


def test_every_class_is_judged_where_no_class_is_positive() -> None:
    """One class that comes up is judged in both directions, and so is each that gave way to it."""
    found = measure(CHECK, windows(["a", "b", "c"] * 40, ["a", "a", "c"] * 40))
    assert all(isinstance(member.name, Pair) for member in found.members)
    assert sorted(round(member.estimate.value, 6) for member in found.members) == [-0.333333, -0.333333, 0.0, 0.0, 0.333333, 0.333333]
    assert len(found.context) == 6


def test_numbers_are_compared_by_their_distribution() -> None:
    rng = np.random.default_rng(0)
    before, now = rng.normal(size=300), rng.normal(0.5, size=200)
    tables = {role: pd.DataFrame({"label": values, "prediction": 0.0}) for role, values in (("test", now), ("reference", before))}
    candidate = SavedValues({role: dataset(table, role) for role, table in tables.items()})
    (member,) = measure(CHECK, subject(tables["test"], reference=tables["reference"], candidate=candidate)).members
    assert member.estimate.value == pytest.approx(ks_2samp(before, now, method="asymp").statistic)


def test_the_interval_decides_and_covers() -> None:
    """A change of .1 from .3: each end misses nominally; forty rows that look alike prove nothing."""
    rng, trials = np.random.default_rng(1), 300

    def look(rows: int) -> Evidence:
        before, now = (np.where(rng.random(rows) < share, "yes", "no") for share in (0.3, 0.4))
        return measure(CHECK, windows(before, now, positive="yes"))

    assert max(misses(lambda: look(200).members[0].estimate, 0.1, trials)) <= most(0.03, trials)
    same = measure(CHECK, windows(["yes", "no"] * 20, ["yes", "no"] * 20, positive="yes"))
    assert status(CHECK, same, max=0.05) == "inconclusive"
    assert status(CHECK, unplugged(same), max=0.05) == "pass"
    assert status(CHECK, look(20_000), max=0.05) == "fail"


def test_it_behaves() -> None:
    frame = pd.DataFrame({"label": ["a", "b", "b", "c"] * 15, "prediction": "a"})
    seen = subject(frame, reference=frame.head(40))
    assert_complete(CHECK, seen)
    assert_crash_blocks(CHECK, seen)
    assert_order_of_rows_is_irrelevant(CHECK, lambda table: subject(table, reference=frame.head(40)), frame)


def test_what_cannot_be_measured_is_refused() -> None:
    frame = pd.DataFrame({"label": ["a", "b"], "prediction": "a"})
    assert_refused(CHECK, subject(frame), because="under `reference`")
    with pytest.raises(CannotMeasure, match="no label column"):
        measure(CHECK, subject(frame.drop(columns="label"), reference=frame.drop(columns="label").head(1)))
