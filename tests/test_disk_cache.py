"""The cache lies where the user says, and gives back only what was written."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from audit import disk_cache

if TYPE_CHECKING:
    from pathlib import Path


def test_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """AUDIT_CACHE before XDG_CACHE_HOME before the home folder."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("AUDIT_CACHE", raising=False)
    assert disk_cache.root() == tmp_path / "home" / ".cache" / "audit"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert disk_cache.root() == tmp_path / "xdg" / "audit"
    monkeypatch.setenv("AUDIT_CACHE", str(tmp_path / "mine"))
    assert disk_cache.root() == tmp_path / "mine"
    assert (tmp_path / "mine").is_dir()


def test_a_place_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A temporary folder stands in, the same one for the whole process, and it is said once."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AUDIT_CACHE", str(tmp_path / "file" / "below"))
    with caplog.at_level(logging.WARNING):
        place = disk_cache.root()
        assert disk_cache.root() == place
    assert place.is_dir()
    assert place.name.startswith("audit-cache-")
    assert caplog.text.count("cannot be written") == 1
    place.rmdir()


def test_written_and_read(tmp_path: Path) -> None:
    """Whole, or not at all; nothing half done is left beside it."""
    path = tmp_path / "a" / "b"
    disk_cache.write(path, b"")
    assert disk_cache.read(path) == b""
    disk_cache.write(path, b"content")
    assert disk_cache.read(path) == b"content"
    assert disk_cache.read(tmp_path / "none") is None
    assert list(path.parent.iterdir()) == [path]


def test_an_entry_copied_over_another_is_noticed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It belongs to another key, whatever the file is called."""
    for name in ("one", "two"):
        disk_cache.write(tmp_path / name, name.encode())
    (tmp_path / "one").write_bytes((tmp_path / "two").read_bytes())
    with caplog.at_level(logging.WARNING):
        assert disk_cache.read(tmp_path / "one") is None
    assert "holds another entry" in caplog.text
    disk_cache.write(tmp_path / "seal", b"of a folder", key="folder")
    assert disk_cache.read(tmp_path / "seal", key="folder") == b"of a folder"
    assert disk_cache.read(tmp_path / "seal", key="another") is None


def test_what_could_not_be_written_is_not_left_half_there(tmp_path: Path) -> None:
    """Each run against a full disk would else leave one more file on it."""
    (tmp_path / "taken" / "by a folder").mkdir(parents=True)
    with pytest.raises(OSError, match="taken"):
        disk_cache.write(tmp_path / "taken", b"content")
    assert list(tmp_path.iterdir()) == [tmp_path / "taken"]


def test_the_key_knows_no_order() -> None:
    """The same facts give the same key; another fact another."""
    assert disk_cache.key({"a": 1, "b": [2]}) == disk_cache.key({"b": [2], "a": 1})
    assert disk_cache.key({"a": 1}) != disk_cache.key({"a": "1"})


SURROUNDINGS = "import sys; from audit import disk_cache; print(disk_cache.surroundings('torch')); assert 'torch' not in sys.modules"


def test_what_surrounds_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions without imports; the number of threads and an absent library count."""
    run = subprocess.run([sys.executable, "-c", SURROUNDINGS], check=True, capture_output=True, text=True, env=os.environ)
    assert "'version.torch': " in run.stdout
    before = disk_cache.surroundings("no-such-library")
    assert before["version.no-such-library"] == "absent"
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert disk_cache.key(disk_cache.surroundings()) != disk_cache.key(before)
