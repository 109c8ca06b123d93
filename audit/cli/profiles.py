"""`audit profile`."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path  # noqa: TC003  # typer looks at it when the command is called
from typing import TYPE_CHECKING, Annotated

import typer

from audit.cli.base import Address, ColumnRoles, EngineOption, Reading, say
from audit.cli.display import progress
from audit.cli.exit_codes import GOOD, remark
from audit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.pipeline.engine import Workers


@contextmanager
def _workers(jobs: int | None, engine: str, address: str | None) -> Iterator[Workers | None]:
    """Who profiles parts; None where a file is profiled as a whole."""
    from audit.pipeline import engine as engines

    where = engines.chosen_engine(engine, address)
    with engines.connected(where, address) as cluster:
        yield None if jobs is None and where == "local" else engines.Workers(jobs or 1, None, cluster)


def profile(  # noqa: PLR0913, PLR0917  # one parameter an option
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="CSV, Parquet or JSON lines; with --merge, profiles")],
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="file to write, FILE.profile.json where absent")] = None,
    column: ColumnRoles = None,
    by: Annotated[
        list[str] | None,
        typer.Option("--by", metavar="COLUMN", help="count labels and predictions by this column too, exactly and with all its values"),
    ] = None,
    reading: Reading = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", metavar="N", min=1, help="profile the files of a folder by themselves, so many at a time")
    ] = None,
    engine: EngineOption = "local",
    address: Address = None,
    merge: Annotated[bool, typer.Option("--merge", help="make one profile of several")] = False,  # noqa: FBT002  # an option
) -> int:
    """Write a profile of a file, under a megabyte and without its rows, that other commands take in place of the file."""
    from audit.commands import profile as profile_command

    if merge:
        if out is None or column or by or reading or jobs is not None or (engine, address) != ("local", None):
            msg = "--merge: name the file to write with -o, and leave the other options out: profiles have them"
            raise InputError(msg)
        found = profile_command.merge(files)
    else:
        if len(files) > 1:
            msg = f"{files[1]}: profile one file at a time, or merge profiles with --merge"
            raise InputError(msg)
        asked = profile_command.ProfileRequest(files[0], column or (), by or (), reading or ())
        with _workers(jobs, engine, address) as at_a_time:
            if at_a_time is None:
                found, remarks = profile_command.make(asked, progress())
            else:
                found, remarks = profile_command.make_in_parts(asked, at_a_time, progress())
        remark(remarks)
    place = out or profile_command.place_of(files[0])
    profile_command.write(found, place)
    say([f"{place}: written; {'; '.join(profile_command.described(found))}"])
    return GOOD
