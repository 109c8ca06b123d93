from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.metrics import precision_score

from audit.errors import CannotMeasure
from audit.evidence import Slice
from audit.stats import Confusion, Proportion
from tests.classified import PAIRS, counts, shuffled, table
from tests.judged import status
from tests.misses import misses, most
from tests.support import measure, subject
from tests.unplugged import unplugged

CHECK = "performance/precision"


def test_a_worked_example() -> None:
    """Six of the ten rows called `yes` are."""
    found = measure(CHECK, subject(counts(6, 2, 4, 8), positive="yes"))
    assert found.members[0].estimate == Proportion(6, 10)
    assert found.rows == 20
    assert found.notes == ("average: binary, of the class yes",)


@given(PAIRS, st.sampled_from(["macro", "micro", "weighted"]))
def test_agrees_with_scikit_learn(pairs: list[tuple[str, str]], average: str) -> None:
    frame = table(pairs)
    assume(average != "macro" or len(set(frame.label) | set(frame.prediction)) > 1)
    found = measure(CHECK, subject(frame), average=average).members[0].estimate
    assert found.value == pytest.approx(precision_score(frame.label, frame.prediction, average=average, zero_division=0), abs=1e-12)
    assert isinstance(found, Proportion if average == "micro" else Confusion)


@given(PAIRS)
def test_the_positive_class_agrees_with_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    frame = table(pairs)
    assume("b" in {*frame.label, *frame.prediction})
    found = measure(CHECK, subject(frame, positive="b"), average="binary")
    expected = precision_score(frame.label == "b", frame.prediction == "b", zero_division=0)
    assert [one.estimate.value for one in found.members] == pytest.approx([expected] if (frame.prediction == "b").any() else [], abs=1e-12)
    assert len(found.members) + len(found.unmeasured) == 1


@given(PAIRS, st.permutations("abc"))
def test_renaming_classes_and_reordering_rows_change_nothing(pairs: list[tuple[str, str]], names: list[str]) -> None:
    new = dict(zip("abc", names, strict=True))
    assume(len({one for pair in pairs for one in pair}) > 1)
    before = measure(CHECK, subject(table(pairs)), average="macro").members[0].estimate.value
    renamed = shuffled(table([(new[a], new[b]) for a, b in pairs]))
    assert measure(CHECK, subject(renamed), average="macro").members[0].estimate.value == pytest.approx(before)


def test_average_is_binary_where_a_class_is_positive() -> None:
    frame = counts(6, 2, 4, 8)
    assert "macro" in measure(CHECK, subject(frame)).notes[0]
    assert "binary" in measure(CHECK, subject(frame, positive="no")).notes[0]
    digits = pd.DataFrame({"label": [1, 0], "prediction": [1, 0]})
    assert measure(CHECK, subject(digits)).notes == ("average: binary, of the class 1",)


def test_a_slice_without_a_row_to_count_is_unmeasured() -> None:
    """It bars a pass and is no failure."""
    frame = pd.concat([counts(60, 0, 0, 60).assign(region="north"), counts(0, 0, 0, 60).assign(region="south")])
    found = measure(CHECK, subject(frame, by=(("region",),), positive="yes"))
    assert [one.name for one in found.members] == [Slice((("region", "north"),))]
    assert [str(one.name) for one in found.unmeasured] == ["region=south"]
    assert "no row is predicted yes" in found.unmeasured[0].reason
    assert status(CHECK, found, min=0.5) == "inconclusive"


def test_a_class_missing_from_a_slice_bars_a_pass_of_its_macro_average() -> None:
    """South holds one class alone, and all its rows are right; a weighted average of it is told to be of that class."""
    frame = pd.concat([counts(60, 0, 0, 60).assign(region="north"), counts(0, 0, 0, 60).assign(region="south")])
    seen = subject(frame, by=(("region",),))
    found = measure(CHECK, seen, average="macro")
    assert [str(one.name) for one in found.members] == ["region=north"]
    assert [str(one.name) for one in found.unmeasured] == ["region=south"]
    assert found.unmeasured[0].reason == "no row is truly or by prediction yes: add rows to this slice"
    assert status(CHECK, found, min=0.5) == "inconclusive"
    assert "region=south: no row is truly yes" in measure(CHECK, seen, average="weighted").notes


def test_a_class_that_is_only_predicted_bars_a_pass_and_can_fail() -> None:
    found = measure(CHECK, subject(table([("a", "a"), ("b", "b")] * 100 + [("b", "c")])), average="macro")
    assert found.members[0].estimate.support == 0
    assert status(CHECK, found, min=0.3) == "inconclusive"
    assert status(CHECK, unplugged(found), min=0.9) == "fail"


def test_one_class_alone_proves_nothing() -> None:
    """Neither where the candidate has another (0 implies 1), nor where nobody knows of one."""
    for frame in (counts(0, 0, 0, 200), pd.DataFrame({"label": [0] * 200, "prediction": [0] * 200})):
        found = measure(CHECK, subject(frame), average="macro")
        assert not found.members
        assert status(CHECK, found, min=0.5) == "inconclusive"


def test_rows_of_one_person_widen_the_interval() -> None:
    frame = pd.concat([counts(20, 6, 6, 20)] * 4)
    for average in ("binary", "macro", "weighted"):
        widths = []
        for person in (np.arange(len(frame)), np.tile(np.arange(52), 4)):
            seen = subject(frame.assign(person=person), positive="yes", group="person")
            low, high = measure(CHECK, seen, average=average).members[0].estimate.bounds(0.025, 0.025)
            widths.append(high - low)
        assert widths[1] > 1.5 * widths[0]


def test_the_interval_decides() -> None:
    """Precision of .8 in a hundred rows: neither clearly over .78 nor clearly under .82, though the point is."""
    found = measure(CHECK, subject(counts(40, 10, 10, 40), positive="yes"))
    assert [status(CHECK, found, min=bound) for bound in (0.6, 0.78, 0.82, 0.95)] == ["pass", "inconclusive", "inconclusive", "fail"]
    assert [status(CHECK, unplugged(found), min=bound) for bound in (0.78, 0.82)] == ["pass", "fail"]


@pytest.mark.parametrize("average", ["binary", "macro"])
def test_coverage(average: str) -> None:
    """Two classes, each right in nine of ten rows: precision, recall and F1 are .9 alike."""
    rng, trials = np.random.default_rng(1), 120

    def draw() -> pd.DataFrame:
        label = rng.integers(0, 2, 200)
        return pd.DataFrame({"label": label, "prediction": np.where(rng.random(200) < 0.9, label, 1 - label)})

    found = misses(lambda: measure(CHECK, subject(draw()), average=average).members[0].estimate, 0.9, trials)
    assert max(found) <= most(0.03, trials)


def test_what_cannot_be_measured_is_refused() -> None:
    three = table([("a", "a"), ("b", "b"), ("c", "c")])
    with pytest.raises(CannotMeasure, match=r"columns\.positive"):
        measure(CHECK, subject(three), average="binary")
    with pytest.raises(CannotMeasure, match=r"columns\.label"):
        measure(CHECK, subject(three[["prediction"]]))
    with pytest.raises(ValidationError, match="average"):
        measure(CHECK, subject(three), average="samples")
    with pytest.raises(ValidationError, match="label"):
        measure(CHECK, subject(three), label="a")
