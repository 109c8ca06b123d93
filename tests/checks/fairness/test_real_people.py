"""Every fairness check of rates gives fairlearn's figures on real data, by one column and by the crossing of two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import fairlearn.metrics as theirs
import pytest
from sklearn.metrics import precision_score

from tests import realgroups
from tests.grouped import worst
from tests.support import measure, subject

if TYPE_CHECKING:
    from collections.abc import Callable


def _precision_gap(y_true: Any, y_pred: Any, sensitive_features: Any) -> float:
    frame = theirs.MetricFrame(metrics=precision_score, y_true=y_true, y_pred=y_pred, sensitive_features=sensitive_features)
    return float(frame.difference())


DEFINITIONS: dict[str, Callable[..., float]] = {
    "demographic_parity_difference": theirs.demographic_parity_difference,
    "demographic_parity_ratio": theirs.demographic_parity_ratio,
    "equal_opportunity_difference": theirs.equal_opportunity_difference,
    "equalized_odds_difference": theirs.equalized_odds_difference,
    "false_positive_rate_difference": theirs.false_positive_rate_difference,
    "false_negative_rate_difference": theirs.false_negative_rate_difference,
    "predictive_parity_difference": _precision_gap,
    "equal_opportunity_ratio": theirs.equal_opportunity_ratio,
    "equalized_odds_ratio": theirs.equalized_odds_ratio,
}


@pytest.mark.data
@pytest.mark.parametrize("family", [("group",), ("second",), ("group", "second")])
@pytest.mark.parametrize("name", realgroups.NAMES)
@pytest.mark.parametrize("check", DEFINITIONS)
def test_the_worst_pair_is_fairlearns(check: str, name: str, family: tuple[str, ...]) -> None:
    frame = realgroups.table(name)
    expected = DEFINITIONS[check](frame["label"], frame["prediction"], sensitive_features=frame[list(family)])
    found = measure(f"fairness/{check}", subject(frame, by=(family,)))
    assert worst(found, floor=check.endswith("ratio")) == pytest.approx(expected, abs=1e-9)
    assert found.rows == len(frame)
    assert not found.unmeasured
