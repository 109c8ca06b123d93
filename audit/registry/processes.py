"""Whether the process that began a promotion still runs."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime, timedelta
from pathlib import Path

LEASE = timedelta(hours=1)
"""How long a process of another machine, which cannot be asked, is taken to be alive."""


def this_process() -> str:
    """This process, as no other is called: machine, process id and start."""
    return f"{_machine()} {os.getpid()} {_start(os.getpid())}"


def is_alive(process: str, since: str) -> bool:
    """Whether a process, which began something at a time, may still be at it."""
    try:
        machine, number, start = process.split(" ")
        if machine == _machine():
            return _start(int(number)) == start
        return datetime.now(UTC) - datetime.fromisoformat(since) < LEASE
    except (ValueError, TypeError):
        return False


def _machine() -> str:
    """This machine since it started, and this container of it."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{platform.node()}/{boot}/{Path('/proc/self/ns/pid').readlink()}".replace(" ", "_")
    except OSError:
        return platform.node().replace(" ", "_")


def _start(process: int) -> str:
    """When a process started, in ticks since the machine did; `none` where it is gone, or is dead and not yet waited for."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return "none" if Path("/proc/self/stat").exists() else _signalled(process)
    return "none" if fields[0] in {"Z", "X"} else fields[19]


def _signalled(process: int) -> str:
    """Where there is no /proc: `running`, or `none`."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return "none"
    except PermissionError:
        pass
    return "running"
