from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from audit.evidence import Slice
from tests.classified import scored, shuffled, three_scored
from tests.figures import curve
from tests.judged import status
from tests.misses import misses, most
from tests.support import measure, subject

CHECK = "performance/roc_auc"
SCORES = ("a", "b", "c")
ROWS = st.lists(st.tuples(st.integers(0, 1), st.sampled_from([0.1, 0.3, 0.5, 0.8])), min_size=2, max_size=40).filter(
    lambda rows: len({label for label, _ in rows}) == 2
)


def test_a_worked_example() -> None:
    """Four pairs: two in order, one tied, one reversed."""
    found = measure(CHECK, subject(pd.DataFrame({"label": [1, 1, 0, 0], "score": [0.9, 0.4, 0.4, 0.5]})))
    assert found.members[0].estimate.value == pytest.approx(2.5 / 4)


@given(ROWS)
def test_agrees_with_scikit_learn(rows: list[tuple[int, float]]) -> None:
    from sklearn.metrics import roc_auc_score, roc_curve

    frame = pd.DataFrame(rows, columns=["label", "score"])
    found = measure(CHECK, subject(frame))
    assert found.members[0].estimate.value == pytest.approx(roc_auc_score(frame.label, frame.score), abs=1e-12)
    drawn = curve(found.figures[0], "the score")
    false, true, _ = roc_curve(frame.label, frame.score, drop_intermediate=False)
    assert drawn.x == pytest.approx(tuple(false))
    assert drawn.y == pytest.approx(tuple(true))


@given(ROWS)
def test_swapping_the_classes_or_reordering_rows_changes_nothing(rows: list[tuple[int, float]]) -> None:
    frame = pd.DataFrame(rows, columns=["label", "score"])
    value = measure(CHECK, subject(frame)).members[0].estimate.value
    assert measure(CHECK, subject(frame.assign(label=1 - frame.label, score=1 - frame.score))).members[0].estimate.value == pytest.approx(
        value
    )
    assert measure(CHECK, subject(shuffled(frame))).members[0].estimate.value == pytest.approx(value)


def test_more_classes_are_taken_one_against_the_rest() -> None:
    from sklearn.metrics import roc_auc_score

    frame = three_scored(300)
    found = measure(CHECK, subject(frame, scores=SCORES))
    assert [one.name for one in found.members] == [Slice((("class", name),)) for name in "abc"]
    for one, name in zip(found.members, "abc", strict=True):
        assert one.estimate.value == pytest.approx(roc_auc_score(frame.label == name, frame[name]), abs=1e-12)
    assert np.mean([one.estimate.value for one in found.members]) == pytest.approx(
        roc_auc_score(frame.label, frame[["a", "b", "c"]], multi_class="ovr"), abs=1e-12
    )
    alone = measure(CHECK, subject(frame, positive="b", scores=SCORES))
    assert [(str(one.name), one.estimate.value) for one in alone.members] == [("overall", found.members[1].estimate.value)]


def test_the_mean_over_classes_is_one_member_a_slice() -> None:
    """As scikit-learn's, and surer than the worst class; a slice that lacks a class has no mean."""
    from sklearn.metrics import roc_auc_score

    frame = three_scored(600).assign(region=["north", "south"] * 300)
    found = measure(CHECK, subject(frame, scores=SCORES), average="macro")
    expected = roc_auc_score(frame.label, frame[["a", "b", "c"]], multi_class="ovr", average="macro")
    assert {str(one.name): one.estimate.value for one in found.members} == pytest.approx({"overall": expected}, abs=1e-12)
    classes = measure(CHECK, subject(frame, scores=SCORES)).members
    low = found.members[0].estimate.bounds(0.025, 0.025)[0]
    assert min(one.estimate.bounds(0.025, 0.025)[0] for one in classes) < low < expected
    part = frame[(frame.region == "north") | (frame.label != "c")]
    split = measure(CHECK, subject(part, by=(("region",),), scores=SCORES), average="macro")
    assert [str(one.name) for one in split.members] == ["region=north"]
    assert [(str(one.name), one.reason) for one in split.unmeasured] == [("region=south", "no row is truly c: add rows to this slice")]
    assert status(CHECK, split, min=0.5) == "inconclusive"


def test_of_two_classes_there_is_no_mean() -> None:
    made = subject(scored(100))
    assert measure(CHECK, made, average="macro").members == measure(CHECK, made).members


def test_the_curve_has_a_band_and_the_operating_point() -> None:
    frame = scored(3000)
    figure = measure(CHECK, subject(frame)).figures[0]
    drawn = curve(figure, "the score")
    assert len(drawn.y) <= 102
    assert all(low <= rate <= high for low, rate, high in zip(drawn.lower, drawn.y, drawn.upper, strict=True))
    called, truly = frame.score >= 0.5, frame.label == 1
    chosen = curve(figure, "at the decision threshold")
    assert (*chosen.x, *chosen.y) == pytest.approx((called[~truly].mean(), called[truly].mean()))
    assert drawn.x[0] == 0
    assert drawn.y[-1] == 1


def test_few_rows_settle_nothing() -> None:
    assert status(CHECK, measure(CHECK, subject(scored(40))), min=0.5) == "inconclusive"


def test_coverage() -> None:
    rng, trials = np.random.default_rng(1), 200

    def draw() -> pd.DataFrame:
        return scored(200, seed=int(rng.integers(1 << 30)))

    truth = float(norm.cdf(2.0 / np.sqrt(2)))
    assert max(misses(lambda: measure(CHECK, subject(draw())).members[0].estimate, truth, trials)) <= most(0.025, trials)
