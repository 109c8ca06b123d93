"""Each awkward input ends as it should: by its exit code and in words, never with a traceback, never with a command to the CI system."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from tests.awkward import models, tables
from tests.command import audit

if TYPE_CHECKING:
    from pathlib import Path

    from tests.awkward.case import Case

FULL = (pytest.mark.full, pytest.mark.skipif(find_spec("textattack") is None, reason="needs textattack (the extra attacks)"))
CASES = [pytest.param(case, id=case.name, marks=FULL if case.attacks else ()) for case in (*tables.CASES, *models.CASES)]


@pytest.mark.parametrize("case", CASES)
def test_an_awkward_input_is_read_rightly_or_refused(case: Case, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    case.make(tmp_path)
    done = audit(*case.command, cwd=tmp_path, AUDIT_CACHE=str(tmp_path / "cache"), COLUMNS="200")
    said = "\n".join((done.stdout, done.stderr, *capfd.readouterr()))
    assert done.returncode == case.code, said
    assert re.search(case.says, said), said
    assert "Traceback" not in said
    assert "audit broke" not in said
    assert not re.search("^::", said, re.MULTILINE)
