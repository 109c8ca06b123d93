"""Every fairness check of rates gives fairlearn's figures on real data, by one column and by the crossing of two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import realgroups
from tests.grouped import worst
from tests.support import measure, subject

if TYPE_CHECKING:
    from collections.abc import Callable


CHECKS = (
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "equal_opportunity_difference",
    "equalized_odds_difference",
    "false_positive_rate_difference",
    "false_negative_rate_difference",
    "predictive_parity_difference",
    "equal_opportunity_ratio",
    "equalized_odds_ratio",
)


def definition(check: str) -> Callable[..., float]:
    """Fairlearn's function of that name, or the gap of a metric for which it has none."""
    from fairlearn import metrics
    from sklearn.metrics import precision_score

    if check != "predictive_parity_difference":
        return getattr(metrics, check)  # type: ignore[no-any-return]  # published without types
    return lambda true, said, **named: metrics.MetricFrame(metrics=precision_score, y_true=true, y_pred=said, **named).difference()


@pytest.mark.data
@pytest.mark.parametrize("family", [("group",), ("second",), ("group", "second")])
@pytest.mark.parametrize("name", realgroups.NAMES)
@pytest.mark.parametrize("check", CHECKS)
def test_the_worst_pair_is_fairlearns(check: str, name: str, family: tuple[str, ...]) -> None:
    frame = realgroups.table(name)
    expected = definition(check)(frame["label"], frame["prediction"], sensitive_features=frame[list(family)])
    found = measure(f"fairness/{check}", subject(frame, by=(family,)))
    assert worst(found, floor=check.endswith("ratio")) == pytest.approx(expected, abs=1e-9)
    assert found.rows == len(frame)
    assert not found.unmeasured
