from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.candidates.predictions import Predictions
from audit.candidates.saved import SavedValues
from audit.catalog import discover
from audit.checks.fairness._slice_discovery.holdout import p_value
from audit.errors import CannotMeasure, PolicyError
from audit.pipeline import preconditions
from audit.pipeline.compatibility import load_policy
from audit.pipeline.prepare import read_datasets
from audit.stats import Mean, MeanDifference
from audit.subject import Subject
from tests import realdata
from tests.judged import status
from tests.support import dataset, measure, subject
from tests.unplugged import unplugged
from tests.weak_slices import CHECK, COLUMNS, figure, named, table

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from audit.evidence import Evidence


def regressed(frame: pd.DataFrame, **columns: object) -> Subject:
    data = dataset(frame, "test", **columns)
    return Subject(data, Predictions(SavedValues({"test": data})), datasets={"test": data})


def numbers(n: int, seed: int, weak: float = 3.0) -> pd.DataFrame:
    """Numbers off by 1 on average, by `weak` in region n over 60; sizes of errors are as skewed as an exponential's."""
    frame = table(n, seed)
    rng = np.random.default_rng(seed + 1)
    size = np.where((frame["region"] == "n") & (frame["age"] > 60), weak, 1.0) * rng.exponential(size=n)
    frame["label"] = rng.normal(100, 20, n)
    frame["prediction"] = frame["label"] + size * rng.choice([-1, 1], n)
    return frame


