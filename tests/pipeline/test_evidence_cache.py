"""Evidence is taken from an earlier run while everything that determines it is the same, and only then."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest

from audit import disk_cache, phrases
from audit.catalog import discover
from audit.evidence.storage import to_bytes
from audit.pipeline import evidence_cache
from audit.pipeline.run import Options, audit_policy
from audit.progress import Silent
from audit.subject import Subject
from tests.pipeline.in_process import audited
from tests.running import policy, table

if TYPE_CHECKING:
    from pathlib import Path

    from audit.evidence import Evidence
    from audit.record import AuditRun

ACCURACY = {"check": "performance/accuracy", "by": ["group"], "min": 0.6}
ROWS = table().assign(
    age=[row % 90 for row in range(1200)], text=[f"letter {row}" for row in range(1200)], group=lambda rows: rows["group"].fillna("c")
)


def made(*more: dict[str, Any], **changed: Any) -> dict[str, Any]:
    columns = {"id": "id", "label": "label", "prediction": "prediction", "positive": 1, "text": "text", "features": ["age"]}
    require = [
        ACCURACY,
        {"check": "performance/f1", "min": 0.5},
        {"check": "drift/psi", "reference": "train", "max": 50},
        {"check": "data/train_test_leakage", "max": 1200},
        {"check": "governance/declared_fields", "max": 50},
        *more,
    ]
    datasets = {"train": {"path": "train.csv"}, "test": {"path": "test.csv"}, "other": {"path": "other.csv"}}
    return policy(require=require, columns=columns, datasets=datasets) | changed


class Project:
    """A folder in which audits are run again and again."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self._monkeypatch = folder, monkeypatch
        self.measured: list[str] = []
        self.tables = {"train": ROWS.iloc[:600], "test": ROWS.iloc[600:], "other": ROWS.iloc[:50]}
        keep = evidence_cache.Watched.keep

        def noted(watched: evidence_cache.Watched, evidence: Evidence) -> Evidence:
            self.measured.append(evidence.unit)
            return keep(watched, evidence)

        monkeypatch.setattr(evidence_cache.Watched, "keep", noted)

    def run(self, policy: dict[str, Any]) -> AuditRun:
        """One audit; `measured` holds the units of what was measured in it."""
        self.measured.clear()
        return audited(self.folder, self._monkeypatch, policy, **self.tables)

    @property
    def entries(self) -> list[Path]:
        return sorted((self.folder / "cache" / "evidence").iterdir())


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return Project(tmp_path, monkeypatch)


@pytest.fixture
def audited_once(project: Project) -> Project:
    first = project.run(made())
    assert {one.status for one in first.findings} == {"pass"}, [phrases.message(one) for one in first.findings]
    assert len(project.measured) == len(project.entries) == 5
    return project


def files(place: Path) -> dict[str, Any]:
    """A bundle's evidence and results, but for the run and what the ledger tells of earlier ones."""
    found = {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}
    of_the_ledger = dict.fromkeys(("run", "ledger_head", "looks", "policy_change"))
    results = json.loads(found.pop("results.json")) | of_the_ledger
    return {name: text for name, text in found.items() if name.startswith("evidence")} | {"results.json": results}


def test_a_second_run_measures_nothing_and_writes_the_same_files(audited_once: Project) -> None:
    audited_once.run(made())
    assert audited_once.measured == []
    first, second = sorted((audited_once.folder / "reports").glob("2*"), key=lambda path: path.stat().st_mtime)
    before, after = files(first), files(second)
    assert before == after
    assert {"evidence/predictions-test.parquet", "evidence/features-train.parquet"} <= files(second).keys()


def test_a_changed_bound_is_judged_on_the_evidence_that_there_is(audited_once: Project) -> None:
    again = audited_once.run(made(version=4) | {"require": [{**ACCURACY, "min": 0.99}, *made()["require"][1:]]})
    assert audited_once.measured == []
    assert [one.status for one in again.findings] == ["fail", "pass", "pass", "pass", "pass"]


