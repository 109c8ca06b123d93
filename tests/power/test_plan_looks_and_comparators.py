"""Plans of comparisons, and of test sets that are spent over looks."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from audit.candidates.capabilities import Labels, Scores
from audit.candidates.predictions import Predictions
from audit.cli.plan_table import conclusion
from audit.decision.judge import judge
from audit.pipeline import jobs as pipeline_jobs
from audit.pipeline.compatibility import load_policy
from audit.pipeline.prepare import read_datasets
from audit.power import PlanOptions, plan_policy
from audit.power.simulated_model import Population
from audit.power.trials import Trials
from audit.progress import Silent
from tests.power.test_plan_chances import planned, rows
from tests.running import policy, run

if TYPE_CHECKING:
    from pathlib import Path

    from audit.datasets import Dataset

AGAINST: dict[str, Any] = {
    "champion": {"load": {"kind": "predictions"}, "columns": {"prediction": "old"}},
    "candidate": {"task": "tabular-classification", "load": {"kind": "predictions"}},
}


def drawn(datasets: dict[str, Dataset], seed: int, draw: int) -> Population:
    """What models see of the rows."""
    return Population(("0", "1"), datasets, seed, draw)


@pytest.mark.parametrize("check", ["performance/accuracy", "performance/f1"])
def test_a_comparison_passes_as_often_as_two_equal_models_do(tmp_path: Path, check: str) -> None:
    """Stand-ins of many seeds, through the check's own comparison and the judge."""
    asked = {"check": check, "against": "champion", "margin": 0.04} | ({} if check.endswith("accuracy") else {"average": "macro"})
    found = planned(tmp_path, rows(1000).assign(old=0), asked, **AGAINST)
    (gate,) = found.gates
    assert (gate.expected, gate.basis) == (0.0, "no change")
    assert "of the rows differently" in gate.note
    loaded = load_policy(tmp_path / "policy.yaml")
    datasets = read_datasets(loaded)
    passed, runs = 0, 150
    for seed in range(runs):
        trials = Trials(partial(drawn, datasets, seed), (Labels(), Scores()), "predictions")
        (job,) = pipeline_jobs.jobs(loaded, datasets, Predictions(trials.simulated()))
        evidence = trials.at(replace(job, seed=seed), 0.0).evidence
        assert evidence is not None
        passed += judge(job.requirement, job.info, evidence, confidence=0.95, owner="").status == "pass"
    seen = passed / runs
    assert 0.3 < seen < 0.97, "a case that tells nothing"
    assert gate.p_pass == pytest.approx(seen, abs=3 * math.sqrt(seen * (1 - seen) / runs) + 0.03)


def test_a_comparator_errs_on_rows_of_its_own(tmp_path: Path) -> None:
    planned(tmp_path, rows(4000), {"check": "performance/accuracy", "min": 0.5})
    datasets = read_datasets(load_policy(tmp_path / "policy.yaml"))
    one, other = (drawn(datasets, 3, 0).rows(datasets["test"], comparator=second) for second in (False, True))
    assert np.array_equal(one[0], other[0])
    assert np.corrcoef(one[1][:, 0], other[1][:, 0])[0, 1] == pytest.approx(0.8, abs=0.02)
    assert other[1].std() == pytest.approx(1.0, abs=0.03)


def test_a_plan_spends_what_the_ledger_has_left(tmp_path: Path) -> None:
    """The first of two looks is asked for more than no looks at all; after both a bound cannot be passed."""
    asked = {"check": "performance/accuracy", "min": 0.85}
    made = policy(asked, looks={"max": 1, "spending": "pocock"})
    free = planned(tmp_path, rows(1200), asked, expect=["performance/accuracy=0.88"])
    two = planned(tmp_path, rows(1200), asked, expect=["performance/accuracy=0.88"], looks={"max": 2, "spending": "pocock"})
    chances = [found.gates[0].p_pass or 0.0 for found in (free, two)]
    assert 0.01 < chances[1] < chances[0] - 0.02
    assert any(text.startswith("Planned as a new candidate's look 1 of 2 at test") for text in conclusion(two))
    done, results = run(tmp_path, made)
    assert results is not None, done.stderr
    after = plan_policy(PlanOptions(tmp_path / "policy.yaml", out=tmp_path / "reports"), Silent())
    assert "look 2 of 1: nothing is left to spend" in str(after.mistakes[0])