def test_a_worked_example_of_numbers() -> None:
    """Region n is off by 5 and 7 by turns, every other row by 1 and 3: on the judging half the gap is near 4."""
    place = np.arange(1200)
    frame = pd.DataFrame({"region": np.array(["n", "s", "e", "w"])[place % 4], "label": 10.0})
    frame["prediction"] = 10 + np.where(frame["region"] == "n", 6, 2) + np.where(place // 4 % 2, 1, -1)
    found = measure(CHECK, regressed(frame))
    drawn, (judged, error) = figure(found), errors(found)
    north = (frame["region"] == "n").to_numpy()
    assert (error == (frame["prediction"] - 10)).all()
    assert (found.unit, drawn.measured_in, drawn.wrong) == ("mean absolute error gap", "label", ())
    assert named(found) == ["region=n"]
    assert drawn.errors[0] == pytest.approx(error[judged & north].mean(), abs=1e-12)
    assert drawn.rest_errors[0] == pytest.approx(error[judged & ~north].mean(), abs=1e-12)
    assert drawn.rows[0] == (judged & north).sum()
    assert found.members[0].estimate.value == pytest.approx(drawn.errors[0] - drawn.rest_errors[0], abs=1e-12)
    assert "Errors are absolute, in the unit of label." in found.notes[0]
    assert found.notes[1].startswith("Weak: region=n. Off by ")
    assert (found.examples[0].parts[0].text, found.examples[0].note) == ("truly 10.000, predicted 17.000: too high by 7.000", "region=n")


def errors(found: Evidence) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Judged rows, and how far off each row is."""
    return np.asarray(found.table["half"] == "judged"), np.asarray(found.table["absolute_error"], dtype=float)


def test_gaps_of_numbers_are_differences_of_scikit_learns_mean_absolute_errors() -> None:
    from sklearn.metrics import mean_absolute_error

    frame = numbers(3000, 1)
    found = measure(CHECK, regressed(frame))
    judged, _ = errors(found)
    for number, member in enumerate(found.members, start=1):
        rows = np.asarray(found.table[f"slice {number}"], dtype=bool)
        inside, rest = (mean_absolute_error(*frame.loc[judged & part, ["label", "prediction"]].T.to_numpy()) for part in (rows, ~rows))
        assert member.estimate.value == pytest.approx(inside - rest, abs=1e-9)


def test_the_planted_slice_of_numbers_is_named_and_its_farthest_rows_are_shown() -> None:
    found = measure(CHECK, regressed(numbers(4000, 0)))
    weak = named(found)[0]
    assert weak.startswith(("region=n, age=above", "age=above"))
    assert figure(found).lower[0] > 0.5
    assert status(CHECK, found, max=0.5) == "fail"
    judged, error = errors(found)
    worst = error[judged & np.asarray(found.table["slice 1"], dtype=bool)].max()
    assert f"by {worst:.3f}" in found.examples[0].parts[0].text


def test_a_unit_of_the_target_scales_the_gap_and_finds_the_same() -> None:
    frame = numbers(2000, 4)
    cents = frame.assign(label=frame["label"] * 100, prediction=frame["prediction"] * 100)
    ours, theirs = measure(CHECK, regressed(frame)), measure(CHECK, regressed(cents))
    assert [one.name for one in ours.members] == [one.name for one in theirs.members]
    assert figure(ours).named == figure(theirs).named
    for one, other in zip(ours.members, theirs.members, strict=True):
        assert other.estimate.bounds(0.01, 0.01) == pytest.approx(np.multiply(one.estimate.bounds(0.01, 0.01), 100), rel=1e-6, abs=1e-9)


def test_numbers_of_one_entity_stay_together_and_widen_the_interval() -> None:
    frame = numbers(500, 6, weak=1.0).loc[np.repeat(np.arange(500), 4)].assign(who=np.repeat(np.arange(500), 4))
    found = measure(CHECK, regressed(frame, group="who", features=COLUMNS))
    alone = measure(CHECK, regressed(frame, features=COLUMNS))
    for one in found.members:
        assert one.estimate.support >= 100
    widths = [np.mean([np.diff(one.estimate.bounds(0.025, 0.025))[0] for one in each.members]) for each in (found, alone)]
    assert widths[0] > 1.3 * widths[1]


def test_copies_of_numbers_name_no_slice_where_it_is_said_whose_they_are() -> None:
    runs = {"who": 0, None: 0}
    for seed in range(20):
        frame = numbers(500, seed, weak=1.0).loc[np.repeat(np.arange(500), 4)].assign(who=np.repeat(np.arange(500), 4))
        for group in runs:
            runs[group] += bool(named(measure(CHECK, regressed(frame, group=group, features=COLUMNS), seed=seed)))
    assert runs["who"] <= 3
    assert runs[None] >= 8


def test_numbers_that_are_exact_prove_nothing_below_a_bound() -> None:
    """No error shows no spread: how large one may be is open."""
    frame = numbers(2000, 0).assign(prediction=lambda it: it["label"])
    found = measure(CHECK, regressed(frame))
    assert [member.estimate.value for member in found.members] == [0.0] * len(found.members)
    assert (named(found), found.examples) == ([], ())
    assert status(CHECK, found, max=1.0) == "inconclusive"


def test_the_interval_of_a_gap_of_numbers_decides() -> None:
    found = measure(CHECK, regressed(numbers(2500, 7, weak=1.0)))
    worst = max(member.estimate.value for member in found.members)
    assert status(CHECK, found, max=worst + 0.001) == "inconclusive"
    assert status(CHECK, unplugged(found), max=worst + 0.001) == "pass"


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000))
def test_the_p_value_of_numbers_is_the_level_at_which_the_interval_reaches_zero(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gap = MeanDifference(Mean.of(rng.exponential(1.3, 120), low=0.0), Mean.of(rng.exponential(1.0, 900), low=0.0))
    p = p_value(gap)
    if p < 1:
        assert gap.bounds(p * 1.0001, 0.5)[0] >= -1e-9
        assert gap.bounds(p * 0.9999, 0.5)[0] <= 1e-9
    assert min(p, p_value(MeanDifference(gap.second, gap.first))) < 1 <= max(p, p_value(MeanDifference(gap.second, gap.first)))


def test_named_slices_of_numbers_have_intervals_above_zero() -> None:
    for seed in range(10):
        drawn = figure(measure(CHECK, regressed(numbers(1500, seed, weak=2.0))))
        assert all(low > 0 for low, yes in zip(drawn.lower, drawn.named, strict=True) if yes)


def test_on_numbers_without_weak_slices_few_runs_name_one() -> None:
    runs = sum(bool(named(measure(CHECK, regressed(numbers(1000, seed, weak=1.0)), seed=seed))) for seed in range(60))
    assert runs <= 7


@pytest.mark.parametrize(
    ("frame", "params", "said"),
    [
        (numbers(150, 0), {}, "nothing splits its 150 rows into slices of at least 100 in each half: add rows, or name columns$"),
        (numbers(600, 0), {"min_rows": 300}, "slices of at least 300 in each half: add rows, name columns, or set min_rows lower$"),
        (numbers(600, 0), {"min_rows": 40}, "mean errors of fewer than 100 rows .* set min_rows to 100 or more, or leave it out"),
        (numbers(600, 0), {"clusters": 5}, "clusters are made of texts"),
        (numbers(600, 0).drop(columns="label"), {}, "no column of true numbers"),
        (numbers(600, 0).assign(label="x"), {}, "no number"),
        (numbers(600, 0).assign(label=lambda it: it["label"].where(it.index != 7, 1e200)), {}, "row 8 is off by 1e.200, .* mend it"),
    ],
)
def test_numbers_that_cannot_be_measured_are_refused(frame: pd.DataFrame, params: dict[str, Any], said: str) -> None:
    with pytest.raises(CannotMeasure, match=said):
        measure(CHECK, regressed(frame), **params)


def test_labels_that_are_no_numbers_are_refused_at_the_line_of_the_policy(tmp_path: Path) -> None:
    numbers(40, 0).assign(label="dear").to_csv(tmp_path / "test.csv", index=False)
    text = "policy: prices\ntier: 3\ndatasets: {test: {path: test.csv}}\ncolumns: {label: label, prediction: prediction}\n"
    text += "candidate: {task: tabular-regression, load: {kind: predictions}}\n"
    text += f"require:\n  - {{check: {CHECK}, max: 0.5}}\n"
    (tmp_path / "policy.yaml").write_text(text, encoding="utf-8")
    loaded = load_policy(tmp_path / "policy.yaml")
    with pytest.raises(
        PolicyError, match=r"7:13: require.0.check: .* needs true numbers: test: column 'label' holds no number in 40 of 40 rows"
    ):
        preconditions.check_columns(loaded, read_datasets(loaded))


def test_a_bound_is_held_against_the_range_of_the_task() -> None:
    """A gap of shares is at most 1; one of numbers has no end."""
    check = discover()[CHECK]
    for seen, ends in ((subject(table(100, 0)), (-1.0, 1.0)), (regressed(numbers(100, 0)), (-np.inf, np.inf))):
        assert check.range_on is not None
        assert check.range_on(seen, check.params()) == ends


@pytest.mark.data
def test_california_housing() -> None:
    """Incomes predicted from the other columns by trees, in three draws of the halves: gaps are scikit-learn's, and some part is named."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.metrics import mean_absolute_error

    folder = realdata.path("california_housing")
    train, test = (pd.read_csv(folder / f"{name}.csv.gz") for name in ("reference", "analysis"))
    features = ["HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude", "Longitude"]
    model = HistGradientBoostingRegressor(max_iter=30, random_state=0).fit(train[features], train["MedInc"])
    frame = test[features].assign(label=test["MedInc"], prediction=model.predict(test[features]))
    for seed in range(3):
        found = measure(CHECK, regressed(frame), seed=seed)
        judged, _ = errors(found)
        rows = np.asarray(found.table["slice 1"], dtype=bool)
        inside, rest = (mean_absolute_error(*frame.loc[judged & part, ["label", "prediction"]].T.to_numpy()) for part in (rows, ~rows))
        assert found.members[0].estimate.value == pytest.approx(inside - rest, abs=1e-9)
        assert max(low for low, yes in zip(figure(found).lower, figure(found).named, strict=True) if yes) > 0.1
