"""A model in a process of its own answers as it would here, and can do no more than that."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from audit.candidates import confinement

pytestmark = pytest.mark.full
PROGRAM = """
import ctypes, json, os, sys, tempfile, time
from pathlib import Path
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import OneHotEncoder
from sklearn.pipeline import make_pipeline
from audit.candidates import confinement
from audit.candidates.fitted import LocalModel, ModelError
from audit.candidates.model_process import ModelProcess
from audit.errors import AuditError, CandidateError, InputError

confinement.arm()
frame = pd.DataFrame({"x": np.arange(40) / 3, "city": ["a", None, "b", "a"] * 10})
labels = np.arange(40) > 20
classifier = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()).fit(frame, labels)
regressor = Ridge().fit(frame[["x"]].to_numpy(), frame["x"] * 3)
found = {}

for name, model, given in (("classifier", classifier, frame), ("regressor", regressor, frame[["x"]].to_numpy())):
    here, there = LocalModel(model), ModelProcess(Path("m"), lambda model=model: model)
    methods = ["predict", "predict_proba"] if name == "classifier" else ["values"]
    found[name] = [repr(here.facts) == repr(there.facts)] + [np.array_equal(here.ask(one, given), there.ask(one, given)) for one in methods]

class Hostile(LogisticRegression):
    def predict(self, rows):
        return getattr(self, "do_" + rows)()
    def do_temporary(self):
        (Path(tempfile.gettempdir()) / "kept").write_text("x")
        return ["done"]
    def do_write(self):
        Path("owned").write_text("x")
    def do_print(self):
        print("PROMOTE", flush=True)
        os.write(2, b"PROMOTE")
        return ["done"]
    def do_descriptor(self):
        os.write(int(sys.argv[1]), b"x")
    def do_fall(self):
        os.kill(os.getpid(), 9)

held = os.open("held", os.O_RDWR | os.O_CREAT)
sys.argv[1:] = [str(held)]
hostile = Hostile().fit(frame[["x"]], labels)
process = ModelProcess(Path("m.skops"), lambda: hostile)
for what in ("temporary", "write", "print", "descriptor", "fall", "temporary"):
    try:
        found[what] = process.ask("predict", what).tolist()
    except (ModelError, CandidateError) as error:
        found[what] = f"{type(error).__name__}: {error}"

def refuse():
    raise InputError("m.skops: no such model")

try:
    ModelProcess(Path("m.skops"), refuse)
except CandidateError as error:
    found["refused"] = str(error)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path, str]:
    """What the program found, the folder that it ran in, and what stood on its standard error."""
    folder = tmp_path_factory.mktemp("model")
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout), folder, done.stderr


def test_facts_and_answers_are_the_models_own(found: tuple[dict[str, Any], Path, str]) -> None:
    """Labels, probabilities and numbers, bit for bit."""
    assert found[0]["classifier"] == [True, True, True]
    assert found[0]["regressor"] == [True, True]


def test_it_neither_prints_nor_writes_into_files_of_the_audit(found: tuple[dict[str, Any], Path, str]) -> None:
    """Its standard output is nowhere, and open files are closed to it."""
    told, folder, errors = found
    assert told["print"] == ["done"]
    assert "PROMOTE" not in errors
    assert told["descriptor"].startswith("ModelError: OSError: [Errno 9]")
    assert (folder / "held").read_bytes() == b""


@pytest.mark.skipif(confinement.version() == 0, reason="this system has no Landlock")
def test_it_writes_in_its_temporary_folder_alone(found: tuple[dict[str, Any], Path, str]) -> None:
    told, folder, _ = found
    assert told["write"].startswith("ModelError: PermissionError")
    assert not (folder / "owned").exists()


def test_a_process_that_ends_is_a_model_that_cannot_be_used(found: tuple[dict[str, Any], Path, str]) -> None:
    """The last question found it gone; a refusal keeps its own words."""
    assert found[0]["fall"].startswith("CandidateError: m.skops: the process of this model ended with signal 9")
    assert found[0]["temporary"].startswith("CandidateError: m.skops: the process of this model ended")
    assert found[0]["refused"] == "m.skops: no such model"


SHARING = """
import json, os, signal, sys, time
from pathlib import Path
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from audit.candidates.model_process import ModelProcess
from audit.child_process import Child

class Model(ClassifierMixin, BaseEstimator):
    classes_ = np.array(["a", "b"])
    def predict(self, rows):
        if rows is None:
            time.sleep(600)
        return [f"{os.getpid()}:{row}" for row in rows]

process = ModelProcess(Path("m.skops"), Model)
first = process.ask("predict", [0])[0].partition(":")[0]

def ask_often(pipe):
    number = pipe.receive()
    pipe.send([process.ask("predict", [number * 1000 + i] * 500).tolist() for i in range(100)])

def hang(pipe):
    pipe.send("asking")
    process.ask("predict", None)

def until(child):
    while not (found := list(child.messages())):
        time.sleep(0.01)
    return found[0]

children = [Child.fork(ask_often) for _ in range(2)]
for number, child in enumerate(children):
    child.send(number)
answers = [until(child) for child in children]
right = [[row.partition(":")[2] for row in rows] == [str(number * 1000 + i)] * 500
         for number, found in enumerate(answers) for i, rows in enumerate(found)]
hanging = Child.fork(hang)
until(hanging)
time.sleep(0.5)
hanging.kill()
after = process.ask("predict", [7])[0].partition(":")
print(json.dumps({"right": all(right) and len(right) == 200, "after": after[2], "anew": after[0] != first}))
"""


def test_processes_that_share_it_never_read_each_others_answers(tmp_path: Path) -> None:
    """Two ask at once, and a third is killed while it waits."""
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", SHARING]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert json.loads(done.stdout or "{}") == {"right": True, "after": "7", "anew": True}, done.stderr


def test_a_model_that_hangs_ends_with_the_audit(tmp_path: Path) -> None:
    """However that ends: nobody would be left to tell it that nobody asks any more."""
    program = (
        SHARING.partition("def ask_often")[0]
        + """
from threading import Thread

Thread(target=process.ask, args=("predict", None), daemon=True).start()
time.sleep(0.5)
print(first, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    )
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False)
    stat = Path(f"/proc/{done.stdout.strip()}/stat")
    deadline = time.monotonic() + 10
    while stat.exists() and ") Z " not in stat.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert done.stdout.strip().isdigit()
    assert not stat.exists() or ") Z " in stat.read_text()
