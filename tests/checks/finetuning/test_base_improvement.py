"""The candidate against its base on the same rows."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.candidates.predictions import Predictions
from audit.candidates.saved import SavedPredictions
from audit.errors import CannotMeasure
from audit.evidence import Churn, Evidence, Intervals
from audit.finetune.base import Base
from audit.progress import Silent
from audit.stats import PairedDifference
from audit.subject import Subject
from tests.judged import status
from tests.misses import most
from tests.support import dataset, measure, scores_of
from tests.tiny_bert import letters
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from tests.tuned import Tuned

pytestmark = pytest.mark.full
CHECK = "finetuning/base_improvement"


def cells(both: int, gained: int, lost: int, neither: int, **columns: Any) -> pd.DataFrame:
    """Rows by which of the two is right."""
    told = [("y", "y", "y")] * both + [("y", "y", "n")] * gained + [("y", "n", "y")] * lost + [("y", "n", "n")] * neither
    return pd.DataFrame(told, columns=["label", "prediction", "base"]).assign(amount=[row / 8 for row in range(len(told))], **columns)


def gain(frame: pd.DataFrame, *, by: Any = (), seconds: float = 30.0, **columns: Any) -> Evidence:
    """Of saved answers of both."""
    own, of_base = (dataset(frame, prediction=column, **columns) for column in ("prediction", "base"))
    probe = Predictions(SavedPredictions({"test": of_base}, ("n", "y")))
    probe.of = lambda _data: probe.candidate.predict(of_base)  # type: ignore[method-assign, assignment]  # whatever the columns of who asks
    base = SimpleNamespace(probe=probe, zero_shot=None, record=SimpleNamespace(seconds=seconds))
    return measure(CHECK, Subject(own, Predictions(SavedPredictions({"test": own}, ("n", "y"))), by=by, base=cast("Base", base)))


def test_a_worked_example() -> None:
    """Of 100 rows 20 gained and 5 lost: 15 points, for 2 seconds each."""
    found = gain(cells(70, 20, 5, 5))
    (member,) = found.members
    assert member.estimate.value == pytest.approx(0.15)
    assert member.estimate.bounds(0.025, 0.025) == pytest.approx((0.0481, 0.2488), abs=1e-4)  # exact hybrid above 0, Tango
    assert found.asides[0] == "Fine-tuning took 30.000 seconds, 2.000 for each of the 15.000 points gained over all rows."
    assert [status(CHECK, found, min=bound) for bound in (0.02, 0.14, 0.3)] == ["pass", "inconclusive", "fail"]
    assert status(CHECK, unplugged(found), min=0.14) == "pass"


def test_both_stages_are_drawn() -> None:
    stages, churn = gain(cells(70, 20, 5, 5)).figures
    assert isinstance(stages, Intervals)
    assert isinstance(churn, Churn)
    assert stages.series == ("base model, linear probe", "after fine-tuning")
    assert [point.value for point in stages.points[0] if point] == pytest.approx([0.75, 0.9])
    assert (churn.gained, churn.lost) == ((20,), (5,))


def test_nothing_gained_is_said() -> None:
    found = gain(cells(70, 5, 20, 5))
    assert found.asides[0] == "Fine-tuning took 30.000 seconds and gained nothing over all rows: −15.000 points."
    assert status(CHECK, found, min=0.0) == "fail"


@given(st.tuples(*[st.integers(0, 60)] * 4).filter(lambda told: sum(told) > 0))
def test_it_is_the_paired_difference(told: tuple[int, int, int, int]) -> None:
    both, gained, lost, neither = told
    found = gain(cells(*told)).members[0].estimate
    assert found == PairedDifference(both, gained, lost, neither)
    assert found.value == pytest.approx((gained - lost) / sum(told))


def test_each_slice_by_itself_and_the_worst_decides() -> None:
    frame = pd.concat([cells(70, 25, 0, 5, region="north"), cells(90, 0, 5, 5, region="south")])
    found = gain(frame, by=(("region",),))
    assert {str(one.name): one.estimate.value for one in found.members} == pytest.approx({"region=north": 0.25, "region=south": -0.05})
    assert status(CHECK, found, min=0.01) == "fail"
    assert status(CHECK, gain(frame), min=0.01) == "pass"


def test_a_gain_at_the_bound_seldom_passes() -> None:
    """Truly .05: at most 2.5 % pass a bound of .05."""
    rng, trials = np.random.default_rng(4), 300
    tables = rng.multinomial(400, [0.7, 0.12, 0.07, 0.11], trials)
    passed = sum(status(CHECK, gain(cells(*map(int, one))), min=0.05) == "pass" for one in tables)
    assert passed / trials <= most(0.025, trials)


def test_agrees_with_scikit_learn_on_a_tuned_model(tuned: Tuned) -> None:
    """A probe fitted anew on the same rows, both models asked anew."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    seen = tuned.subject(letters(150, 9, "test"))
    found = measure(CHECK, seen)
    train, truth = seen.tuned_from.train, seen.data.cells.column("label")
    known = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    known.fit(seen.tuned_from.embed_texts(train.texts()), train.cells.column("label"))
    before = accuracy_score(truth, known.predict(seen.tuned_from.embed_texts(seen.data.texts())))
    after = accuracy_score(truth, np.array(seen.classes)[scores_of(seen.candidate, seen.data.texts()).argmax(axis=1)])
    assert found.members[0].estimate.value == pytest.approx(after - before, abs=1e-12)
    assert found.notes[0].startswith("The base model answers by a linear probe")


def test_a_base_with_a_head_may_be_taken_as_it_was(tuned: Tuned) -> None:
    """The tuned model as the base of a further tuning that changed nothing: no gain over its own head."""
    origin = Base(replace(tuned.tuning, folder=tuned.tuned.path), tuned.record, tuned=tuned.tuned, cache=tuned.cache, progress=Silent())
    found = measure(CHECK, tuned.subject(letters(100, 9, "test"), origin=origin), over="zero_shot")
    assert found.members[0].estimate.value == 0.0
    (stages, _) = found.figures
    assert isinstance(stages, Intervals)
    assert stages.series == ("base model as it was", "base model, linear probe", "after fine-tuning")
    with pytest.raises(CannotMeasure, match="no head that tells other, urgent apart: set over: probe"):
        measure(CHECK, tuned.subject(letters(20, 9, "test")), over="zero_shot")


def test_persons_widen_the_interval() -> None:
    frame = pd.concat([cells(30, 12, 3, 5)] * 4, ignore_index=True)
    alone, together = (
        gain(frame.assign(person=person), group="person").members[0].estimate.bounds(0.025, 0.025)
        for person in (np.arange(200), np.tile(np.arange(50), 4))
    )
    assert together[1] - together[0] > 1.5 * (alone[1] - alone[0])


def test_a_candidate_that_was_not_tuned_here_is_not_measured() -> None:
    own = dataset(cells(5, 5, 5, 5))
    with pytest.raises(CannotMeasure, match=r"candidate\.fine_tune"):
        measure(CHECK, Subject(own, Predictions(SavedPredictions({"test": own}))))
