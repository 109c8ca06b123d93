"""Our estimates beside those of NannyML on the same rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from audit.checks.performance._expected_scores import Rows, expected_score
from tests import realdata

if TYPE_CHECKING:
    from audit.checks.performance._expected_scores import Metric

METRICS: tuple[Metric, ...] = ("accuracy", "roc_auc")
THEIRS = {
    "2021-06": (0.7099, 0.8593),
    "2021-07": (0.5405, 0.7510),
    "2021-09": (0.6828, 0.6643),
    "2021-11": (0.6712, 0.8703),
    "2022-02": (0.6591, 0.9111),
    "2022-05": (0.7797, 0.9399),
}
"""Accuracy and area by nannyml 0.13.1: `PYTHON benchmarks/peer_nannyml.py FOLDER`, which the docstring there explains."""


@pytest.mark.data
def test_agrees_with_nannyml_on_california_housing() -> None:
    """Two calibrations of the same labels differ by less than what these labels leave open, one standard error of ours, and by .008.

    Theirs is an isotonic regression, too sharp by about 5832^(-2/3) = .003 here; and its area pairs each row with itself.
    """
    folder = realdata.path("california_housing")
    reference, analysis = (pd.read_csv(folder / f"{part}.csv.gz") for part in ("reference", "analysis"))
    before, label = sample(reference), reference[["clf_target"]].to_numpy() == 1
    for month, theirs in THEIRS.items():
        rows = sample(analysis[analysis.timestamp.str.startswith(month)])
        for metric, figure in zip(METRICS, theirs, strict=True):
            found = expected_score(metric, before, label, rows)
            assert found.value == pytest.approx(figure, abs=min(0.008, found.calibration**0.5)), (month, metric)


def sample(frame: pd.DataFrame) -> Rows:
    """Scores and answers."""
    return Rows(frame[["y_pred_proba"]].to_numpy(), frame[["y_pred"]].to_numpy() == 1)
