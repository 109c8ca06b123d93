from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from audit.errors import CannotMeasure, InputError
from audit.evidence import OVERALL, Slice
from tests.classified import PAIRS, counts, scored, shuffled, table
from tests.judged import status
from tests.misses import misses, most
from tests.support import measure, subject
from tests.unplugged import unplugged

CHECK = "performance/accuracy"


def test_a_worked_example() -> None:
    """Eight of ten rows right; the exact interval of 8/10."""
    found = measure(CHECK, subject(counts(3, 1, 1, 5)))
    assert [(member.name, member.estimate.value) for member in found.members] == [(OVERALL, 0.8)]
    assert found.members[0].estimate.bounds(0.025, 0.025) == pytest.approx((0.4439, 0.9748), abs=1e-4)
    assert found.rows == 10


@given(PAIRS)
def test_agrees_with_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    from sklearn.metrics import accuracy_score

    frame = table(pairs)
    found = measure(CHECK, subject(frame)).members[0].estimate.value
    assert found == pytest.approx(accuracy_score(frame.label, frame.prediction), abs=1e-12)
    swapped = frame.rename(columns={"label": "prediction", "prediction": "label"})
    assert measure(CHECK, subject(swapped)).members[0].estimate.value == found


def test_each_slice_by_itself_and_missing_values_too() -> None:
    frame = counts(2, 2, 0, 4).assign(gender=pd.Series(["f", "m"] * 3, dtype=object))
    found = {member.name: member.estimate.value for member in measure(CHECK, subject(frame, by=(("gender",),))).members}
    assert found == {Slice((("gender", "f"),)): 2 / 3, Slice((("gender", "m"),)): 2 / 3, Slice((("gender", None),)): 1.0}


def test_the_order_of_rows_is_of_no_account() -> None:
    frame = scored(200)
    assert measure(CHECK, subject(frame, by=(("gender",),))) == measure(CHECK, subject(shuffled(frame), by=(("gender",),)))


def test_rows_of_one_person_widen_the_interval() -> None:
    frame = pd.concat([scored(100)] * 4)
    low = [
        measure(CHECK, subject(frame.assign(person=person), group="person")).members[0].estimate.bounds(0.025, 0.025)[0]
        for person in (np.arange(400), np.tile(np.arange(100), 4))
    ]
    assert low[1] < low[0] - 0.02


def test_the_interval_decides() -> None:
    """Ninety of a hundred: neither clearly over .88 nor clearly under .92, though the point is."""
    found = measure(CHECK, subject(counts(45, 5, 5, 45)))
    assert [status(CHECK, found, min=bound) for bound in (0.8, 0.88, 0.92, 0.97)] == ["pass", "inconclusive", "inconclusive", "fail"]
    assert [status(CHECK, unplugged(found), min=bound) for bound in (0.88, 0.92)] == ["pass", "fail"]


def test_coverage() -> None:
    rng, trials = np.random.default_rng(1), 200

    def draw() -> pd.DataFrame:
        return pd.DataFrame({"label": "a", "prediction": np.where(rng.random(200) < 0.9, "a", "b")})

    assert max(misses(lambda: measure(CHECK, subject(draw())).members[0].estimate, 0.9, trials)) <= most(0.03, trials)


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(CannotMeasure, match=r"columns\.label"):
        measure(CHECK, subject(pd.DataFrame({"prediction": ["a"]})))
    with pytest.raises(InputError, match="no value in 1 of 2 rows"):
        measure(CHECK, subject(pd.DataFrame({"prediction": ["a", "b"], "label": ["a", None]})))
