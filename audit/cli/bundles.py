"""The commands that read what runs have left: differences, the report again, the history."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit.cli.base import AllowOutside, Out, paint, say
from audit.cli.exit_codes import GOOD, tell
from audit.errors import InputError


def diff(
    old: Annotated[Path, typer.Argument(metavar="A", help="a policy, or the bundle of an audit")],
    new: Annotated[Path, typer.Argument(metavar="B", help="the one that is compared with it")],
    allow_outside: AllowOutside = False,  # noqa: FBT002  # an option
) -> int:
    """Show what B loosens, tightens or changes of policy A, or how two audits differ. 1 if something is looser or worse."""
    from audit.cli.summary import difference_lines

    lines, bad = difference_lines(old, new, allow_outside=allow_outside)
    paint(lines)
    return 1 if bad else GOOD


def report(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="folder that a run wrote")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="file to write, RUN.html where absent; of formats, a folder")
    ] = None,
    formats: Annotated[
        list[str] | None, typer.Option("--format", metavar="F", help="pdf, or a format of `audit run --format`, in place of html")
    ] = None,
    key: Annotated[
        list[Path] | None,
        typer.Option(
            "--key", metavar="TRUSTED", help="show signatures and reviews that verify under these public keys, or folders of them"
        ),
    ] = None,
) -> int:
    """Render the report of a stored run again, or another format, from its record alone; a bundle with a changed file is refused."""
    from audit.commands import report as report_command
    from audit.export import chosen

    if str(out) == "-":
        msg = "-o -: name a file"
        raise InputError(msg)
    pdf = "pdf" in (formats or ())
    if pdf and len(formats or ()) > 1:
        msg = "--format pdf: name it alone, since -o is then a file"
        raise InputError(msg)
    if exports := chosen([] if pdf else formats or ()):
        say(f"{place}: written" for place in report_command.export(bundle, exports, out or Path(f"{bundle.resolve().name}-exports")))
        if "html" not in (formats or ()):
            return GOOD
        out = None
    place = out or Path(f"{bundle.resolve().name}.{'pdf' if pdf else 'html'}")
    tell(list(report_command.write(bundle, place, key or (), pdf=pdf)))
    say([f"{place}: written"])
    return GOOD


def history(
    out: Out = Path("reports"),
    html: Annotated[bool, typer.Option("--html", help="write index.html beside the bundles: runs, decisions, values over time")] = False,  # noqa: FBT002  # an option
) -> int:
    """List what the ledger holds, and the trend of every requirement, after checking chain and bundles. 1 where one is not as recorded."""
    from audit.commands import history as found
    from audit.commands.past import history as past
    from audit.ledger import ledger_path

    ledger = found.checked(out)
    say([*found.entry_lines(ledger.entries, ledger.states), *ledger.settled, *found.trend_lines(past(out, ledger.entries, ledger.states))])
    if html:
        from audit.commands import history_page

        say([f"{history_page.write(out, ledger.wrong, ledger.states)}: written"])
    tell(ledger.wrong or ([] if ledger.entries else [f"{ledger_path(out)}: no runs yet"]))
    return 1 if ledger.wrong else GOOD
