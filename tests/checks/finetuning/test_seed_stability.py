"""How many answers hang on the seed."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import seeds
from audit.candidates.interface import Outputs
from audit.candidates.predictions import Predictions
from audit.candidates.saved import SavedPredictions
from audit.catalog import discover
from audit.errors import CannotMeasure
from audit.evidence import Evidence, Intervals
from audit.pipeline.jobs import Job
from audit.power.plan import cost_of
from audit.stats import Proportion
from audit.subject import Subject
from tests.judged import finding, status
from tests.misses import misses, most
from tests.support import dataset, measure, scores_of, trained
from tests.tiny_bert import letters
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from audit.finetune.base import Base
    from tests.tuned import Tuned

pytestmark = pytest.mark.full
CHECK = "finetuning/seed_stability"


def retold(own: list[str], *others: list[str], label: list[str] | None = None, by: Any = (), **columns: Any) -> Evidence:
    """Of the candidate's answers and of those of each further training."""
    frame = pd.DataFrame({"text": [f"letter {i}" for i in range(len(own))], "prediction": own, **columns})
    data = dataset(frame if label is None else frame.assign(label=label), **({"group": "person"} if "person" in columns else {}))
    drawn = {seeds.words(7, f"seed-stability/{i}")[0]: np.array(other, dtype=object) for i, other in enumerate(others)}
    base = SimpleNamespace(retrained=lambda seed: SimpleNamespace(of=lambda _data: Outputs(drawn[seed])))
    seen = Subject(data, Predictions(SavedPredictions({"test": data}, ("n", "y"))), by=by, seed=7, base=cast("Base", base))
    return measure(CHECK, seen, seeds=len(others))


def test_a_worked_example() -> None:
    """Ten rows: the first training changes rows 0 and 1, the second rows 1 and 2, so that three change."""
    own = ["y"] * 10
    found = retold(own, ["n", "n", *["y"] * 8], ["y", "n", "n", *["y"] * 7], label=["y"] * 9 + ["n"])
    assert found.members[0].estimate == Proportion(3, 10)
    assert [one.estimate.value for one in found.context] == [0.2, 0.2]
    assert [one.row for one in found.examples] == ["1", "2", "3"]
    assert found.examples[0].note == "the candidate says y, the others n, y"
    said = "Accuracy lies between 0.700 and 0.900 over the 3 trainings, with a standard deviation of 0.115; the candidate's is 0.900."
    assert found.notes[0] == said
    (figure,) = found.figures
    assert isinstance(figure, Intervals)
    assert [point.value for (point,) in figure.points if point] == pytest.approx([0.9, 0.7, 0.7])


def test_without_labels_there_is_no_accuracy() -> None:
    found = retold(["y"] * 40, ["y"] * 40, ["y"] * 40)
    assert found.figures == ()
    assert len(found.notes) == 1
    assert status(CHECK, found, max=0.1) == "pass"
    assert status(CHECK, found, max=0.05) == "inconclusive"  # Wilson's upper end of 0 in 40 is .088
    assert status(CHECK, unplugged(found), max=0.05) == "pass"


@given(st.lists(st.tuples(*[st.sampled_from("yn")] * 4), min_size=1, max_size=40))
def test_a_row_changes_when_any_training_answers_otherwise(rows: list[tuple[str, ...]]) -> None:
    """In whatever order the trainings come; one more of them never lowers the share."""
    own, first, second, third = (list(column) for column in zip(*rows, strict=True))
    share = retold(own, first, second, third).members[0].estimate.value
    assert share == pytest.approx(np.mean([len(set(row)) > 1 for row in rows]))
    assert retold(own, third, first, second).members[0].estimate.value == share
    assert retold(own, first, second).members[0].estimate.value <= share


def test_each_slice_by_itself_and_the_worst_decides() -> None:
    own, other = ["y"] * 400, ["y"] * 200 + ["n"] * 40 + ["y"] * 160
    found = retold(own, other, own, by=(("region",),), region=["north"] * 200 + ["south"] * 200)
    assert {str(one.name): one.estimate.value for one in found.members} == {"region=north": 0.0, "region=south": 0.2}
    assert str(finding(CHECK, found, max=0.1).failing[0]) == "region=south"


def test_coverage() -> None:
    """The upper end, which decides a pass, at a share of .04 in 300 rows, the seeds being given."""
    rng, trials = np.random.default_rng(2), 300

    def draw() -> Any:
        changed = rng.random(300) < 0.04
        return retold(["y"] * 300, np.where(changed, "n", "y").tolist(), ["y"] * 300).members[0].estimate

    assert max(misses(draw, 0.04, trials)) <= most(0.04, trials)  # Wilson's own at .04 in 300


def test_persons_widen_the_interval() -> None:
    own, other = ["y"] * 200, ["n" if i % 10 == 0 else "y" for i in range(50)] * 4
    alone, together = (
        retold(own, other, own, person=person).members[0].estimate.bounds(0.025, 0.025)
        for person in ([f"p{i}" for i in range(200)], [f"p{i % 50}" for i in range(200)])
    )
    assert together[1] - together[0] > 1.4 * (alone[1] - alone[0])


def test_real_trainings_agree_with_scikit_learn(tuned: Tuned) -> None:
    """Two more trainings of a tiny BERT, each asked anew; a second measurement trains nothing and finds the same."""
    from sklearn.metrics import accuracy_score

    data = letters(100, 9, "test")
    seen = tuned.subject(data)
    found = measure(CHECK, seen, seeds=2)
    names = np.array(seen.classes)
    said = [names[scores_of(model.candidate, data.texts()).argmax(axis=1)] for model in (seen.predicted, *_again(seen, 2))]
    assert found.members[0].estimate.value == pytest.approx(np.mean([len(set(row)) > 1 for row in zip(*said, strict=True)]))
    rates = [accuracy_score(data.cells.column("label"), one) for one in said]
    assert f"between {min(rates):.3f} and {max(rates):.3f}" in found.notes[0]
    again = tuned.subject(data, origin=tuned.base())
    assert measure(CHECK, again, seeds=2).members == found.members
    assert all((record := trained(model.candidate)) is not None and record.cached for model in _again(again, 2))


def _again(seen: Subject, k: int) -> list[Predictions]:
    return [seen.retrained(seeds.words(seen.seed, f"seed-stability/{i}")[0]) for i in range(k)]


def test_a_plan_counts_the_trainings(tuned: Tuned) -> None:
    """Those of two lines with the same seeds once."""
    check, job = discover()[CHECK], finding(CHECK, retold(["y"] * 30, ["y"] * 30, ["y"] * 30), max=0.1)
    seen = tuned.subject(letters(30, 9, "test"))
    jobs = [Job(job.requirement, check, job.check, check.params(seeds=k), seen, 0, 0.95, "nobody") for k in (3, 5)]  # type: ignore[call-arg]  # its own
    assert cost_of(jobs, 0, 255).trained == 6 * 255
    assert cost_of([replace(one, skip="left out") for one in jobs], 0, 255).trained == 255


def test_a_candidate_that_was_not_tuned_here_is_not_measured(tuned: Tuned) -> None:
    with pytest.raises(CannotMeasure, match=r"candidate\.fine_tune"):
        measure(CHECK, replace(tuned.subject(letters(20, 5, "test")), base=None))