@pytest.mark.parametrize(
    ("change", "anew"),
    [
        ({"by": [["group"]]}, []),
        ({"by": ["group", "age_band"]}, ["accuracy"]),
        ({"on": "other"}, ["accuracy"]),
        ({"confidence": 0.9, "min_n": 20, "severity": "low"}, []),
        ({"id": "another"}, ["accuracy"]),  # its draws are seeded by the id
    ],
)
def test_what_a_requirement_asks_decides_whether_it_is_measured_anew(project: Project, change: dict[str, Any], anew: list[str]) -> None:
    project.tables = {role: rows.assign(age_band=rows["age"] // 30) for role, rows in project.tables.items()}
    project.run(made())
    project.run(made() | {"require": [ACCURACY | change, *made()["require"][1:]]})
    assert project.measured == anew


@pytest.mark.parametrize(
    ("role", "anew"),
    [
        ("test", ["accuracy", "F1", "PSI", "rows", "fields"]),
        ("train", ["accuracy", "F1", "PSI", "rows", "fields"]),
        ("other", ["accuracy", "F1", "fields"]),
    ],
)
def test_changed_data_are_measured_anew_by_the_checks_that_depend_on_them(audited_once: Project, role: str, anew: list[str]) -> None:
    """Saved predictions of all data sets are one candidate, so that checks of its answers depend on each of them."""
    audited_once.tables[role] = audited_once.tables[role].iloc[:-1]
    audited_once.run(made())
    assert audited_once.measured == anew


def test_a_declared_fact_is_read_anew_by_the_check_that_reads_it(audited_once: Project) -> None:
    first = audited_once.run(made())
    assert first.findings[-1].headline is not None
    found = audited_once.run(made(system={"purpose": "Sort letters"}))
    assert audited_once.measured == ["fields"]
    assert found.findings[-1].headline is not None
    assert found.findings[-1].headline.value == first.findings[-1].headline.value - 1
    audited_once.run(made(system={"purpose": "Sort letters"}))
    assert audited_once.measured == []


def test_another_seed_measures_all_anew(audited_once: Project) -> None:
    audited_once.run(made(seed=6))
    assert len(audited_once.measured) == 5


@pytest.mark.parametrize("name", ["package_digest", "_installed"])
def test_other_code_or_libraries_measure_all_anew(audited_once: Project, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence_cache, name, lambda: "0" * 64)
    audited_once.run(made())
    assert len(audited_once.measured) == 5


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"])
def test_other_threads_measure_all_anew(audited_once: Project, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "7")
    audited_once.run(made())
    assert len(audited_once.measured) == 5


def test_an_entry_copied_over_another_is_noticed(audited_once: Project, caplog: pytest.LogCaptureFixture) -> None:
    first, second, *_ = audited_once.entries
    shutil.copy(first, second)
    audited_once.run(made())
    assert len(audited_once.measured) == 1
    assert f"{second} was changed since it was written, or holds another entry" in caplog.text


def test_a_changed_entry_is_measured_anew_and_said(audited_once: Project, caplog: pytest.LogCaptureFixture) -> None:
    before = [path.read_bytes() for path in audited_once.entries]
    for path, content in zip(audited_once.entries, before, strict=True):
        path.write_bytes(content.replace(b'"estimate"', b'"Estimate"').replace(b"0", b"1", 1))
    audited_once.run(made())
    assert len(audited_once.measured) == 5
    assert caplog.text.count("was changed since it was written") == 5
    assert [path.read_bytes() for path in audited_once.entries] == before


def test_an_entry_of_another_form_is_measured_anew_and_said(audited_once: Project, caplog: pytest.LogCaptureFixture) -> None:
    for path in audited_once.entries:
        disk_cache.write(path, b'{"read": {}, "answers": []}\n{"schema": "audit.evidence/0"}')
    audited_once.run(made())
    assert len(audited_once.measured) == 5
    assert caplog.text.count("cannot be read (stored evidence is not of the form") == 5


def test_what_reads_files_of_the_project_is_never_kept(project: Project) -> None:
    code = b"def share(y_true, y_pred):\n    return (y_true == y_pred).mean()\n"
    (project.folder / "own.py").write_bytes(code)
    own = {"check": "performance/custom", "function": "own:share", "sha256": hashlib.sha256(code).hexdigest(), "min": 0.5}
    for _ in range(2):
        found = project.run(made(own))
        assert found.findings[-1].evidence is not None, found.findings[-1].problem
    assert len(project.entries) == 5


def unchanged(values: object) -> object:
    return values


@pytest.mark.full
def test_what_rests_on_code_that_no_digest_covers_is_never_kept(project: Project) -> None:
    """The function that a model calls may change while the model's file does not."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer
    from skops import io as skops

    rows = ROWS[["age"]].to_numpy(dtype=float)
    for name, steps in (("own", [FunctionTransformer(unchanged)]), ("plain", [])):
        skops.dump(make_pipeline(*steps, LogisticRegression()).fit(rows, ROWS["label"]), project.folder / f"{name}.skops")
    for name, anew in (("own", ["accuracy", "F1"]), ("plain", [])):
        digest = hashlib.sha256((project.folder / f"{name}.skops").read_bytes()).hexdigest()
        load = {"kind": "sklearn", "path": f"{name}.skops", "sha256": digest}
        columns = {"id": "id", "label": "label", "positive": 1, "text": "text", "features": ["age"]}
        changed = made(candidate={"task": "tabular-classification", "load": load}, trust="pickle", columns=columns)
        first = project.run(changed)
        again = project.run(changed)
        assert project.measured == anew
        assert [one.status for one in again.findings] == [one.status for one in first.findings]
        assert [bool(one.measured_on) for one in again.findings] == [not anew, not anew, True, True, True]


def test_reviewed_personal_data_is_read_anew() -> None:
    check = discover()["privacy/pii_in_text"]
    assert check.reads_files(check.params.model_validate({"reviewed": "reviewed.csv"}))
    assert not check.reads_files(check.params.model_validate({}))


def test_code_that_is_not_the_catalogue_s_own_is_not_known() -> None:
    check = discover()["performance/accuracy"]
    assert evidence_cache.code_digest("performance/accuracy", check) == evidence_cache.package_digest()
    assert evidence_cache.code_digest("performance/f1", check) is None
    assert evidence_cache.code_digest("vendor/own", check) is None


def test_everything_that_a_check_is_given_counts() -> None:
    """A new field of a subject belongs into the key, or among what is noted when it is read; files of `project` are `reads_files`."""
    in_the_key = {"data", "reference", "by", "bands", "reference_group", "learned_from", "seed", "against"}
    noted = {"datasets", "declared", "predicted", "comparator", "base"}
    assert {one.name for one in fields(Subject)} == in_the_key | noted | {"project"}


def test_findings_are_not_in_the_cache(audited_once: Project) -> None:
    for path in audited_once.entries:
        text = path.read_bytes()
        assert b'"status"' not in text
        assert b'"threshold"' not in text


def test_an_unwritable_cache_is_said_and_changes_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write = disk_cache.write

    def full(path: Path, content: bytes, **more: Any) -> None:
        if path.parent.name == "evidence":
            raise OSError(28, "No space left on device")
        write(path, content, **more)

    monkeypatch.setattr(disk_cache, "write", full)
    assert {one.status for one in project.run(made()).findings} == {"pass"}
    assert caplog.text.count("the next run measures it anew") == 5


def test_worker_processes_keep_what_they_measure(project: Project) -> None:
    """And say which answers of the candidate it rests on, so that the next run writes them into its bundle too."""
    first = project.run(made())
    measured = [found.evidence and to_bytes(found.evidence) for found in first.findings]
    shutil.rmtree(project.folder / "cache")
    audits = [
        audit_policy(project.folder / "policy.yaml", Options(project.folder / "reports", "audit run", workers=2), Silent()).audit
        for _ in range(2)
    ]
    assert [len(one.run.reused) for one in audits] == [0, 5]
    for one in audits:
        assert [found.evidence_files for found in one.findings] == [found.evidence_files for found in first.findings]
        assert [found.evidence and to_bytes(found.evidence) for found in one.findings] == measured
