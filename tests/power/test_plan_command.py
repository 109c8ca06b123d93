"""`audit plan`: what it prints, what it refuses, and how it ends."""

from __future__ import annotations

import math
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaml
from scipy.stats import kstwobign, norm

from audit.cli.plan_table import conclusion, lines
from audit.errors import InputError
from audit.power import PlanOptions, plan_policy
from audit.power.gate import SIMULATED
from audit.progress import Silent
from tests.command import audit
from tests.power.test_plan_chances import planned, rows
from tests.running import policy, run, table

if TYPE_CHECKING:
    import subprocess

    from audit.power import Plan

ROOT = Path(__file__).parents[2]
ACCURACY = {"check": "performance/accuracy", "min": 0.8}


def told(plan: Plan, width: int) -> list[str]:
    return [line.text for line in lines(plan, width)]


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return audit("plan", *arguments, cwd=folder, COLUMNS="100")


def test_a_gate_that_no_model_passes_ends_with_2_at_its_place(tmp_path: Path) -> None:
    rows(200, ("north",) * 9 + ("south",)).to_csv(tmp_path / "test.csv", index=False)
    by_region = {"check": "performance/accuracy", "id": "by-region", "by": ["region"], "min": 0.5}
    text = yaml.safe_dump(policy(ACCURACY | {"min": 0.99}, by_region), sort_keys=False)
    (tmp_path / "policy.yaml").write_text(text)
    done = command(tmp_path, "policy.yaml")
    line = 1 + next(number for number, one in enumerate(text.splitlines()) if "min: 0.99" in one)
    assert done.returncode == 2
    assert f"policy.yaml:{line}:" in done.stderr
    assert "368 rows of this kind would do" in done.stderr  # 368 of 368 right: the exact lower end is .99003
    assert re.search("region=south: 20 rows, at least 30 needed; 30[01] rows of this kind would do", done.stderr)  # half as many again
    assert "Cannot be passed with this data, whatever the model: performance/accuracy, by-region." in done.stdout


def test_an_advisory_gate_that_no_model_passes_is_told_and_ends_with_0(tmp_path: Path) -> None:
    found = planned(tmp_path, rows(200), ACCURACY, ACCURACY | {"id": "strict", "min": 0.999, "enforce": "advisory"})
    assert found.mistakes == ()
    assert any("even the best model's interval" in text for text in told(found, 100))


def test_a_class_without_rows_cannot_be_passed(tmp_path: Path) -> None:
    frame = rows(200, ("north", "south"))
    frame.loc[frame["region"] == "south", "label"] = 0
    gap = {"check": "fairness/equal_opportunity_difference", "by": ["region"], "max": 0.1}
    found = planned(tmp_path, frame, gap, columns={"id": "id", "label": "label", "prediction": "prediction", "positive": 1})
    assert "no row is truly 1: add rows of this group" in str(found.mistakes[0])


def test_a_gap_that_only_simulated_models_miss_is_no_mistake(tmp_path: Path) -> None:
    """45 true cases a region: a model that finds them all proves a gap of at most .1, one that finds four in five does not."""
    gap = {"check": "fairness/equal_opportunity_difference", "by": ["region"], "max": 0.1}
    roles = {"id": "id", "label": "label", "prediction": "prediction", "positive": 1}
    found = planned(tmp_path, rows(180, ("north", "south")), gap, columns=roles)
    assert found.mistakes == ()
    assert found.gates[0].note == SIMULATED
    few = planned(tmp_path, rows(130, ("north", "south")), gap, columns=roles)  # 32 or 33 true cases: an end at .107 at best
    assert "cannot be passed with the data there is, whatever the model" in str(few.mistakes[0])


def test_a_census_that_fails_is_told_and_ends_with_0(tmp_path: Path) -> None:
    frame = rows(200).drop(columns="id")
    roles = {"label": "label", "prediction": "prediction"}
    repeated = {"check": "data/duplicates", "max": 0}
    found = planned(tmp_path, frame, repeated, ACCURACY, expect=["performance/accuracy=0.99"], columns=roles)
    assert found.mistakes == ()
    assert found.p_promote == 0.0
    said = list(conclusion(found))
    assert said[0] == "Will not pass as the data stand, whatever the model: data/duplicates."
    assert said[-1] == "So this policy will not promote on this data."


