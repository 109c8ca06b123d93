"""Accuracy under noise is that of the model on rows that are off by as much as was asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from audit.checks.robustness import feature_noise
from audit.datasets.column_store import Inputs, Table
from audit.errors import CannotMeasure
from audit.stats import Proportion
from tests.judged import status
from tests.small_models import Trained, cautious, customer_reader, customers, letter_reader, letters
from tests.support import measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from audit.candidates import Outputs
    from audit.evidence import Evidence

ID = "robustness/feature_noise"


@dataclass
class Watched(Trained):
    """Keeps the last table that it was asked about."""

    seen: pd.DataFrame | None = None

    def answer(self, inputs: Inputs) -> Outputs:
        assert isinstance(inputs, Table)
        self.seen = inputs.frame
        return super().answer(inputs)


def shaken(frame: pd.DataFrame, *, seed: int = 0, train: pd.DataFrame | None = None, **params: object) -> tuple[pd.DataFrame, Evidence]:
    """The table that the model was asked about, and the evidence."""
    reader = Watched(customer_reader().model, Table)
    found = measure(ID, subject(frame, candidate=reader, train=train), seed, **params)
    assert reader.seen is not None
    return reader.seen, found


def test_worked_example_without_noise() -> None:
    """Scale 0 and swap 0 leave every cell as it is: the accuracy under noise is the clean one."""
    from sklearn.metrics import accuracy_score

    frame = customers(80, 1)
    noisy, found = shaken(frame, scale=0.0, swap=0.0)
    pd.testing.assert_frame_equal(noisy, frame.drop(columns="label"))
    assert found.members[0].estimate == found.context[0].estimate
    share = accuracy_score(frame["label"], customer_reader().model.predict(frame))
    assert found.members[0].estimate.value == share


@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.9])
def test_the_models_own_rule_decides(threshold: float) -> None:
    """A threshold far from one half: without noise the accuracy is that of `predict`, not that of the larger probability."""
    from sklearn.metrics import accuracy_score

    frame, reader = customers(120, 6), cautious(customer_reader(), threshold, "yes")
    found = measure(ID, subject(frame, candidate=reader), scale=0.0, swap=0.0)
    own, likelier = reader.model.predict(frame.drop(columns="label")), customer_reader().model.predict(frame.drop(columns="label"))
    assert found.members[0].estimate.value == accuracy_score(frame["label"], own)
    assert (accuracy_score(frame["label"], own) == accuracy_score(frame["label"], likelier)) == (threshold == 0.5)


def test_a_model_of_labels_alone_is_measured_too() -> None:
    """A support vector machine has no probabilities, and needs none here."""
    from sklearn.metrics import accuracy_score
    from sklearn.svm import LinearSVC

    frame = customers(200, 7)[["income", "years", "label"]]
    reader = Trained(LinearSVC().fit(frame[["income", "years"]], frame["label"]), Table, scores=False)
    share = accuracy_score(frame["label"], reader.model.predict(frame[["income", "years"]]))
    assert measure(ID, subject(frame, candidate=reader), scale=0.0).members[0].estimate.value == share
    assert measure(ID, subject(frame, candidate=reader), scale=2.0).members[0].estimate.value < share


def test_noise_that_changes_nothing_proves_nothing() -> None:
    """Constant columns stay as they are: named in a note; where no column changes there is no figure."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"x": rng.normal(size=80), "flat": 1.5, "label": rng.choice(["up", "down"], 80)})
    model = LogisticRegression().fit(frame[["x", "flat"]], frame["label"])
    seen = subject(frame, candidate=Trained(model, Table))
    assert measure(ID, seen).notes[-1] == "The noise changed 80 of 80 rows, and no cell of flat."
    with pytest.raises(CannotMeasure, match="the noise changes no cell of flat"):
        measure(ID, seen, keep=["x"])


def test_the_noise_has_the_spread_that_was_asked_for() -> None:
    """Standard deviation 0.5 of the column's own, mean 0, within four Monte-Carlo errors; whole numbers stay whole."""
    frame = customers(4000, 2)
    noisy, _ = shaken(frame, scale=0.5, swap=0.0)
    step = (noisy["income"] - frame["income"]) / frame["income"].std(ddof=0)
    assert abs(step.mean()) < 4 * 0.5 / math.sqrt(4000)
    assert abs(step.std() - 0.5) < 4 * 0.5 / math.sqrt(2 * 4000)
    assert noisy["years"].dtype == frame["years"].dtype
    assert (noisy["years"] != frame["years"]).mean() > 0.8
    assert noisy["member"].equals(frame["member"])


