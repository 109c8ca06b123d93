from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import CannotMeasure
from audit.evidence import Pair
from audit.stats import MeanDifference
from tests.judged import status
from tests.misses import most
from tests.numbered import drawn, regressed
from tests.reference import scikit_learn
from tests.support import measure
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.evidence import Evidence

CHECK = "fairness/error_difference"
BY = (("region",),)
METRICS: dict[str, Callable[..., float]] = {
    "mean_absolute_error": scikit_learn("mean_absolute_error"),
    "root_mean_squared_error": scikit_learn("root_mean_squared_error"),
    "mean_error": lambda true, said: float(np.mean(said - true)),
}
ROWS = st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9), st.sampled_from("abc")), min_size=4, max_size=40)


def table(rows: list[tuple[float, float, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["label", "prediction", "region"])


def worst(found: Evidence) -> float:
    return max(member.estimate.value for member in found.members)


def test_a_worked_example() -> None:
    """Off by 1 and 3 in the north, by 0 and 1 in the south: 2 against 0.5, both ways round."""
    frame = table([(1, 2, "n"), (5, 2, "n"), (4, 4, "s"), (4, 5, "s")])
    found = measure(CHECK, regressed(frame, by=BY))
    assert {str(one.name): one.estimate.value for one in found.members} == {
        "region=n against region=s": 1.5,
        "region=s against region=n": -1.5,
    }
    assert [(str(one.name), one.estimate.value) for one in found.context] == [("region=n", 2.0), ("region=s", 0.5)]
    assert (found.unit, found.context_unit) == ("mean absolute error difference", "mean absolute error")
    assert worst(measure(CHECK, regressed(frame, by=BY), metric="mean_error")) == pytest.approx(1.5), "-1 and +0.5"
    assert worst(measure(CHECK, regressed(frame, by=BY), metric="root_mean_squared_error")) == pytest.approx(5**0.5 - 0.5**0.5)


@pytest.mark.parametrize("metric", METRICS)
@given(rows=ROWS)
def test_the_worst_pair_is_fairlearns_difference(metric: str, rows: list[tuple[float, float, str]]) -> None:
    from fairlearn.metrics import MetricFrame

    frame = table([*rows, (1.0, 2.0, "a"), (1.0, 2.0, "b")])
    found = measure(CHECK, regressed(frame, by=BY), metric=metric)
    frames = MetricFrame(metrics=METRICS[metric], y_true=frame.label, y_pred=frame.prediction, sensitive_features=frame.region)
    assert worst(found) == pytest.approx(frames.difference(), abs=1e-9)
    by_group = {dict(one.name.items)["region"]: one.estimate.value for one in found.context}  # type: ignore[union-attr]  # names here are slices
    assert by_group == pytest.approx(frames.by_group.to_dict(), abs=1e-9)


@given(ROWS)
def test_names_and_order_are_nothing_to_it(rows: list[tuple[float, float, str]]) -> None:
    frame = table([*rows, (1.0, 2.0, "a"), (1.0, 2.0, "b")])
    other = frame.iloc[::-1].assign(region=lambda f: f.region.map({"a": "z", "b": "y", "c": "x"}))
    here, there = (measure(CHECK, regressed(one, by=BY)) for one in (frame, other))
    assert sorted(one.estimate.value for one in here.members) == pytest.approx(sorted(one.estimate.value for one in there.members))


@pytest.mark.parametrize("metric", METRICS)
def test_the_interval_decides(metric: str) -> None:
    frame = drawn(600, gap=2.0).assign(prediction=lambda f: f.prediction + (f.region == "south"))
    found = measure(CHECK, regressed(frame, by=BY), metric=metric)
    high = max(one.estimate.bounds(0.025, 0.025)[1] for one in found.members)
    middle = (worst(found) + high) / 2
    assert [status(CHECK, found, max=bound) for bound in (high + 0.01, middle, 0.01)] == ["pass", "inconclusive", "fail"]
    assert status(CHECK, unplugged(found), max=middle) == "pass"


def test_groups_alike_fail_no_more_often_than_stated() -> None:
    """At a bound of nothing at all: the Bonferroni end calls one of the two pairs worse in at most 5 % of samples."""
    trials = 200
    fails = [status(CHECK, measure(CHECK, regressed(drawn(300, seed), by=BY)), max=0.0) == "fail" for seed in range(trials)]
    assert np.mean(fails) <= most(0.05, trials)


def test_entities_with_rows_in_both_groups_move_them_together() -> None:
    """Each person has the same rows north and south: what is the person's drops out of the difference."""
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(100), 4)
    hard = rng.exponential(size=100)[person]
    frame = pd.DataFrame({"label": 0.0, "prediction": hard + 0.05 * rng.random(400), "region": np.tile(["n", "s"], 200), "person": person})
    apart, together = (measure(CHECK, regressed(frame, by=BY, **more)) for more in ({}, {"group": "person"}))
    first, second = (found.members[0].estimate for found in (apart, together))
    assert isinstance(second, MeanDifference)
    assert second.correlation > 0.95
    assert np.ptp(second.bounds(0.025, 0.025)) < 0.5 * np.ptp(first.bounds(0.025, 0.025))


def test_a_reference_group() -> None:
    frame = drawn(200).assign(region=np.tile(["n", "s", "e", "w"], 50))
    seen = regressed(frame, by=BY)
    named = measure(CHECK, replace(seen, reference_group="n"))
    assert {str(one.name.second) for one in named.members if isinstance(one.name, Pair)} >= {"region=n"}
    assert len(named.members) == 6
    assert len(measure(CHECK, replace(seen, reference_group="pooled_rest")).members) == 8


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(CannotMeasure, match="one group only"):
        measure(CHECK, regressed(drawn(40).assign(region="north"), by=BY))
    with pytest.raises(CannotMeasure, match="no groups to compare"):
        measure(CHECK, regressed(drawn(40)))
