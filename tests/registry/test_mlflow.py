"""The registry on a real MLflow server: versions with their files, aliases and tags; two promoters at once; killed ones."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from audit.commands.promote import PromotionRequest, RollbackRequest, promote, roll_back
from audit.errors import ToolError
from audit.ledger import Ledger
from audit.registry import Aliases, Move, MovedMeanwhile, moves
from audit.registry.mlflow import Mlflow
from tests import promoting
from tests.command import installed
from tests.mlflow_server import PARTS, mlflow_server
from tests.promoting import version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MISSING = [part for part in PARTS if find_spec(part) is None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"a real server needs {', '.join(MISSING)}"),
]
POINTS = 50
"""Requests at which a promotion and a rollback are killed, taken together."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mlflow_server(tmp_path_factory.mktemp("server")) as address:
        yield address


@pytest.fixture
def registry(server: str) -> Mlflow:
    return Mlflow(server)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A model of the test's own."""
    return "".join(letter if letter.isalnum() else "-" for letter in request.node.name)[:100]


def put(registry: Mlflow, name: str, folder: Path, move: str, **changed: Any) -> str:
    (folder / "model.skops").write_bytes(b"weights")
    return registry.put(name, version(move, **changed), {"model.skops": folder / "model.skops"})


def test_a_version_keeps_its_files_and_tags(registry: Mlflow, name: str, tmp_path: Path) -> None:
    assert registry.aliases(name) == Aliases()
    number = put(registry, name, tmp_path, "m1", valid_until="2027-01-31")
    assert (number, registry.version(name, number)) == ("1", version("m1", valid_until="2027-01-31"))
    assert (registry.model(name, number, tmp_path) / "model.skops").read_bytes() == b"weights"
    tags = registry._client.get_model_version(name, number).tags
    assert (tags["audit.decision"], tags["audit.valid_until"]) == ("promote", "2027-01-31")
    assert (tags["audit.bundle_sha256"], tags["audit.policy_sha256"]) == ("ab" * 32, "cd" * 32)
    assert tags["audit.candidate_sha256"] == version("m1").candidate_sha256
    registry._client.set_model_version_tag(name, number, "audit.decision", "block")
    with pytest.raises(ToolError, match="differ"):
        registry.version(name, number)


def test_a_version_without_files(registry: Mlflow, name: str, tmp_path: Path) -> None:
    number = registry.put(name, version("m1", files=()), {})
    assert registry.version(name, number).files == ()
    assert list(registry.model(name, number, tmp_path).iterdir()) == []


def test_a_move_begins_where_the_aliases_stand(registry: Mlflow, name: str, tmp_path: Path) -> None:
    for move in ("m1", "m2"):
        put(registry, name, tmp_path, move)
    registry.move(name, Move("m1", "promotion", Aliases(), Aliases("1")))
    with pytest.raises(MovedMeanwhile, match="nothing was moved"):
        registry.move(name, Move("m2", "promotion", Aliases(), Aliases("2")))
    assert registry.aliases(name) == Aliases("1")
    assert registry.settle(name, "m1") == Aliases("1")
    assert registry.settle(name, "m2") is None
    assert [one.version for one in registry._client.search_model_versions(f"name='{name}'")] == ["1"]
    assert registry._lock(name) is None


def test_a_champion_that_somebody_else_registered_is_replaced_and_not_returned_to(server: str, registry: Mlflow, project: Path) -> None:
    client, name = registry._client, "theirs"
    client.create_registered_model(name)
    run = client.create_run("0")
    client.create_model_version(name, f"{run.info.artifact_uri}/model", run.info.run_id)
    client.set_registered_model_alias(name, "champion", "1")
    assert not promote(asked(project, "first", server, name)).problems
    assert registry.aliases(name) == Aliases("2", "1")
    (problem,) = roll_back(RollbackRequest(name, f"mlflow:{server}", out=project / "reports")).problems
    assert "version 1: was not promoted by `audit promote`" in problem
    assert registry.aliases(name) == Aliases("2", "1")


PROMOTER = """
import sys
from pathlib import Path
from audit.registry import Aliases, Move, MovedMeanwhile
from audit.registry.mlflow import Mlflow
from tests.promoting import version
address, name, move, source = sys.argv[1:]
registry = Mlflow(address)
number = registry.put(name, version(move), {"model.skops": Path(source)})
print("ready", flush=True)
sys.stdin.readline()
try:
    registry.move(name, Move(move, "promotion", Aliases(), Aliases(number)))
    print("won", number)
except MovedMeanwhile:
    print("lost", registry.settle(name, move))
"""


