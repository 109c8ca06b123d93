"""A process that takes orders and reports over two pipes, and that can be killed with everything it started.

Whatever ends it, the parent learns how: a process that dies, closes its pipe or writes nonsense into it has ended without an answer.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import struct
import sys
import threading
import time
import traceback
import warnings
import weakref
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar

from audit import progress
from audit.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from audit.progress import Progress

_Result = TypeVar("_Result")
_HEAD = struct.Struct(">4sQI")
_MAGIC = b"job\n"
_CHUNK = 1 << 20
_PATIENCE, _OWN, _PAUSE = 5.0, 1.0, 0.005
"""Seconds that a killed process may take to end, one that closed its pipe by itself, and between two looks at it."""
_siblings: weakref.WeakSet[Child] = weakref.WeakSet()
"""Every child of this process, so that none inherits another's pipes."""


class Ended(Exception):  # it is caught where it is raised, and reported as a sentence
    """The process ended, or its pipe can no longer be read; the message says how."""


class Pipe:
    """One's own end of a pair of pipes: objects go out whole, and come in whole."""

    def __init__(self, reading: int, writing: int) -> None:
        self.reading, self.writing = reading, writing
        self._received = bytearray()
        self._lock = threading.Lock()

    def send(self, message: Any) -> None:
        """Write one object; BrokenPipeError where nobody reads."""
        content = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
        view = memoryview(_HEAD.pack(_MAGIC, len(content), zlib.crc32(content)) + content)
        with self._lock:  # threads of a check show their progress
            while view:
                view = view[os.write(self.writing, view) :]

    def receive(self) -> Any:
        """The next object; EOFError where there will be none, ValueError where what came is none."""
        while (message := self._next()) is _NOTHING:
            self._read()
        return message

    def messages(self) -> Iterator[Any]:
        """What came so far, once there is something to read; errors as in `receive`."""
        self._read()
        while (message := self._next()) is not _NOTHING:
            yield message

    @property
    def is_amid_message(self) -> bool:
        """Whether a part of a message has come and the rest has not."""
        return bool(self._received)

    def _read(self) -> None:
        chunk = os.read(self.reading, _CHUNK)
        if not chunk:
            raise EOFError
        self._received += chunk

    def _next(self) -> Any:
        if len(self._received) < _HEAD.size:
            return _NOTHING
        magic, length, digest = _HEAD.unpack_from(self._received)
        if magic != _MAGIC:
            msg = "what the process wrote is no message"
            raise ValueError(msg)
        if len(self._received) < _HEAD.size + length:
            return _NOTHING
        content = bytes(self._received[_HEAD.size : _HEAD.size + length])
        del self._received[: _HEAD.size + length]
        if zlib.crc32(content) != digest:
            msg = "what the process wrote is no whole message"
            raise ValueError(msg)
        try:
            return pickle.loads(content)  # noqa: S301  # written by this very program, which may do in the child what it may do here
        except EOFError:
            msg = "what the process wrote is no message"
            raise ValueError(msg) from None

    def close(self) -> None:
        """Close both ends."""
        for end in (self.reading, self.writing):
            with contextlib.suppress(OSError):
                os.close(end)


_NOTHING = object()


class Child:
    """A process in a group of its own, with pipes to and from it."""

    def __init__(self, pid: int, pipe: Pipe) -> None:
        self.pid, self.pipe = pid, pipe
        self._status: int | None = None
        _siblings.add(self)

    @classmethod
    def fork(cls, main: Callable[[Pipe], None]) -> Child:
        """A process that shares this one's memory as it is now, and runs `main`."""
        orders, ordering = os.pipe()
        reporting, reports = os.pipe()
        parent = os.getpid()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # a shell may have closed it
                stream.flush()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the audit's process starts no thread that holds a lock
            pid = os.fork()
        if pid == 0:
            _be_child(main, Pipe(orders, reports), parent, (ordering, reporting))
        os.close(orders)
        os.close(reports)
        with contextlib.suppress(OSError):  # it did so itself, or has ended
            os.setpgid(pid, pid)
        return cls(pid, Pipe(reporting, ordering))

    @classmethod
    def spawn(cls, module: str, environment: Mapping[str, str] | None = None) -> Child:
        """A new interpreter that runs a module, which calls `be_spawned`; nothing is shared with it. It has these variables, else ours."""
        orders, ordering = os.pipe()
        reporting, reports = os.pipe()
        for end in (orders, reports):
            os.set_inheritable(end, True)
        command = [sys.executable, "-P", "-m", module, str(orders), str(reports), str(os.getpid())]
        silent = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, 2, 1)]
        pid = os.posix_spawn(sys.executable, command, environment or spawned_environment(), file_actions=silent, setpgroup=0)
        os.close(orders)
        os.close(reports)
        return cls(pid, Pipe(reporting, ordering))

    def fileno(self) -> int:
        """What a selector waits for."""
        return self.pipe.reading

    def send(self, message: Any) -> None:
        """Give an order; Ended where the process is gone."""
        try:
            self.pipe.send(message)
        except BrokenPipeError:
            raise Ended(self.kill()) from None

    def messages(self) -> Iterator[Any]:
        """What it reported, once a selector says that there is something; Ended where there will be nothing more."""
        try:
            yield from self.pipe.messages()
            while self.pipe.is_amid_message and select.select([self], [], [], LOOK)[0]:  # what is large comes in many parts
                yield from self.pipe.messages()
        except EOFError:
            raise Ended(self.kill(_OWN)) from None
        except Exception as error:  # unpickling raises what it will: a child that is not understood is ended
            self.kill()
            msg = f"sent what cannot be read ({type(error).__name__})"
            raise Ended(msg) from error

    def how_it_ended(self) -> str | None:
        """How it ended; None while it runs. A process that it left behind may hold its pipe open."""
        return None if self._reap() is None else self.kill()

    def kill(self, patience: float = 0.0) -> str:
        """End it and all that it started, at the latest after some seconds of patience, and say how it ended."""
        until = time.monotonic() + patience
        while self._reap() is None and time.monotonic() < until:
            time.sleep(_PAUSE)
        with contextlib.suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)
        until = time.monotonic() + _PATIENCE
        while self._reap() is None and time.monotonic() < until:
            time.sleep(_PAUSE)
        self.pipe.close()
        _siblings.discard(self)
        if self._status is None:
            return "does not end though it was killed"
        return f"ended with status {self._status}" if self._status >= 0 else f"was ended by {_signal(-self._status)}"

    def _reap(self) -> int | None:
        if self._status is None:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            self._status = os.waitstatus_to_exitcode(status) if done else None
        return self._status


