"""Accuracy on rows that were learned from against accuracy on new ones."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from audit.candidates.predictions import Predictions
from audit.candidates.saved import SavedPredictions
from audit.checks.finetuning import overfit_gap
from audit.errors import CannotMeasure
from audit.evidence import OVERALL, Evidence, Intervals
from audit.stats import Mean
from audit.subject import Subject
from tests.judged import status
from tests.misses import misses, most
from tests.support import dataset, measure, scores_of
from tests.tiny_bert import letters
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from audit.finetune.base import Base
    from tests.tuned import Tuned

pytestmark = pytest.mark.full
CHECK = "finetuning/overfit_gap"


def rows(right: int, wrong: int, **columns: Any) -> pd.DataFrame:
    """So many rows that are right, then so many that are wrong."""
    n = right + wrong
    made = {"text": [f"letter {i}" for i in range(n)], "label": ["y", "n"] * n, "prediction": ["y", "n"] * n}
    frame = pd.DataFrame({name: column[:n] for name, column in made.items()}).assign(**columns)
    frame.loc[right:, "prediction"] = np.where(frame["label"][right:] == "y", "n", "y")
    return frame


def gap(train: pd.DataFrame, test: pd.DataFrame, validation: pd.DataFrame | None = None, *, by: Any = (), **asked: Any) -> Evidence:
    """Of saved answers, on rows that are told to be those of a training; what is no parameter is a column role."""
    params = {name: asked[name] for name in ("metric", "than") if name in asked}
    columns = {name: role for name, role in asked.items() if name not in params}
    held = rows(4, 1, **{name: train[name].iloc[0] for name in train.columns if name not in {"text", "label", "prediction"}})
    tables = {"train": train, "validation": held if validation is None else validation, "test": test}
    sets = {role: dataset(frame, role, **columns) for role, frame in tables.items()}
    base = cast("Base", SimpleNamespace(train=sets["train"], validation=sets["validation"]))
    return measure(CHECK, Subject(sets["test"], Predictions(SavedPredictions(sets)), datasets=sets, by=by, base=base), **params)


def sure(*shares: float) -> pd.DataFrame:
    """Rows that are truly y and n in turn, with these probabilities of the true class, over and over to a hundred."""
    given = np.resize(shares, 100)
    label = np.resize(["y", "n"], 100)
    y = np.where(label == "y", given, 1 - given)
    frame = {"text": [f"letter {i}" for i in range(100)], "label": label, "prediction": np.where(y >= 0.5, "y", "n"), "p": y}
    return pd.DataFrame(frame)


def lost(train: pd.DataFrame, test: pd.DataFrame, **asked: Any) -> Evidence:
    """Of the log loss."""
    held = asked.pop("validation", sure(0.6))
    return gap(train, test, held, metric="log_loss", score="p", positive="y", **asked)


def test_a_worked_example() -> None:
    """95 of 100 training rows and 80 of 100 new ones."""
    found = gap(rows(95, 5), rows(80, 20))
    (member,) = found.members
    assert member.name == OVERALL
    assert member.estimate.value == pytest.approx(0.15)
    assert member.estimate.bounds(0.025, 0.025) == pytest.approx((0.0591, 0.2433), abs=1e-4)  # by Wilson: .888 to .979, and .711 to .867
    assert found.rows == 205
    assert [status(CHECK, found, max=bound) for bound in (0.25, 0.15, 0.05)] == ["pass", "inconclusive", "fail"]
    assert status(CHECK, unplugged(found), max=0.16) == "pass"


def test_the_figure_shows_all_three_parts() -> None:
    (figure,) = gap(rows(95, 5), rows(80, 20)).figures
    assert isinstance(figure, Intervals)
    assert figure.series == ("training rows", "validation rows", "rows of test")
    assert [point.value for point in figure.points[0] if point] == pytest.approx([0.95, 0.8, 0.8])
    assert figure.names == ("all rows",)


def test_agrees_with_scikit_learn_on_a_tuned_model(tuned: Tuned) -> None:
    """Asked anew of the model, on the very rows of the split."""
    from sklearn.metrics import accuracy_score

    seen = tuned.subject(letters(150, 9, "test"))
    found = measure(CHECK, seen)
    names = np.array(seen.classes)

    def accuracy(data: Any) -> float:
        return float(accuracy_score(data.cells.column("label"), names[scores_of(seen.candidate, data.texts()).argmax(axis=1)]))

    assert found.members[0].estimate.value == pytest.approx(accuracy(seen.tuned_from.train) - accuracy(seen.data), abs=1e-12)
    assert found.members[0].estimate.n == 255 + 150
    assert list(found.table["rows"]).count("validation rows") == 45
    assert (found.table["id"][:255] == seen.tuned_from.train.ids).all()


def test_each_slice_by_itself_and_the_worst_decides() -> None:
    train = pd.concat([rows(90, 10, region="north"), rows(100, 0, region="south")])
    test = pd.concat([rows(90, 10, region="north"), rows(60, 40, region="south")])
    found = gap(train, test, by=(("region",),))
    assert {str(one.name): one.estimate.value for one in found.members} == pytest.approx({"region=north": 0.0, "region=south": 0.4})
    assert status(CHECK, found, max=0.2) == "fail"
    assert status(CHECK, gap(train, test), max=0.4) == "pass"


def test_a_slice_that_was_not_learned_from_is_not_passed_over() -> None:
    train = rows(100, 0, region="north")
    test = pd.concat([rows(90, 10, region="north"), rows(50, 0, region="west")])
    found = gap(train, test, by=(("region",),))
    assert [(str(one.name), one.reason) for one in found.unmeasured] == [
        ("region=west", "no training row is in it: nothing was learned here")
    ]
    assert status(CHECK, found, max=0.5) == "inconclusive"
    other = gap(pd.concat([train, rows(5, 0, region="east")]), rows(90, 10, region="north"), by=(("region",),))
    assert "Learned from and not tested: region=east." in other.notes
    with pytest.raises(CannotMeasure, match="train: no column region"):
        gap(rows(10, 0), test, by=(("region",),))


@given(st.integers(0, 60), st.integers(1, 60), st.integers(0, 60), st.integers(1, 60))
def test_exchanging_the_rows_mirrors_the_gap(a: int, b: int, c: int, d: int) -> None:
    one, other = gap(rows(a, b), rows(c, d)).members[0].estimate, gap(rows(c, d), rows(a, b)).members[0].estimate
    assert one.value == pytest.approx(-other.value)
    low, high = one.bounds(0.025, 0.01)
    assert other.bounds(0.01, 0.025) == pytest.approx((-high, -low), abs=1e-12)


def test_coverage() -> None:
    """The upper end, which decides a pass, at accuracies of .99 and .85 in 400 and 300 rows."""
    rng, trials = np.random.default_rng(2), 300

    def draw() -> Any:
        learned, new = int(rng.binomial(400, 0.99)), int(rng.binomial(300, 0.85))
        return gap(rows(learned, 400 - learned), rows(new, 300 - new)).members[0].estimate

    assert max(misses(draw, 0.14, trials)) <= most(0.03, trials)


def test_persons_widen_the_interval() -> None:
    train, test = (pd.concat([rows(40, 10)] * 4, ignore_index=True) for _ in range(2))
    held = rows(4, 1, person=["a", "b", "c", "d", "e"])
    alone, together = (
        gap(train.assign(person=person), test.assign(person=person), held, group="person").members[0].estimate.bounds(0.025, 0.025)
        for person in ([f"p{i}" for i in range(200)], [f"p{i % 50}" for i in range(200)])
    )
    assert together[1] - together[0] > 1.5 * (alone[1] - alone[0])


# against the validation rows


def test_training_rows_are_held_against_the_tested_ones() -> None:
    """As the policy's `on` says; the gap to the validation rows stands beside it, with its interval, and is not judged."""
    found = gap(rows(95, 5), rows(80, 20), rows(70, 30))
    (member,) = found.members
    assert member.name == OVERALL
    assert member.estimate.value == pytest.approx(0.15)
    (beside,) = found.context
    assert str(beside.name) == "rows=validation"
    assert beside.estimate.value == pytest.approx(0.25)
    low, high = beside.estimate.bounds(0.025, 0.025)
    assert low < 0.25 < high
    assert status(CHECK, found, max=0.25) == "pass"


