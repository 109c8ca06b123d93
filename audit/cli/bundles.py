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
    """List the runs that the ledger holds, after checking its chain and the bundles at hand. 1 where one is not as recorded."""
    from audit.commands.history import ledger_lines
    from audit.ledger import ledger_path

    entries, wrong = ledger_lines(out)
    lines = list(entries)
    say(lines)
    if html:
        from audit.commands import history_page

        say([f"{history_page.write(out, wrong)}: written"])
    tell(wrong or ([] if lines else [f"{ledger_path(out)}: no runs yet"]))
    return 1 if wrong else GOOD
