"""A job made from plain values elsewhere measures what the audit would have measured, or refuses to."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from audit import child_process
from audit.errors import InputError
from audit.evidence import Evidence
from audit.pipeline import engine, job_spec
from audit.pipeline.compatibility import load_policy
from audit.pipeline.engine import inline
from audit.pipeline.jobs import JobSpec
from audit.pipeline.prepare import Stopwatch, prepare
from audit.pipeline.run import Options, audit_policy
from audit.progress import SILENT
from tests.running import policy, table

if TYPE_CHECKING:
    from audit.pipeline.prepare import Prepared

REQUIRE: tuple[dict[str, Any], ...] = (
    {"check": "performance/accuracy", "min": 0.8, "by": ["group"]},
    {"check": "performance/f1", "min": 0.8},
    {"check": "fairness/demographic_parity_difference", "by": ["group"], "max": 0.2},
    {"check": "data/duplicates", "max": 0.5},
    {"check": "performance/accuracy", "id": "not-worse", "against": "champion", "margin": 0.2},
)
CHAMPION = {"load": {"kind": "predictions"}, "columns": {"prediction": "old"}}


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prepared:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUDIT_CACHE", str(tmp_path / "cache"))
    table().assign(old=table(seed=4)["prediction"]).to_csv("test.csv", index=False)
    Path("policy.yaml").write_text(yaml.safe_dump(policy(*REQUIRE, champion=CHAMPION), sort_keys=False))
    job_spec._jobs.cache_clear()
    return prepare(load_policy(Path("policy.yaml")), Path("reports"), SILENT, Stopwatch(), smoke=False)


def jobs(prepared: Prepared) -> tuple[Any, ...]:
    from audit.pipeline import jobs as pipeline_jobs

    return pipeline_jobs.jobs(prepared.loaded, prepared.datasets, prepared.predicted, baselines=prepared.baselines)


def test_a_spec_that_went_through_json_gives_the_same_evidence(prepared: Prepared) -> None:
    specs = job_spec.specs(prepared, smoke=False)
    assert [one.requirement for one in specs] == [one.get("id", one["check"]) for one in REQUIRE]
    assert [name for name, _ in specs[0].comparators] == ["champion"]
    for spec, job in zip(specs, jobs(prepared), strict=True):
        again = JobSpec.from_json(json.loads(json.dumps(spec.to_json())))
        assert again == spec
        assert repr(job_spec.run_job(again)) == repr(inline.measured(job))


@pytest.mark.parametrize("what", ["policy", "datasets.test", "candidate", "champion"])
def test_what_has_changed_meanwhile_is_refused(prepared: Prepared, what: str) -> None:
    spec = job_spec.specs(prepared, smoke=False)[0]
    changed = {
        "policy": replace(spec, policy_sha256="0"),
        "datasets.test": replace(spec, datasets=(("test", "0"),)),
        "candidate": replace(spec, candidate_sha256="0"),
        "champion": replace(spec, comparators=(("champion", "0"),)),
    }[what]
    with pytest.raises(InputError, match=f"^{what}: was changed while the audit ran"):
        job_spec.run_job(changed)


def test_a_spawned_worker_refuses_what_has_changed(prepared: Prepared) -> None:
    """Its check ends as an error; the others go on."""
    specs = job_spec.specs(prepared, smoke=False)
    specs = (replace(specs[0], policy_sha256="0"), *specs[1:])
    found: dict[int, Any] = {}
    engine.measure(jobs(prepared), lambda place, one: found.update({place: one.result}), workers=engine.Workers(1, specs))
    assert found[0].status == "error"
    assert "policy: was changed while the audit ran" in found[0].message
    assert all(isinstance(found[place], Evidence) for place in (1, 2, 3, 4))


def test_spawned_workers_give_the_same_results(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS, where a fork is not safe."""
    results = []
    for method, workers in (("fork", 0), ("spawn", 2)):
        monkeypatch.setattr(child_process, "start_method", lambda method=method: method)
        monkeypatch.setenv("AUDIT_CACHE", f"cache-{method}")  # so that neither takes the other's evidence
        place = audit_policy(prepared.loaded.path, Options(Path(f"reports-{method}"), "audit run", workers=workers), SILENT).place
        found = json.loads((place / "results.json").read_text())
        found.pop("run")
        results.append(found)
    assert results[0] == results[1]
    assert [one["status"] for one in results[0]["findings"]] == ["pass", "pass", "pass", "fail", "pass"]


def test_a_smoke_run_in_spawned_workers_runs_every_check(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digests of its data are those of their first rows."""
    monkeypatch.setattr(child_process, "start_method", lambda: "spawn")
    options = Options(Path("reports-smoke"), "audit run", smoke=True, workers=1)
    found = audit_policy(prepared.loaded.path, options, SILENT).audit.findings
    assert [one.status for one in found] == ["not_run"] * 5
    assert all("smoke run: measured on at most" in str(one.problem) for one in found)
