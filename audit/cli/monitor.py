"""The command of the periodic production audit."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audit.cli.base import Address, AllowOutside, EngineOption, Out, PolicyFile, paint, say
from audit.cli.display import display, progress
from audit.cli.exit_codes import GOOD, guarded, tell
from audit.errors import InputError

if TYPE_CHECKING:
    from audit.monitor.run import Ended
    from audit.pipeline.run import Options


def monitor(
    policy: PolicyFile,
    window: Annotated[Path, typer.Option("--window", metavar="FILE", help="rows of one window, or of several")],
    out: Out = Path("reports"),
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", min=1, help="checks at a time")] = 1,
    engine: EngineOption = "local",
    address: Address = None,
    allow_outside: AllowOutside = False,  # noqa: FBT002  # an option
) -> int:
    """Audit a window of production data, and add it to the evidence so far: 0 keep or watch, 1 roll back, 4 conditions, 5 train anew."""
    from audit.cli.runs import tell_of_new_ledger
    from audit.cli.worker import supervised
    from audit.commands.monitor import refuse_unproven
    from audit.pipeline.engine import chosen_engine
    from audit.pipeline.run import Options

    if str(out) == "-":
        msg = "-o -: a bundle is a folder: name one"
        raise InputError(msg)
    where = chosen_engine(engine, address)
    said = " ".join(["audit", *sys.argv[1:]])
    options = Options(out, said, workers=jobs, allow_outside=allow_outside, engine=where, address=address)
    tell_of_new_ledger(out)
    code = supervised(lambda: guarded(lambda: _windows(policy, window, options)))
    if code == GOOD:  # whatever ran in the other process may lie
        refuse_unproven(policy, window, options)
    return code


def _windows(policy: Path, window: Path, options: Options) -> int:
    """Every window of the file, in the supervised process."""
    from audit.cli.runs import tell_of_finding
    from audit.commands import history_page
    from audit.monitor.outcome import worst
    from audit.monitor.run import audit_windows

    codes: list[int] = []
    windows = audit_windows(policy, window, options, progress(), on_finding=tell_of_finding)
    while True:
        with contextlib.redirect_stdout(sys.stderr):  # what libraries print is no result
            ended = next(windows, None)
        if ended is None:
            break
        _show(ended, more=bool(codes))
        codes.append(ended.exit_code)
    tell(history_page.rebuild(options.out))
    return worst(codes)


def _show(ended: Ended, *, more: bool) -> None:
    from audit.cli import summary

    if ended.audit is None:
        say([f"{ended.text} (exit code {ended.exit_code})"])
    elif display.quiet:
        paint([summary.decision_line(ended.audit)])
    else:
        say([""] if more else [])
        paint(summary.lines(ended.audit, str(ended.place)))
    tell(ended.undelivered)
    if ended.audit is not None and display.verbose:
        tell([f"run {ended.audit.run.id}: {ended.audit.run.seconds:.1f} s"])
