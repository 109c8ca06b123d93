"""The registry of kinds: a module with a `KIND` is all that a new kind of candidate needs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import audit.candidates
from audit import catalog
from audit.candidates import kinds
from audit.commands import doctor
from audit.commands import init as init_command
from audit.commands.docs_pages import schema_json
from audit.errors import PolicyError, ToolError
from audit.pipeline.compatibility import load_policy
from audit.pipeline.run import Options, audit_policy
from audit.progress import Silent
from tests.running import policy, table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PARROT = '''
"""A model that says one class of every row."""

import hashlib

import numpy as np

from audit.candidates.capabilities import Labels, find
from audit.candidates.interface import Outputs
from audit.candidates.kinds import Kind, Options


class ParrotOptions(Options):
    """What it says."""

    says: str
    """The class that it gives to every row."""


class Parrot:
    kind, parameters, folder, description = "parrot", 1, None, "a parrot"

    def __init__(self, says, classes):
        self.says, self.classes = says, tuple(sorted(classes))
        self.sha256 = hashlib.sha256(says.encode()).hexdigest()

    def predict(self, dataset):
        return Outputs(np.full(dataset.rows, self.says, dtype=object))

    def get(self, capability):
        return find((Labels(),), capability)

    def remarks(self, datasets):
        return ()


def _open(opening, load):
    return Parrot(load.options["says"], opening.labels())


KIND = Kind(
    name="parrot",
    title="a parrot",
    tasks=("tabular-classification",),
    offers=frozenset({Labels}),
    open=_open,
    options=ParrotOptions,
    has_file=False,
    brings=("parrots", "candidates that repeat themselves"),
    find=lambda files: next((path for path in files if path.suffix == ".parrot"), None),
)
'''


@pytest.fixture
def parrot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """One more module among the candidates, and nothing else; the project's folder."""
    added = tmp_path / "added"
    added.mkdir()
    (added / "parrot.py").write_text(PARROT, encoding="utf-8")
    monkeypatch.setattr(audit.candidates, "__path__", [*audit.candidates.__path__, str(added)])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUDIT_CACHE", str(tmp_path / "cache"))
    kinds.discover.cache_clear()
    yield tmp_path
    kinds.discover.cache_clear()
    sys.modules.pop("audit.candidates.parrot", None)
    vars(audit.candidates).pop("parrot", None)


def written(folder: Path, load: dict[str, Any], *require: dict[str, Any], **changed: Any) -> Path:
    table(200).to_csv(folder / "test.csv", index=False)
    candidate = {"task": "tabular-classification", "load": load}
    path = folder / "policy.yaml"
    path.write_text(yaml.safe_dump(policy(*require, candidate=candidate, **changed), sort_keys=False), encoding="utf-8")
    return path


def refused(folder: Path, load: dict[str, Any], *require: dict[str, Any]) -> str:
    with pytest.raises(PolicyError) as found:
        load_policy(written(folder, load, *require))
    return str(found.value)


def test_a_new_kind_is_audited(parrot: Path) -> None:
    """Opened with its own key, measured, and named in the record: by one file."""
    columns = {"id": "id", "label": "label"}
    path = written(parrot, {"kind": "parrot", "says": "1"}, {"check": "performance/accuracy", "min": 0.9}, columns=columns)
    outcome = audit_policy(path, Options(parrot / "reports", "audit run"), Silent())
    (finding,) = outcome.audit.findings
    assert finding.headline is not None
    assert finding.headline.value == pytest.approx(table(200)["label"].mean())
    assert (outcome.audit.candidate.kind, outcome.audit.verdict.decision) == ("parrot", "block")


def test_it_is_compared_with_too(parrot: Path) -> None:
    line = {"check": "performance/accuracy", "against": "echo", "margin": 0.1}
    models = {"echo": {"load": {"kind": "parrot", "says": "0"}}}
    path = written(parrot, {"kind": "predictions"}, line, models=models)
    (finding,) = audit_policy(path, Options(parrot / "reports", "audit run"), Silent()).audit.findings
    assert finding.headline is not None
    frame = table(200)
    expected = (frame["label"] == frame["prediction"]).mean() - (frame["label"] == 0).mean()
    assert finding.headline.value == pytest.approx(expected)


def test_its_own_keys_and_capabilities_are_checked_at_their_lines(parrot: Path) -> None:
    said = refused(parrot, {"kind": "parrot", "say": "1"})
    assert "policy.yaml:15:5: candidate.load.say: unknown key of kind parrot; did you mean 'says'?" in said
    assert "candidate.load.says: is missing" in refused(parrot, {"kind": "parrot"})
    assert "candidate.load.says: " in refused(parrot, {"kind": "parrot", "says": 3})
    assert "candidate.load.path: a parrot " in refused(parrot, {"kind": "parrot", "says": "1", "path": "a"})
    assert "candidate.load.kind: is \"parot\"; did you mean 'parrot'?" in refused(parrot, {"kind": "parot"})
    noise = {"check": "robustness/feature_noise", "min": 0.5}
    said = refused(parrot, {"kind": "parrot", "says": "1"}, noise)
    assert "require.0.check: robustness/feature_noise scores changed rows, and a parrot cannot" in said
    path = written(parrot, {"kind": "parrot", "says": "1"})
    path.write_text(path.read_text().replace("tabular-classification", "tabular-regression"))
    with pytest.raises(PolicyError, match="a parrot is not served for tabular-regression"):
        load_policy(path)


def test_schema_doctor_and_starter_know_it(parrot: Path) -> None:
    load = schema_json(catalog.discover())["$defs"]["Load"]
    assert "parrot" in load["properties"]["kind"]["enum"]
    (branch,) = [one["then"] for one in load["allOf"] if one["if"]["properties"]["kind"]["const"] == "parrot"]
    assert (branch["properties"]["says"]["type"], branch["required"], branch["additionalProperties"]) == ("string", ["says"], False)
    assert "parrots" in doctor.brought()
    table(200).drop(columns="prediction").to_csv(parrot / "test.csv", index=False)
    (parrot / "polly.parrot").write_text("1")
    (parrot / "policy.yaml").unlink(missing_ok=True)
    assert "load: {kind: parrot, path: polly.parrot}" in init_command.write(parrot).read_text(encoding="utf-8")


def test_another_thing_under_that_name_is_refused(parrot: Path) -> None:
    (parrot / "added" / "parrot.py").write_text("KIND = 'parrot'\n", encoding="utf-8")
    with pytest.raises(ToolError, match=r"audit\.candidates\.parrot: KIND is to be a Kind"):
        kinds.discover()


def test_the_kinds_that_there_are() -> None:
    assert set(kinds.discover()) == {"predictions", "sklearn", "transformers"}
    assert set(kinds.served_tasks()) == {"text-classification", "tabular-classification", "tabular-regression"}
