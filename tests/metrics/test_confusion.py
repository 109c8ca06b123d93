"""What precision, recall and F1 share: how classes are averaged, what is unmeasured, what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from audit.errors import CannotMeasure
from audit.evidence import Grid
from tests.classified import PAIRS, counts, shuffled, table
from tests.judged import status
from tests.misses import misses, most
from tests.support import measure, subject
from tests.unplugged import unplugged

CHECKS = ("performance/f1", "performance/precision", "performance/recall")
every_check = pytest.mark.parametrize("check", CHECKS)


@every_check
@given(pairs=PAIRS, names=st.permutations("abc"))
def test_renaming_classes_and_reordering_rows_change_nothing(check: str, pairs: list[tuple[str, str]], names: list[str]) -> None:
    new = dict(zip("abc", names, strict=True))
    assume(len({one for pair in pairs for one in pair}) > 1)
    before = measure(check, subject(table(pairs)), average="macro").members[0].estimate.value
    renamed = shuffled(table([(new[a], new[b]) for a, b in pairs]))
    assert measure(check, subject(renamed), average="macro").members[0].estimate.value == pytest.approx(before)


@every_check
def test_average_is_binary_where_a_class_is_positive(check: str) -> None:
    frame = counts(6, 2, 4, 8)
    assert "macro" in measure(check, subject(frame)).notes[0]
    assert "binary" in measure(check, subject(frame, positive="no")).notes[0]
    digits = pd.DataFrame({"label": [1, 0], "prediction": [1, 0]})
    assert measure(check, subject(digits)).notes == ("average: binary, of the class 1",)


@every_check
@pytest.mark.parametrize(("average", "classes"), [("binary", ("not yes", "yes")), ("macro", ("no", "yes"))])
def test_the_table_shows_what_was_taken_for_what(check: str, average: str, classes: tuple[str, str]) -> None:
    """True classes are lines: 6 of 8 found, 4 false alarms among 12."""
    found = measure(check, subject(counts(6, 2, 4, 8), positive="yes"), average=average)
    assert found.figures == (Grid.confusion(classes, ((8, 4), (2, 6))),)


@every_check
@given(pairs=PAIRS)
def test_without_an_average_every_class_is_a_member(check: str, pairs: list[tuple[str, str]]) -> None:
    """As scikit-learn's `average=None`, but that a share of nothing is unmeasured and not 0."""
    from sklearn.metrics import precision_recall_fscore_support

    frame = table(pairs)
    found = measure(check, subject(frame), average="none")
    classes = sorted({*frame.label, *frame.prediction})
    place = ("performance/precision", "performance/recall", "performance/f1").index(check)
    expected = precision_recall_fscore_support(frame.label, frame.prediction, labels=classes, average=None, zero_division=np.nan)[place]
    known = {f"class={one}": value for one, value in zip(classes, expected, strict=True) if not np.isnan(value)}
    assert {str(one.name): one.estimate.value for one in found.members} == pytest.approx(known, abs=1e-12)
    assert {str(one.name) for one in found.unmeasured} == {f"class={one}" for one in classes} - set(known)
    assert found.notes == ("average: none, each class against the rest",)


@every_check
def test_without_an_average_the_worst_class_of_the_worst_slice_decides(check: str) -> None:
    north, south = counts(60, 0, 0, 60).assign(region="north"), counts(40, 20, 20, 60).assign(region="south")
    found = measure(check, subject(pd.concat([north, south]), by=(("region",),), positive="yes"), average="none")
    assert [str(one.name) for one in found.members] == [f"region={one}, class={two}" for two in ("no", "yes") for one in ("north", "south")]
    assert status(check, found, min=0.9) == "fail"
    assert found.figures == (Grid.confusion(("no", "yes"), ((120, 20), (20, 100))),)


@every_check
def test_a_class_missing_from_a_slice_bars_a_pass_of_its_macro_average(check: str) -> None:
    """South holds one class alone, and all its rows are right; a weighted average of it is told to be of that class."""
    frame = pd.concat([counts(60, 0, 0, 60).assign(region="north"), counts(0, 0, 0, 60).assign(region="south")])
    seen = subject(frame, by=(("region",),))
    found = measure(check, seen, average="macro")
    assert [str(one.name) for one in found.members] == ["region=north"]
    assert [str(one.name) for one in found.unmeasured] == ["region=south"]
    assert found.unmeasured[0].reason == "no row is truly or by prediction yes: add rows to this slice"
    assert status(check, found, min=0.5) == "inconclusive"
    told = "average: weighted, which is accuracy" if check == "performance/recall" else "region=south: no row is truly yes"
    assert told in measure(check, seen, average="weighted").notes


@every_check
def test_a_class_that_is_only_predicted_bars_a_pass_and_can_fail(check: str) -> None:
    found = measure(check, subject(table([("a", "a"), ("b", "b")] * 100 + [("b", "c")])), average="macro")
    assert found.members[0].estimate.support == 0
    assert status(check, found, min=0.3) == "inconclusive"
    assert status(check, unplugged(found), min=0.9) == "fail"


@every_check
def test_one_class_alone_proves_nothing(check: str) -> None:
    """Neither where the candidate has another (0 implies 1), nor where nobody knows of one."""
    for frame in (counts(0, 0, 0, 200), pd.DataFrame({"label": [0] * 200, "prediction": [0] * 200})):
        found = measure(check, subject(frame), average="macro")
        assert not found.members
        assert status(check, found, min=0.5) == "inconclusive"


@every_check
@pytest.mark.parametrize("average", ["binary", "macro", "weighted", "micro", "none"])
def test_rows_of_one_person_widen_the_interval(check: str, average: str) -> None:
    frame = pd.concat([counts(20, 6, 6, 20)] * 4)
    widths = []
    for person in (np.arange(len(frame)), np.tile(np.arange(52), 4)):
        seen = subject(frame.assign(person=person), positive="yes", group="person")
        low, high = measure(check, seen, average=average).members[0].estimate.bounds(0.025, 0.025)
        widths.append(high - low)
    assert widths[1] > 1.5 * widths[0]


@every_check
@pytest.mark.parametrize("average", ["binary", "macro"])
def test_coverage(check: str, average: str) -> None:
    """Two classes, each right in nine of ten rows: precision, recall and F1 are .9 alike."""
    rng, trials = np.random.default_rng(1), 120

    def draw() -> pd.DataFrame:
        label = rng.integers(0, 2, 200)
        return pd.DataFrame({"label": label, "prediction": np.where(rng.random(200) < 0.9, label, 1 - label)})

    found = misses(lambda: measure(check, subject(draw()), average=average).members[0].estimate, 0.9, trials)
    assert max(found) <= most(0.03, trials)


@every_check
def test_what_cannot_be_measured_is_refused(check: str) -> None:
    three = table([("a", "a"), ("b", "b"), ("c", "c")])
    with pytest.raises(CannotMeasure, match=r"columns\.positive"):
        measure(check, subject(three), average="binary")
    with pytest.raises(CannotMeasure, match=r"columns\.label"):
        measure(check, subject(three[["prediction"]]))
    with pytest.raises(ValidationError, match="average"):
        measure(check, subject(three), average="samples")
    with pytest.raises(ValidationError, match="label"):
        measure(check, subject(three), label="a")
