"""Only a child that says how it ended is believed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import os, signal, sys, threading, time
from audit.errors import AuditError
from audit.supervise import supervised

def work():
    {body}

try:
    code = supervised(work)
except AuditError as error:
    print(error, file=sys.stderr)
    code = 3
sys.exit(code)
"""


def run(body: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", PROGRAM.format(body=body)], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4])
def test_an_exit_code_is_passed_on(code: int) -> None:
    assert run(f"return {code}").returncode == code


@pytest.mark.parametrize(
    "body",
    [
        "os._exit(0)",
        "os.kill(os.getpid(), signal.SIGKILL)",
        "os.kill(os.getpid(), signal.SIGSEGV)",
        "sys.exit(0)",
        "raise ValueError",
        "os.abort()",
    ],
)
def test_a_child_that_ends_in_another_way_is_broken(body: str) -> None:
    """`os._exit(0)` deep in a library must not read as promote."""
    assert run(body).returncode == 3


def test_a_thread_that_hangs_does_not_keep_the_process() -> None:
    assert run("threading.Thread(target=time.sleep, args=(600,)).start(); return 1").returncode == 1


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_to_the_parent_alone_ends_the_child_tidily(name: str, tmp_path: Path) -> None:
    """A CI runner that gives up on the parent leaves no audit behind that might still promote."""
    body = f"""
    try:
        pathlib.Path({str(tmp_path / "started")!r}).touch()
        time.sleep(60)
    except KeyboardInterrupt:
        pathlib.Path({str(tmp_path / "tidied")!r}).touch()
        return 3
    """
    program = PROGRAM.replace("import os,", "import pathlib, os,").format(body=body.strip())
    with subprocess.Popen([sys.executable, "-c", program], start_new_session=True) as process:
        deadline = time.monotonic() + 30
        while not (tmp_path / "started").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(getattr(signal, name))
        assert process.wait(timeout=30) == 3
    assert (tmp_path / "tidied").exists()