def test_training_rows_are_held_against_the_validation_rows() -> None:
    found = gap(rows(95, 5), rows(80, 20), rows(70, 30), than="validation")
    (member,), (beside,) = found.members, found.context
    assert (member.name, str(beside.name)) == (OVERALL, "rows=tested")
    assert [member.estimate.value, beside.estimate.value] == pytest.approx([0.25, 0.15])
    assert found.unit == "accuracy lost on validation rows"
    assert status(CHECK, found, max=0.1) == "fail"


def test_both_are_judged_and_the_worse_decides() -> None:
    found = gap(rows(95, 5), rows(80, 20), rows(60, 40), than="both")
    values = {str(one.name): one.estimate.value for one in found.members}
    assert values == pytest.approx({"rows=tested": 0.15, "rows=validation": 0.35})
    assert not found.context
    assert status(CHECK, found, max=0.25) == "inconclusive"
    assert status(CHECK, found, max=0.2) == "fail"
    assert status(CHECK, gap(rows(95, 5), rows(80, 20), rows(60, 40)), max=0.25) == "pass"


def test_the_validation_rows_are_looked_at_slice_by_slice() -> None:
    train, test, held = (
        pd.concat([rows(*north, region="north"), rows(*south, region="south")])
        for north, south in (((100, 0), (100, 0)), ((90, 10), (90, 10)), ((90, 10), (50, 50)))
    )
    found = gap(train, test, held, by=(("region",),), than="both")
    values = {str(one.name): one.estimate.value for one in found.members}
    assert values["region=south, rows=validation"] == pytest.approx(0.5)
    assert (values["region=north, rows=validation"], values["region=south, rows=tested"]) == pytest.approx((0.1, 0.1))
    assert status(CHECK, found, max=0.3) == "fail"


