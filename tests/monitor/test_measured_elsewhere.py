"""Windows measured in workers that share no memory with the audit, as on macOS and on a Ray cluster: the same evidence, or none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from audit import child_process
from audit.errors import InputError
from audit.pipeline import job_spec, measure
from tests.windows import ACCURACY, DRIFT, Project, day, policy, rows

if TYPE_CHECKING:
    import pandas as pd

    from audit.pipeline.jobs import JobSpec


def windows() -> tuple[pd.DataFrame, pd.DataFrame]:
    """One window with all its labels, and one with half of them."""
    second = rows(day(1), shift=1.0)
    return rows(day(0)), second.assign(label=second["label"].where(np.arange(len(second)) % 2 == 0))


def dropping() -> dict[str, Any]:
    made = policy(ACCURACY, DRIFT)
    made["datasets"]["production"]["unlabelled"] = "drop"
    return made


def test_spawned_workers_measure_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    for method, workers in (("fork", 0), ("spawn", 1)):
        folder = tmp_path / method
        folder.mkdir()
        monkeypatch.setattr(child_process, "start_method", lambda method=method: method)
        project = Project(folder, dropping())
        done = project.monitor(*windows(), workers=workers)
        assert done.returncode == 0, done.stderr
        found = project.results()
        told.append({name: found[name] for name in ("findings", "decision", "reasons", "monitor")})
        told[-1]["monitor"].pop("history", None)
    assert told[0] == told[1]
    counted = {one["id"]: one["headline"]["n"] for one in told[0]["findings"]}
    assert counted == {"performance/accuracy": 30, "drift/psi": 460}, "rows with a label; the window and its reference"


def test_what_has_changed_meanwhile_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    seen: list[JobSpec] = []
    specs = job_spec.specs

    def keep(*given: Any, **named: Any) -> tuple[JobSpec, ...]:
        seen.extend(specs(*given, **named))
        return ()

    monkeypatch.setattr(job_spec, "specs", keep)
    monkeypatch.setattr(child_process, "start_method", lambda: "spawn")
    monkeypatch.setattr(measure, "find", lambda *_given: ())
    project = Project(tmp_path, dropping())
    assert project.monitor(*windows(), workers=1).returncode == 3, "specs were kept from the audit"
    spec = next(one for one in seen if dict(one.about)["window"] == "2025-03-01")
    job_spec._jobs.cache_clear()
    assert {one.requirement for one in seen} == {"performance/accuracy", "drift/psi"}
    assert set(job_spec._jobs(replace(spec, requirement=""))) == {"performance/accuracy", "drift/psi"}
    other = {"window": "2025-04-01", "file": str(tmp_path / "window.csv"), "now": datetime.now(UTC).isoformat()}
    with pytest.raises(InputError, match=r"window\.csv: holds no window 2025-04-01 any more: audit it again$"):
        job_spec.run_job(replace(spec, about=tuple(other.items())))
    rows(day(0), seed=1).to_csv(Path("window.csv"), index=False)
    with pytest.raises(InputError, match=r"^datasets\.production: was changed while the audit ran"):
        job_spec.run_job(replace(spec, seed=spec.seed + 1))
