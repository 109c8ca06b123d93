"""The means of two windows' embeddings are compared, in units of the reference's spread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.candidates.capabilities import Embeddings, find
from audit.candidates.saved import SavedPredictions
from audit.catalog import discover
from audit.errors import CannotMeasure
from audit.stats.distribution_distance import mean_distance
from audit.testing import assert_complete, assert_crash_blocks, assert_order_of_rows_is_irrelevant, assert_refused
from tests.judged import status
from tests.misses import misses, most
from tests.support import dataset, measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from audit.candidates.capabilities import C
    from audit.evidence import Evidence
    from audit.subject import Subject

CHECK = "drift/embedding_drift"


class Lengths(SavedPredictions):
    """Saved predictions with an encoder that anybody can check: words and letters of a text."""

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        return np.array([[len(text.split()), sum(map(str.isalpha, text))] for text in texts], dtype=float)

    def get(self, capability: type[C]) -> C | None:
        return find((Embeddings(self.embed_texts),), capability) or super().get(capability)


def windows(before: list[str], now: list[str]) -> Subject:
    frames = [pd.DataFrame({"text": texts, "prediction": "a"}) for texts in (before, now)]
    return subject(frames[1], reference=frames[0], candidate=Lengths({"test": dataset(frames[1])}))


def table(before: NDArray[Any], now: NDArray[Any], seed: int = 0, **params: Any) -> Evidence:
    frames = [pd.DataFrame(rows).add_prefix("x").assign(prediction="a") for rows in (before, now)]
    return measure(CHECK, subject(frames[1], reference=frames[0]), seed, **params)


def test_a_worked_example() -> None:
    """Words and letters (1, 2) and (3, 6) before, mean (2, 4), variances 1 and 4; (5, 8) now, which lies 5 from that mean."""
    (member,) = measure(CHECK, windows(["ab", "ab cd ef"] * 20, ["a a a a aaaa"] * 40)).members
    assert member.estimate.value == pytest.approx(5 / np.sqrt(5))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000))
def test_turning_moving_and_stretching_all_embeddings_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before, now = rng.normal(size=(40, 3)), rng.normal(0.4, size=(30, 3))
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    one, other = mean_distance(before, now), mean_distance(3 * before @ turn + 7, 3 * now @ turn + 7)
    assert other.value == pytest.approx(3 * one.value)
    assert other.bounds(0.025, 0.01) == pytest.approx([3 * end for end in one.bounds(0.025, 0.01)])


@pytest.mark.parametrize("shift", [0.0, 0.3])
@pytest.mark.parametrize("law", ["normal", "heavy tails", "one direction"])
def test_the_interval_holds_the_true_distance(shift: float, law: str) -> None:
    """Each end misses at most nominally at 100 against 60 rows, with the unit fixed."""
    rng, trials = np.random.default_rng(1), 400
    scale = np.array([5.0, 0.1, 0.1, 0.1]) if law == "one direction" else np.ones(4)

    def rows(n: int) -> NDArray[np.float64]:
        found = rng.standard_t(4, (n, 4)) if law == "heavy tails" else rng.normal(size=(n, 4))
        return np.asarray(found * scale)

    seen = misses(lambda: mean_distance(rows(100), rows(60) + shift), 2 * shift, trials)
    assert max(seen) <= most(0.025, trials)


def test_p_values_are_those_of_chance() -> None:
    """Without a change a twentieth of the p-values lies below .05."""
    rng, trials = np.random.default_rng(2), 600
    p = np.array([mean_distance(rng.normal(size=(80, 5)), rng.normal(size=(50, 5))).p_value for _ in range(trials)])
    assert abs(np.mean(p < 0.05) - 0.05) <= 3 * np.sqrt(0.05 * 0.95 / trials)


def test_the_interval_decides() -> None:
    rng = np.random.default_rng(3)
    few = table(rng.normal(size=(30, 3)), rng.normal(size=(30, 3)))
    bound = few.members[0].estimate.value
    assert status(CHECK, few, max=bound) == "inconclusive"
    assert status(CHECK, unplugged(few), max=bound) == "pass"
    large = rng.normal(size=(4000, 3))
    assert status(CHECK, table(large, rng.normal(size=(4000, 3))), max=0.1) == "pass"
    assert status(CHECK, table(large, rng.normal(0.3, size=(4000, 3))), max=0.1) == "fail"


def test_rows_are_drawn_and_said_to_be() -> None:
    rng = np.random.default_rng(4)
    rows = rng.normal(size=(300, 2))
    found, check = table(rows, rows[:90] + 1, max_rows=100), discover()[CHECK]
    frames = [pd.DataFrame(side).add_prefix("x").assign(prediction="a") for side in (rows, rows[:90])]
    seen = subject(frames[1], reference=frames[0])
    assert found.rows == 190 == check.expected_rows(seen, check.params.model_validate({"max_rows": 100}))
    assert "100 of the 300 rows of reference were drawn at random and compared." in found.notes


def test_it_behaves() -> None:
    frame = pd.DataFrame({"x": np.arange(40.0) % 7, "c": ["a", "b"] * 20, "prediction": "a"})
    assert_complete(CHECK, subject(frame, reference=frame.head(30)))
    assert_crash_blocks(CHECK, subject(frame, reference=frame.head(30)))
    assert_order_of_rows_is_irrelevant(CHECK, lambda rows: subject(rows, reference=frame.head(30)), frame)


def test_what_cannot_be_measured_is_refused() -> None:
    same = pd.DataFrame({"x": [1.0] * 9, "prediction": "a"})
    assert_refused(CHECK, subject(same, reference=same), because="every row of the reference is the same")
    assert_refused(CHECK, subject(same, reference=same.head(1)), because="two rows a side")
    assert_refused(CHECK, subject(same), because="under `reference`")
    texts = pd.DataFrame({"text": ["a b"] * 9, "prediction": "a"})
    with pytest.raises(CannotMeasure, match="no encoder"):
        measure(CHECK, subject(texts, reference=texts))