def test_a_slice_without_validation_rows_is_not_passed_over() -> None:
    """The policy names it by its tested rows."""
    train = pd.concat([rows(100, 0, region="north"), rows(100, 0, region="south")])
    found = gap(train, train, rows(100, 0, region="north"), by=(("region",),), than="validation")
    assert [str(one.name) for one in found.members] == ["region=north"]
    assert [(str(one.name), one.reason) for one in found.unmeasured] == [
        ("region=south", "none of the validation rows is in it: add such rows to them")
    ]
    assert status(CHECK, found, max=0.5) == "inconclusive"


# the loss


def test_a_worked_example_of_the_loss() -> None:
    """Half of the training rows at .9 and half at .8; of the new ones half at .9 and half at .3."""
    found = lost(sure(0.9, 0.9, 0.8, 0.8), sure(0.9, 0.9, 0.3, 0.3))
    (member,) = found.members
    learned, new = (0.105361 + 0.223144) / 2, (0.105361 + 1.203973) / 2  # -ln .9, -ln .8, -ln .3
    assert member.estimate.value == pytest.approx(new - learned, abs=1e-6)
    assert member.estimate.n == 200
    assert found.unit == "rise of the log loss on new rows, nats"
    t, spread = 1.984217, math.hypot((0.223144 - 0.105361) / 2, (1.203973 - 0.105361) / 2) * math.sqrt(100 / 99) / 10
    assert member.estimate.bounds(0.025, 0.025) == pytest.approx((new - learned - t * spread, new - learned + t * spread), abs=1e-4)
    assert [status(CHECK, found, max=bound) for bound in (0.7, 0.49, 0.3)] == ["pass", "inconclusive", "fail"]
    assert status(CHECK, unplugged(found), max=0.491) == "pass"
    (figure,) = found.figures
    assert isinstance(figure, Intervals)
    assert figure.unit == "log loss, nats"
    assert [point.value for point in figure.points[0] if point][::2] == pytest.approx([learned, new], abs=1e-6)
    assert "has a log loss of 0.511" in found.notes[0]


