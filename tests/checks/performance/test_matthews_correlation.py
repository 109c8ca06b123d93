"""The Matthews correlation is scikit-learn's."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given

from tests.classified import PAIRS, counts, table
from tests.support import measure, subject

ID = "performance/matthews_correlation"


def test_worked_example() -> None:
    """Six of eight and nine of twelve right: (6 x 9 - 3 x 2) / sqrt(9 x 8 x 11 x 12)."""
    (member,) = measure(ID, subject(counts(6, 2, 3, 9))).members
    assert member.estimate.value == pytest.approx(48 / math.sqrt(9 * 8 * 11 * 12))


@given(pairs=PAIRS)
def test_agrees_with_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    from sklearn.metrics import matthews_corrcoef

    frame = table(pairs)
    assume(set(frame.prediction) <= set(frame.label) and len(set(frame.label)) > 1)
    found = measure(ID, subject(frame)).members[0].estimate.value
    assert found == pytest.approx(matthews_corrcoef(frame.label, frame.prediction), abs=1e-12)
