from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from audit.candidates.saved import SavedValues
from audit.errors import CannotMeasure
from audit.stats import Difference, Mean, MeanDifference, Proportion, WeightedShare
from tests import realdata, realgroups
from tests.classified import shuffled
from tests.grouped import ROWS, by_name, rates, worst
from tests.judged import status
from tests.misses import misses, most
from tests.support import dataset, measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from pandas import DataFrame

    from audit.subject import Subject

CHECK = "fairness/mean_difference"
BY = (("gender",),)


def reweighed(frame: DataFrame, group: str = "gender") -> DataFrame:
    """With Kamiran & Calders' weights: what a row's group and label would weigh were they independent, over what they weigh."""
    n = len(frame)
    one, other, both = (frame.groupby(keys)["label"].transform("size") for keys in (group, "label", [group, "label"]))
    return frame.assign(weight=one * other / (n * both))


def german() -> DataFrame:
    rows = pd.read_csv(realdata.path("german_credit") / "german.csv.gz")
    young = (rows["age"] <= 25).map({True: "young", False: "old"})
    return pd.DataFrame({"gender": young, "label": (rows["credit"] == 1).astype(int), "prediction": 1})


def regressed(frame: DataFrame, weight: str | None = None) -> Subject:
    """Rows whose label and prediction are numbers."""
    candidate = SavedValues({"test": dataset(frame, weight=weight)})
    return subject(frame, by=BY, candidate=candidate, weight=weight)


def test_a_worked_example() -> None:
    """Predicted: 56 of 70 and 48 of 80; true: all of both."""
    frame = rates({"f": (56, 70), "m": (48, 80)})
    found = measure(CHECK, subject(frame, by=BY))
    assert found.members[0].estimate == Difference(Proportion(56, 70), Proportion(48, 80))
    assert by_name(found) == pytest.approx({"gender=f against gender=m": 0.2, "gender=m against gender=f": -0.2})
    assert worst(measure(CHECK, subject(frame, by=BY), of="labels")) == 0


@pytest.mark.data
def test_good_credit_of_the_young_on_all_thousand_rows() -> None:
    """-0.1494, and nothing once reweighed."""
    found = by_name(measure(CHECK, subject(german(), by=BY), of="labels"))
    assert found["gender=young against gender=old"] == pytest.approx(-0.1494, abs=5e-5)
    even = measure(CHECK, subject(reweighed(german()), by=BY, weight="weight"), of="labels")
    assert by_name(even)["gender=young against gender=old"] == pytest.approx(0.0, abs=1e-12)
    assert isinstance(even.members[0].estimate, MeanDifference)


@given(ROWS)
def test_reweighing_takes_the_gap_of_the_labels_away(frame: DataFrame) -> None:
    assert worst(measure(CHECK, subject(reweighed(frame), by=BY, weight="weight"), of="labels")) == pytest.approx(0.0, abs=1e-12)


@given(ROWS)
def test_agrees_with_fairlearn_with_and_without_weights(frame: DataFrame) -> None:
    from fairlearn.metrics import MetricFrame, selection_rate

    expected = MetricFrame(metrics=selection_rate, y_true=frame.label, y_pred=frame.prediction, sensitive_features=frame.gender)
    assert worst(measure(CHECK, subject(frame, by=BY))) == pytest.approx(expected.difference(), abs=1e-12)
    weight = 0.5 + np.arange(len(frame)) % 7
    weighted = MetricFrame(
        metrics=selection_rate,
        y_true=frame.label,
        y_pred=frame.prediction,
        sensitive_features=frame.gender,
        sample_params={"sample_weight": weight},
    )
    found = measure(CHECK, subject(frame.assign(weight=weight), by=BY, weight="weight"))
    assert worst(found) == pytest.approx(weighted.difference(), abs=1e-12)


@pytest.mark.data
@pytest.mark.parametrize("name", realgroups.NAMES)
def test_agrees_on_real_people(name: str) -> None:
    """Labels by their rates; scores, taken as numbers, by their means."""
    from fairlearn.metrics import MetricFrame, mean_prediction

    frame = realgroups.table(name).rename(columns={"group": "gender"})
    labels = frame.groupby("gender").label.mean()
    assert worst(measure(CHECK, subject(frame, by=BY), of="labels")) == pytest.approx(labels.max() - labels.min(), abs=1e-9)
    numbers = frame.assign(prediction=frame.score).drop(columns="score")
    means = MetricFrame(metrics=mean_prediction, y_true=frame.label, y_pred=frame.score, sensitive_features=frame.gender)
    assert worst(measure(CHECK, regressed(numbers))) == pytest.approx(means.difference(), abs=1e-9)


def test_numbers_are_compared_by_their_means() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"gender": ["f", "m"] * 200, "label": rng.normal(5, 1, 400), "prediction": rng.normal(3, 1, 400)})
    found, true = (measure(CHECK, regressed(frame), of=of) for of in ("predictions", "labels"))
    means = frame.groupby("gender")[["prediction", "label"]].mean()
    first = found.members[0].estimate
    assert isinstance(first, MeanDifference)
    assert isinstance(first.first, Mean)
    assert first.value == pytest.approx(means.prediction["f"] - means.prediction["m"])
    assert true.members[0].estimate.value == pytest.approx(means.label["f"] - means.label["m"])
    weighted = measure(CHECK, regressed(frame.assign(weight=frame.label.abs()), weight="weight"))
    expected = [np.average(part.prediction, weights=part.label.abs()) for _, part in frame.groupby("gender")]
    assert weighted.members[0].estimate.value == pytest.approx(expected[0] - expected[1])


