"""Where an audit's process may write, once a model is opened: Linux's Landlock, which holds for the process, its threads and its children.

A model's file is read by code of many libraries, and some formats can run code. What runs after `confine` can create, change, move or
delete files below the named folders alone. It can still read files, use the network and talk to other processes.
"""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from audit.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CREATE, _ADD, _RESTRICT = 444, 445, 446
"""Numbers of the system calls, the same on every processor."""
_VERSION_FLAG, _BENEATH, _NO_NEW_PRIVILEGES = 1, 1, 38
_FILE = 1 << 1
"""To write a file."""
_TREE = _FILE | sum(1 << bit for bit in range(4, 13))
"""Besides: to remove folders and files, and to make them, devices, sockets, pipes and links."""
_SINCE: Final = {2: 1 << 13, 3: 1 << 14}
"""What later versions know: to move between folders, to cut files short."""
_TRUNCATE = 1 << 14
_HARMLESS = ("null", "zero", "full", "random", "urandom")
"""Devices that keep nothing of what is written."""
_DEVICES = ("tty", "kfd", "shm", "dri")
"""Terminal, accelerators, memory shared between processes."""
_armed = _apart = False


class _Rules(ctypes.Structure):
    _fields_ = (("handled", ctypes.c_uint64),)


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def version() -> int:
    """The version of Landlock that this system has; 0 where it has none, or has it switched off."""
    return 0 if sys.platform != "linux" else max(_library().syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG)), 0)


def arm() -> None:
    """Let `confine` take effect in this process: it holds until the process ends, which suits a child alone."""
    globals()["_armed"] = True


def is_armed() -> bool:
    """Whether this process is one that may be confined."""
    return _armed


@contextmanager
def apart() -> Iterator[None]:
    """Models that are opened meanwhile run in processes of their own, though this one is not confined."""
    globals()["_apart"] = True
    try:
        yield
    finally:
        globals()["_apart"] = False


def models_apart() -> bool:
    """Whether models are opened in processes of their own."""
    return _apart


def confine(folders: Iterable[Path], *, devices: bool = True) -> bool:
    """From here on nothing is written but below these folders, the temporary one and devices; False where the system cannot or need not.

    `devices`: accelerators, the terminal and shared memory too, not only devices that keep nothing.
    """
    known = version()
    if not _armed or known == 0:
        return False
    rights = _TREE | sum(right for since, right in _SINCE.items() if known >= since)
    rules = _checked(_library().syscall(_CREATE, ctypes.byref(_Rules(rights)), ctypes.c_size_t(ctypes.sizeof(_Rules)), ctypes.c_uint32(0)))
    try:
        for path in (*folders, Path(tempfile.gettempdir()), *_devices(every=devices)):
            _allow(rules, path, rights)
        _checked(_library().prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
        _checked(_library().syscall(_RESTRICT, ctypes.c_int(rules), ctypes.c_uint32(0)))
    finally:
        os.close(rules)
    return True


def _allow(rules: int, path: Path, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # what is not there needs no leave
        return
    try:
        allowed = rights if path.is_dir() else rights & (_FILE | _TRUNCATE)
        rule = _Beneath(allowed, place)
        _checked(_library().syscall(_ADD, ctypes.c_int(rules), ctypes.c_int(_BENEATH), ctypes.byref(rule), ctypes.c_uint32(0)))
    finally:
        os.close(place)


def _devices(*, every: bool) -> list[Path]:
    root = Path("/dev")
    more = [*(root / name for name in _DEVICES), *root.glob("nvidia*")] if every else []
    return [*(root / name for name in _HARMLESS), *more]


def _checked(result: int) -> int:
    if result < 0:
        msg = f"Landlock is here and cannot be used ({os.strerror(ctypes.get_errno())}): no model is opened without it"
        raise ToolError(msg)
    return result


def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
