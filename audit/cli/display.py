"""How much a command says and in which colours: -q, -v and --color, before or behind the command's name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from audit.progress import Progress

Color = Literal["auto", "always", "never"]
_COLORS: tuple[Color, ...] = ("auto", "always", "never")


@dataclass(slots=True)
class Display:
    """What the command line asks for; one for the process."""

    quiet: bool = False
    """The decision and errors alone."""
    verbose: bool = False
    """Stages and timings too, on standard error."""
    color: Color = "auto"

    def reset(self) -> None:
        """As it is before a command line is read."""
        self.quiet, self.verbose, self.color = False, False, "auto"


display = Display()


def progress() -> Progress:
    """What shows how far tasks are; nothing under -q."""
    from audit import progress as shown

    return shown.SILENT if display.quiet else shown.on_stderr()


def rich_options() -> dict[str, Any]:
    """How a console decides on colours. NO_COLOR and FORCE_COLOR count unless --color says otherwise."""
    if display.color == "always":
        return {"force_terminal": True, "no_color": False}
    if display.color == "never" or os.environ.get("NO_COLOR"):
        return {"color_system": None}
    return {}


def _quiet(wanted: bool) -> None:  # noqa: FBT001  # typer calls it with the option's value
    display.quiet = display.quiet or wanted
    _refuse_both()


def _verbose(wanted: bool) -> None:  # noqa: FBT001  # typer calls it with the option's value
    display.verbose = display.verbose or wanted
    _refuse_both()


def _refuse_both() -> None:
    if display.quiet and display.verbose:
        msg = "-q and -v exclude each other: give one of them"
        raise typer.BadParameter(msg)


def _color(chosen: str | None) -> None:
    if chosen is None:
        return
    if chosen not in _COLORS:
        msg = f"--color {chosen}: give one of {', '.join(_COLORS)}"
        raise typer.BadParameter(msg)
    display.color = chosen


def _shared(
    quiet: Annotated[  # noqa: FBT002  # an option
        bool, typer.Option("--quiet", "-q", callback=_quiet, expose_value=False, help="print the decision and errors alone")
    ] = False,
    verbose: Annotated[  # noqa: FBT002  # an option
        bool, typer.Option("--verbose", "-v", callback=_verbose, expose_value=False, help="print stages and timings too, on standard error")
    ] = False,
    color: Annotated[
        str | None,
        typer.Option(
            "--color", metavar="auto|always|never", callback=_color, expose_value=False, help="colours; auto where a terminal shows them"
        ),
    ] = None,
) -> None:
    """Carries the options that every command takes."""


@cache
def shared_options() -> tuple[Any, ...]:
    """The options as typer makes them, whichever version it has."""
    probe = typer.Typer(add_completion=False)
    probe.command()(_shared)
    return tuple(typer.main.get_command(probe).params)
