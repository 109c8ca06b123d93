from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.measures.frame import RATES, Frame
from audit.stats import Proportion


def test_a_worked_example() -> None:
    """Six rows of two groups; no row of the second is predicted positive, so it has no precision."""
    y_true, y_pred = np.array([1, 1, 0, 0, 1, 0], dtype=bool), np.array([1, 0, 1, 0, 0, 0], dtype=bool)
    frame = Frame.of(y_true, y_pred, [np.array(["a", "a", "a", "a", "b", "b"])])
    assert frame.groups == (("a",), ("b",))
    assert frame.tables.tolist() == [[[1, 1], [1, 1]], [[1, 0], [1, 0]]]
    assert frame.overall("accuracy") == Proportion(3, 6)
    assert frame.by_group("selection_rate") == (Proportion(2, 4), Proportion(0, 2))
    assert frame.by_group("precision") == (Proportion(1, 2), None)
    assert frame.by_group("true_positive_rate") == (Proportion(1, 2), Proportion(0, 1))
    assert frame.by_group("false_positive_rate") == (Proportion(1, 2), Proportion(0, 1))
    assert [gap.value for gap in frame.gaps("selection_rate")] == [0.5, -0.5]
    assert frame.gaps("precision") == ()


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.sampled_from("xyz"), st.sampled_from([1.0, 2.0, float("nan")])), min_size=1))
def test_crossings_are_counted_as_masks_would(rows: list[tuple[bool, bool, str, float]]) -> None:
    """A missing value is a group."""
    true, predicted = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    first, second = np.array([row[2] for row in rows]), np.array([row[3] for row in rows])
    frame = Frame.of(true, predicted, [first, second])
    assert frame.tables.sum() == len(rows)
    for (a, b), table, accuracy in zip(frame.groups, frame.tables, frame.by_group("accuracy"), strict=True):
        here = (first == a) & (np.isnan(second) if b != b else second == b)  # noqa: PLR0124  # a NaN
        assert table.sum() == here.sum()
        assert accuracy == Proportion.of(true[here] == predicted[here])


@pytest.mark.parametrize("rate", RATES)
def test_the_order_of_rows_is_of_no_account(rate: str) -> None:
    rng = np.random.default_rng(1)
    true, predicted, group = rng.random(200) < 0.4, rng.random(200) < 0.5, rng.integers(0, 3, 200)
    order = rng.permutation(200)
    here, there = Frame.of(true, predicted, [group]), Frame.of(true[order], predicted[order], [group[order]])
    assert here.by_group(rate) == there.by_group(rate)  # type: ignore[arg-type]
