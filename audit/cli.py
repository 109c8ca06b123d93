"""The commands. The only file that prints or exits; whatever is heavy is imported inside a command."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, cast

import typer

from audit import __version__
from audit.errors import AuditError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from audit.policy import LoadedPolicy

GOOD, USAGE, BROKEN = 0, 2, 3
"""Exit codes; 1 and 4 come from a verdict alone."""
_UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__base__)  # of typer's own copy of click, or of click

app = typer.Typer(
    help="Audit a machine-learning model against a policy: promote only on proof.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: it answers at once, and pipes well
)

PolicyFile = Annotated[Path, typer.Argument(metavar="POLICY", help="a policy file", show_default=False)]
AllowOutside = Annotated[bool, typer.Option("--allow-outside", help="let paths of the policy leave the project folder")]


def _say(lines: Iterable[str]) -> None:
    """Results, to standard output."""
    for line in lines:
        typer.echo(line)


def _tell(lines: Iterable[str]) -> None:
    """Messages, to standard error."""
    for line in lines:
        typer.echo(line, err=True)


def _version(wanted: bool) -> None:  # noqa: FBT001  # typer calls it with the option's value
    if wanted:
        _say([f"audit {__version__}"])
        raise typer.Exit(GOOD)


@app.callback()
def _options(
    _wanted: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")] = False,  # noqa: FBT002  # an option
) -> None:
    pass


@app.command()
def validate(policy: PolicyFile, allow_outside: AllowOutside = False) -> int:  # noqa: FBT002  # an option
    """Check a policy and show every mistake at its place."""
    from audit import catalog
    from audit.policy import load
    from audit.terminal import neutral

    loaded = load(policy, allow_outside=allow_outside, catalog=catalog.discover())
    _check_data(loaded)
    count = len(loaded.policy.require)
    _say([neutral(f"{policy}: valid, {count} requirement{'s' if count > 1 else ''}")])
    return GOOD


def _check_data(loaded: LoadedPolicy) -> None:
    """The rules that need the data, where the data are there."""
    from audit import plan
    from audit.session import read_datasets
    from audit.terminal import neutral

    plan.check_served(loaded)
    absent = [spec.path for spec in loaded.policy.datasets.values() if not loaded.resolve(spec.path).is_file()]
    if absent:
        _tell([neutral(f"not here, so their columns are not checked: {', '.join(absent)}")])
    else:
        plan.check_columns(loaded, read_datasets(loaded))


@app.command()
def schema() -> int:
    """Print the JSON Schema of policies, for editors."""
    from audit.docs_pages import schema_page

    _say([schema_page().rstrip("\n")])
    return GOOD


@app.command()
def checks(check: Annotated[str | None, typer.Argument(metavar="[ID]", help="explain this check alone")] = None) -> int:
    """List every check: its bound's side, its unit, its question."""
    from audit import catalog
    from audit.terminal import catalogue

    if check is not None:
        return explain(check)
    _say(catalogue(catalog.discover()))
    return GOOD


@app.command()
def explain(check: Annotated[str, typer.Argument(metavar="ID", help="a check, such as performance/accuracy")]) -> int:
    """Say what a check measures, what it takes and how a policy asks for it."""
    from audit.explain import explain as explained
    from audit.terminal import explanation

    _say(explanation(explained(check)))
    return GOOD


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="folder with the data and the model")] = Path(),
    name: Annotated[str | None, typer.Option("--name", help="name of the policy; the folder's where absent")] = None,
) -> int:
    """Write a commented starter policy for the data and the model in a folder."""
    from audit import starter
    from audit.terminal import neutral

    path = starter.write(folder, name)
    _say([neutral(f"{path}: written; set its bounds, then: audit run {path}")])
    return GOOD


@app.command()
def doctor() -> int:
    """Show versions, extras, offline resources and licences."""
    from audit.doctor import diagnose
    from audit.terminal import diagnosis

    _say(diagnosis(diagnose()))
    return GOOD


@app.command()
def history(out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="folder of the bundles")] = Path("reports")) -> int:
    """List the runs that the ledger holds, after checking its chain."""
    from audit.ledger import Ledger
    from audit.session import ledger_path
    from audit.terminal import history as lines

    ledger = Ledger(ledger_path(out))
    if ledger.verify():
        _say(lines(ledger.entries()))
    else:
        _tell([f"{ledger.path}: no runs yet"])
    return GOOD


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command; expected errors are one message, unexpected ones a line and exit code 3."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal without Unicode shows escapes
    try:
        code = typer.main.get_command(app).main(arguments, prog_name="audit", standalone_mode=False)
        sys.stdout.flush()
    except _UsageError as error:
        error.show()
        code = USAGE
    except AuditError as error:
        code = _expected(error)
    except (KeyboardInterrupt, typer.Abort):
        _tell(["interrupted"])
        code = BROKEN
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that Python's own flush at exit is quiet
        code = BROKEN
    except Exception as error:  # noqa: BLE001  # the outermost: whatever broke is exit code 3, never 1
        code = _unexpected(error)
    sys.exit(code)


def _expected(error: AuditError) -> int:
    from audit.terminal import error_lines

    _tell(error_lines(error))
    return USAGE if isinstance(error, InputError) else BROKEN


def _unexpected(error: Exception) -> int:
    from audit.terminal import neutral

    if os.environ.get("AUDIT_DEBUG"):
        import traceback

        _tell(traceback.format_exception(error))
    _tell([neutral(f"audit broke: {type(error).__name__}: {error} (AUDIT_DEBUG=1 shows where)")])
    return BROKEN