@given(ROWS)
def test_renaming_groups_and_reordering_rows_keep_the_gap(frame: DataFrame) -> None:
    before = by_name(measure(CHECK, subject(frame, by=BY)))
    renamed = shuffled(frame.assign(gender=frame.gender.map({"f": "q", "m": "r", "x": "s"})))
    assert sorted(by_name(measure(CHECK, subject(renamed, by=BY))).values()) == pytest.approx(sorted(before.values()))


def test_weights_widen_the_interval_and_are_told() -> None:
    frame = rates({"f": (120, 300), "m": (90, 300)})
    heavy = frame.assign(weight=np.exp(np.random.default_rng(1).standard_normal(600)))
    plain, weighted = measure(CHECK, subject(frame, by=BY)), measure(CHECK, subject(heavy, by=BY, weight="weight"))
    widths = [one.members[0].estimate.bounds(0.025, 0.025)[1] - one.members[0].estimate.value for one in (plain, weighted)]
    assert widths[1] > 1.2 * widths[0]
    assert "weighted by weight" in weighted.notes[-1]
    assert isinstance(weighted.context[0].estimate, WeightedShare)


def test_a_group_without_weight_bars_a_pass() -> None:
    frame = rates({"f": (200, 400), "m": (200, 400), "x": (5, 10)})
    found = measure(CHECK, subject(frame.assign(weight=(frame.gender != "x").astype(float)), by=BY, weight="weight"))
    assert [(str(one.name), one.reason) for one in found.unmeasured] == [
        ("gender=x", "no row is there with a weight over 0: add rows of this group")
    ]
    assert status(CHECK, found, max=0.5) == "inconclusive"


def test_the_interval_decides() -> None:
    found = measure(CHECK, subject(rates({"f": (120, 300), "m": (90, 300)}), by=BY))
    assert [status(CHECK, found, max=bound) for bound in (0.2, 0.12, 0.08, 0.01)] == ["pass", "inconclusive", "inconclusive", "fail"]
    assert [status(CHECK, unplugged(found), max=bound) for bound in (0.12, 0.08)] == ["pass", "fail"]


def test_coverage_of_weighted_pairs() -> None:
    """Truly .4 against .3 among rows whose weights know nothing of the predictions."""
    seeds, trials = iter(range(1000)), 250

    def draw() -> MeanDifference:
        rng = np.random.default_rng(next(seeds))
        group = np.repeat(["f", "m"], 200)
        called = rng.random(400) < np.where(group == "f", 0.4, 0.3)
        weight = np.exp(0.5 * rng.standard_normal(400))
        frame = pd.DataFrame({"gender": group, "label": 1, "prediction": called.astype(int), "weight": weight})
        found = measure(CHECK, subject(frame, by=BY, weight="weight", positive=1)).members[0].estimate
        assert isinstance(found, MeanDifference)
        return found

    assert max(misses(draw, 0.1, trials)) <= most(0.027, trials)


def test_what_cannot_be_measured_is_refused() -> None:
    frame = rates({"f": (1, 2), "m": (1, 2)})
    with pytest.raises(CannotMeasure, match=r"columns\.label"):
        measure(CHECK, subject(frame.drop(columns="label"), by=BY), of="labels")
    with pytest.raises(CannotMeasure, match="weight under 0 in row"):
        measure(CHECK, subject(frame.assign(weight=[1, 1, -1, 1]), by=BY, weight="weight"))
    with pytest.raises(CannotMeasure, match="no number"):
        measure(CHECK, subject(frame.assign(weight=[1, 1, np.nan, 1]), by=BY, weight="weight"))


def test_the_groups_behind_a_gap_are_named_by_what_they_show() -> None:
    frame = pd.DataFrame({"label": [0.0, 5.0] * 50, "prediction": [1.5, 4.0] * 50, "gender": ["f", "m"] * 50})
    assert measure(CHECK, regressed(frame)).context_unit == "mean"
    assert measure(CHECK, subject(rates({"f": (24, 80), "m": (48, 80)}), by=BY)).context_unit == "rate"


def test_an_entity_whose_rows_in_two_groups_move_apart_widens_the_gap() -> None:
    """What one gets more the other gets less: the gap scatters twice as much as that of independent groups would."""
    rng, trials = np.random.default_rng(8), 300

    def draw() -> MeanDifference:
        shift = rng.normal(0, 1, 100)
        frame = pd.DataFrame({"gender": np.repeat(["f", "m"], 100), "prediction": np.r_[shift, -shift], "team": np.tile(range(100), 2)})
        candidate = SavedValues({"test": dataset(frame.assign(label=0.0), group="team")})
        found = measure(CHECK, subject(frame.assign(label=0.0), by=BY, candidate=candidate, group="team")).members[0].estimate
        assert isinstance(found, MeanDifference)
        return found

    assert max(misses(draw, 0.0, trials)) <= most(0.025, trials)
