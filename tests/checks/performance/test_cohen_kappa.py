"""Cohen's kappa is scikit-learn's, beside the confusion table that it is of."""

from __future__ import annotations

import pytest
from hypothesis import assume, given

from audit.evidence import Grid
from tests.classified import PAIRS, counts, table
from tests.support import measure, subject

ID = "performance/cohen_kappa"


def test_worked_example() -> None:
    """Six of eight and nine of twelve right: 15 agree where 10.2 would by chance."""
    found = measure(ID, subject(counts(6, 2, 3, 9)))
    assert found.members[0].estimate.value == pytest.approx((15 - 10.2) / (20 - 10.2))
    assert found.figures == (Grid.confusion(("no", "yes"), ((9, 3), (2, 6))),)
    assert found.notes == ()


@given(pairs=PAIRS)
def test_agrees_with_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    from sklearn.metrics import cohen_kappa_score

    frame = table(pairs)
    assume(set(frame.prediction) <= set(frame.label) and len(set(frame.label)) > 1)
    found = measure(ID, subject(frame)).members[0].estimate.value
    assert found == pytest.approx(cohen_kappa_score(frame.label, frame.prediction), abs=1e-12)
