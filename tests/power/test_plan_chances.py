"""The chances that a plan states: by hand, by simulation through the judge, and how they move."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binom, norm

from audit.catalog import info
from audit.decision.judge import judge
from audit.policy.schema import Requirement
from audit.power import Plan, PlanOptions, plan_policy
from audit.power.simulated_model import Population, SimulatedModel
from audit.progress import Silent
from tests.running import policy
from tests.support import dataset, measure, subject

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def rows(n: int, regions: Sequence[str] = ("north",)) -> pd.DataFrame:
    """Two classes and the regions in turn; what is predicted does not matter to a plan."""
    label = np.arange(n) % 2
    return pd.DataFrame({"id": range(n), "label": label, "prediction": label, "region": [regions[i // 2 % len(regions)] for i in range(n)]})


def planned(folder: Path, frame: pd.DataFrame, *require: dict[str, object], expect: Sequence[str] = (), **changed: object) -> Plan:
    frame.to_csv(folder / "test.csv", index=False)
    (folder / "policy.yaml").write_text(yaml.safe_dump(policy(*require, **changed)))
    return plan_policy(PlanOptions(folder / "policy.yaml", expect, out=folder / "reports"), Silent())


def wilson_lower(hits: int, n: int) -> float:
    z, p = norm.ppf(0.975), hits / n
    return float((p + z * z / (2 * n) - z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n))


def test_accuracy_by_hand(tmp_path: Path) -> None:
    """400 rows, truth .90, bound .85: Wilson's lower end reaches .85 from 354 hits on, and so many come with chance .8123."""
    fewest = next(hits for hits in range(401) if wilson_lower(hits, 400) >= 0.85)
    by_hand = float(binom.sf(fewest - 1, 400, 0.9))
    (gate,) = planned(tmp_path, rows(400), {"check": "performance/accuracy", "min": 0.85}, expect=["performance/accuracy=0.9"]).gates
    assert gate.p_pass == pytest.approx(by_hand, abs=1e-9)
    assert gate.power is not None
    assert gate.power.interval == pytest.approx((wilson_lower(360, 400), float(beta.ppf(0.975, 361, 40))), abs=1e-9)
    assert gate.rows == 400
    assert gate.passes_from is not None
    at = float(binom.sf(fewest - 1, 400, gate.passes_from))
    assert at == pytest.approx(0.8, abs=0.005)


def simulated(required: dict[str, object], accuracy: float, n: int, regions: Sequence[str], runs: int = 400) -> float:
    """Share of audits that pass, by the check's own code and the judge."""
    made = Requirement.model_validate({"id": required["check"]} | {name: value for name, value in required.items() if name != "by"})
    frame, rng, passed = rows(n, regions), np.random.default_rng(7), 0
    for _ in range(runs):
        label = frame["label"].to_numpy()
        frame["prediction"] = np.where(rng.random(n) < accuracy, label, 1 - label)
        by = (("region",),) if "by" in required else ()
        evidence = measure(made.check, subject(frame, by=by))
        passed += judge(made, info(made.check), evidence, confidence=0.95, owner="").status == "pass"
    return passed / runs


@pytest.mark.parametrize(
    ("required", "accuracy", "n", "regions"),
    [
        ({"check": "performance/accuracy", "min": 0.8}, 0.86, 300, ("north",)),
        ({"check": "performance/accuracy", "min": 0.75, "by": ["region"]}, 0.85, 400, ("north", "south")),
        ({"check": "performance/balanced_accuracy", "min": 0.8}, 0.86, 300, ("north",)),
    ],
)
def test_agrees_with_a_simulation_through_the_judge(
    tmp_path: Path, required: dict[str, object], accuracy: float, n: int, regions: tuple[str, ...]
) -> None:
    (gate,) = planned(tmp_path, rows(n, regions), required, expect=[f"{required['check']}={accuracy}"]).gates
    seen = simulated(required, accuracy, n, regions)
    assert 0.3 < seen < 0.95, "a case that tells nothing"
    exact = required["check"] == "performance/accuracy"
    assert gate.p_pass == pytest.approx(seen, abs=3 * math.sqrt(seen * (1 - seen) / 400) + (0 if exact else 0.04))


@settings(max_examples=8)
@given(st.floats(0.82, 0.95), st.sampled_from([100, 200, 400]))
def test_rises_with_the_rows_and_with_the_value(tmp_path_factory: pytest.TempPathFactory, value: float, n: int) -> None:
    """Four times the rows, since the chance of one proportion is a saw of many small teeth."""
    folder, asked = tmp_path_factory.mktemp("plan"), {"check": "performance/accuracy", "min": 0.8}

    def chance(size: int, truth: float) -> float:
        (gate,) = planned(folder, rows(size), asked, expect=[f"performance/accuracy={truth}"]).gates
        assert gate.p_pass is not None
        return gate.p_pass

    there = chance(n, value)
    assert chance(4 * n, value) >= there - 1e-9  # the farthest tails are not enumerated
    assert chance(n, value + 0.03) >= there - 1e-9


