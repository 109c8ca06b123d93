"""`audit report`: the page of a stored run, byte for byte, and nothing that was changed since."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from audit import record
from audit.bundle import reader
from audit.cli import app
from audit.errors import InputError
from audit.pipeline.run import Options, audit_policy
from audit.progress import Silent
from tests.pipeline.in_process import audited
from tests.running import policy, table

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a run with a repeated row, whose evidence has a table of its own."""
    made = policy(require=[*policy()["require"], {"check": "data/duplicates", "max": 0}])
    rows = table().assign(text=lambda one: one["id"].map("case {}".format))
    rows = pd.concat([rows, rows.iloc[:1].assign(id=1200)])
    made["columns"] = {**made["columns"], "text": "text"}
    audited(tmp_path, monkeypatch, made, test=rows)
    (place,) = (tmp_path / "reports").glob("*/")
    return place


def ended(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        app.main(arguments)
    assert isinstance(end.value.code, int)
    return end.value.code


def test_the_page_is_the_one_of_the_bundle(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("report", str(bundle), "-o", str(tmp_path / "page.html")) == 0
    assert (tmp_path / "page.html").read_bytes() == (bundle / "report.html").read_bytes()
    told = capsys.readouterr()
    assert (told.out, told.err) == (f"{tmp_path / 'page.html'}: written\n", "")


def test_without_a_file_it_stands_in_this_folder_under_the_run_s_name(bundle: Path, tmp_path: Path) -> None:
    assert ended("report", str(bundle)) == 0
    assert (tmp_path / f"{bundle.name}.html").read_bytes() == (bundle / "report.html").read_bytes()


@pytest.mark.parametrize("name", ["record.json", "results.json", "report.html", "evidence/estimates.json"])
def test_a_bundle_with_a_changed_file_is_refused(bundle: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (bundle / name).write_text((bundle / name).read_text().replace("promote", "Promote").replace("kind", "Kind"))
    assert ended("report", str(bundle), "-o", str(tmp_path / "page.html")) == 2
    assert f"{name}: not as the run wrote it" in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()


def test_the_page_never_goes_into_the_bundle(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(bundle.rglob("*"))
    assert ended("report", str(bundle), "-o", str(bundle / "evidence" / "page.html")) == 2
    assert "lies in the bundle" in capsys.readouterr().err
    assert sorted(bundle.rglob("*")) == before


def test_the_record_reads_back_with_the_tables_of_its_evidence(bundle: Path) -> None:
    found = {one.id: one for one in reader.audit_run(bundle).findings}["data/duplicates"]
    assert found.evidence is not None
    assert found.evidence_table in found.evidence_files
    assert {name: values.tolist() for name, values in found.evidence.table.items()} == {"row": [str(len(table()))], "repeats": ["0"]}


def sealed_anew(bundle: Path, text: str | None) -> None:
    """Another record, and the digests that hold for it."""
    (bundle / reader.RECORD).unlink() if text is None else (bundle / reader.RECORD).write_text(text)
    sealed = json.loads((bundle / reader.NAME).read_text())
    others = [one for one in sealed["files"] if one["name"] != reader.RECORD]
    own = [] if text is None else [{"name": reader.RECORD, "sha256": reader.file_digest(bundle / reader.RECORD), "size": len(text)}]
    (bundle / reader.NAME).write_text(json.dumps({**sealed, "files": [*others, *own]}))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "it has no record.json, which this release writes and reads: run the audit again"),
        ("{}", "the record has the form None, and this release reads audit.record/1"),
        ("", "the record is no JSON"),
        ('{"schema": "audit.record/1", "record": {}}', "the record cannot be read: AuditRun lacks run, policy"),
    ],
)
def test_a_record_that_this_release_cannot_read_is_refused(bundle: Path, text: str | None, told: str) -> None:
    sealed_anew(bundle, text)
    with pytest.raises(InputError, match=told):
        reader.audit_run(bundle)


def test_a_run_of_another_release_is_rendered_with_a_word_about_it(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = shutil.copytree(bundle, tmp_path / "other")
    audit = reader.audit_run(bundle)
    sealed_anew(other, record.to_text(replace(audit, run=replace(audit.run, version="0.0.1"))))
    assert ended("report", str(other), "-o", str(tmp_path / "page.html")) == 0
    assert "the run was made by audit 0.0.1" in capsys.readouterr().err


def test_the_page_says_how_much_of_the_evidence_earlier_runs_measured(bundle: Path, tmp_path: Path) -> None:
    assert "Evidence reused" not in (bundle / "report.html").read_text()
    audit_policy(tmp_path / "policy.yaml", Options(tmp_path / "reports", "audit run"), Silent())
    (again,) = set((tmp_path / "reports").glob("*/")) - {bundle}
    assert (
        "<dt>Evidence reused</dt><dd>2 of 2 findings, measured by earlier runs on the same inputs</dd>"
        in (again / "report.html").read_text()
    )
