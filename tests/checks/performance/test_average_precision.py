from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.evidence import Slice
from tests.classified import scored, shuffled, three_scored
from tests.figures import curve
from tests.judged import status
from tests.misses import misses, most
from tests.support import measure, subject

CHECK = "performance/average_precision"
SCORES = ("a", "b", "c")
ROWS = st.lists(st.tuples(st.integers(0, 1), st.sampled_from([0.1, 0.3, 0.5, 0.8])), min_size=2, max_size=40).filter(
    lambda rows: len({label for label, _ in rows}) == 2
)


def test_a_worked_example() -> None:
    """From the top: case, other, case; of the alarms down to each case 1/1 and 2/3 are true."""
    found = measure(CHECK, subject(pd.DataFrame({"label": [1, 0, 1], "score": [0.9, 0.8, 0.3]})))
    assert found.members[0].estimate.value == pytest.approx((1 + 2 / 3) / 2)
    drawn = curve(found.figures[0], "the score")
    assert drawn.x == pytest.approx((0.0, 0.5, 0.5, 0.5, 0.5, 1.0)), "in steps"
    assert drawn.y == pytest.approx((1.0, 1.0, 0.5, 0.5, 2 / 3, 2 / 3))
    assert curve(found.figures[0], "a score that knows nothing").y == pytest.approx((2 / 3, 2 / 3))
    chosen = curve(found.figures[0], "at the decision threshold")
    assert (chosen.x, chosen.y) == ((0.5,), (0.5,))
    assert "average precision 0.833" in str(found.figures[0])


@given(ROWS)
def test_agrees_with_scikit_learn(rows: list[tuple[int, float]]) -> None:
    from sklearn.metrics import average_precision_score, precision_recall_curve

    frame = pd.DataFrame(rows, columns=["label", "score"])
    found = measure(CHECK, subject(frame))
    assert found.members[0].estimate.value == pytest.approx(average_precision_score(frame.label, frame.score), abs=1e-12)
    assert measure(CHECK, subject(shuffled(frame))).members[0].estimate.value == pytest.approx(found.members[0].estimate.value)
    drawn = curve(found.figures[0], "the score")
    precision, recall, _ = precision_recall_curve(frame.label, frame.score)
    assert drawn.y[1::2] == pytest.approx(tuple(precision[-2::-1]))
    assert drawn.x[1::2] == pytest.approx(tuple(recall[-2::-1]))


def test_more_classes_are_taken_one_against_the_rest_or_by_their_mean() -> None:
    from sklearn.metrics import average_precision_score

    frame = three_scored(300)
    found = measure(CHECK, subject(frame, scores=SCORES))
    assert [one.name for one in found.members] == [Slice((("class", name),)) for name in "abc"]
    for one, name in zip(found.members, "abc", strict=True):
        assert one.estimate.value == pytest.approx(average_precision_score(frame.label == name, frame[name]), abs=1e-12)
    macro = measure(CHECK, subject(frame, scores=SCORES), average="macro")
    assert macro.notes == ("average: macro, over a, b, c, each against the rest",)
    expected = average_precision_score(np.eye(3)[frame.label.map({"a": 0, "b": 1, "c": 2})], frame[["a", "b", "c"]], average="macro")
    assert {str(one.name): one.estimate.value for one in macro.members} == pytest.approx({"overall": expected}, abs=1e-12)


def test_too_few_cases_bar_a_pass_and_no_fail() -> None:
    frame = scored(4000, apart=3)
    few = frame[(frame.label == 0) | (frame.groupby("label").cumcount() < 25)]
    found = measure(CHECK, subject(few))
    assert found.members[0].estimate.support == 25
    assert status(CHECK, found, min=0.05) == "inconclusive"
    assert status(CHECK, found, min=0.95) == "fail"


def test_the_curve_has_a_band_and_few_points() -> None:
    drawn = curve(measure(CHECK, subject(scored(3000))).figures[0], "the score")
    assert len(drawn.x) <= 202
    assert all(low <= rate <= high for low, rate, high in zip(drawn.lower, drawn.y, drawn.upper, strict=True))
    assert drawn.x[-1] == 1
    calm = measure(CHECK, subject(pd.DataFrame({"label": [0, 1, 0], "score": [0.1, 0.2, 0.3]}))).figures[0]
    assert "threshold" not in str(calm)


def test_coverage() -> None:
    from sklearn.metrics import average_precision_score

    population, rng, trials = scored(200_000, seed=9), np.random.default_rng(2), 200
    truth = float(average_precision_score(population.label, population.score))

    def draw() -> pd.DataFrame:
        return population.iloc[rng.integers(0, len(population), 300)]

    assert max(misses(lambda: measure(CHECK, subject(draw())).members[0].estimate, truth, trials)) <= most(0.03, trials)
