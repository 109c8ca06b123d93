from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from audit.evidence import Slice
from audit.stats import Confusion, Proportion
from tests.classified import PAIRS, counts, table
from tests.judged import status
from tests.support import measure, subject
from tests.unplugged import unplugged

CHECK = "performance/f1"


def test_a_worked_example() -> None:
    """Precision 6/10, recall 6/8: F1 is 12/18."""
    found = measure(CHECK, subject(counts(6, 2, 4, 8), positive="yes"))
    assert found.members[0].estimate.value == pytest.approx(12 / 18)
    assert found.rows == 20
    assert found.notes == ("average: binary, of the class yes",)


@given(PAIRS, st.sampled_from(["macro", "micro", "weighted"]))
def test_agrees_with_scikit_learn(pairs: list[tuple[str, str]], average: str) -> None:
    from sklearn.metrics import f1_score

    frame = table(pairs)
    assume(average != "macro" or len(set(frame.label) | set(frame.prediction)) > 1)
    found = measure(CHECK, subject(frame), average=average).members[0].estimate
    assert found.value == pytest.approx(f1_score(frame.label, frame.prediction, average=average, zero_division=0), abs=1e-12)
    assert isinstance(found, Proportion if average == "micro" else Confusion)


@given(PAIRS)
def test_the_positive_class_agrees_with_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    from sklearn.metrics import f1_score

    frame = table(pairs)
    assume("b" in {*frame.label, *frame.prediction})
    found = measure(CHECK, subject(frame, positive="b"), average="binary")
    expected = f1_score(frame.label == "b", frame.prediction == "b", zero_division=0)
    assert [one.estimate.value for one in found.members] == pytest.approx([expected], abs=1e-12)


def test_a_slice_without_a_row_to_count_is_unmeasured() -> None:
    """It bars a pass and is no failure."""
    frame = pd.concat([counts(60, 0, 0, 60).assign(region="north"), counts(0, 0, 0, 60).assign(region="south")])
    found = measure(CHECK, subject(frame, by=(("region",),), positive="yes"))
    assert [one.name for one in found.members] == [Slice((("region", "north"),))]
    assert [str(one.name) for one in found.unmeasured] == ["region=south"]
    assert "no row is truly or by prediction yes" in found.unmeasured[0].reason
    assert status(CHECK, found, min=0.5) == "inconclusive"


def test_the_interval_decides() -> None:
    """F1 of .8 in a hundred rows: neither clearly over .78 nor clearly under .82, though the point is."""
    found = measure(CHECK, subject(counts(40, 10, 10, 40), positive="yes"))
    assert [status(CHECK, found, min=bound) for bound in (0.6, 0.78, 0.82, 0.95)] == ["pass", "inconclusive", "inconclusive", "fail"]
    assert [status(CHECK, unplugged(found), min=bound) for bound in (0.78, 0.82)] == ["pass", "fail"]
