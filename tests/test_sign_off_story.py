"""The way of a release, as the README shows it: run, review, two signatures, verification, promotion to a real MLflow server, rollback."""

from __future__ import annotations

import json
import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from tests import promoting
from tests.command import installed
from tests.mlflow_server import PARTS, mlflow_server
from tests.promoting import BAD, GOOD, OTHER

MISSING = [part for part in (*PARTS, "skops") if find_spec(part) is None]
README = Path(__file__).parents[1] / "README.md"
RUN, SERVER, POLICY, NAME = "<run>", "http://localhost:5000", "policies/triage.yaml", "triage"
"""What the README says in the place of a run's id, of a server, of a policy and of its name."""


def shown() -> list[list[str]]:
    """The commands of the README's section, in its order."""
    section = README.read_text(encoding="utf-8").split("## From audit to promotion\n")[1].split("\n## ")[0]
    lines = re.findall(r"^\$ (audit .*)$", section, re.MULTILINE)
    return [shlex.split(command, comments=True)[1:] for line in lines for command in line.split(" && ")]


def project(folder: Path) -> None:
    """The policy, its rows and the answers of a reviewer; the keys are not there yet."""
    promoting.rows(folder)
    made = promoting.policy(policy=NAME, people=("ada", "vera"))
    (folder / POLICY).parent.mkdir()
    (folder / POLICY).write_text(yaml.safe_dump(made, sort_keys=False))
    (folder / "answers.yaml").write_text(yaml.safe_dump({one["check"]: "acceptable" for one in made["require"]}))


@pytest.mark.slow
@pytest.mark.minutes(2)
@pytest.mark.skipif(bool(MISSING), reason=f"a real server and a model need {', '.join(MISSING)}")
def test_the_story_of_a_release(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    (tmp_path / "project").mkdir()
    with mlflow_server(tmp_path / "server") as server:
        told(tmp_path / "project", server)


def told(folder: Path, server: str) -> None:
    from mlflow import MlflowClient

    commands = shown()
    assert [one[0] for one in commands] == [
        *("keygen", "keygen", "run", "review", "sign", "sign", "verify", "promote", "rollback", "rollback", "history"),
    ]
    client = MlflowClient(tracking_uri=server, registry_uri=server)

    def shell(verb: str, bundle: str = "", *more: str, code: int = 0) -> str:
        """Every command of the README with this verb."""
        said = []
        for words in (one for one in commands if one[0] == verb):
            given = [word.replace(RUN, bundle).replace(SERVER, server) for word in words]
            done = installed(*given, *more, cwd=folder, AUDIT_CACHE=str(folder / "cache"), MLFLOW_DISABLE_TELEMETRY="true")
            assert done.returncode == code, f"{given}: {done.returncode}\n{done.stdout}{done.stderr}"
            said.append(done.stdout + done.stderr)
        return "".join(said)

    def audited(weight: float, *, code: int = 0) -> str:
        promoting.model(folder, weight)
        before = set((folder / "reports").glob("*"))
        shell("run", code=code)
        (made,) = (one.name for one in set((folder / "reports").glob("[!.]*")) - before if one.is_dir())
        return made

    def aliases() -> dict[str, str]:
        return dict(client.get_registered_model(NAME).aliases)

    project(folder)
    shell("keygen")
    first = audited(GOOD)
    shell("review", first, "--answers", "answers.yaml")
    assert "still to sign: independent-reviewer" in shell("sign", first)
    assert f"reports/{first}: verified" in shell("verify", first)
    assert f"{NAME} version 1 is the champion; there is no previous one" in shell("promote", first)
    assert aliases() == {"champion": "1"}
    results = json.loads((folder / "reports" / first / "results.json").read_text())
    tags = client.get_model_version_by_alias(NAME, "champion").tags
    assert (tags["audit.run"], tags["audit.decision"]) == (first, "promote")
    assert tags["audit.candidate_sha256"] == results["candidate"]["sha256"]

    second = audited(OTHER)
    assert "refused: quorum: " in shell("promote", second, code=1)
    shell("sign", second)
    assert f"{NAME} version 2 is the champion; version 1 is previous" in shell("promote", second)
    assert aliases() == {"champion": "2", "previous": "1"}

    failing = audited(BAD, code=1)
    assert "the decision is block, which nobody can sign" in shell("sign", failing, code=2)
    assert "refused: quorum: the decision is block, which nobody can sign" in shell("promote", failing, code=1)
    assert aliases() == {"champion": "2", "previous": "1"}

    commands[:] = [one for one in commands if one != ["rollback", NAME]]
    assert f"{NAME} can return from version 2 to 1" in shell("rollback")
    assert aliases() == {"champion": "2", "previous": "1"}
    commands[:] = [*(one for one in commands if one[0] != "rollback"), ["rollback", NAME]]
    assert f"{NAME} version 1 is the champion again, in place of version 2" in shell("rollback")
    assert aliases() == {"champion": "1"}
    entries = [line.split() for line in shell("history").splitlines() if line[:6].strip().isdigit()]
    kinds = [words[2] for words in entries]
    assert kinds == [
        *("run", "review", "sign-off", "sign-off", "promotion", "promotion"),
        *("run", "sign-off", "sign-off", "promotion", "promotion", "run", "rollback-drill", "rollback", "rollback"),
    ]
