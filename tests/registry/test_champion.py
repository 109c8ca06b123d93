"""The champion that a policy names by its registry: opened from there, and refused at the line where it is not what was promoted."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests import promoting
from tests.command import audit
from tests.running import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(importlib.util.find_spec("skops") is None, reason="skops comes with the extra sklearn")
CHAMPION = {"registry": "folder:live"}
NOT_WORSE = {"check": "performance/accuracy", "id": "not-worse", "against": "champion", "margin": 0.05}


@pytest.fixture(scope="module")
def promoted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one promoted model, and another one as candidate."""
    folder = tmp_path_factory.mktemp("promoted")
    bundle = promoting.signed(folder)
    assert audit("promote", f"reports/{bundle.name}", "--to", "folder:live", cwd=folder).returncode == 0
    promoting.model(folder, promoting.OTHER)
    return folder


@pytest.fixture
def project(promoted: Path, tmp_path: Path) -> Path:
    shutil.copytree(promoted, tmp_path / "copy")
    return tmp_path / "copy"


def policy(**changed: Any) -> dict[str, Any]:
    made = promoting.policy(champion=CHAMPION) | changed
    made["require"] = [*made["require"], NOT_WORSE]
    return made


def test_the_champion_is_opened_from_its_registry(project: Path) -> None:
    done, results = run(project, policy())
    assert results is not None, done.stderr
    assert (done.returncode, results["decision"]) == (0, "promote")
    record = json.loads((project / "reports" / results["run"]["id"] / "record.json").read_text())["record"]
    model = project / "live/small/versions/1/model/model.skops"
    assert record["comparators"]["champion"]["sha256"] == hashlib.sha256(model.read_bytes()).hexdigest()
    assert record["candidate"]["sha256"] != record["comparators"]["champion"]["sha256"]


def _changed(project: Path) -> None:
    promoting.model(project / "live/small/versions/1/model", promoting.BAD)


def _without_files(project: Path) -> None:
    place = project / "live/small/versions/1/version.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | {"files": []}))


def _nothing(_project: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("champion", "harm", "told"),
    [
        (CHAMPION, _changed, "small version 1 at folder:{live}: model.skops: was changed: find out who changed it"),
        (CHAMPION, _without_files, "was promoted from saved predictions: it has no file to open"),
        (CHAMPION | {"name": "other"}, _nothing, "other has no champion at folder:{live}: promote one first, or leave `registry` out"),
        ({"registry": "folder:../live"}, _nothing, "lies outside the project folder"),
        ({"registry": "live"}, _nothing, "names no registry: write folder:PATH or mlflow:URI"),
    ],
)
def test_what_cannot_be_opened_is_refused_at_the_policys_line(
    project: Path, champion: dict[str, str], harm: Callable[[Path], None], told: str
) -> None:
    harm(project)
    done, results = run(project, policy(champion=champion))
    line = 1 + (project / "policy.yaml").read_text().splitlines().index(f"  registry: {champion['registry']}")
    assert (done.returncode, results) == (2, None)
    assert f"policy.yaml:{line}:13: " in done.stderr
    assert told.format(live=project / "live") in done.stderr


@pytest.mark.parametrize(
    ("champion", "told"),
    [
        ({"registry": "folder:live", "load": {"kind": "sklearn", "path": "model.skops"}}, "champion: has both `load` and `registry`"),
        ({"name": "small"}, "champion: has neither `load` nor `registry`"),
        ({"load": {"kind": "sklearn", "path": "model.skops"}, "name": "small"}, "champion.name: is the model's name in a registry"),
        ({"registry": "folder:live", "columns": {"prediction": "p"}}, "and the champion is of a registry; leave them out"),
        ({"registry": ""}, "champion.registry"),
        ({"registry": "folder:live", "name": "../x"}, "champion.name"),
    ],
)
def test_contradictions_are_mistakes_of_the_policy(project: Path, champion: dict[str, Any], told: str) -> None:
    done, results = run(project, policy(champion=champion))
    assert (done.returncode, results) == (2, None)
    assert told in done.stderr
