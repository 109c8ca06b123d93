"""Only a child that says how it ended is believed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = """
import os, signal, sys, threading, time
from audit.errors import AuditError
from audit.cli.worker import supervised

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job is born deaf to it

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


def test_a_process_that_a_library_left_behind_does_not_keep_it() -> None:
    """It holds the other end of the pipe through which the child says how it ended."""
    body = "(os.fork() or [os.close(1), os.close(2), time.sleep(20), os._exit(0)]); return 1"
    started = time.monotonic()
    assert run(body).returncode == 1
    assert time.monotonic() - started < 15


def test_what_cannot_be_said_is_not_exit_zero(tmp_path: Path) -> None:
    """Standard output is a full disk."""
    program = PROGRAM.format(body="print('promote'); return 0")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-c", program], stdout=full, stderr=subprocess.PIPE, cwd=tmp_path, timeout=60, check=False)
    assert done.returncode not in {0, 1, 2, 4}


@pytest.mark.parametrize("closed", ["0<&-", "0<&- 1>&-", "0<&- 1>&- 2>&-"])
def test_no_file_takes_the_number_of_a_closed_stream(closed: str, tmp_path: Path) -> None:
    """What a library prints in native code would go into it."""
    body = "file = open('evidence', 'w'); os.write(1, b'noise'); os.write(2, b'noise'); return 4"
    (tmp_path / "program.py").write_text(PROGRAM.format(body=body))
    done = subprocess.run(["/bin/sh", "-c", f"{sys.executable} program.py {closed}"], cwd=tmp_path, timeout=60, check=False)
    assert done.returncode == 4
    assert (tmp_path / "evidence").read_text() == ""


TEMPORARY = "import tempfile; tempfile.mkdtemp(); pathlib.Path(tempfile.gettempdir(), 'found').touch()"


@pytest.mark.parametrize("end", ["return 1", "os._exit(0)", "os.kill(os.getpid(), signal.SIGKILL)", "os.kill(os.getppid(), signal.SIGINT)"])
def test_no_temporary_file_stays_however_the_child_ends(end: str, tmp_path: Path) -> None:
    program = PROGRAM.replace("import os,", "import pathlib, os,").format(body=f"{TEMPORARY}; {end}; time.sleep(60)")
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, timeout=60, check=False)
    assert list(tmp_path.iterdir()) == []


def test_where_no_temporary_folder_can_be_made_it_runs_all_the_same(tmp_path: Path) -> None:
    program = PROGRAM.format(body="return 4").replace("code = supervised", "tempfile.tempdir = 'absent'; code = supervised")
    done = subprocess.run([sys.executable, "-c", "import tempfile" + program], cwd=tmp_path, timeout=60, check=False)
    assert done.returncode == 4


def test_a_signal_that_the_caller_ignores_stays_ignored(tmp_path: Path) -> None:
    """Under nohup an audit outlives the terminal."""
    body = f"pathlib.Path({str(tmp_path / 'started')!r}).touch(); time.sleep(2); return 4"
    program = PROGRAM.replace("import os,", "import pathlib, os,").format(body=body)
    with subprocess.Popen(["nohup", sys.executable, "-c", program], start_new_session=True) as process:
        deadline = time.monotonic() + 30
        while not (tmp_path / "started").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGHUP)
        assert process.wait(timeout=30) == 4


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
    heard = f"signal.signal(signal.{name}, signal.SIG_DFL)  # whoever runs these tests under nohup ignores it\n\ntry:\n    code ="
    program = PROGRAM.replace("import os,", "import pathlib, os,").replace("try:\n    code =", heard).format(body=body.strip())
    with subprocess.Popen([sys.executable, "-c", program], start_new_session=True) as process:
        deadline = time.monotonic() + 30
        while not (tmp_path / "started").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(getattr(signal, name))
        assert process.wait(timeout=30) == 3
    assert (tmp_path / "tidied").exists()
