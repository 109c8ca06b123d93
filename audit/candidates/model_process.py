"""A model in a process of its own, which may write nowhere but in a temporary folder, where the system can keep it to that.

The process is forked before the file is opened. It gets rows, and gives back text and plain arrays: nothing that it sends is code, and
a process that ends, whatever ended it, is a model that cannot be used.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import signal
import struct
import sys
import tempfile
import threading
import time
import warnings
import weakref
from typing import IO, TYPE_CHECKING, Any, NoReturn, TypeVar

import numpy as np

from audit.candidates import confinement
from audit.candidates.fitted import Method, ModelError, ModelFacts, answer
from audit.child_process import end_with_parent
from audit.errors import AuditError, CandidateError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

_Answer = TypeVar("_Answer")
_LENGTH = struct.Struct(">Q")
_FACTS, _LABELS, _ARRAY, _RAISED, _REFUSED = b"F", b"L", b"A", b"R", b"X"
"""What an answer holds, as its first byte."""
_PATIENCE, _PAUSE = 100, 0.01
"""How often, and how many seconds apart, a process is looked for that has closed its end."""
_FREE = b"1"
_FIRST_FREE = 3
"""File descriptors below it are the standard streams."""


class ModelProcess:
    """A model that `load` opens in a forked process; its facts are known once it has.

    Processes forked from this one share it. One at a time asks it; another that asks meanwhile, or after one was killed while it
    asked, opens the model in a process of its own.
    """

    def __init__(self, path: Path, load: Callable[[], Any]) -> None:
        self._path, self._load, self._lock = path, load, threading.Lock()
        self._own: ModelProcess | None = None
        self._is_over = False
        self._free, freeing = os.pipe()
        os.set_blocking(self._free, False)
        os.write(freeing, _FREE)
        self._freeing = freeing
        self._status: int | None = None
        parent = os.getpid()
        asking, self._questions = os.pipe()
        self._answers, answering = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # threads that read the data do nothing now
            self._child = os.fork()
        if self._child == 0:
            end_with_parent(parent)
            _be_model(path, load, asking, answering)
        os.close(asking)
        os.close(answering)
        self._reading = os.fdopen(self._answers, "rb")
        weakref.finalize(self, _close, (self._questions, self._free, freeing), self._reading, self._child)
        self.facts = self._read(lambda: ModelFacts.from_json(json.loads(self._answer(_FACTS)[1:])))

    def ask(self, method: Method, given: Any) -> NDArray[Any]:
        """What it answers."""
        with self._lock:
            if self._is_over:
                self._ended()
            if self._own is None and not self._take():
                self._own = ModelProcess(self._path, self._load)
            if self._own is not None:
                return self._own.ask(method, given)
            try:
                _send(self._questions, pickle.dumps((method, given), protocol=pickle.HIGHEST_PROTOCOL))
            except BrokenPipeError:
                self._ended()
            try:
                said = self._read(lambda: self._answer(_LABELS if method == "predict" else _ARRAY))
            except ModelError:
                os.write(self._freeing, _FREE)
                raise
            os.write(self._freeing, _FREE)
            return self._read(lambda: _array(said))

    def _take(self) -> bool:
        """Whether nobody else is asking, or was killed while it asked: one byte in a pipe, which whoever asks takes out meanwhile."""
        try:
            return bool(os.read(self._free, len(_FREE)))
        except BlockingIOError:
            return False

    def _read(self, answer: Callable[[], _Answer]) -> _Answer:
        """What the process sends, which may be anything."""
        try:
            return answer()
        except (ValueError, TypeError, LookupError, MemoryError, OverflowError) as error:
            what = f"the process of this model gives no answer that can be read ({type(error).__name__})"
            msg = f"{self._path}: {what}: fit and save the model anew"
            raise CandidateError(msg) from error

    def _answer(self, kind: bytes) -> bytes:
        said = _receive(self._reading)
        if said is None:
            self._ended()
        if said[:1] == _REFUSED:
            raise CandidateError(said[1:].decode())
        if said[:1] == _RAISED:
            raise ModelError(said[1:].decode())
        if said[:1] != kind:
            self._ended()
        return said

    def _ended(self) -> NoReturn:
        self._is_over = True
        if self._status is None:
            self._status = _status(self._child)
        how = "" if self._status is None else f" with signal {-self._status}" if self._status < 0 else f" with status {self._status}"
        msg = f"{self._path}: the process of this model ended{how} in place of an answer: fit and save the model anew"
        raise CandidateError(msg)


def _array(said: bytes) -> NDArray[Any]:
    if said[:1] == _LABELS:
        return np.array([str(label) for label in json.loads(said[1:])], dtype=object)
    found: NDArray[Any] = np.load(io.BytesIO(said[1:]), allow_pickle=False)
    return found


def _close(pipes: tuple[int, ...], answers: IO[bytes], child: int) -> None:
    """Nobody asks any more: the process ends by itself."""
    for pipe in pipes:
        os.close(pipe)
    answers.close()
    _status(child)


def _status(child: int) -> int | None:
    """The exit code of a process that gives no more answers, which is ended where it has not ended itself; None of another's child."""
    for _ in range(_PATIENCE):
        try:
            done, status = os.waitpid(child, os.WNOHANG)
        except ChildProcessError:  # another process started it, or it was looked for before
            return None
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(_PAUSE)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _be_model(path: Path, load: Callable[[], Any], asking: int, answering: int) -> NoReturn:
    """Open the model, then answer until nobody asks."""
    code = 1
    try:
        _keep_to_itself(asking, answering)
        with os.fdopen(asking, "rb") as questions:
            try:
                model = load()
                told = _FACTS + json.dumps(ModelFacts.of(model).to_json(), default=str).encode()
            except AuditError as error:
                told = _REFUSED + str(error).encode()
            except Exception as error:  # noqa: BLE001  # whatever a file raises is a matter of that file
                told = _REFUSED + f"{path}: cannot be loaded ({type(error).__name__}: {error}): fit and save the model anew".encode()
            _send(answering, told)
            while told[:1] == _FACTS and (question := _receive(questions)) is not None:
                _send(answering, _answered(model, *pickle.loads(question)))  # noqa: S301  # of the audit itself
        code = 0
    finally:
        os._exit(code)  # nothing of the audit's own is tidied up twice


