"""Which files are a candidate's, and that their digest is the audited one without a model being opened."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from audit import disk_cache
from audit.bundle import reader
from audit.candidates import kinds
from audit.errors import InputError
from audit.pipeline.run import Options, audit_policy
from audit.progress import Silent
from audit.registry import artefact
from audit.registry.folder import Folder
from tests.promoting import version
from tests.running import policy

if TYPE_CHECKING:
    from audit.record import AuditRun

pytestmark = pytest.mark.full
FILES = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fine-tuned candidate in the cache, audited, and a copy of it that is audited as it is loaded."""
    from tests.tiny_bert import base, letters

    made = tmp_path_factory.mktemp("artefact")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        patch.setenv("AUDIT_CACHE", str(made / "cache"))
        for seed, role in enumerate(("train", "test"), 1):
            letters(120, seed, role).cells.frame().to_csv(f"{role}.csv", index=False)
        base(made / "tiny")
        tuned = audit(made, {"fine_tune": {"base": "tiny", "epochs": 1, "max_length": 16}})
        shutil.copytree(artefact.of_bundle(tuned, None).files["config.json"].parent, made / "copy")
        loaded = audit(made, {"load": {"kind": "transformers", "path": "copy", "max_length": 16}})
        (made / "bundles.json").write_text(json.dumps({"tuned": tuned.run.id, "loaded": loaded.run.id}))
    return made


def audit(folder: Path, candidate: dict[str, object]) -> AuditRun:
    columns = {"text": "text", "label": "label", "positive": "urgent"}
    made = policy({"check": "performance/accuracy", "min": 0.1}, candidate={"task": "text-classification", **candidate}, columns=columns)
    made["datasets"] = {role: {"path": f"{role}.csv"} for role in ("train", "test")}
    (folder / "policy.yaml").write_text(yaml.safe_dump(made, sort_keys=False))
    outcome = audit_policy(Path("policy.yaml"), Options(folder / "reports", "audit run"), Silent())
    return outcome.audit


@pytest.fixture(autouse=True)
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("AUDIT_CACHE", str(folder / "cache"))


def recorded(folder: Path, which: str) -> AuditRun:
    return reader.audit_run(folder / "reports" / json.loads((folder / "bundles.json").read_text())[which])


@pytest.mark.parametrize("which", ["tuned", "loaded"])
def test_the_files_have_the_audited_digest(folder: Path, which: str, tmp_path: Path) -> None:
    audited = recorded(folder, which)
    found = artefact.of_bundle(audited, None)
    assert (found.kind, found.max_length) == ("transformers", 16)
    assert found.files.keys() >= FILES
    assert not {"training.json", "sealed"} & found.files.keys()
    place = found.files["config.json"].parent
    assert kinds.discover()["transformers"].digest(place, 16) == audited.candidate.sha256
    assert place.is_relative_to(folder / "cache" if which == "tuned" else folder / "copy")
    made = version("m1", kind="transformers", max_length=16, candidate_sha256=audited.candidate.sha256, files=found.listed)
    registry = Folder(tmp_path)
    assert registry.put("small", made, found.files) == "1"
    assert artefact.problems(made, registry.model("small", "1", tmp_path)) == []


def test_the_length_at_which_texts_are_cut_is_part_of_the_digest(folder: Path) -> None:
    audited = recorded(folder, "loaded")
    found = artefact.of_bundle(audited, None)
    made = version("m1", kind="transformers", max_length=15, candidate_sha256=audited.candidate.sha256, files=found.listed)
    place = folder / "cut"
    for name, path in found.files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place / name)
    (problem,) = artefact.problems(made, place)
    assert problem.endswith(f"and {audited.candidate.sha256} was audited")


def test_a_tuned_model_that_left_the_cache_is_named_by_its_place(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    audited = recorded(folder, "tuned")
    monkeypatch.setattr(disk_cache, "root", lambda: tmp_path)
    with pytest.raises(InputError, match="no longer in the cache as it was audited: run the audit again, or name its folder"):
        artefact.of_bundle(audited, None)
    assert artefact.of_bundle(audited, folder / "copy").files.keys() >= FILES
    weights = folder / "copy/model.safetensors"
    kept = weights.read_bytes()
    try:
        weights.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
        with pytest.raises(InputError, match="was audited: promote the audited file"):
            artefact.of_bundle(audited, folder / "copy")
    finally:
        weights.write_bytes(kept)


def test_a_weight_changed_in_the_cache_is_not_the_audited_model(folder: Path) -> None:
    audited = recorded(folder, "tuned")
    weights = artefact.of_bundle(audited, None).files["model.safetensors"]
    kept = weights.read_bytes()
    try:
        weights.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
        with pytest.raises(InputError, match="no longer in the cache as it was audited"):
            artefact.of_bundle(audited, None)
    finally:
        weights.write_bytes(kept)
