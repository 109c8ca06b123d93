"""Run an audit in a child process, and believe only a child that says how it ended.

A library can end the process: `os._exit(0)`, a crash in native code, the kernel's out-of-memory killer. An exit status alone
proves nothing, so the child must send its exit code as its last act. Checks run in workers of that child: `pipeline/engine/processes.py`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from audit import child_process
from audit.candidates import confinement
from audit.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BROKEN = 3
"""Exit code of an audit that did not end by itself."""


def supervised(work: Callable[[], int]) -> int:
    """The exit code that `work` returned in a child process; a child that ended in any other way is a ToolError.

    `work` catches and reports its own errors: what escapes it ends the child without an answer.
    """
    _flush()
    _occupy_standard_streams()
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)  # none may come between the fork and the handlers
    with _scratch() as folder:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            _keep_temporary_files_in(folder)
            _be_child(work, writing)
        os.close(writing)
        answer, status = _wait_for(child, reading)
    return _verified(answer, os.waitstatus_to_exitcode(status))


def _wait_for(child: int, reading: int) -> tuple[bytes, int]:
    """What the child said and the status it ended with; signals that come meanwhile are passed on to it."""
    heeded = [one for one in _ENDING if signal.getsignal(one) != signal.SIG_IGN]  # nohup's wish, or a shell's for what it puts aside
    before = {one: signal.signal(one, lambda *_: os.kill(child, signal.SIGTERM)) for one in heeded}
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
    try:
        _, status = os.waitpid(child, 0)
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    os.set_blocking(reading, False)  # a process that a library left behind may hold the other end
    with os.fdopen(reading, "rb") as pipe:
        return pipe.read() or b"", status


@contextmanager
def _scratch() -> Iterator[str | None]:
    """A folder for all temporary files of the child, which ends without tidying; the usual place where none can be made."""
    try:
        folder = tempfile.mkdtemp(prefix="audit-")
    except OSError:
        yield None
        return
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _keep_temporary_files_in(folder: str | None) -> None:
    if folder is not None:
        tempfile.tempdir = os.environ["TMPDIR"] = folder


def _occupy_standard_streams() -> None:
    """Where a shell closed one, the next file to be opened would take its number, and whatever a library prints would go into that file."""
    while (file := os.open(os.devnull, os.O_RDWR)) <= _LAST_STANDARD_STREAM:
        os.set_inheritable(file, True)  # as a standard stream is
    os.close(file)


_LAST_STANDARD_STREAM = 2


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # a shell may have closed it
            stream.flush()


_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What ends a run early. The parent alone listens to them and passes on one SIGTERM, so that the child tidies up once."""


def _be_child(work: Callable[[], int], writing: int) -> NoReturn:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _interrupt)
    _end_with_parent()
    confinement.arm()
    child_process.allow_forks()
    os.register_at_fork(after_in_child=lambda: _forget(writing))
    code = BROKEN
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
        code = work()
        _flush()
    except OSError:  # of the flush: a full disk, a reader who went away
        code = BROKEN
    finally:
        os.write(writing, b"%d" % code)
        os._exit(code)  # not sys.exit: a check that hangs in its thread must not keep the process


def _forget(writing: int) -> None:
    """Nothing that the audit starts may say how the audit ended."""
    with contextlib.suppress(OSError):
        os.close(writing)


def _end_with_parent() -> None:
    """Ask the kernel for a SIGTERM when the parent is gone, so that a killed audit cannot go on and promote (Linux only)."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _verified(answer: bytes, status: int) -> int:
    if answer.isdigit() and int(answer) == status:
        return status
    how = f"signal {-status}" if status < 0 else f"status {status}"
    msg = f"the audit's process ended with {how} before it had decided: nothing is promoted"
    raise ToolError(msg)