def _answered(model: Any, method: Method, given: Any) -> bytes:
    try:
        found = answer(model, method, given)
    except ModelError as error:
        return _RAISED + str(error).encode()
    if method == "predict":
        return _LABELS + json.dumps(found.tolist()).encode()
    content = io.BytesIO()
    np.save(content, found, allow_pickle=False)
    return _ARRAY + content.getvalue()


def _keep_to_itself(*pipes: int) -> None:
    """No output, no open file of the audit, and no place to write but a temporary folder."""
    for one in (signal.SIGINT, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)  # the audit listens to them
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    silent = os.open(os.devnull, os.O_RDWR)
    for stream in range(_FIRST_FREE):
        os.dup2(silent, stream)
    low = _FIRST_FREE
    for pipe in sorted(pipes):
        os.closerange(low, pipe)
        low = pipe + 1
    os.closerange(low, os.sysconf("SC_OPEN_MAX"))
    tempfile.tempdir = os.environ["TMPDIR"] = tempfile.mkdtemp(prefix="model-")
    confinement.arm()
    confinement.confine([], devices=False)


def _send(pipe: int, content: bytes) -> None:
    view = memoryview(_LENGTH.pack(len(content)) + content)
    while view:
        view = view[os.write(pipe, view) :]


def _receive(pipe: IO[bytes]) -> bytes | None:
    """None where the other end is closed."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    content = pipe.read(length)
    return content if len(content) == length else None
