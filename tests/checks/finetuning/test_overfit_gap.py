"""Accuracy on rows that were learned from against accuracy on new ones."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from audit.candidates.predictions import SavedPredictions
from audit.errors import CannotMeasure
from audit.evidence import OVERALL, BeforeAfter, Evidence
from audit.predictions import Predictions
from audit.subject import Subject
from tests.judged import status
from tests.misses import misses, most
from tests.support import dataset, measure
from tests.tiny_bert import letters
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from audit.candidates.origin import Base
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


def gap(train: pd.DataFrame, test: pd.DataFrame, validation: pd.DataFrame | None = None, *, by: Any = (), **columns: Any) -> Evidence:
    """Of saved answers, on rows that are told to be those of a training."""
    held = rows(4, 1, **{name: train[name].iloc[0] for name in train.columns if name not in {"text", "label", "prediction"}})
    tables = {"train": train, "validation": held if validation is None else validation, "test": test}
    sets = {role: dataset(frame, role, **columns) for role, frame in tables.items()}
    base = cast("Base", SimpleNamespace(train=sets["train"], validation=sets["validation"]))
    return measure(CHECK, Subject(sets["test"], Predictions(SavedPredictions(sets)), datasets=sets, by=by, base=base))


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
    assert isinstance(figure, BeforeAfter)
    assert figure.stages == ("training rows", "validation rows", "rows of test")
    assert [point.value for point in figure.points[0] if point] == pytest.approx([0.95, 0.8, 0.8])
    assert figure.names == ("all rows",)


def test_agrees_with_scikit_learn_on_a_tuned_model(tuned: Tuned) -> None:
    """Asked anew of the model, on the very rows of the split."""
    seen = tuned.subject(letters(150, 9, "test"))
    found = measure(CHECK, seen)
    names = np.array(seen.classes)

    def accuracy(data: Any) -> float:
        return float(accuracy_score(data.frame["label"], names[seen.candidate.score_texts(data.texts()).argmax(axis=1)]))

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


def test_a_candidate_that_was_not_tuned_here_is_not_measured() -> None:
    sets = {"test": dataset(rows(5, 0))}
    with pytest.raises(CannotMeasure, match=r"candidate\.fine_tune"):
        measure(CHECK, Subject(sets["test"], Predictions(SavedPredictions(sets)), datasets=sets))
