"""Each awkward input ends as it should: by its exit code and in words, never with a traceback, never with a command to the CI system."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from audit.cli import app
from tests.awkward import models, tables

if TYPE_CHECKING:
    from pathlib import Path

    from tests.awkward.case import Case

FULL = (pytest.mark.full, pytest.mark.skipif(find_spec("textattack") is None, reason="needs textattack (the extra attacks)"))
CASES = [pytest.param(case, id=case.name, marks=FULL if case.attacks else ()) for case in (*tables.CASES, *models.CASES)]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # an audit runs in a forked child
@pytest.mark.parametrize("case", CASES)
def test_an_awkward_input_is_read_rightly_or_refused(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    case.make(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUDIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as end:
        app.main(case.command)
    said = "\n".join(capfd.readouterr())
    assert end.value.code == case.code, said
    assert re.search(case.says, said), said
    assert "Traceback" not in said
    assert "audit broke" not in said
    assert not re.search("^::", said, re.MULTILINE)