def test_gates_on_the_same_answers_pass_together(tmp_path: Path) -> None:
    """Two bounds of one requirement are missed in different samples, so their misses add up; accuracy and macro F1 go together."""
    both = {"check": "performance/accuracy", "id": "both", "min": 0.8, "max": 0.95}
    f1 = {"check": "performance/f1", "average": "macro", "min": 0.8}
    advisory = {"check": "performance/recall", "average": "macro", "min": 0.99, "enforce": "advisory"}
    found = planned(tmp_path, rows(400), both, f1, advisory, expect=["both=0.87", "performance/f1=0.86", "performance/recall=0.5"])
    chance = {(gate.requirement.id, gate.bound.floor): gate.p_pass or 0.0 for gate in found.gates}
    two = chance["both", True] + chance["both", False] - 1
    assert found.chances == pytest.approx({"both": two, "performance/f1": chance["performance/f1", True]})
    product, least = math.prod(found.chances.values()), min(found.chances.values())
    assert product + 0.5 * (least - product) < found.p_promote <= least + 0.01
    assert found.gates[-1].requirement.enforce == "advisory"


def test_gates_on_different_rows_pass_as_often_as_independent_ones(tmp_path: Path) -> None:
    rows(400).assign(id=range(400, 800)).to_csv(tmp_path / "other.csv", index=False)
    datasets = {"test": {"path": "test.csv"}, "other": {"path": "other.csv"}}
    accuracy = {"check": "performance/accuracy", "min": 0.8}
    expect = ["performance/accuracy=0.85", "other=0.85"]
    found = planned(tmp_path, rows(400), accuracy, accuracy | {"id": "other", "on": "other"}, expect=expect, datasets=datasets)
    assert found.p_promote == pytest.approx(math.prod(found.chances.values()), abs=0.05)


def test_p_promote_agrees_with_a_simulation_through_the_judge(tmp_path: Path) -> None:
    """Accuracy, macro recall and the gap between regions of models whose latent scores are drawn anew."""
    frame = rows(400, ("north", "south"))
    data = dataset(frame)
    require: list[dict[str, object]] = [
        {"check": "performance/accuracy", "min": 0.8},
        {"check": "performance/balanced_accuracy", "min": 0.8},
        {"check": "fairness/equal_opportunity_difference", "by": ["region"], "max": 0.14},
    ]
    roles = {"id": "id", "label": "label", "prediction": "prediction", "positive": 1}
    expect = ["performance/accuracy=0.85", "performance/balanced_accuracy=0.85", "fairness/equal_opportunity_difference=0"]
    found = planned(tmp_path, frame, *require, expect=expect, columns=roles)
    strength = float(2 * norm.ppf(0.85) / math.sqrt(2))
    promoted, passed = [], []
    for draw in range(1000, 1200):
        said = SimulatedModel(Population(("0", "1"), {"test": data}, 3, draw), (), strength).predict(data)
        assert said.labels is not None
        frame["prediction"] = said.labels.astype(int)
        each = []
        for asked in require:
            made = Requirement.model_validate({"id": asked["check"]} | {key: value for key, value in asked.items() if key != "by"})
            evidence = measure(made.check, subject(frame, by=(("region",),) if "by" in asked else (), positive=1))
            each.append(judge(made, info(made.check), evidence, confidence=0.95, owner="").status == "pass")
        passed.append(each[2])
        promoted.append(all(each))
    assert 0.2 < np.mean(promoted) < 0.9, "a case that tells nothing"
    assert found.chances["fairness/equal_opportunity_difference"] == pytest.approx(np.mean(passed), abs=0.13)
    assert found.p_promote == pytest.approx(np.mean(promoted), abs=0.12)


def test_a_stand_in_is_binormal_and_calibrated() -> None:
    frame = rows(20_000)
    data = dataset(frame)
    model = SimulatedModel(Population(("0", "1"), {"test": data}, 1), (), 1.0)
    said = model.predict(data)
    assert said.probabilities is not None
    score, label = said.probabilities[:, 1], frame["label"].to_numpy()
    ranks = np.argsort(np.argsort(score)) + 1
    area = (ranks[label == 1].sum() - 10_000 * 10_001 / 2) / 10_000**2
    assert area == pytest.approx(norm.cdf(1.0), abs=0.012)
    for low in (0.1, 0.3, 0.5, 0.7):
        some = (score >= low) & (score < low + 0.2)
        assert label[some].mean() == pytest.approx(score[some].mean(), abs=4 * math.sqrt(0.25 / some.sum()))
