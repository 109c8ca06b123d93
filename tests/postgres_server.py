"""A PostgreSQL server of its own for tests that need a real one."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


def binaries() -> Path | None:
    """Of the newest server that Debian's package installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextmanager
def running_server(method: str = "trust", password: str = "") -> Iterator[int]:
    """The port of a server that is gone afterwards, with a user `auditor`. Root starts it as `postgres`: it refuses to run as root."""
    place = binaries()
    if place is None:
        pytest.skip("no PostgreSQL server is installed (Debian: apt-get install postgresql)")
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        pytest.skip("PostgreSQL does not run as root, and there is no runuser")
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    folder = Path(tempfile.mkdtemp(prefix="audit-postgres-"))
    (folder / "password").write_text(password + "\n", encoding="utf-8")
    if as_user:
        shutil.chown(folder, "postgres")
        shutil.chown(folder / "password", "postgres")
    data = folder / "data"
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "timeout": 60}  # the server keeps a pipe open
    given = [f"--pwfile={folder / 'password'}"] if password else []
    try:
        subprocess.run([*as_user, place / "initdb", "-D", data, "-A", method, "-U", "auditor", *given], check=True, **quiet)
        start = ["-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start"]
        subprocess.run([*as_user, str(place / "pg_ctl"), *start], check=True, **quiet)
        yield port
    finally:
        subprocess.run([*as_user, place / "pg_ctl", "-D", data, "-m", "immediate", "stop"], check=False, **quiet)
        shutil.rmtree(folder, ignore_errors=True)
