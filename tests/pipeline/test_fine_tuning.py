"""`audit run` with checks of what fine-tuning did: on a candidate tuned here, on one that was not, and before there is one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

from audit import catalog
from audit.errors import PolicyError
from audit.phrases import message
from audit.pipeline.run import Options, audit_policy
from audit.power import PlanOptions, plan_policy
from audit.progress import Silent
from tests.running import policy

if TYPE_CHECKING:
    from audit.decision.finding import Finding

pytestmark = pytest.mark.full
CHECKS = tuple(name for name, check in catalog.discover().items() if "base" in check.needs)
GROUPED: dict[str, dict[str, Any]] = {
    "fairness/inherited_bias": {"judged": "gap", "by": ["group"]},
    "fairness/bias_amplification": {"by": ["group"]},
}
TUNED = {"fine_tune": {"base": "tiny", "epochs": 1, "max_length": 16}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Letters to train and test on, a base model, and a place for a model that was tuned elsewhere."""
    from tests.tiny_bert import base, letters

    made = tmp_path_factory.mktemp("fine-tuning")
    for seed, role in enumerate(("train", "test"), 1):
        frame = letters(120, seed, role).cells.frame()
        frame.assign(group=np.array(["a", "b"])[np.arange(len(frame)) // 2 % 2]).to_csv(made / f"{role}.csv", index=False)
    base(made / "tiny")
    (made / "elsewhere").mkdir()
    return made


@pytest.fixture(autouse=True)
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("AUDIT_CACHE", str(folder / "cache"))


def written(check_id: str, candidate: dict[str, Any]) -> Path:
    check = catalog.discover()[check_id]
    bound: dict[str, Any] = {"min": -0.5} if check.better == "higher" else {"max": min(3.0, check.highest - 0.1)}
    bound |= GROUPED.get(check_id, {})
    candidate = {"task": "text-classification", **candidate}
    made = policy({"check": check_id, **bound}, candidate=candidate, columns={"text": "text", "label": "label", "positive": "urgent"})
    made["datasets"] = {role: {"path": f"{role}.csv"} for role in ("train", "test")}
    Path("policy.yaml").write_text(yaml.safe_dump(made, sort_keys=False))
    return Path("policy.yaml")


def finding(check_id: str, candidate: dict[str, Any]) -> Finding:
    (found,) = audit_policy(written(check_id, candidate), Options(Path("reports"), "audit run"), Silent()).audit.findings
    return found


@pytest.mark.parametrize("check_id", CHECKS)
def test_it_is_measured_on_a_candidate_that_is_tuned_here(check_id: str) -> None:
    found = finding(check_id, TUNED)
    assert found.status in {"pass", "fail", "inconclusive"}, message(found)
    assert found.evidence is not None


@pytest.mark.parametrize("check_id", CHECKS)
def test_it_is_refused_at_its_line_for_one_that_was_tuned_elsewhere(check_id: str) -> None:
    with pytest.raises(PolicyError) as refused:
        finding(check_id, {"load": {"kind": "transformers", "path": "elsewhere"}})
    (mistake,) = refused.value.mistakes
    assert mistake.message.startswith(f"require.0.check: {check_id} tells what fine-tuning did, which a loaded model does not know")
    assert mistake.line > 1


@pytest.mark.parametrize("check_id", CHECKS)
def test_a_plan_says_that_it_cannot_foresee_it(check_id: str) -> None:
    found = plan_policy(PlanOptions(written(check_id, TUNED)), Silent())
    told = "not planned: the effect of fine-tuning is known only afterwards: give --pilot with a bundle of an earlier run"
    assert [gate.note for gate in found.gates] == [told]
    assert found.mistakes == ()
    assert found.unknown == (check_id,)


@pytest.mark.parametrize("check_id", CHECKS)
def test_a_plan_takes_it_from_a_pilot(check_id: str) -> None:
    """A bundle of an earlier run knows what fine-tuning does: the gate that it passed by far is foreseen to pass."""
    path = written(check_id, TUNED)
    ran = audit_policy(path, Options(Path("pilots"), "audit run"), Silent())
    (before,) = ran.audit.findings
    bundle = max(Path("pilots").glob("*/bundle.json"), key=lambda one: one.stat().st_mtime).parent
    (gate,) = plan_policy(PlanOptions(path, pilot=bundle), Silent()).gates
    assert gate.basis == "pilot"
    assert gate.note == ""
    assert gate.power is not None
    assert gate.p_pass is not None
    assert before.headline is not None
    census = before.headline.method == "census"
    assert gate.power.interval == pytest.approx(before.headline.interval, abs=1e-9 if census else 0.15)
    assert (gate.p_pass >= 0.5) == (before.status == "pass")


def test_a_pilot_on_other_rows_is_told_of() -> None:
    path = written("finetuning/overfit_gap", TUNED)
    audit_policy(path, Options(Path("pilots"), "audit run"), Silent())
    bundle = max(Path("pilots").glob("*/bundle.json"), key=lambda one: one.stat().st_mtime).parent
    text = path.read_text().replace("test.csv", "other.csv")
    Path("other.csv").write_text("".join(Path("test.csv").read_text().splitlines(keepends=True)[:-1]))
    path.write_text(text)
    (gate,) = plan_policy(PlanOptions(path, pilot=bundle), Silent()).gates
    assert gate.note == "planned on as many rows as the pilot had, which were others"


def test_a_slice_that_the_pilot_could_not_measure_is_no_forecast_of_a_pass() -> None:
    """No training row is in it, and a pass of the other slice alone would be foretold."""
    path = written("finetuning/overfit_gap", TUNED)
    made = yaml.safe_load(path.read_text())
    made["require"][0] |= {"by": ["group"], "max": 0.9}
    made["datasets"]["test"]["path"] = "strange.csv"
    path.write_text(yaml.safe_dump(made))
    lines = Path("test.csv").read_text().splitlines()
    Path("strange.csv").write_text("\n".join([*lines[:-1], lines[-1].rsplit(",", 1)[0] + ",c"]) + "\n")
    audit_policy(path, Options(Path("pilots"), "audit run"), Silent())
    bundle = max(Path("pilots").glob("*/bundle.json"), key=lambda one: one.stat().st_mtime).parent
    (gate,) = plan_policy(PlanOptions(path, pilot=bundle), Silent()).gates
    assert gate.note == "not planned: the pilot could not measure group=c: no training row is in it: nothing was learned here"
    assert gate.p_pass is None
