"""Every error that the tool expects. Each message says what is wrong, where, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit import DISTRIBUTION

if TYPE_CHECKING:
    from collections.abc import Callable


class AuditError(Exception):
    """An expected error: shown to the user without a traceback, each argument as one line."""

    @property
    def lines(self) -> tuple[str, ...]:
        """One message a line of output. Line breaks inside a message come from data, models or files, and end no line."""
        return tuple(map(str, self.args))

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def __reduce__(self) -> tuple[object, ...]:
        """An error of a worker process reaches the audit's process whatever its constructor takes."""
        return _remade, (type(self), self.args, self.__dict__)


def _remade(kind: type[AuditError], args: tuple[object, ...], facts: dict[str, object]) -> AuditError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(facts)
    return error


class InputError(AuditError):
    """A policy, data set, candidate or option that cannot be used: exit code 2."""


class CandidateError(InputError):
    """The model itself cannot be loaded or run. It ends the audit even where a check is the first to notice: nothing else can be judged."""


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One mistake in a file, with its place."""

    file: str
    line: int
    """Counted from 1."""
    column: int
    """Counted from 1."""
    message: str
    """What is wrong and what to do."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class PolicyError(InputError):
    """All the mistakes of a policy at once, in the order of their lines."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        self.mistakes = tuple(sorted(mistakes))
        super().__init__(*map(str, self.mistakes))


def mistakes_of(read: Callable[[], object]) -> tuple[Mistake, ...]:
    """The mistakes that reading finds; none where it succeeds."""
    try:
        read()
    except PolicyError as error:
        return error.mistakes
    return ()


class CannotMeasure(AuditError):
    """A check has nothing to measure here; the message says what would settle it. The finding is `not_run`."""


class MissingExtra(CannotMeasure):
    """A part that comes with an optional extra is not installed."""

    def __init__(self, part: str, extra: str) -> None:
        self.extra = extra
        super().__init__(f"{part} is not installed: {pip_install(extra)}")


def pip_install(extra: str) -> str:
    """The command that brings an optional extra."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"


class ToolError(AuditError):
    """The tool broke or the audit is incomplete: exit code 3."""
