"""What every command is made with: the application, the options that several share, and how results are printed."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from audit.cli.display import rich_options, shared_options

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from audit.cli.summary import Line


class _Group(TyperGroup):
    """The commands with their whole summaries, wrapped: click's own list cuts them."""

    def __init__(self, **given: Any) -> None:
        given["params"] = [*(given.get("params") or ()), *shared_options()]
        super().__init__(**given)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        named = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, _summary(one.help or "")) for name, one in named if one is not None and not one.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _summary(text: str) -> str:
    return " ".join(text.split("\n\n", maxsplit=1)[0].split())


app = typer.Typer(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Audit a machine-learning model against a policy: promote only on proof.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: it answers at once, and pipes well
)


class _Command(TyperCommand):
    """A command whose usage is the same under every version of typer: newer ones write `{POLICY}`."""

    def __init__(self, *positional: Any, **given: Any) -> None:
        given["params"] = [*(given.get("params") or ()), *shared_options()]
        super().__init__(*positional, **given)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ARG002  # typer's signature
        names = [(str(one.metavar or one.name), one.required) for one in self.params if one.param_type_name == "argument"]
        return ["[OPTIONS]", *(name if required else f"[{name}]" for name, required in names)]


command = partial(app.command, cls=_Command)
PolicyFile = Annotated[Path, typer.Argument(metavar="POLICY", help="a policy file", show_default=False)]
Policies = Annotated[list[Path], typer.Argument(metavar="POLICY...", help="policy files, or folders of them", show_default=False)]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="folder of the bundles")]
ColumnRoles = Annotated[list[str] | None, typer.Option("--column", metavar="ROLE=NAME", help="which column is the label, the score, ...")]
FurtherData = Annotated[list[str] | None, typer.Option("--dataset", metavar="ROLE=FILE", help="further data, such as reference=FILE")]
Reading = Annotated[
    list[str] | None, typer.Option("--read", metavar="K=V", help="how files are read: missing, separator, decimal, encoding, types")
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="of every random draw")]
EngineOption = Annotated[str, typer.Option("--engine", metavar="local|ray", help="where checks run: here, or on a Ray cluster")]
Address = Annotated[
    str | None, typer.Option("--address", metavar="HOST:PORT", help="of a running Ray cluster; without it one is started for the run")
]
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

    made = Console(soft_wrap=True, highlight=False, stderr=err, **rich_options())
    if made.width >= _NARROWEST:
        return made
    return Console(soft_wrap=True, highlight=False, stderr=err, width=_USUAL_WIDTH, **rich_options())


_NARROWEST, _USUAL_WIDTH = 20, 80


def paint(lines: Iterable[Line], *, err: bool = False) -> None:
    """Results, to standard output or standard error, coloured where that is a terminal."""
    from rich.text import Text

    from audit.formatting import neutral

    shown = console(err=err)
    for line in lines:
        shown.print(Text(neutral(line.text), style=line.style))