def spawned_environment(path: Sequence[str] = ()) -> dict[str, str]:
    """The variables of this process for a new interpreter, which imports from the same places unless others are given."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(place for place in path or sys.path if place)}


def _signal(number: int) -> str:
    try:
        return f"{signal.Signals(number).name} (signal {number})"
    except ValueError:
        return f"signal {number}"


def _be_child(main: Callable[[Pipe], None], pipe: Pipe, parent: int, others: tuple[int, ...]) -> NoReturn:
    """What a forked process does."""
    with contextlib.suppress(OSError):  # the parent did so
        os.setpgid(0, 0)
    for end in others:
        os.close(end)
    for sibling in list(_siblings):
        sibling.pipe.close()
    _siblings.clear()
    globals()["_forks"] = False  # what it computes starts threads, and a fork would not have them
    _serve(main, pipe, parent)


def be_spawned(main: Callable[[Pipe], None]) -> NoReturn:
    """What the module does that `Child.spawn` was told to run."""
    orders, reports, parent = (int(number) for number in sys.argv[1:4])
    _serve(main, Pipe(orders, reports), parent)


def _serve(main: Callable[[Pipe], None], pipe: Pipe, parent: int) -> NoReturn:
    code = 1
    try:
        end_with_parent(parent)
        for one in (signal.SIGINT, signal.SIGHUP):
            signal.signal(one, signal.SIG_IGN)  # the parent listens to them
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        _silence()
        progress.relay(pipe.send)
        main(pipe)
        code = 0
    except (EOFError, BrokenPipeError):  # the parent is gone, or wants nothing more
        code = 0
    except BaseException:  # noqa: BLE001  # a fault of the audit: what a check or a training raises is reported by `main`
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stderr.flush()
        os._exit(code)  # nothing of the parent's own is tidied up twice


def _silence() -> None:
    """Whatever is printed, in Python or in native code, goes to standard error; standard input is empty."""
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    os.dup2(2, 1)
    sys.stderr = getattr(sys.stderr, "rich_proxied_file", sys.stderr)  # bars are drawn by the parent
    sys.stdout = sys.stderr


def end_with_parent(parent: int) -> None:
    """Let this process be killed when its parent is gone, so that none is left behind: by the kernel on Linux, else by a thread."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:
        os._exit(1)


def _watch(parent: int) -> NoReturn:
    while os.getppid() == parent:
        time.sleep(LOOK)
    os.killpg(0, signal.SIGKILL)
    os._exit(1)


def start_method() -> Literal["fork", "spawn"]:
    """How worker processes are started here. A fork on macOS loses what the system's own libraries need."""
    return "fork" if sys.platform == "linux" else "spawn"


_forks = False


def allow_forks() -> None:
    """Say that this process is safe to fork: it has one thread that matters and lets others do the computing."""
    globals()["_forks"] = start_method() == "fork"


def may_fork() -> bool:
    """Whether this process may fork; False in a library's user's process, in a child, and where forks are unsafe."""
    return _forks


def call(work: Callable[[], _Result], shown_by: Progress) -> _Result:
    """What `work` returns or raises, in a process of its own where this one may fork: killed with it, its progress shown here."""
    if not may_fork():
        return work()

    def main(pipe: Pipe) -> None:
        try:
            answer: _Returned | Exception = _Returned(work())
        except Exception as error:  # noqa: BLE001  # carried over to the caller, which raises it
            error.add_note(traceback.format_exc())
            answer = error
        pipe.send(answer)

    shown, child = progress.Received(shown_by), Child.fork(main)
    try:
        answer = _answer(child, shown)
    except Ended as ended:
        msg = f"the process that prepares the candidate {ended}: nothing is promoted"
        raise ToolError(msg) from None
    finally:
        child.kill()
        shown.finish()
    if isinstance(answer, Exception):
        raise answer
    return answer.value  # type: ignore[no-any-return]  # what `work` returned


def _answer(child: Child, shown: progress.Received) -> Any:
    """What it reports at its end."""
    while True:
        if not select.select([child], [], [], LOOK)[0] and (how := child.how_it_ended()) is not None:
            raise Ended(how)
        for message in child.messages() if select.select([child], [], [], 0)[0] else ():
            if not isinstance(message, progress.Step):
                return message
            shown.take(message)


@dataclass(frozen=True, slots=True)
class _Returned:
    value: Any


LOOK = 0.5
"""Seconds between two looks at a process that says nothing."""