def test_of_two_promoters_at_once_one_wins(server: str, registry: Mlflow, name: str, tmp_path: Path) -> None:
    (tmp_path / "model.skops").write_bytes(b"weights")
    both = []
    for move in ("m1", "m2"):
        command = [sys.executable, "-c", PROMOTER, server, name, move, str(tmp_path / "model.skops")]
        both.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ))
    try:
        for one in both:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        for one in both:
            assert one.stdin is not None
            one.stdin.write("\n")
            one.stdin.flush()
        said = sorted(one.communicate(timeout=120)[0].split() for one in both)
    finally:
        for one in both:
            one.kill()
            one.communicate()
    assert [one[0] for one in said] == ["lost", "won"]
    assert said[0][1] == "None"
    assert registry.aliases(name) == Aliases(said[1][1])
    assert [one.version for one in registry._client.search_model_versions(f"name='{name}'")] == [said[1][1]]
    assert registry._lock(name) is None


def test_a_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(ToolError, match=r"^mlflow:http://127\.0\.0\.1:9: "):
        Mlflow("http://127.0.0.1:9").aliases("small")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two signed bundles with their models."""
    pytest.importorskip("skops", reason="comes with the extra sklearn")
    folder = tmp_path_factory.mktemp("project")
    for name, weight in (("first", promoting.GOOD), ("second", promoting.OTHER)):
        (folder / name).write_text(promoting.signed(folder, weight).name)
    return folder


def asked(project: Path, which: str, server: str, name: str) -> PromotionRequest:
    promoting.model(project, promoting.GOOD if which == "first" else promoting.OTHER)
    bundle = project / "reports" / (project / which).read_text()
    return PromotionRequest(bundle, f"mlflow:{server}", name, artefact=project / "model.skops")


def test_a_database_of_mlflow_serves_without_a_server(project: Path) -> None:
    name, target = "without", "mlflow:sqlite:///mlflow.db"
    for which in ("first", "second"):
        bundle = f"reports/{asked(project, which, '', name).bundle.name}"
        done = installed("promote", bundle, "--to", target, "--name", name, "--artefact", "model.skops", cwd=project)
        assert done.returncode == 0, done.stderr
    done = installed("rollback", name, cwd=project)
    assert done.returncode == 0, done.stderr
    assert f"mlflow:sqlite:///{project}/mlflow.db: {name} version 1 is the champion again, in place of version 2" in done.stdout


def killed_at_request(number: int, work: Callable[[], object]) -> bool:
    """Whether the work was killed: in a process of its own, before it sends its so many-th request, or once that was answered."""
    child = os.fork()
    if child == 0:
        import requests

        sent, after = [0], number % 2
        plain = requests.Session.request

        def request(*given: Any, **named: Any) -> Any:
            sent[0] += 1
            if sent[0] == number // 2 and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            answer = plain(*given, **named)
            if sent[0] == number // 2:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        requests.Session.request = request  # type: ignore[method-assign]  # in this process alone
        try:
            work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def requests_of(work: Callable[[], object]) -> int:
    """How many requests some work sends."""
    import requests

    sent = [0]
    plain = requests.Session.request

    def request(*given: Any, **named: Any) -> Any:
        sent[0] += 1
        return plain(*given, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests.Session, "request", request)
        work()
    return sent[0]


def spread(requests: int) -> list[int]:
    """Half of the points: before and after requests from the first to the last."""
    return sorted({int(point) for point in np.linspace(2, 2 * requests + 1, POINTS // 2)})


def whole(registry: Mlflow, name: str, project: Path, expected: Aliases) -> None:
    """No half state: aliases, versions and ledger agree, and nobody holds the lock."""
    assert registry.aliases(name) == expected
    assert registry._lock(name) is None
    assert list(moves.unfinished(Ledger(project / "reports/ledger.sqlite").verified())) == []
    made = {one.version for one in registry._client.search_model_versions(f"name='{name}'")}
    told = [json.loads(one.payload) for one in Ledger(project / "reports/ledger.sqlite").verified() if one.kind == "promotion"]
    assert made == {one["version"] for one in told if one["name"] == name and "finished" in one}


@pytest.mark.minutes(2)
def test_killed_at_any_request_the_next_call_completes_or_undoes(server: str, registry: Mlflow, project: Path) -> None:
    first = asked(project, "first", server, "counted")
    assert not promote(first).problems
    second = asked(project, "second", server, "counted")
    of_promotion = requests_of(lambda: promote(second))
    of_rollback = requests_of(lambda: roll_back(RollbackRequest("counted", f"mlflow:{server}", out=project / "reports")))
    for point in spread(of_promotion):
        name = f"promoted-{point}"
        assert not promote(asked(project, "first", server, name)).problems
        before = registry.aliases(name).champion
        second = asked(project, "second", server, name)
        assert killed_at_request(point, partial(promote, second))
        assert not promote(second).problems
        champion = registry.aliases(name).champion
        assert champion is not None
        whole(registry, name, project, Aliases(champion, before))
        assert registry.version(name, champion).run == second.bundle.name
    name = "returned"
    assert not promote(asked(project, "first", server, name)).problems
    for point in spread(of_rollback):
        first_number = registry.aliases(name).champion
        assert not promote(asked(project, "second", server, name)).problems
        back = RollbackRequest(name, f"mlflow:{server}", out=project / "reports")
        assert killed_at_request(point, partial(roll_back, back))
        roll_back(back)
        whole(registry, name, project, Aliases(first_number))
