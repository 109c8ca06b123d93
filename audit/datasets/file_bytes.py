"""The bytes of a file: refused where it is no file, never ends, or unpacks beyond a limit; and its text in the encoding it has."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import BufferedReader
    from pathlib import Path

MOST_BYTES = 8 * 2**30
"""Of a file, and of what it unpacks to."""
_AT_ONCE = 2**24
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


_POINTER = b"version https://git-lfs.github.com/spec/"


class Unreadable(ValueError):
    """What is wrong in a file, with its line where there is one, and what to do."""

    def __init__(self, what: str, remedy: str) -> None:
        self.what, self.remedy = what, remedy
        super().__init__(f"{what}: {remedy}")


def too_large(what: str) -> Unreadable:
    """The error for what passes the limit."""
    return Unreadable(f"{what} more than {MOST_BYTES / 2**30:,.3g} GiB", "give a sample of its rows, or split the file")


def open_file(path: Path) -> BufferedReader:
    """A regular file of at most `MOST_BYTES`, to be closed by the caller."""
    if path.is_dir():
        what = "is a folder"
        raise Unreadable(what, "name one file in it")
    try:
        if path.exists() and not path.is_file():
            what = "is a pipe or a device, and no file"
            raise Unreadable(what, "save its content in a file first")
        file = path.open("rb")
    except FileNotFoundError as error:
        what = "there is no such file"
        raise Unreadable(what, "mend the path, or make the file first") from error
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
        raise Unreadable(what, "see to its permissions") from error
    if os.fstat(file.fileno()).st_size > MOST_BYTES:
        file.close()
        raise too_large("holds")
    return file


def read_bytes(path: Path) -> bytes:
    """What a regular file holds."""
    try:
        with open_file(path) as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
        raise Unreadable(what, "see to its permissions") from error
    if len(raw) > MOST_BYTES:
        raise too_large("holds")
    return raw


def unpack(raw: bytes) -> bytes:
    """What a gzip file holds."""
    parts, size = [], 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as file:
            while part := file.read(_AT_ONCE):
                parts.append(part)
                size += len(part)
                if size > MOST_BYTES:
                    raise too_large("unpacks to")
    except (OSError, EOFError, zlib.error) as error:
        what = f"is not a whole gzip file ({error})"
        raise Unreadable(what, "pack it again") from error
    return b"".join(parts)


def decode(raw: bytes, encoding: str | None) -> str:
    """The text in the encoding that is named, else in that of its byte order mark, else UTF-8; the mark is dropped."""
    if raw.startswith(_POINTER):
        what = "is a pointer of Git LFS, and not the file itself"
        raise Unreadable(what, "fetch it first (`git lfs pull`)")
    name = encoding or next((found for mark, found in _MARKS if raw.startswith(mark)), "utf-8")
    try:
        return raw.decode(name).lstrip("\ufeff")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        if encoding is None:
            _refuse_unmarked(raw)
        if encoding is None and name == "utf-8":
            what = f"line {line}: not UTF-8 (byte 0x{raw[error.start]:02x})"
            raise Unreadable(what, "save the file as UTF-8, or say how it was saved, such as `encoding: cp1252`") from error
        what = f"line {line}: not {name} ({error.reason})"
        raise Unreadable(what, "name the encoding that the file was saved in (`encoding: utf-8`)") from error


def _refuse_unmarked(raw: bytes) -> None:
    """Two bytes a character without the mark that says so: every second one is mostly 0."""
    seen = raw[:4096]
    for place, order in ((1, "utf-16-le"), (0, "utf-16-be")):
        half = seen[place::2]
        if half and half.count(0) > len(half) / 2:
            what = "seems to be UTF-16 without a byte order mark"
            raise Unreadable(what, f"say so (`encoding: {order}`)")


def refuse_nul(text: str, encoding: str | None) -> None:
    """A NUL is refused: pandas would end the cell there."""
    place = text.find("\0")
    if place < 0:
        return
    if encoding is None:
        _refuse_unmarked(text[:4096].encode())
    what = f"line {text.count(chr(10), 0, place) + 1}: holds a NUL character"
    raise Unreadable(what, "take it out, and save the file as UTF-8 text")
