"""The benchmarks of estimates without labels, on settings so small that they cost seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from benchmarks import estimated_coverage, production_data

if TYPE_CHECKING:
    from pathlib import Path


def test_the_truth_is_that_of_very_many_rows() -> None:
    p = expit(np.random.default_rng(5).normal(1.0, 1.5, 400_000))
    assert estimated_coverage.truth(estimated_coverage.plain, "accuracy", 1.0) == pytest.approx(np.maximum(p, 1 - p).mean(), abs=0.002)


def test_an_interval_that_is_unplugged_misses_in_every_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    from audit.stats import ExpectedScore

    def misses() -> float:
        cells = estimated_coverage.line("balanced", "accuracy", 12).split()
        return float(cells[3].rstrip("%")) + float(cells[4].rstrip("%"))

    assert misses() <= 20.0
    monkeypatch.setattr(ExpectedScore, "bounds", lambda self, *_: (self.value, self.value))
    assert misses() == pytest.approx(100.0)


def test_a_stream_is_audited_window_by_window(tmp_path: Path) -> None:
    """The second window is as the reference; the third has other labels, which the estimate does not see and the evidence does."""
    rng = np.random.default_rng(0)

    def rows(n: int) -> pd.DataFrame:
        x = rng.normal(0, 1.5, n)
        p = expit(x)
        return pd.DataFrame({"x": x, "y_pred_proba": p, "y_pred": (p >= 0.5).astype(int), "truth": (rng.random(n) < p).astype(int)})

    roles: dict[str, Any] = {"label": "truth", "prediction": "y_pred", "score": "y_pred_proba", "positive": "1", "features": ["x"]}
    turned = rows(300).assign(truth=lambda one: 1 - one.truth)
    found = production_data.audited(rows(600), [("quiet", rows(300)), ("turned", turned)], roles)
    assert [one.rows for one in found] == [300, 300]
    assert found[0].evidence < 10 < found[1].evidence
    for one, held in zip(found, (True, False), strict=True):
        _, low, high = production_data.of(one.blind)
        assert (low <= one.realised.value <= high) is held
    assert production_data.summary(found)[0] == "- The interval by its scores alone holds the realised accuracy in 1 of 2 windows."
    assert "alarm in window turned" in production_data.summary(found)[2]
    shown = production_data.picture(tmp_path / "a.svg", "a picture", production_data.curves_of(found), "accuracy")
    assert shown == "![a picture](a.svg)"
    assert (tmp_path / "a.svg").read_text().startswith('<svg xmlns="http://www.w3.org/2000/svg"')
