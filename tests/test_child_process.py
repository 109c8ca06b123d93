"""Work in a forked process: its value, its errors and its progress come back, and nothing outlives the audit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from audit import child_process
from audit.errors import CandidateError, MissingExtra, Mistake, PolicyError, ToolError
from audit.progress import SILENT, Lines, Step


@pytest.fixture
def forking(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the process of `audit run`."""
    monkeypatch.setattr(child_process, "_forks", True)


def test_a_users_process_is_not_forked() -> None:
    assert child_process.call(os.getpid, SILENT) == os.getpid()


@pytest.mark.usefixtures("forking")
def test_its_value_comes_back_from_another_process() -> None:
    pid, content = child_process.call(lambda: (os.getpid(), bytes(3_000_000)), SILENT)
    assert pid != os.getpid()
    assert content == bytes(3_000_000)


@pytest.mark.usefixtures("forking")
def test_a_child_forks_no_further() -> None:
    inner, outer = child_process.call(lambda: (child_process.call(os.getpid, SILENT), os.getpid()), SILENT)
    assert inner == outer


@pytest.mark.usefixtures("forking")
@pytest.mark.parametrize(
    "error",
    [
        CandidateError("model: fails"),
        MissingExtra("textattack", "attacks"),
        PolicyError((Mistake("policy.yaml", 3, 1, "wrong"), Mistake("policy.yaml", 1, 1, "wrong too"))),
        ValueError("boom"),
    ],
)
def test_its_error_is_raised_here(error: Exception) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        child_process.call(fail, SILENT)
    assert str(raised.value) == str(error)
    assert {key: value for key, value in vars(raised.value).items() if key != "__notes__"} == vars(error)


@pytest.mark.usefixtures("forking")
@pytest.mark.parametrize(
    ("end", "how"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGKILL), r"was ended by SIGKILL \(signal 9\)"),
        (lambda: os._exit(0), "ended with status 0"),
        (lambda: sys.exit(0), "ended with status 1"),
        (lambda: lambda: 0, "ended with status 1"),
    ],
)
def test_a_child_that_ends_without_an_answer_is_an_error(end: Any, how: str) -> None:
    """Killed, gone, and with an answer that cannot be sent."""
    with pytest.raises(ToolError, match=f"the process that prepares the candidate {how}: nothing is promoted"):
        child_process.call(end, SILENT)


class Recorded:
    """Tasks as a user sees them."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def start(self, task: str, total: int) -> Recorded:
        self.seen.append((task, total))
        return self

    def advance(self, units: int = 1) -> None:
        self.seen.append(units)

    def finish(self) -> None:
        self.seen.append("finished")


@pytest.mark.usefixtures("forking")
def test_its_progress_is_shown_here() -> None:
    def work() -> None:
        task = Lines().start("fine-tune", 50)
        for _ in range(50):
            task.advance()
            time.sleep(0.01)
        task.finish()

    recorded = Recorded()
    child_process.call(work, recorded)
    assert recorded.seen[0] == ("fine-tune", 50)
    assert sum(one for one in recorded.seen if isinstance(one, int)) == 50
    assert len(recorded.seen) > 4  # more than its beginning, its end and one step: the time left is drawn meanwhile
    assert recorded.seen[-1] == "finished"


@pytest.mark.usefixtures("forking")
def test_the_task_of_a_child_that_dies_is_taken_away() -> None:
    def work() -> None:
        Lines().start("fine-tune", 50)
        os._exit(1)

    recorded = Recorded()
    with pytest.raises(ToolError):
        child_process.call(work, recorded)
    assert recorded.seen == [("fine-tune", 50), "finished"]


def test_a_message_cut_short_is_no_message() -> None:
    reading, writing = os.pipe()
    pipe = child_process.Pipe(reading, writing)
    pipe.send(Step(1, 2))
    assert pipe.receive() == Step(1, 2)
    os.write(writing, b"0")
    os.write(writing, bytes(64))
    with pytest.raises(ValueError, match="no message"):
        pipe.receive()
    pipe.close()


AUDIT = """
import json, sys
from pathlib import Path
from audit import child_process
from audit.candidates import confinement
from audit.pipeline.run import Options, audit_policy
from audit.progress import on_stderr

child_process.allow_forks()
audit = audit_policy(Path("policy.yaml"), Options(Path("reports"), "audit run", workers=1), on_stderr()).audit
print(json.dumps({"status": [one.status for one in audit.findings], "imported": sorted({"torch", "transformers"} & set(sys.modules))}))
"""
POLICY = """
policy: letters
datasets: {train: {path: train.csv}, test: {path: test.csv}}
columns: {text: text, label: label, positive: urgent}
candidate:
  task: text-classification
  fine_tune: {base: tiny, epochs: EPOCHS, patience: 1000, max_length: 16, learning_rate: 0.003}
require:
  - {check: performance/accuracy, min: 0.1}
  - {check: finetuning/overfit_gap, max: 0.9}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("transformers")
    from tests.tiny_bert import base, letters

    made = tmp_path_factory.mktemp("training")
    for seed, role in enumerate(("train", "test"), 1):
        letters(120, seed, role).cells.frame().to_csv(made / f"{role}.csv", index=False)
    base(made / "tiny")
    return made


def _environment(folder: Path) -> dict[str, str]:
    return os.environ | {"AUDIT_CACHE": str(folder / "cache"), "HF_HUB_OFFLINE": "1", "PYTHONPATH": ":".join(sys.path)}


@pytest.mark.full
def test_the_audits_own_process_runs_no_model(folder: Path) -> None:
    """Whatever it forks later may start threads: torch's in a process forked from one with such threads wait for ever."""
    (folder / "policy.yaml").write_text(POLICY.replace("EPOCHS", "1"))
    command = [sys.executable, "-c", AUDIT]
    done = subprocess.run(command, cwd=folder, env=_environment(folder), capture_output=True, text=True, timeout=300, check=False)
    assert json.loads(done.stdout or "{}") == {"status": ["pass", "pass"], "imported": []}, done.stderr


@pytest.mark.full
def test_an_interrupted_training_leaves_no_process(folder: Path) -> None:
    """Its time left is told on standard error until then."""
    (folder / "policy.yaml").write_text(POLICY.replace("EPOCHS", "300"))
    command = [sys.executable, "-m", "audit", "run", "policy.yaml", "-o", "interrupted"]
    with subprocess.Popen(command, cwd=folder, env=_environment(folder), stderr=subprocess.PIPE, start_new_session=True) as process:
        assert process.stderr is not None
        told = b""
        while b"fine-tune: " not in told and (line := process.stderr.readline()):
            told += line
        assert b" s left" in told
        assert len(_session(process.pid)) >= 3
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        assert process.wait(timeout=60) == 3
        assert time.monotonic() - started < 10
        assert b"interrupted" in process.stderr.read()
    assert _session(process.pid) == []
    assert not list((folder / "interrupted").glob("*/results.json"))


def _session(leader: int) -> list[int]:
    """Every process of a session that has not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, session = stat.read_text().rpartition(") ")[2].split()[:4]
        except OSError:
            continue
        if int(session) == leader and state != "Z":
            found.append(int(stat.parent.name))
    return found
