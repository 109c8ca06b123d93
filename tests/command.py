"""The command, in this process and in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

AUDIT = str(Path(sys.executable).with_name("audit"))


def installed(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a shell sees of the installed command."""
    return subprocess.run(
        [AUDIT, *arguments], cwd=cwd, env=os.environ | environment, capture_output=True, text=True, timeout=300, check=False
    )


def audit(*arguments: str, cwd: Path | None = None, workers: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    """The same without starting Python again: no parent supervises it, and checks are measured in this process or so many workers."""
    from audit.cli import app, worker
    from audit.commands import check
    from audit.pipeline import run

    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        patch.chdir(cwd or Path.cwd())
        for name, value in ({"OMP_WAIT_POLICY": "PASSIVE"} | environment).items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["audit", *arguments])  # which the bundle records
        patch.setattr(worker, "supervised", lambda work: work())
        patch.setattr(run, "Options", _with_workers(run.Options, workers))
        patch.setattr(check, "CheckRequest", _with_workers(check.CheckRequest, workers))
        with pytest.raises(SystemExit) as ended:
            app.main(arguments)
    assert isinstance(ended.value.code, int)
    return subprocess.CompletedProcess(arguments, ended.value.code, out.getvalue(), err.getvalue())


def _with_workers(options: Callable[..., Any], workers: int) -> Callable[..., Any]:
    return lambda *given, **named: replace(options(*given, **named), workers=workers)