@pytest.mark.parametrize(
    ("expect", "message"),
    [
        (["performance/acuracy=0.9"], "did you mean 'performance/accuracy'?"),
        (["performance/accuracy=1.2"], "lies from 0 to 1"),
        (["performance/accuracy=good"], "'good' is no number"),
        (["performance/accuracy=nan"], "'nan' is no number"),
        (["performance/accuracy"], "write ID=VALUE, such as performance/accuracy=0.9"),
        (["performance/accuracy=0.9", "performance/accuracy=0.8"], "is expected twice"),
        (["data/duplicates=0"], "counts what is there"),
    ],
)
def test_expectations_that_cannot_be_are_refused(tmp_path: Path, expect: list[str], message: str) -> None:
    with pytest.raises(InputError, match=r"--expect") as refusal:
        planned(tmp_path, rows(60), ACCURACY, {"check": "data/duplicates", "max": 0}, expect=expect)
    assert message in str(refusal.value)


def test_without_expectations_no_chance_is_stated(tmp_path: Path) -> None:
    found = planned(tmp_path, rows(400), ACCURACY)
    (gate,) = found.gates
    assert gate.p_pass is None
    assert gate.passes_from == pytest.approx(0.855, abs=0.006)
    assert "The chance of a promotion is not known: nothing is expected of 1 gate." in " ".join(told(found, 200))


def test_weighted_rows_cannot_be_judged_by_a_check_without_weights(tmp_path: Path) -> None:
    frame = rows(100).assign(weight=1.0)
    roles = {"id": "id", "label": "label", "prediction": "prediction", "weight": "weight"}
    found = planned(tmp_path, frame, ACCURACY, columns=roles)
    assert "columns.weight is set for test" in str(found.mistakes[0])


