"""How a command ends: the exit code of its work, and one message for whatever went wrong."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO, cast

import typer

from audit.cli.display import display
from audit.errors import AuditError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

GOOD, USAGE, BROKEN = 0, 2, 3
"""Exit codes; 1 and 4 come from a verdict alone."""
_UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__base__)  # of typer's own copy of click, or of click


def tell(lines: Iterable[str]) -> None:
    """Messages, to standard error, each as one line that a terminal shows as it stands."""
    from audit.formatting import neutral

    for line in lines:
        typer.echo(neutral(line), err=True)


def remark(lines: Iterable[str]) -> None:
    """What is no mistake, as it comes; under -q it is looked for and not printed, for the search itself may find a mistake."""
    for line in lines:
        if not display.quiet:
            tell([line])


@contextmanager
def ci_commands_spelt_out() -> Iterator[None]:
    """Whatever is printed meanwhile, by libraries too, no line of either stream is one that a CI system obeys."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast("TextIO", _Stream(one)) for one in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def obeyed_by_ci(text: str) -> None:
    """Print commands to a CI system as they are: `text` must come from an export that escapes what it quotes."""
    stream = sys.stdout
    (stream.stream if isinstance(stream, _Stream) else stream).write(text)


class _Stream:
    """A text stream that differs in `write` alone."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        from audit.formatting import spell_commands

        return self.stream.write(spell_commands(text))

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def guarded(work: Callable[[], int]) -> int:
    """The exit code of some work; expected errors are one message, unexpected ones a line and exit code 3."""
    try:
        return work()
    except _UsageError as error:
        from audit.formatting import neutral

        error.message = "\n".join(neutral(line) for line in error.message.splitlines())
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
    tell(error.lines)
    return USAGE if isinstance(error, InputError) else BROKEN


def _unexpected(error: Exception) -> int:
    if os.environ.get("AUDIT_DEBUG"):
        import traceback

        tell(line for part in traceback.format_exception(error) for line in part.splitlines())
    tell([f"audit broke: {type(error).__name__}: {error} (AUDIT_DEBUG=1 shows where)"])
    return BROKEN
