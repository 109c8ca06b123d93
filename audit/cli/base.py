"""What every command is made with: the application, the options that several share, and how results are printed."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from audit.cli.summary import Line

app = typer.Typer(
    help="Audit a machine-learning model against a policy: promote only on proof.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: it answers at once, and pipes well
)


class _Command(TyperCommand):
    """A command whose usage is the same under every version of typer: newer ones write `{POLICY}`."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ARG002  # typer's signature
        names = [(str(one.metavar or one.name), one.required) for one in self.params if one.param_type_name == "argument"]
        return ["[OPTIONS]", *(name if required else f"[{name}]" for name, required in names)]


command = partial(app.command, cls=_Command)
PolicyFile = Annotated[Path, typer.Argument(metavar="POLICY", help="a policy file", show_default=False)]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="folder of the bundles")]
AllowOutside = Annotated[bool, typer.Option("--allow-outside", help="let paths of the policy leave the project folder")]


def say(lines: Iterable[str]) -> None:
    """Results, to standard output, each as one line that a terminal shows as it stands."""
    from audit.formatting import neutral

    for line in lines:
        typer.echo(neutral(line))


def width() -> int:
    """Columns that standard output has."""
    return console().width


def console(*, err: bool = False) -> Console:
    """Standard output, or standard error.

    It is as wide as usual where the environment names a width in which nothing could be read, such as COLUMNS=0.
    """
    from rich.console import Console

    made = Console(soft_wrap=True, highlight=False, stderr=err)
    return made if made.width >= _NARROWEST else Console(soft_wrap=True, highlight=False, stderr=err, width=_USUAL_WIDTH)


_NARROWEST, _USUAL_WIDTH = 20, 80


def paint(lines: Iterable[Line], *, err: bool = False) -> None:
    """Results, to standard output or standard error, coloured where that is a terminal."""
    from rich.text import Text

    from audit.formatting import neutral

    shown = console(err=err)
    for line in lines:
        shown.print(Text(neutral(line.text), style=line.style))
