"""Work that is ended by the kernel at a chosen point."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def in_a_child(work: Callable[[], None]) -> int:
    """The status that the work ended with in a process of its own: 0, or a negative signal."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_at(step: int, work: Callable[[], None]) -> Callable[[], None]:
    """The work, ended by the kernel at its so many-th call or return of any function, those of C too."""
    left = [step]

    def count(*_: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def run() -> None:
        sys.setprofile(count)
        work()

    return run


def steps(work: Callable[[], None]) -> int:
    """How many calls and returns some work takes."""
    seen = [0]

    def count(*_: object) -> None:
        seen[0] += 1

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return seen[0]


def killed_when_called(*_: object, **_named: object) -> None:
    """Ends the process as the kernel would; put in place of a function, it does so where that is called."""
    os.kill(os.getpid(), signal.SIGKILL)