def test_the_loss_agrees_with_scikit_learn_on_a_tuned_model(tuned: Tuned) -> None:
    from sklearn.metrics import log_loss

    seen = tuned.subject(letters(150, 9, "test"))
    found = measure(CHECK, seen, metric="log_loss", than="both")

    def loss(data: Any) -> float:
        return float(log_loss(data.cells.column("label"), scores_of(seen.candidate, data.texts()), labels=list(seen.classes)))

    learned, held, new = (loss(data) for data in (seen.tuned_from.train, seen.tuned_from.validation, seen.data))
    assert [one.estimate.value for one in found.members] == pytest.approx([new - learned, held - learned], abs=1e-9)
    assert [one.estimate.value for one in measure("performance/log_loss", seen).members] == pytest.approx([new], abs=1e-9)
    assert float(found.table["log_loss"][:255].astype(float).mean()) == pytest.approx(learned, abs=1e-9)


def test_the_loss_rises_before_answers_turn() -> None:
    """All rows are right in both parts, and the model is far less sure of the new ones."""
    train, test = sure(0.99, 0.98, 0.99, 0.97), sure(0.6, 0.55, 0.7, 0.65)
    assert gap(train, test, sure(0.6), score="p", positive="y").members[0].estimate.value == 0.0
    assert status(CHECK, lost(train, test), max=0.2) == "fail"


def test_the_loss_by_slice() -> None:
    def two(north: tuple[float, ...], south: tuple[float, ...]) -> pd.DataFrame:
        return pd.concat([sure(*north).assign(region="north"), sure(*south).assign(region="south")])

    train, test = two((0.9, 0.9, 0.8, 0.8), (0.9, 0.9, 0.8, 0.8)), two((0.9, 0.9, 0.8, 0.8), (0.5, 0.5, 0.6, 0.6))
    found = lost(train, test, by=(("region",),), validation=train)
    values = {str(one.name): one.estimate.value for one in found.members}
    assert values == pytest.approx({"region=north": 0.0, "region=south": math.log(0.72 / 0.3) / 2}, abs=1e-12)
    assert status(CHECK, found, max=0.2) == "fail"


@given(st.lists(st.floats(0.01, 0.99), min_size=4, max_size=20), st.lists(st.floats(0.01, 0.99), min_size=4, max_size=20))
def test_exchanging_the_rows_mirrors_the_loss(learned: list[float], new: list[float]) -> None:
    one, other = (lost(sure(*a), sure(*b)).members[0].estimate for a, b in ((learned, new), (new, learned)))
    low, high = one.bounds(0.025, 0.01)
    assert other.value == pytest.approx(-one.value, abs=1e-12)
    assert other.bounds(0.01, 0.025) == pytest.approx((-high, -low), abs=1e-12)


def test_coverage_of_the_loss() -> None:
    """Each end, where few rows carry much of the loss: the true class's probability is drawn from beta(a, 1), near 1 where learned."""
    rng, trials = np.random.default_rng(3), 400
    truth = 1 / 4 - 1 / 30  # the mean of -ln p is 1 / a

    def draw() -> Any:
        learned, new = (-np.log(rng.beta(a, 1, n)) for a, n in ((30, 400), (4, 200)))
        return overfit_gap.gap(Mean.of(learned, low=0.0), Mean.of(new, low=0.0))

    assert max(misses(draw, truth, trials)) <= most(0.03, trials)


def test_a_loss_without_probabilities_or_of_an_unknown_class_is_refused() -> None:
    with pytest.raises(CannotMeasure, match=r"add columns\.score or columns\.scores"):
        gap(rows(10, 0), rows(10, 0), metric="log_loss")
    learned, odd = (sure(0.9).assign(n=lambda frame: 1 - frame["p"]) for _ in range(2))
    odd.loc[3, "label"] = "maybe"
    with pytest.raises(CannotMeasure, match="no probability for maybe, a true class"):
        gap(learned, odd, learned, metric="log_loss", scores={"y": "p", "n": "n"})


def test_an_unknown_metric_is_refused() -> None:
    with pytest.raises(ValidationError, match="'accuracy' or 'log_loss'"):
        gap(rows(10, 0), rows(10, 0), metric="f1")


def test_a_candidate_that_was_not_tuned_here_is_not_measured() -> None:
    sets = {"test": dataset(rows(5, 0))}
    with pytest.raises(CannotMeasure, match=r"candidate\.fine_tune"):
        measure(CHECK, Subject(sets["test"], Predictions(SavedPredictions(sets)), datasets=sets))
