"""Once confined, a process writes below the named folders and nowhere else."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from audit.candidates import confinement
from audit.commands import doctor

if TYPE_CHECKING:
    from pathlib import Path

needed = pytest.mark.skipif(confinement.version() == 0, reason="this system has no Landlock")
PROGRAM = """
import os, subprocess, sys, tempfile, threading
from pathlib import Path
from audit.candidates import confinement

inside, outside = Path(sys.argv[1]), Path(sys.argv[2])
(outside / "there").write_text("as it was")
if sys.argv[3] == "armed":
    confinement.arm()
print(confinement.confine([inside]))

def tried(what):
    try:
        what()
    except OSError as error:
        print(error.errno)
    else:
        print("done")

def attempts():
    tried(lambda: (inside / "new").write_text("x"))
    tried(lambda: os.replace(inside / "new", inside / "moved"))
    tried(lambda: tempfile.TemporaryFile().close())
    tried(lambda: Path(os.devnull).write_text("x"))
    tried(lambda: (outside / "there").read_text())
    tried(lambda: (outside / "new").write_text("x"))
    tried(lambda: (outside / "there").write_text("x"))
    tried(lambda: os.truncate(outside / "there", 0))
    tried(lambda: (outside / "there").unlink())
    tried(lambda: (outside / "folder").mkdir())
    tried(lambda: os.symlink("/", outside / "link"))
    tried(lambda: os.replace(inside / "moved", outside / "moved"))

thread = threading.Thread(target=attempts)
thread.start()
thread.join()
print(subprocess.run(["touch", str(outside / "touched")], stderr=subprocess.DEVNULL).returncode)
"""


def lines(tmp_path: Path, armed: str) -> list[str]:
    for name in ("inside", "outside", "tmp"):
        (tmp_path / name).mkdir()
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "inside"), str(tmp_path / "outside"), armed]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), "TMPDIR": str(tmp_path / "tmp")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()


@needed
def test_only_the_named_folders_are_written(tmp_path: Path) -> None:
    """Nor does a thread, nor a program that it starts, make, change, cut, move or delete a file elsewhere; reading goes on."""
    found = lines(tmp_path, "armed")
    assert found[:6] == ["True", *["done"] * 5]
    assert set(found[6:-1]) <= {"13", "18"}  # not permitted; across a border
    assert len(found) == 14
    assert found[-1] != "0"
    assert [path.name for path in (tmp_path / "outside").iterdir()] == ["there"]
    assert (tmp_path / "outside/there").read_text() == "as it was"


def test_a_process_that_is_not_armed_stays_free(tmp_path: Path) -> None:
    """Whoever calls the library in a program of their own keeps what they may."""
    assert lines(tmp_path, "not")[0] == "False"


def test_doctor_says_what_holds() -> None:
    told = dict(doctor.diagnose().resources)["write protection"]
    assert told.startswith(f"Landlock {confinement.version()}" if confinement.version() else "none here")
