"""Requirements that prove nothing, told at their lines, and silence where there is nothing to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import yaml

from audit.cli import app
from audit.commands.validate import policy_warnings
from audit.pipeline.compatibility import load_policy
from audit.pipeline.prepare import read_datasets

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Labels of which 90 % are 0, with a small group and a crossing that is empty, as the current directory."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    label = (np.arange(600) % 10 == 0).astype(int)
    region = np.array(["north", "south"])[rng.integers(0, 2, 600)]
    region[:12] = "west"
    age = np.array(["old", "young"])[rng.integers(0, 2, 600)]
    age[:12] = "old"
    frame = {"label": label, "prediction": label, "score": label * 0.8 + 0.1, "region": region, "age": age}
    pd.DataFrame(frame).to_csv(tmp_path / "test.csv", index=False)
    return tmp_path


def warned(*require: dict[str, Any]) -> list[str]:
    policy = {
        "policy": "letters",
        "datasets": {"test": {"path": "test.csv"}},
        "columns": {"label": "label", "prediction": "prediction", "score": "score", "positive": 1},
        "candidate": {"task": "tabular-classification", "load": {"kind": "predictions"}},
        "require": [{"id": f"r{i}", **one} for i, one in enumerate(require)],
    }
    with open("policy.yaml", "w", encoding="utf-8") as file:  # noqa: PTH123  # relative to the project
        yaml.safe_dump(policy, file, sort_keys=False, default_flow_style=None, width=1000)
    loaded = load_policy("policy.yaml")
    return [str(one) for one in policy_warnings(loaded, read_datasets(loaded))]


@pytest.mark.usefixtures("project")
def test_a_bound_that_the_commonest_class_meets() -> None:
    """90 % of the labels are 0: accuracy 0.9 is had for nothing, recall and balanced accuracy are not."""
    (found,) = warned(
        {"check": "performance/accuracy", "min": 0.9},
        {"check": "performance/accuracy", "min": 0.91},
        {"check": "performance/recall", "min": 0.5},
        {"check": "performance/balanced_accuracy", "min": 0.6},
    )
    assert found.startswith("policy.yaml:")
    assert "require.0.min: warning: at least 0.9 proves nothing: whoever always answers the commonest class" in found


@pytest.mark.usefixtures("project")
def test_a_ceiling_that_the_shares_meet() -> None:
    """The entropy of 10 % is 0.325: a log loss of 0.4 proves nothing, one of 0.3 does; a model that is sure passes it."""
    (found,) = warned({"check": "performance/log_loss", "max": 0.4}, {"check": "performance/log_loss", "max": 0.2})
    assert "require.0.max: warning: at most 0.4 proves nothing" in found


@pytest.mark.usefixtures("project")
def test_small_and_empty_slices() -> None:
    found = warned({"check": "performance/accuracy", "min": 0.95, "by": [["region", "age"]]})
    assert len(found) == 2
    assert "region=west, age=old has 12 rows; nothing passes on fewer than 30" in found[1]
    assert "no row is in region=west, age=young: nothing is proven there" in found[0]
    assert warned({"check": "performance/accuracy", "min": 0.92, "by": ["age"]}) == []


@pytest.mark.usefixtures("project")
def test_a_bound_that_no_model_can_pass_here() -> None:
    """60 of 60 positives end at 0.94: recall of 0.95 needs 72. A gap of 0.01 between regions needs more rows than there are."""
    found = warned(
        {"check": "performance/recall", "min": 0.95}, {"check": "fairness/demographic_parity_difference", "max": 0.001, "by": ["age"]}
    )
    assert "require.0.min: warning: at least 0.95 cannot be passed on this data" in found[0]
    assert "Would not pass even with 60 of these 60 rows" in found[0]
    assert "about 72 rows" in found[0]
    assert "require.1.max: warning: at most 0.001 cannot be passed on this data" in found[1]


@pytest.mark.usefixtures("project")
def test_what_other_checks_ask_is_left_alone() -> None:
    assert warned({"check": "data/duplicates", "max": 0}, {"check": "calibration/expected_calibration_error", "max": 0.3}) == []


@pytest.mark.usefixtures("project")
def test_validate_warns_and_the_exit_code_stays(capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error; what is valid is valid."""
    warned({"check": "performance/accuracy", "min": 0.5})
    with pytest.raises(SystemExit) as end:
        app.main(["validate", "policy.yaml"])
    told = capsys.readouterr()
    assert (end.value.code, told.out) == (0, "policy.yaml: valid, 1 requirement\n")
    assert "require.0.min: warning: at least 0.5 proves nothing" in told.err