def test_categories_are_drawn_anew_as_often_as_asked() -> None:
    """A cell changes with probability swap times the chance of another value; flags are categories; holes stay holes."""
    frame = customers(4000, 3)
    noisy, _ = shaken(frame, scale=0.0, swap=0.3)
    known = frame["channel"].dropna()
    other = 1 - (known.value_counts(normalize=True) ** 2).sum()
    changed = (noisy["channel"] != frame["channel"])[frame["channel"].notna()]
    assert abs(changed.mean() - 0.3 * other) < 4 * math.sqrt(0.3 * other / len(known))
    assert noisy["channel"].isna().equals(frame["channel"].isna())
    assert set(noisy["channel"].dropna()) == {"shop", "web", "phone"}
    assert set(noisy["member"]) == {0, 1}
    assert abs((noisy["member"] != frame["member"]).mean() - 0.15) < 0.04
    assert noisy["income"].equals(frame["income"])


def test_the_share_is_that_of_the_published_definition() -> None:
    """A threshold on one normal feature under normal noise of relative spread s is right in 1 - arctan(s)/pi of the rows."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    x = rng.normal(size=20_000)
    frame = pd.DataFrame({"x": x, "label": np.where(x > 0, "up", "down")})
    model = LogisticRegression(C=1e6).fit(frame[["x"]], frame["label"])
    reader = Trained(model, Table)
    estimate = measure(ID, subject(frame, candidate=reader), scale=1.0).members[0].estimate
    expected = 1 - math.atan(1.0) / math.pi
    assert abs(estimate.value - expected) < 4 * math.sqrt(expected * (1 - expected) / 20_000)


def test_the_interval_holds_the_truth() -> None:
    """The same model, 400 sets of 60 rows: each end errs as often as Wilson's interval does at n = 60, within 3 Monte-Carlo errors."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(1)
    big = rng.normal(size=4000)
    model = LogisticRegression(C=1e6).fit(big[:, None], np.where(big > 0, "up", "down"))
    model.feature_names_in_ = np.array(["x"], dtype=object)
    reader = Trained(model, Table)
    train = pd.DataFrame({"x": big / big.std(), "label": "up"})
    truth = 1 - math.atan(0.5) / math.pi
    below = above = 0
    for trial in range(400):
        x = rng.normal(size=60)
        frame = pd.DataFrame({"x": x, "label": np.where(x > 0, "up", "down")})
        low, high = measure(ID, subject(frame, candidate=reader, train=train), trial, scale=0.5).members[0].estimate.bounds(0.025, 0.025)
        below, above = below + (high < truth), above + (low > truth)
    exact_below, exact_above = wilson_errors(60, truth)
    assert abs(below / 400 - exact_below) < 3 * math.sqrt(exact_below * (1 - exact_below) / 400)
    assert abs(above / 400 - exact_above) < 3 * math.sqrt(exact_above * (1 - exact_above) / 400)


def test_the_interval_decides() -> None:
    """Eighty rows do not tell an accuracy a little over the bound from one a little under it, though the point seems to."""
    _, found = shaken(customers(80, 1), scale=0.5)
    share = found.members[0].estimate.value
    assert 0.6 < share < 0.95
    assert [status(ID, found, min=share + by) for by in (-0.2, -0.02, 0.02)] == ["pass", "inconclusive", "inconclusive"]
    assert [status(ID, unplugged(found), min=share + by) for by in (-0.02, 0.02)] == ["pass", "fail"]


def wilson_errors(n: int, truth: float) -> tuple[float, float]:
    """Exact probability that the interval lies below, or above, the truth: summed over all counts."""
    from scipy.stats import binom

    ends = [Proportion(hits, n).bounds(0.025, 0.025) for hits in range(n + 1)]
    chance = binom.pmf(np.arange(n + 1), n, truth)
    return (
        float(sum(p for p, (_, high) in zip(chance, ends, strict=True) if high < truth)),
        float(sum(p for p, (low, _) in zip(chance, ends, strict=True) if low > truth)),
    )


def test_spreads_come_from_the_training_set() -> None:
    """With a training set ten times as wide the same scale shakes ten times as much; the note says where it comes from."""
    frame = customers(2000, 4)
    wide = frame.assign(income=30 + 10 * (frame["income"] - 30))
    own, alone = shaken(frame, scale=0.5)
    trained, beside = shaken(frame, scale=0.5, train=wide)
    ratio = (trained["income"] - frame["income"]).std() / (own["income"] - frame["income"]).std()
    assert ratio == pytest.approx(10.0, rel=0.1)
    assert "those of test" in alone.notes[0]
    assert "those of train" in beside.notes[0]


def test_kept_features_are_left_alone() -> None:
    """A postcode written as a number must not be shaken."""
    frame = customers(200, 5)
    noisy, _ = shaken(frame, scale=1.0, swap=1.0, keep=["years", "channel"])
    assert noisy[["years", "channel"]].equals(frame[["years", "channel"]])
    assert not noisy["income"].equals(frame["income"])


