"""Progress with time left on stderr, for tasks that take longer than two seconds."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.progress import Progress as Bars
    from rich.progress import TaskID

PATIENCE = 2.0
"""Seconds before a task is shown."""


class Task(Protocol):
    """One piece of work under way."""

    def advance(self, units: int = 1) -> None:
        """So many more units are done."""

    def finish(self) -> None:
        """The work has ended."""


class Progress(Protocol):
    """Shows how far tasks are. Several may run at once, in threads of their own."""

    def start(self, task: str, total: int) -> Task:
        """Begin a task of `total` units."""


class Silent:
    """Shows nothing."""

    def start(self, task: str, total: int) -> Task:  # noqa: ARG002  # the protocol's arguments
        """Begin a task that nobody sees."""
        return self

    def advance(self, units: int = 1) -> None:
        """Nothing to show."""

    def finish(self) -> None:
        """Nothing to show."""


SILENT = Silent()


_send: Callable[[Step], None] | None = None


def relay(send: Callable[[Step], None]) -> None:
    """Let the process that started this one show the tasks of this one."""
    globals()["_send"] = send


@dataclass(frozen=True, slots=True)
class Step:
    """What a task of another process did."""

    task: int
    units: int = 0
    name: str | None = None
    """Set in the first step, whose units are all there are to do."""
    finished: bool = False


class _Relayed:
    """A task that another process shows."""

    _numbers = itertools.count()

    def __init__(self, name: str, total: int, send: Callable[[Step], None]) -> None:
        self._number, self._send = next(self._numbers), send
        self._unsent, self._sent = 0, time.monotonic()
        send(Step(self._number, total, name))

    def advance(self, units: int = 1) -> None:
        self._unsent += units
        if time.monotonic() - self._sent >= _TICK:
            self._send(Step(self._number, self._unsent))
            self._unsent, self._sent = 0, time.monotonic()

    def finish(self) -> None:
        """Whatever it is at, it is no longer shown."""
        self._send(Step(self._number, self._unsent, finished=True))


_TICK = 0.1
"""Seconds between two reports, and between two drawings of the bars."""


class Received:
    """The tasks of one other process, shown by this one."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[int, Task] = {}

    def take(self, step: Step) -> None:
        """Show one step."""
        if step.name is not None:
            self._tasks[step.task] = self._progress.start(step.name, step.units)
        elif step.task in self._tasks:
            self._tasks[step.task].advance(step.units)
            if step.finished:
                self._tasks.pop(step.task).finish()

    def finish(self) -> None:
        """The other process has ended."""
        while self._tasks:
            self._tasks.popitem()[1].finish()


class Lines:
    """A plain line for every tenth of a task: for logs."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def start(self, task: str, total: int) -> Task:
        """Begin a task."""
        return _Line(task, total, self._stream or sys.stderr) if _send is None else _Relayed(task, total, _send)


class _Line:
    def __init__(self, task: str, total: int, stream: TextIO) -> None:
        self._task, self._total, self._stream = task, max(total, 1), stream
        self._done, self._told = 0, 0
        self._started = time.monotonic()

    def advance(self, units: int = 1) -> None:
        self._done += units
        tenth, spent = 10 * self._done // self._total, time.monotonic() - self._started
        if tenth > self._told and spent > PATIENCE:
            self._told = tenth
            left = spent / self._done * max(self._total - self._done, 0)
            self._stream.write(f"{self._task}: {10 * tenth} %, {left:.0f} s left\n")
            self._stream.flush()

    def finish(self) -> None:
        """A log needs no clearing away."""


class Terminal:
    """Bars that vanish when they are full. No thread draws them: a process that forks must have none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bars: Bars | None = None
        self._shown = 0

    def start(self, task: str, total: int) -> Task:
        """Begin a task."""
        return _Bar(self, task, total) if _send is None else _Relayed(task, total, _send)

    def show(self, task: str, total: int) -> tuple[Bars, TaskID]:
        """A bar for a task; the first one opens the display."""
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        with self._lock:
            if self._bars is None:
                columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn(), TextColumn("left"))
                self._bars = Bars(*columns, console=Console(stderr=True), transient=True, auto_refresh=False)
                self._bars.start()
            self._shown += 1
            return self._bars, self._bars.add_task(task, total=total)

    def hide(self, bar: TaskID) -> None:
        """Take a bar away; the last one closes the display."""
        with self._lock:
            if self._bars is None:
                return
            self._bars.remove_task(bar)
            self._shown -= 1
            if self._shown == 0:
                self._bars.stop()
                self._bars = None


class _Bar:
    def __init__(self, terminal: Terminal, task: str, total: int) -> None:
        self._terminal, self._task, self._total, self._done = terminal, task, total, 0
        self._started = time.monotonic()
        self._shown: tuple[Bars, TaskID] | None = None
        self._drawn = 0.0

    def advance(self, units: int = 1) -> None:
        self._done += units
        if self._shown is None:
            if time.monotonic() - self._started < PATIENCE:
                return
            self._shown = self._terminal.show(self._task, self._total)
        if time.monotonic() - self._drawn >= _TICK:
            bars, bar = self._shown
            bars.update(bar, completed=self._done, refresh=True)
            self._drawn = time.monotonic()

    def finish(self) -> None:
        if self._shown is not None:
            self._terminal.hide(self._shown[1])
            self._shown = None


def on_stderr() -> Progress:
    """Bars on a terminal, plain lines elsewhere."""
    return Terminal() if sys.stderr.isatty() else Lines()
