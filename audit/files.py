"""Small text files: read within a limit, and written whole or not at all, whenever their writer is killed."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
"""What a file system says that knows no hard links."""


def read_at_most(path: Path, most: int) -> bytes:
    """What a regular file holds, of a larger one one byte more than the limit. OSError for a pipe or device, which may never end."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "no regular file", str(path))
        return file.read(most + 1)


def write_new(path: Path, text: str, *, mode: int = 0o666) -> None:
    """A file that was not there before; FileExistsError where it was. Its folder is made where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _beside(path, text.encode(), mode) as partial:
        try:
            os.link(partial, path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, mode))
            partial.replace(path)


def replace(path: Path, text: str, *, by_way_of: Path | None = None) -> None:
    """Replaces the file that is there. `by_way_of` is the folder of the half-written file, where not even a killed writer may leave one."""
    with _beside(path if by_way_of is None else by_way_of / path.name, text.encode(), 0o666) as partial:
        partial.replace(path)


def replace_bytes(path: Path, content: bytes) -> None:
    """The same of a file that is no text."""
    with _beside(path, content, 0o666) as partial:
        partial.replace(path)


@contextmanager
def _beside(path: Path, content: bytes, mode: int) -> Iterator[Path]:
    """The whole content in a file of its own beside its place, which is gone afterwards."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield partial
    finally:
        partial.unlink(missing_ok=True)
