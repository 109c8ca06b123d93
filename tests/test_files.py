"""Files that people wait for are there whole or not at all."""

from __future__ import annotations

import errno
import os
import signal
import stat
from pathlib import Path
from typing import NoReturn

import pytest

from audit import files
from audit.errors import InputError
from audit.governance.waiver_files import is_waiver, read_waiver
from audit.policy import load


def test_a_new_file_never_overwrites(tmp_path: Path) -> None:
    """Nothing is left beside it, and a secret is nobody else's to read."""
    path = tmp_path / "folder" / "a.key"
    files.write_new(path, "first\n", mode=0o600)
    with pytest.raises(FileExistsError):
        files.write_new(path, "second\n")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("first\n", 0o600)
    files.replace(path, "third\r\n")
    assert path.read_bytes() == b"third\r\n"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("write", [files.write_new, files.replace])
def test_a_writer_that_is_killed_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: object) -> None:
    """At the moment when all is written and nothing is in its place."""
    path = tmp_path / "waiver.yaml"
    if write is files.replace:
        path.write_text("before")
    child = os.fork()
    if child == 0:
        monkeypatch.setattr(os, "fsync", lambda _file: os.kill(os.getpid(), signal.SIGKILL))
        write(path, "after" * 10_000)  # type: ignore[operator]  # one of the two
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert path.exists() == (write is files.replace)
    assert write is not files.replace or path.read_text() == "before"


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: int) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.write_new(tmp_path / "a", "text")
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> NoReturn:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    files.write_new(tmp_path / "a", "text")
    with pytest.raises(FileExistsError):
        files.write_new(tmp_path / "a", "other")
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("a", "text")]


def test_pipes_and_devices_are_refused_at_once(tmp_path: Path) -> None:
    """A pipe without a writer would be waited for, and a device may never end."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(OSError, match="no regular file"):
            files.read_at_most(path, 10)
        with pytest.raises(InputError, match="cannot be read"):
            load(path)
        with pytest.raises(InputError, match="cannot be read"):
            read_waiver(path)
        assert not is_waiver(path)
    (tmp_path / "long").write_text("x" * 20)
    assert files.read_at_most(tmp_path / "long", 10) == b"x" * 11
