"""What holds of every loss of probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from audit.errors import CannotMeasure
from tests.classified import scored, shuffled, three_scored
from tests.judged import status
from tests.misses import misses, most
from tests.reference import scikit_learn
from tests.support import measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from collections.abc import Callable

SCORES = ("a", "b", "c")
REFERENCES = {"performance/brier_score": scikit_learn("brier_score_loss"), "performance/log_loss": scikit_learn("log_loss")}
both = pytest.mark.parametrize("check", REFERENCES)
with_reference = pytest.mark.parametrize(("check", "reference"), REFERENCES.items())


@with_reference
def test_three_classes_agree_with_scikit_learn_in_any_order(check: str, reference: Callable[..., float]) -> None:
    frame = three_scored(200)
    expected = reference(frame.label, frame[["a", "b", "c"]], labels=["a", "b", "c"])
    for one in (frame, shuffled(frame)):
        assert measure(check, subject(one, scores=SCORES)).members[0].estimate.value == pytest.approx(expected, abs=1e-12)


@both
def test_swapping_the_two_classes_changes_nothing(check: str) -> None:
    frame = scored(100)
    swapped = frame.assign(label=1 - frame.label, score=1 - frame.score)
    here, there = (measure(check, subject(one)).members[0].estimate for one in (frame, swapped))
    assert here.value == pytest.approx(there.value)
    assert here.bounds(0.025, 0.025) == pytest.approx(there.bounds(0.025, 0.025))


@both
def test_the_interval_decides(check: str) -> None:
    found = measure(check, subject(scored(400)))
    value, (low, high) = found.members[0].estimate.value, found.members[0].estimate.bounds(0.025, 0.025)
    middle = (value + high) / 2
    assert [status(check, found, max=bound) for bound in (high + 0.01, middle, low - 0.01)] == ["pass", "inconclusive", "fail"]
    assert status(check, unplugged(found), max=middle) == "pass"


@pytest.mark.parametrize(("check", "rows"), [("performance/brier_score", 200), ("performance/log_loss", 400)])
def test_coverage(check: str, rows: int) -> None:
    """The upper end decides a pass; a log loss is skewed: 3 % in 400 rows."""
    population, rng, trials = scored(200_000, seed=9), np.random.default_rng(2), 200
    truth = float(REFERENCES[check](population.label, population.score))

    def draw() -> pd.DataFrame:
        return population.iloc[rng.integers(0, len(population), rows)]

    assert max(misses(lambda: measure(check, subject(draw())).members[0].estimate, truth, trials)) <= most(0.03, trials)


@both
def test_slices_and_persons(check: str) -> None:
    frame = pd.concat([scored(150)] * 3)
    found = measure(check, subject(frame, by=(("gender",),), group="person"))
    assert [str(one.name) for one in found.members] == ["gender=f", "gender=m"]
    alone = measure(check, subject(frame, by=(("gender",),)))
    assert found.members[0].estimate.bounds(0.025, 0.025)[1] > alone.members[0].estimate.bounds(0.025, 0.025)[1]


@both
def test_what_cannot_be_measured_is_refused(check: str) -> None:
    with pytest.raises(CannotMeasure, match=r"columns\.score"):
        measure(check, subject(pd.DataFrame({"label": [1, 0], "prediction": [1, 0]})))
    unknown = three_scored(20)
    unknown.loc[3, "label"] = "d"
    with pytest.raises(CannotMeasure, match="no probability for d"):
        measure(check, subject(unknown, scores=SCORES))