@pytest.fixture(scope="module")
def pilot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a policy, its data and one finished run."""
    folder = tmp_path_factory.mktemp("pilot")
    done, results = run(folder, policy(ACCURACY | {"by": ["group"], "min": 0.7}, ACCURACY | {"id": "all"}))
    assert results is not None, done.stderr
    return folder


def bundle(folder: Path) -> Path:
    return next((folder / "reports").glob("*/bundle.json")).parent


def test_a_pilot_gives_each_member_its_own_value(pilot: Path) -> None:
    found = plan_policy(PlanOptions(pilot / "policy.yaml", pilot=bundle(pilot), out=pilot / "reports"), Silent())
    by_group = next(gate for gate in found.gates if gate.requirement.id == "performance/accuracy")
    frame = table()
    right = frame["label"] == frame["prediction"]
    seen = {str(name): right[frame["group"].isna() if name is None else frame["group"] == name].mean() for name in ("a", "b", None)}
    assert {str(part.name).partition("=")[2]: part.expected for part in by_group.members} == pytest.approx(
        {"null" if name == "None" else name: value for name, value in seen.items()}
    )
    assert by_group.expected == pytest.approx(min(seen.values()))
    assert found.pilot_rows == ("test",)
    assert "The pilot was measured on the same rows (test)" in list(conclusion(found))[-1]
    assert found.cost.run == bundle(pilot).name


def test_a_pilot_on_other_rows_gives_values_alone(pilot: Path, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text((pilot / "policy.yaml").read_text())
    table(rows=300, seed=8).to_csv(tmp_path / "test.csv", index=False)
    found = plan_policy(PlanOptions(tmp_path / "policy.yaml", pilot=bundle(pilot), out=tmp_path), Silent())
    overall = next(gate for gate in found.gates if gate.requirement.id == "all")
    assert (overall.rows, overall.basis, found.pilot_rows) == (300, "pilot", ())
    assert overall.expected == pytest.approx(0.9)


def test_a_pilot_that_was_changed_is_refused(pilot: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(bundle(pilot), tmp_path / "bundle")
    estimates = copy / "evidence" / "estimates.json"
    estimates.write_text(estimates.read_text().replace('"hits": 1080', '"hits": 1190'))
    with pytest.raises(InputError, match=r"--pilot .*evidence/estimates.json: not as the run wrote it"):
        plan_policy(PlanOptions(pilot / "policy.yaml", pilot=copy), Silent())
    with pytest.raises(InputError, match=r"--pilot .*: no bundle that can be read \(No such file"):
        plan_policy(PlanOptions(pilot / "policy.yaml", pilot=tmp_path), Silent())


def test_the_bundled_tabular_policy_prints_within_its_width() -> None:
    found = plan_policy(PlanOptions(ROOT / "policies" / "breast-cancer.yaml", ["performance/accuracy=0.955"]), Silent())
    assert found.mistakes == ()
    for width in (80, 120):
        text = told(found, width)
        assert max(map(len, text)) <= width
        assert any("≥ 0.92" in line and "59 %" in line for line in text)
    accuracy = next(gate for gate in found.gates if gate.requirement.id == "performance/accuracy")
    assert any(line.startswith(accuracy.requirement.id) and "59 %" in line for line in told(found, 120))


def test_windows_too_small_to_show_that_nothing_changed(tmp_path: Path) -> None:
    """The distance of two windows of 100 rows is known to .14: no drift below .1 can be proven, though none is there."""
    rng = np.random.default_rng(4)
    for role in ("before", "now"):
        rows(100).assign(size=rng.normal(size=100)).to_csv(tmp_path / f"{role}.csv", index=False)
    drift = {"check": "drift/ks", "reference": "before", "on": "now", "by": ["size"], "max": 0.1}
    sets = {role: {"path": f"{role}.csv"} for role in ("test", "before", "now")}
    found = planned(tmp_path, rows(100), drift, datasets=sets)
    (gate,) = found.gates
    band = float(norm.ppf(0.975)) / 2 * math.sqrt(2 / 100)
    seen = 0.8687 * math.sqrt(2 / 100)  # the mean of Kolmogorov's law
    assert f"even without any change the interval would end at {band + seen:.3f}" in str(found.mistakes[0])
    chance = kstwobign.ppf(0.8) * math.sqrt(2 / 100)  # 8 times in 10 the noise is no more
    assert gate.needed == pytest.approx(200 * ((band + chance) / 0.1) ** 2, rel=0.08)


def test_a_gate_that_even_the_best_model_often_misses_is_told(tmp_path: Path) -> None:
    """Two windows of 300 rows alike: the shares' interval is some .16 wide, so it clears .1 on both sides only by luck."""
    rows(300).iloc[::-1].to_csv(tmp_path / "now.csv", index=False)
    drift = {"check": "drift/prediction_drift", "reference": "test", "on": "now", "max": 0.1}
    found = planned(tmp_path, rows(300), drift, datasets={role: {"path": f"{role}.csv"} for role in ("test", "now")})
    (gate,) = found.gates
    assert 0.1 < (gate.p_pass or 0.0) < 0.8
    assert found.mistakes == ()
    assert next(conclusion(found)) == "Passes in fewer than 8 audits of 10, on any simulated model: drift/prediction_drift."
    assert any(" none " in text for text in told(found, 80))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["complaint-triage", "complaint-triage-clean"])
def test_the_bundled_text_policies_print(name: str) -> None:
    found = plan_policy(PlanOptions(ROOT / "policies" / f"{name}.yaml", quick=True), Silent())
    assert found.mistakes == ()
    assert found.skipped == ("privacy/pii_in_text",)
    assert max(map(len, told(found, 80))) <= 80
    failing = {gate.requirement.id for gate in found.required if gate.p_pass == 0.0}
    planted = {"data/train_test_leakage", "data/duplicates", "data/label_errors", "drift/psi"}
    assert failing == (planted if name == "complaint-triage" else set())
