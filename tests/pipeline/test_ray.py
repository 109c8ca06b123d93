"""Checks on a Ray cluster: the same numbers as here, whatever happens to a worker, and never a pass for what was not measured."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from audit import progress
from audit.candidates import confinement
from audit.errors import InputError
from audit.pipeline.engine import chosen_engine, ray
from audit.pipeline.engine.ray_slot import Site, Slot
from tests import windows
from tests.command import audit
from tests.ray_cluster import ALONE, TwoNodes, two_nodes
from tests.running import policy, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEAD = "import os, signal, time\nfrom pathlib import Path\n\nSEEN = Path(os.environ['AUDIT_CACHE'])\n\n"
RIGHT = "    return (y_true == y_pred).astype(float)\n"
FUNCTIONS = {
    "good": "",
    "crashes": "    raise RuntimeError('broken')\n",
    "exits": "    os._exit(0)\n",
    "hangs": "    time.sleep(600)\n",
    "writes": "    Path('owned').write_text('x')\n",
    "killed": "    os.kill(os.getpid(), signal.SIGKILL)\n",
    "waits_a": "    lines('a')\n    wait()\n",
    "waits_b": "    lines('b')\n    wait()\n",
}
HELPERS = """
def lines(name):
    with (SEEN / name).open('a') as file:
        file.write(f'{os.getpid()}\\n')
    return (SEEN / name).read_text().splitlines()


def wait():
    while not (SEEN / 'go').exists():
        time.sleep(0.05)