def test_slices_share_the_same_noise() -> None:
    """Split by channel, the slices' hits add up to those of all rows under the same seed."""
    frame = customers(300, 6)
    whole = measure(ID, subject(frame, candidate=customer_reader()), 3).members[0].estimate
    parts = [member.estimate for member in measure(ID, subject(frame, candidate=customer_reader(), by=(("channel",),)), 3).members]
    assert isinstance(whole, Proportion)
    assert (sum(round(part.value * part.n) for part in parts), sum(part.n for part in parts)) == (whole.hits, whole.n)
    assert len(parts) == 4


def test_the_same_seed_gives_the_same_noise() -> None:
    """Same seed, same table; another seed, another."""
    frame = customers(100, 7)
    first, again, other = (shaken(frame, seed=seed)[0] for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first, again)
    assert not first["income"].equals(other["income"])


def test_the_data_set_itself_is_not_touched() -> None:
    """Other checks see the rows as they were."""
    frame = customers(100, 8)
    seen = subject(frame, candidate=customer_reader())
    measure(ID, seen)
    pd.testing.assert_frame_equal(seen.data.cells.frame(), frame)


@pytest.mark.parametrize("kind", ["category", "bool", "Int64", "empty"])
def test_column_types_survive(kind: str) -> None:
    """Categorical, boolean and nullable columns keep their type; a column without any value is left alone."""
    frame = customers(60, 9)
    columns: dict[str, pd.Series[Any]] = {
        "category": frame["channel"].astype("category"),
        "bool": frame["member"] == 1,
        "Int64": frame["years"].astype("Int64").mask(frame["years"] > 30),
        "empty": pd.Series([None] * 60, dtype=object),
    }
    extra = columns[kind]
    noisy, _ = shaken(frame.assign(extra=extra), swap=0.5, train=customers(60, 10).assign(extra=extra))
    assert noisy["extra"].dtype == extra.dtype
    assert noisy["extra"].isna().equals(extra.isna())
    assert kind == "empty" or not noisy["extra"].equals(extra)


def test_a_text_model_cannot_be_measured() -> None:
    """It reads no table: CannotMeasure, with what would settle it."""
    with pytest.raises(CannotMeasure, match="load a tabular model itself"):
        measure(ID, subject(letters(30, 1), candidate=letter_reader()))


def test_a_category_that_only_the_training_set_lists_is_drawn_too() -> None:
    """A file of categories may list only those that it holds; the others are drawn all the same, and no cell goes missing."""
    train = customers(400, 7)
    frame = train[train["channel"] != "phone"].reset_index(drop=True).astype({"channel": "category"})
    noisy, _ = shaken(frame, train=train, swap=1.0)
    assert set(noisy["channel"].dropna()) == {"shop", "web", "phone"}
    assert noisy["channel"].isna().equals(frame["channel"].isna())


def test_an_infinite_cell_of_the_training_set_does_not_make_numbers_vanish() -> None:
    cells = pd.Series([1.0, 2.0, 3.0])
    made = feature_noise.shaken(cells, pd.Series([1.0, 3.0, np.inf]), 0.5, np.random.default_rng(0))
    assert made.notna().all()
    assert (made != cells).all()
    assert feature_noise.shaken(cells, pd.Series([np.inf, -np.inf]), 0.5, np.random.default_rng(0)).equals(cells)


@pytest.mark.parametrize(("column", "turned"), [("income", "n/a"), ("channel", 3.0)])
def test_cells_of_another_kind_than_the_training_set_has_are_refused(column: str, turned: str | float) -> None:
    frame = customers(60, 8)
    other = frame.assign(**{column: turned})
    other["label"] = frame["label"]
    reader = Watched(customer_reader().model, Table)
    with pytest.raises(CannotMeasure, match=f"{column}: test and train hold cells of different kinds"):
        measure(ID, subject(other, candidate=reader, train=frame))


def test_rows_of_one_person_widen_the_interval() -> None:
    frame = customers(120, 9).assign(person=np.repeat(np.arange(30), 4))
    reader = Watched(customer_reader().model, Table)
    found = measure(ID, subject(frame, candidate=reader, group="person"))
    assert [one.estimate.support for one in (*found.members, *found.context)] == [30, 30]


def test_a_feature_to_keep_that_is_not_there_is_refused() -> None:
    """A misspelt column name must not pass in silence."""
    with pytest.raises(CannotMeasure, match="incme not among them"):
        shaken(customers(30, 11), keep=["incme"])


@pytest.mark.parametrize("params", [{"scale": -0.1}, {"swap": 1.5}, {"scale": float("inf")}, {"noise": 1}])
def test_bad_parameters_are_refused(params: dict[str, Any]) -> None:
    """Negative and infinite noise, a probability above 1, a misspelt parameter."""
    with pytest.raises(ValueError, match="validation error"):
        shaken(customers(30, 12), **params)
