"""How a command ends: the exit code of its work, and one message for whatever went wrong."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, cast

import typer

from audit.errors import AuditError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

GOOD, USAGE, BROKEN = 0, 2, 3
"""Exit codes; 1 and 4 come from a verdict alone."""
_UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__base__)  # of typer's own copy of click, or of click


def tell(lines: Iterable[str]) -> None:
    """Messages, to standard error."""
    for line in lines:
        typer.echo(line, err=True)


def guarded(work: Callable[[], int]) -> int:
    """The exit code of some work; expected errors are one message, unexpected ones a line and exit code 3."""
    try:
        return work()
    except _UsageError as error:
        error.show()
        return USAGE
    except AuditError as error:
        return _expected(error)
    except (KeyboardInterrupt, typer.Abort):
        tell(["interrupted"])
        return BROKEN
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that Python's own flush at exit is quiet
        return BROKEN
    except Exception as error:  # noqa: BLE001  # the outermost: whatever broke is exit code 3, never 1
        return _unexpected(error)


def _expected(error: AuditError) -> int:
    from audit.terminal import error_lines

    tell(error_lines(error))
    return USAGE if isinstance(error, InputError) else BROKEN


def _unexpected(error: Exception) -> int:
    from audit.terminal import neutral

    if os.environ.get("AUDIT_DEBUG"):
        import traceback

        tell(traceback.format_exception(error))
    tell([neutral(f"audit broke: {type(error).__name__}: {error} (AUDIT_DEBUG=1 shows where)")])
    return BROKEN