"""
MODULE = HEAD + HELPERS + "\n".join(f"\ndef {name}(y_true, y_pred):\n{body}{RIGHT}" for name, body in FUNCTIONS.items())
MEASURED = (
    {"check": "performance/accuracy", "min": 0.8, "by": ["group"]},
    {"check": "performance/balanced_accuracy", "min": 0.8},
    {"check": "fairness/demographic_parity_difference", "by": ["group"], "max": 0.2},
    {"check": "data/duplicates", "max": 0.5},
)
"""What is closed form, what is resampled, and what reads rows."""


def custom(name: str, **keys: Any) -> dict[str, Any]:
    digest = hashlib.sha256(MODULE.encode()).hexdigest()
    return {"check": "performance/custom", "id": name, "function": f"own:{name}", "sha256": digest, "lowest": 0, "highest": 1} | {
        "min": 0.5,
        **keys,
    }


@pytest.fixture
def project(tmp_path: Path) -> Path:
    table().to_csv(tmp_path / "test.csv", index=False)
    (tmp_path / "own.py").write_text(MODULE)
    return tmp_path


@pytest.fixture(scope="module")
def cluster() -> Iterator[TwoNodes]:
    with two_nodes() as made:
        yield made


def command(folder: Path, *require: dict[str, Any], out: str, more: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """`audit run`, begun in a session of its own, with a cache of its own."""
    (folder / "policy.yaml").write_text(yaml.safe_dump(policy(*require), sort_keys=False))
    environment = os.environ | ALONE | {"AUDIT_CACHE": str(folder / f"cache-{out}"), "PYTHONPATH": ":".join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, "-m", "audit", "run", "policy.yaml", "-o", out, *more],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def results(folder: Path, out: str) -> dict[str, Any]:
    (place,) = (folder / out).glob("*/results.json")
    found: dict[str, Any] = json.loads(place.read_text())
    return found


def on(cluster: TwoNodes) -> tuple[str, ...]:
    return ("--engine", "ray", "--address", cluster.address, "--jobs", "2")


@pytest.mark.slow
def test_evidence_is_that_of_this_machine_whatever_happens_to_other_checks(project: Path, cluster: TwoNodes) -> None:
    """Inline, in local processes and on Ray: the same findings. A check that crashes, hangs or is killed is an error of its own."""
    faults = [custom(name) for name in ("crashes", "exits", "killed", "writes")]
    require = (custom("good"), *MEASURED, *faults, custom("hangs", limit=1.0))  # names of evidence files are numbered in this order
    with command(project, *require, out="ray", more=on(cluster)) as process:
        said, told = process.communicate(timeout=120)
    assert process.returncode == 1, told
    assert said.startswith("✗ fail")
    found = results(project, "ray")
    status = {one["id"]: one["status"] for one in found["findings"]}
    errors = {"crashes", "exits", "killed", "hangs", *(["writes"] if confinement.version() else [])}
    assert {name for name, one in status.items() if one == "error"} == errors
    messages = {one["id"]: one["message"] for one in found["findings"]}
    assert "ended with status 0" in messages["exits"]
    assert "was ended by SIGKILL" in messages["killed"]
    assert "its limit of 1 second" in messages["hangs"]
    assert not (project / "owned").exists() or not confinement.version()
    assert found["run"]["retries"] == {"killed": 2}
    assert "killed: its worker on the Ray cluster was lost (its process was killed); it is measured again, try 3 of 3" in told
    assert status["good"] == "pass"
    for out, workers in (("inline", 0), ("processes", 2)):
        cache = {"AUDIT_CACHE": str(project / f"cache-{out}"), **ALONE}
        (project / "policy.yaml").write_text(yaml.safe_dump(policy(custom("good"), *MEASURED), sort_keys=False))
        audit("run", "policy.yaml", "-o", out, cwd=project, workers=workers, **cache)
        here = {one["id"]: one for one in results(project, out)["findings"]}
        assert here == {one["id"]: one for one in found["findings"] if one["id"] in here}
        assert len(here) == 5


@pytest.mark.slow
def test_a_node_that_is_lost_loses_no_check(project: Path, cluster: TwoNodes) -> None:
    """Both workers are at a check when one node fails; its check is measured again on the other one."""
    cache = project / "cache-lost"
    with command(project, custom("waits_a"), custom("waits_b"), *MEASURED[:1], out="lost", more=on(cluster)) as process:
        wait_for(process, lambda: (cache / "a").exists() and (cache / "b").exists())
        cluster.remove_second()
        at_work = [int((cache / name).read_text()) for name in ("a", "b")]
        wait_for(process, lambda: not all(Path(f"/proc/{number}").exists() for number in at_work))
        (cache / "go").touch()
        _, told = process.communicate(timeout=120)
    cluster.add_second()
    found = results(project, "lost")
    assert {one["id"]: one["status"] for one in found["findings"]} == {"waits_a": "pass", "waits_b": "pass", "performance/accuracy": "pass"}
    assert list(found["run"]["retries"].values()) == [1], told
    assert sorted(len((cache / name).read_text().split()) for name in ("a", "b")) == [1, 2]
    assert process.returncode == 0


@pytest.mark.slow
def test_a_window_has_the_evidence_of_this_machine(tmp_path: Path, cluster: TwoNodes) -> None:
    told = []
    for out, options in (("here", ()), ("ray", on(cluster))):
        (tmp_path / out).mkdir()
        project = windows.Project(tmp_path / out, windows.policy(windows.ACCURACY, windows.DRIFT))
        windows.rows(windows.day(0)).to_csv(project.folder / "window.csv", index=False)
        environment: dict[str, Any] = ALONE | {"AUDIT_CACHE": str(project.folder / "cache")}
        workers = 2 if options else 0
        done = audit("monitor", "policy.yaml", "--window", "window.csv", *options, cwd=project.folder, workers=workers, **environment)
        assert done.returncode == 0, done.stderr
        told.append({name: project.results()[name] for name in ("findings", "decision", "reasons")})
    assert told[0] == told[1]


@pytest.mark.slow
def test_a_profile_of_partitions_is_that_of_this_machine(tmp_path: Path, cluster: TwoNodes) -> None:
    for seed in range(2):
        table(seed=seed).to_parquet(tmp_path / f"part-{seed}.parquet")
    for out, options in (("here", ("--jobs", "1")), ("ray", on(cluster))):
        done = audit("profile", ".", "-o", f"../{tmp_path.name}-{out}.json", *options, cwd=tmp_path, **ALONE)
        assert done.returncode == 0, done.stderr
    here, there = ((tmp_path.parent / f"{tmp_path.name}-{out}.json").read_bytes() for out in ("here", "ray"))
    assert here == there


@pytest.mark.slow
def test_an_interrupted_run_ends_the_cluster_that_it_started(project: Path) -> None:
    """Nor does it say who uses it, or leave anything in the home folder."""
    with command(project, custom("waits_a"), out="stopped", more=("--engine", "ray")) as process:
        wait_for(process, (project / "cache-stopped" / "a").exists)
        started = {name for name in _session(process.pid) if "raylet" in name}
        process.send_signal(signal.SIGINT)
        said, told = process.communicate(timeout=60)
    assert started
    assert process.returncode == 3
    assert said == ""
    assert "interrupted" in told
    deadline = time.monotonic() + 20
    while _session(process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _session(process.pid) == []
    assert not list((project / "stopped").glob("*/results.json"))


def wait_for(process: subprocess.Popen[str], condition: Any) -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _session(number: int) -> list[str]:
    """The command lines of a session's living processes."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, session = stat.read_text().rpartition(") ")[2].split()[:4]
            if int(session) == number and state != "Z":
                found.append((stat.parent / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def test_an_address_at_which_nothing_answers_is_one_message(project: Path) -> None:
    with socket.socket() as free:  # nobody listens at its port once it is closed
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = time.monotonic()
    (project / "policy.yaml").write_text(yaml.safe_dump(policy(), sort_keys=False))
    done = audit("run", "policy.yaml", "--engine", "ray", "--address", f"127.0.0.1:{port}", cwd=project)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"--address 127.0.0.1:{port}: nothing answers there (")
    assert line.endswith("start the cluster (`ray start --head`), or give its address")
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("address", ["", "auto", "ray://127.0.0.1:10001", "host", "host:0", "host:70000", "ho st:1", "host:1\nx"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="is no HOST:PORT, such as"):
        chosen_engine("ray", address)


@pytest.fixture
def slot_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Slot]:
    """A slot in this process, of an audit whose site differs as is said."""
    monkeypatch.setattr(progress, "_send", None)
    monkeypatch.setattr(Site, "enter", lambda _site: None)
    here = Site.here(tmp_path)
    return lambda **changed: Slot(replace(here, **changed))


def test_a_node_that_does_not_see_the_files_is_refused(tmp_path: Path, slot_at: Callable[..., Slot]) -> None:
    for changed, missing in (({"project": "/nowhere"}, "/nowhere"), ({"mark": "other"}, f"{tmp_path}/other")):
        problem = slot_at(**changed).enter()
        assert problem is not None
        assert problem.startswith(f"does not have {missing}: the project with its data and models, and the cache (AUDIT_CACHE),")


def test_a_node_that_would_give_other_digits_is_refused(tmp_path: Path, slot_at: Callable[..., Slot]) -> None:
    facts = Site.here(tmp_path).facts
    problem = slot_at(facts={**facts, "version.numpy": "1.0", "OMP_NUM_THREADS": "7", "code of audit": "0"}).enter()
    assert problem is not None
    threads, version = facts.get("OMP_NUM_THREADS", "absent"), facts["version.numpy"]
    assert problem.startswith("would not give the same numbers: ")
    assert f"OMP_NUM_THREADS is {threads} there and 7 here; code of audit is {facts['code of audit']} there and 0 here" in problem
    assert problem.endswith(f"version.numpy is {version} there and 1.0 here: use nodes that are like this machine")


def test_a_missing_extra_is_one_message(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "policy.yaml").write_text(yaml.safe_dump(policy(), sort_keys=False))
    monkeypatch.setattr(ray, "find_spec", lambda _name: None)
    done = audit("run", "policy.yaml", "--engine", "ray", cwd=project)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "--engine ray: Ray is not installed: pip install 'model-audit-gate[ray]'\n"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--engine", "dask"), "--engine dask: is no engine: choose local or ray"),
        (("--address", "host:1"), "--address host:1: is of a Ray cluster: add --engine ray"),
    ],
)
def test_options_that_do_not_fit_are_refused(given: tuple[str, ...], said: str, project: Path) -> None:
    (project / "policy.yaml").write_text(yaml.safe_dump(policy(), sort_keys=False))
    done = audit("run", "policy.yaml", *given, cwd=project)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{said}\n")
