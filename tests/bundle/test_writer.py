"""Where bundles go, and what is in the way of one."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from audit.bundle import writer
from audit.errors import InputError
from audit.ledger import times
from tests.running import policy, table

AUDIT = str(Path(sys.executable).with_name("audit"))


def test_a_name_that_is_taken_is_counted_up(tmp_path: Path) -> None:
    """With a fixed clock, and in containers, each run may have the same name."""
    assert writer.unused(tmp_path, "run") == "run"
    for name in ("run", "run-2"):
        assert writer.unused(tmp_path, "run") == name
        making = writer.Bundle(tmp_path, name)
        making.write("results.json", name)
        making.finish()
    assert writer.unused(tmp_path, "run") == "run-3"
    assert (tmp_path / "run" / "results.json").read_text() == "run"


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_measured(tmp_path: Path) -> None:
    """Not after an hour of training."""
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match="name another folder with -o"):
            writer.refuse_unwritable(out)
    writer.refuse_unwritable(tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []


def test_a_policy_of_odd_bytes_is_audited_all_the_same(tmp_path: Path) -> None:
    """Its name is no text in any encoding; the results hold it escaped."""
    table().to_csv(tmp_path / "test.csv", index=False)
    name = os.fsdecode(b"p\xff.yaml")
    (tmp_path / name).write_text(yaml.safe_dump(policy()))
    environment = os.environ | {"AUDIT_CACHE": str(tmp_path / "cache")}
    command = [AUDIT, "run", name, "-o", os.fsdecode(b"o\xff")]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    (place,) = tmp_path.glob("o*/*/")
    assert "p\\udcff.yaml" in (place / "results.json").read_text(encoding="utf-8")


def test_the_clock_can_be_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert times.now() == datetime(1970, 1, 2, tzinfo=UTC)
    for wrong in ("noon", "1e9", "9" * 30):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", wrong)
        with pytest.raises(InputError, match="whole seconds since 1970"):
            times.now()
