from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score

from audit.errors import CannotMeasure
from audit.evidence import Confusion
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
    assert found.figures == (Confusion(("no", "yes"), ((9, 3), (2, 6))),)
    assert found.unit == "balanced accuracy"


@given(PAIRS)
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true", "ignore:A single label was found")
def test_agrees_with_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    frame = table(pairs)
    found = measure(CHECK, subject(frame)).members[0].estimate.value
    assert found == pytest.approx(balanced_accuracy_score(frame.label, frame.prediction), abs=1e-12)


@given(PAIRS, st.permutations("abc"))
def test_renaming_classes_and_reordering_rows_change_nothing(pairs: list[tuple[str, str]], names: list[str]) -> None:
    new = dict(zip("abc", names, strict=True))
    before = measure(CHECK, subject(table(pairs))).members[0].estimate.value
    renamed = shuffled(table([(new[a], new[b]) for a, b in pairs]))
    assert measure(CHECK, subject(renamed)).members[0].estimate.value == pytest.approx(before)


def test_a_rare_class_counts_alike_and_bars_a_pass_when_too_rare() -> None:
    found = measure(CHECK, subject(counts(9, 1, 10, 980)))
    assert found.members[0].estimate.value == pytest.approx((0.9 + 980 / 990) / 2)
    assert found.members[0].estimate.support == 10
    assert status(CHECK, found, min=0.5) == "inconclusive"
    assert status(CHECK, found, min=0.999) == "fail"


def test_a_class_missing_from_a_slice_is_told() -> None:
    frame = pd.concat([counts(20, 5, 5, 20).assign(region="north"), counts(0, 0, 1, 30).assign(region="south")])
    found = measure(CHECK, subject(frame, by=(("region",),)))
    assert found.notes == ("region=south: no row is truly yes",)


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
