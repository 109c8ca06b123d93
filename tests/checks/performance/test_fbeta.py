from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from audit.stats import Confusion, Proportion
from tests.classified import PAIRS, counts, table
from tests.judged import status
from tests.support import measure, subject
from tests.unplugged import unplugged

CHECK = "performance/fbeta"
BETAS = st.sampled_from([0.25, 0.5, 1.0, 2.0, 5.0])


def test_a_worked_example() -> None:
    """Precision 6/10, recall 6/8: F2 is 5 x .6 x .75 / (4 x .6 + .75)."""
    found = measure(CHECK, subject(counts(6, 2, 4, 8), positive="yes"), beta=2)
    assert found.members[0].estimate.value == pytest.approx(5 * 0.6 * 0.75 / (4 * 0.6 + 0.75))
    assert found.rows == 20
    assert found.notes == ("average: binary, of the class yes; beta 2",)


@given(PAIRS, BETAS, st.sampled_from(["macro", "micro", "weighted"]))
def test_agrees_with_scikit_learn(pairs: list[tuple[str, str]], beta: float, average: str) -> None:
    from sklearn.metrics import fbeta_score

    frame = table(pairs)
    assume(average != "macro" or len(set(frame.label) | set(frame.prediction)) > 1)
    found = measure(CHECK, subject(frame), average=average, beta=beta).members[0].estimate
    assert found.value == pytest.approx(fbeta_score(frame.label, frame.prediction, beta=beta, average=average, zero_division=0), abs=1e-12)
    assert isinstance(found, Proportion if average == "micro" else Confusion)


@given(PAIRS, BETAS)
def test_it_lies_between_precision_and_recall_and_nearer_the_weightier(pairs: list[tuple[str, str]], beta: float) -> None:
    seen = subject(table(pairs), positive="b")
    assume(any(a == "b" for a, _ in pairs) and any(b == "b" for _, b in pairs))
    others = (measure(f"performance/{one}", seen, average="binary") for one in ("precision", "recall", "f1"))
    precision, recall, f1 = (one.members[0].estimate.value for one in others)
    found = measure(CHECK, seen, average="binary", beta=beta).members[0].estimate.value
    assert min(precision, recall) - 1e-12 <= found <= max(precision, recall) + 1e-12
    assert (found - f1) * (recall - precision) * (beta - 1) >= -1e-12


def test_the_interval_decides() -> None:
    found = measure(CHECK, subject(counts(40, 10, 10, 40), positive="yes"), beta=2)
    assert [status(CHECK, found, min=bound) for bound in (0.6, 0.78, 0.82, 0.95)] == ["pass", "inconclusive", "inconclusive", "fail"]
    assert [status(CHECK, unplugged(found), min=bound) for bound in (0.78, 0.82)] == ["pass", "fail"]


@pytest.mark.parametrize("beta", [None, 0, -1, math.inf, "much"])
def test_a_weight_that_is_none_is_refused(beta: object) -> None:
    with pytest.raises(ValidationError, match="beta"):
        measure(CHECK, subject(counts(6, 2, 4, 8)), beta=beta)
    with pytest.raises(ValidationError, match="beta"):  # scikit-learn asks for it too
        measure(CHECK, subject(counts(6, 2, 4, 8)))
