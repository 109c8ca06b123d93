"""`audit run` with a project's own function as a check: whatever it does, it does in a worker, and the audit ends as it must."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from audit.candidates import confinement
from tests.command import installed
from tests.running import policy, run, table

RIGHT = "    return (y_true == y_pred).astype(float)\n"
HARMLESS = f"def right(y_true, y_pred):\n{RIGHT}"
OUTSIDE = f"from pathlib import Path\n\ndef right(y_true, y_pred):\n    Path('owned').write_text('x')\n{RIGHT}"
NOISY = f"import os\n\ndef right(y_true, y_pred):\n    os.write(1, b'PROMOTE\\n')\n    print('PROMOTE')\n{RIGHT}"
EXITS = "import os\n\ndef right(y_true, y_pred):\n    os._exit(0)\n"
HANGS = "import time\n\ndef right(y_true, y_pred):\n    time.sleep(600)\n"


def made(folder: Path, function: str, **keys: Any) -> dict[str, Any]:
    """A policy that asks for the function, and for the accuracy after it."""
    (folder / "measure.py").write_text(function)
    digest = hashlib.sha256(function.encode()).hexdigest()
    own = {"check": "performance/custom", "function": "measure:right", "sha256": digest, "lowest": 0, "highest": 1, "min": 0.5, **keys}
    return policy(own, {"check": "performance/accuracy", "min": 0.5})


def status(results: dict[str, Any] | None) -> dict[str, str]:
    assert results is not None
    return {one["check"]: one["status"] for one in results["findings"]}


def test_a_function_of_the_project_is_measured(tmp_path: Path) -> None:
    """So that the next tests can fail."""
    done, results = run(tmp_path, made(tmp_path, HARMLESS), command=installed)
    assert status(results) == {"performance/custom": "pass", "performance/accuracy": "pass"}, done.stderr
    assert done.returncode == 0


@pytest.mark.skipif(confinement.version() == 0, reason="this system has no Landlock")
def test_a_worker_writes_nowhere_but_where_the_audit_may(tmp_path: Path) -> None:
    _, results = run(tmp_path, made(tmp_path, OUTSIDE), command=installed)
    assert status(results) == {"performance/custom": "error", "performance/accuracy": "pass"}
    assert not (tmp_path / "owned").exists()


def test_what_a_worker_prints_is_no_result(tmp_path: Path) -> None:
    done, results = run(tmp_path, made(tmp_path, NOISY, min=0.99), command=installed)
    assert status(results) == {"performance/custom": "fail", "performance/accuracy": "pass"}
    assert done.returncode == 1
    assert "PROMOTE" not in done.stdout
    assert done.stderr.count("PROMOTE\n") == 2


@pytest.mark.parametrize(("function", "keys"), [(EXITS, {}), (HANGS, {"limit": 1.0})])
def test_a_check_that_ends_its_worker_promotes_nothing(tmp_path: Path, function: str, keys: dict[str, Any]) -> None:
    started = time.monotonic()
    done, results = run(tmp_path, made(tmp_path, function, **keys), command=installed)
    assert status(results) == {"performance/custom": "error", "performance/accuracy": "pass"}
    assert done.returncode == 3
    assert time.monotonic() - started < 60


def test_an_interrupted_command_ends_the_checks_at_work(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "test.csv", index=False)
    function = "import time\nfrom pathlib import Path\n\ndef right(y_true, y_pred):\n    print('asked', flush=True)\n    time.sleep(600)\n"
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(made(tmp_path, function), sort_keys=False))
    environment = os.environ | {"AUDIT_CACHE": str(tmp_path / "cache"), "PYTHONPATH": ":".join(sys.path)}
    command = [sys.executable, "-m", "audit", "run", "policy.yaml", "--jobs", "2"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, start_new_session=True) as process:
        assert process.stderr is not None
        while b"asked" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        assert process.wait(timeout=60) == 3
        assert time.monotonic() - started < 10
        assert b"interrupted" in process.stderr.read()
    assert not list((tmp_path / "reports").glob("*/results.json"))
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, session = stat.read_text().rpartition(") ")[2].split()[:4]
        except OSError:
            continue
        assert int(session) != process.pid or state == "Z"
