from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from audit.errors import CannotMeasure
from audit.evidence import Grid
from tests.classified import PAIRS, counts, shuffled, table
from tests.judged import status
from tests.misses import misses, most
from tests.support import measure, subject
from tests.unplugged import unplugged

CHECK = "performance/balanced_accuracy"


def test_a_worked_example() -> None:
    """Six of eight and nine of twelve right: the mean of .75 and .75; the table shows what was mixed up."""
    found = measure(CHECK, subject(counts(6, 2, 3, 9)))
    assert found.members[0].estimate.value == pytest.approx(0.75)
    assert found.figures == (Grid.confusion(("no", "yes"), ((9, 3), (2, 6))),)
    assert found.unit == "balanced accuracy"


@given(PAIRS)
def test_agrees_with_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    """Where every class occurs in truth."""
    from sklearn.metrics import balanced_accuracy_score

    frame = table(pairs)
    assume(set(frame.prediction) <= set(frame.label) and len(set(frame.label)) > 1)
    found = measure(CHECK, subject(frame)).members[0].estimate.value
    assert found == pytest.approx(balanced_accuracy_score(frame.label, frame.prediction), abs=1e-12)


@given(PAIRS, st.permutations("abc"))
def test_renaming_classes_and_reordering_rows_change_nothing(pairs: list[tuple[str, str]], names: list[str]) -> None:
    new = dict(zip("abc", names, strict=True))
    assume({b for _, b in pairs} <= {a for a, _ in pairs} and len({a for a, _ in pairs}) > 1)
    before = measure(CHECK, subject(table(pairs))).members[0].estimate.value
    renamed = shuffled(table([(new[a], new[b]) for a, b in pairs]))
    assert measure(CHECK, subject(renamed)).members[0].estimate.value == pytest.approx(before)


def test_a_rare_class_counts_alike_and_bars_a_pass_when_too_rare() -> None:
    found = measure(CHECK, subject(counts(9, 1, 10, 980)))
    assert found.members[0].estimate.value == pytest.approx((0.9 + 980 / 990) / 2)
    assert found.members[0].estimate.support == 10
    assert status(CHECK, found, min=0.5) == "inconclusive"
    assert status(CHECK, found, min=0.999) == "fail"


def test_a_class_missing_from_a_slice_bars_a_pass() -> None:
    frame = pd.concat([counts(60, 0, 0, 60).assign(region="north"), counts(0, 0, 1, 60).assign(region="south")])
    found = measure(CHECK, subject(frame, by=(("region",),)))
    assert [str(one.name) for one in found.members] == ["region=north"]
    assert [(str(one.name), one.reason) for one in found.unmeasured] == [
        ("region=south", "no row is truly yes: add rows to this slice"),
    ]
    assert status(CHECK, found, min=0.5) == "inconclusive"


@pytest.mark.parametrize("value", ["no", 0])
def test_one_class_alone_proves_nothing(value: object) -> None:
    """Neither where the candidate has another (0 implies 1), nor where nobody knows of one."""
    found = measure(CHECK, subject(pd.DataFrame({"label": [value] * 200, "prediction": [value] * 200})))
    assert not found.members
    assert found.unmeasured[0].reason == {
        "no": "every row is truly no: add rows of another class",
        0: "no row is truly 1: add rows to this slice",
    }.get(value)
    assert status(CHECK, found, min=0.5) == "inconclusive"


def test_of_many_missing_classes_a_few_are_named() -> None:
    found = measure(CHECK, subject(table([("a", one) for one in "abcdefgh"])))
    assert found.unmeasured[0].reason == "no row is truly b or c or d or e or one of 3 others: add rows to this slice"


def test_the_interval_decides() -> None:
    found = measure(CHECK, subject(counts(40, 10, 10, 40)))
    assert [status(CHECK, found, min=bound) for bound in (0.6, 0.78, 0.82, 0.95)] == ["pass", "inconclusive", "inconclusive", "fail"]
    assert [status(CHECK, unplugged(found), min=bound) for bound in (0.78, 0.82)] == ["pass", "fail"]


def test_coverage_with_a_rare_class() -> None:
    """One row in ten of the rare class, of which seven in ten are found; of the others 97 in a hundred."""
    rng, trials = np.random.default_rng(1), 150

    def draw() -> pd.DataFrame:
        label = (rng.random(300) < 0.1).astype(int)
        right = rng.random(300) < np.where(label, 0.7, 0.97)
        return pd.DataFrame({"label": label, "prediction": np.where(right, label, 1 - label)})

    found = misses(lambda: measure(CHECK, subject(draw())).members[0].estimate, 0.835, trials)
    assert max(found) <= most(0.031, trials)  # 3.1 % above in 800 trials


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(CannotMeasure, match=r"columns\.label"):
        measure(CHECK, subject(pd.DataFrame({"prediction": ["a"]})))
