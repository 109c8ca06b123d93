"""The files of a data set: one file, or those of a folder, a glob or a partition, in a defined order."""

from __future__ import annotations

import glob
import hashlib
import os
import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import unquote

from audit.datasets.addresses import LOCAL, WEB, Address, is_address, problem
from audit.datasets.file_bytes import Unreadable
from audit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FORMATS = {
    **dict.fromkeys((".csv", ".csv.gz"), "CSV"),
    ".parquet": "Parquet",
    **dict.fromkeys((".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz"), "JSON lines"),
}
"""Formats by the ends of file names."""
PartitionValue: TypeAlias = str | int | date | None
_PARTITION = re.compile(r"([^=]+)=(.*)", re.DOTALL)
_NULL = "__HIVE_DEFAULT_PARTITION__"
"""What Hive and Spark write for an empty cell."""
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TEMPORARY = (".crc", ".tmp", ".inprogress", "~")
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Location:
    """Where the rows of a data set lie."""

    path: Path | Address
    """A file, a folder or a glob; a store, a web server or a database."""
    within: Path | None = None
    """Folder that its files may not lie outside of; None where they may lie anywhere."""
    sql: str | None = None
    """Statement whose answer over the files, or over a database, is the data set."""

    @classmethod
    def of(cls, path: Path) -> Location:
        """What an option of the command line names. An address of the web is read only where a policy names it."""
        if not is_address(str(path)):
            return cls(path)
        address = Address.of(str(path))
        if (wrong := problem(address.written)) is not None:
            msg = f"the address of the data {wrong}"
            raise InputError(msg)
        if address.protocol in LOCAL:
            return cls(address.local_path)
        if address.protocol in WEB:
            msg = f"{address}: is an address of the web, which is read only where a policy names it: fetch the file first, or use a policy"
            raise InputError(msg)
        return cls(address)


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a data set."""

    path: Path
    name: str
    """As messages and the digest name it: from the start of the data set on."""
    partition: tuple[tuple[str, PartitionValue], ...] = ()
    """Columns that the folders above it give to all its rows, such as `day=2026-11-30`."""

    @property
    def format(self) -> str:
        """CSV, Parquet or JSON lines; Unreadable where its name says none of them."""
        name = self.path.name.lower()
        found = next((kind for end, kind in FORMATS.items() if name.endswith(end)), None)
        if found is None:
            what = "not a kind of file that can be read"
            raise Unreadable(what, f"give one that ends in {', '.join(FORMATS)}")
        return found


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a data set."""

    parts: tuple[Part, ...]
    """In the natural order of their names: `part-2` before `part-10`."""
    left_out: tuple[str, ...] = ()
    """Names of hidden and temporary files, which hold no rows."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader must know of the files."""
        if not self.left_out:
            return ()
        count = len(self.left_out)
        return (f"{count:,} hidden or temporary file{'s are' if count > 1 else ' is'} left out: {_some(self.left_out)}.",)


def is_pattern(path: Path) -> bool:
    """Whether a path is a glob: it has a wildcard, and nothing has this very name."""
    return has_wildcard(str(path)) and not os.path.lexists(path)


def is_there(path: Path | Address) -> bool:
    """Whether a path names anything that is there; of an address, which only a run reads, never."""
    if isinstance(path, Address):
        return False
    if is_pattern(path):
        return next(glob.iglob(str(path), recursive=True), None) is not None  # noqa: PTH207  # Path.glob knows no absolute pattern
    return os.path.exists(path)  # noqa: PTH110  # Path.exists raises where it may not look


def find_parts(path: Path, *, within: Path | None = None) -> Listing:
    """The files of a path. Unreadable where there are none, one lies outside of `within`, or they do not fit together."""
    if is_pattern(path):
        start = Path(fixed_start(str(path)))
        found, left_out = _matches(path, start)
        if not found:
            what = "no file matches" + (f" ({_some(left_out)} is left out as hidden or temporary)" if left_out else "")
            raise Unreadable(what, "mend the pattern, or make the files first")
    elif path.is_dir():
        start = path
        found, left_out = _below(path, path)
        if not found:
            what = "is a folder without a file of rows" + (f" ({_some(left_out)} is left out as hidden or temporary)" if left_out else "")
            raise Unreadable(what, "put the files there first, or name another folder")
    else:
        return arrange({path.name: path}, above=path.parent, is_file=True)
    _refuse_outside(start, [one.relative_to(start).as_posix() for one in found], within)
    files = {one.relative_to(start).as_posix(): one for one in found}
    return arrange(files, [os.path.relpath(one, start) for one in left_out], above=start)


def arrange(files: Mapping[str, Path], left_out: Sequence[str] = (), *, above: Path | str = "", is_file: bool = False) -> Listing:
    """Files by their names from a start on, which lies in the folders `above`, in order and with the columns of their folders."""
    names = sorted(files, key=_natural)
    _refuse_mixed([Part(files[name], name) for name in names], is_file=is_file)
    partitions = _typed(_partitions(_above(above), names))
    parts = tuple(Part(files[name], name, partition) for name, partition in zip(names, partitions, strict=True))
    return Listing(parts, tuple(sorted(left_out, key=_natural)))


def _some(names: Sequence[object]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(str, names[:_SHOWN])) + more


def _natural(name: str) -> tuple[list[tuple[str, int]], str]:
    """Digits count as numbers."""
    pieces = re.split(r"([0-9]+)", name)
    return [(text, int(number)) for text, number in zip(pieces[::2], [*pieces[1::2], "-1"], strict=True)], name


def has_wildcard(name: str) -> bool:
    """Whether a name has one of the signs of a glob."""
    return glob.has_magic(name)


def fixed_start(pattern: str) -> str:
    """The folders of a pattern before its first wildcard."""
    parts = PurePosixPath(pattern).parts
    first = next(place for place, part in enumerate(parts) if has_wildcard(part))
    return str(PurePosixPath(*parts[:first]))


def _matches(pattern: Path, start: Path) -> tuple[list[Path], list[Path]]:
    """Files that match, with those in folders that match, and what is left out of them."""
    found, left_out = dict[Path, None](), list[Path]()
    for name in glob.iglob(str(pattern), recursive=True):  # noqa: PTH207  # Path.glob knows no absolute pattern
        path = Path(name)
        if any(is_temporary(part) for part in path.relative_to(start).parts):
            left_out.append(path)
        elif path.is_dir():
            files, others = _below(path, start) if "**" not in pattern.parts else ([], [])
            found |= dict.fromkeys(files)
            left_out += others
        else:
            found[path] = None
    return list(found), left_out


def _below(folder: Path, start: Path) -> tuple[list[Path], list[Path]]:
    """All files below a folder, and the hidden and temporary ones among them."""
    found, left_out, seen = list[Path](), list[Path](), set[str]()
    for here, folders, files in os.walk(folder, followlinks=True, onerror=_refuse_folder):
        if (real := os.path.realpath(here)) in seen:
            what = f"reaches the folder {os.path.relpath(here, start)} twice, by a link"
            raise Unreadable(what, "take the link away")
        seen.add(real)
        left_out += [Path(here, name) for name in folders if is_temporary(name)]
        folders[:] = [name for name in folders if not is_temporary(name)]
        for name in files:
            (left_out if is_temporary(name) else found).append(Path(here, name))
    return found, left_out


def _refuse_folder(error: OSError) -> None:
    what = f"the folder {error.filename} cannot be read ({error.strerror})"
    raise Unreadable(what, "see to its permissions") from error


def is_temporary(name: str) -> bool:
    """Whether a writer of data marks a file or folder as no data, such as `_SUCCESS` or `.part-0.parquet.crc`."""
    return name.startswith(".") or (name.startswith("_") and "=" not in name) or name.endswith(_TEMPORARY)


def _refuse_outside(start: Path, names: Sequence[str], within: Path | None) -> None:
    wall = None if within is None else os.path.realpath(within)
    for name in names:
        path = start / name
        if not path.exists():
            what = f"{name} is a link to a file that is not there"
            raise Unreadable(what, "take the link away, or mend it")
        if wall is not None and not Path(os.path.realpath(path)).is_relative_to(wall):
            what = f"{name} is a link that leads out of the project folder {within}"
            raise Unreadable(what, "copy the file inside, or run with --allow-outside")


def _refuse_mixed(parts: Sequence[Part], *, is_file: bool) -> None:
    """Files of two formats, and files of none that is known."""
    first = parts[0]
    for part in parts:
        try:
            kind = part.format
        except Unreadable as error:
            if is_file:
                raise
            what = f"holds {part.name}, which is not a kind of file that can be read"
            remedy = f"name the files by a glob such as {first.path.parent.name}/*.parquet, or take it away"
            raise Unreadable(what, remedy) from error
        if kind != first.format:
            what = f"holds files of two formats, {first.name} ({first.format}) and {part.name} ({kind})"
            raise Unreadable(what, "name those of one format by a glob, such as data/*.parquet")


def _partitions(above: dict[str, str], names: Sequence[str]) -> list[dict[str, str]]:
    """The columns of each file's folders; every file must have the same ones."""
    found = [above | dict(_pairs(Path(name).parts[:-1])) for name in names]
    for name, partition in zip(names, found, strict=True):
        if partition.keys() != found[0].keys():
            one, other = (", ".join(keys) or "none" for keys in (found[0], partition))
            what = f"{names[0]} lies in a partition by {one}, and {name} in one by {other}"
            raise Unreadable(what, "name the files of one layout by a glob")
    return found


def _above(folder: Path | str) -> dict[str, str]:
    """Columns that the folders right above a file or folder name, itself counted in."""
    found = dict[str, str]()
    for part in reversed(PurePosixPath(folder).parts):
        if _PARTITION.fullmatch(part) is None:
            break
        found = dict(_pairs([part])) | found
    return found


def _pairs(folders: Sequence[str]) -> Iterator[tuple[str, str]]:
    for folder in folders:
        if (match := _PARTITION.fullmatch(folder)) is not None:
            yield unquote(match[1]), unquote(match[2])


def _typed(partitions: Sequence[dict[str, str]]) -> list[tuple[tuple[str, PartitionValue], ...]]:
    """Whole numbers and days where all values of a column are such, else text: `07` stays text, as in a CSV."""
    columns = dict[str, list[PartitionValue]]()
    for column in partitions[0]:
        texts = [None if one[column] == _NULL else one[column] for one in partitions]
        columns[column] = _values(texts)
    return [tuple((column, values[place]) for column, values in columns.items()) for place in range(len(partitions))]


def _values(texts: Sequence[str | None]) -> list[PartitionValue]:
    filled = [text for text in texts if text is not None]
    if filled and all(_NUMBER.fullmatch(text) for text in filled):
        return [None if text is None else int(text) for text in texts]
    if filled and all(_DAY.fullmatch(text) for text in filled):
        try:
            return [None if text is None else date.fromisoformat(text) for text in texts]
        except ValueError:  # such as 2026-02-30
            return list(texts)
    return list(texts)


class RowPlaces:
    """Which file each row of a data set stands in."""

    def __init__(self, rows: Sequence[tuple[str, int]]) -> None:
        """`rows` are the names of the files with their numbers of rows."""
        self._names = [name for name, _ in rows]
        self._ends = list(accumulate(count for _, count in rows))

    @property
    def rows(self) -> int:
        """Of all files together."""
        return self._ends[-1]

    def name(self, row: int) -> str:
        """`1024`, or `17 of part-2.parquet` where there are several files: a row from 0 as messages name it, counted from 1."""
        if len(self._names) == 1:
            return str(row + 1)
        place = bisect_right(self._ends, row)
        return f"{row + 1 - (self._ends[place - 1] if place else 0)} of {self._names[place]}"


def refuse_other_columns(first: tuple[str, Sequence[str]], other: tuple[str, Sequence[str]]) -> None:
    """Two files, each with its name and its columns, of which one has a column that the other lacks."""
    (here, columns), (there, others) = first, other
    absent, more = [name for name in columns if name not in others], [name for name in others if name not in columns]
    if absent:
        what = f"{there} has no column {absent[0]!r}, which {here} has" + (f" (and {len(absent) - 1} more)" if len(absent) > 1 else "")
        raise Unreadable(what, f"it has {', '.join(others)}: write every file with the same columns")
    if more:
        what = f"{there} has a column {more[0]!r}, which {here} lacks" + (f" (and {len(more) - 1} more)" if len(more) > 1 else "")
        raise Unreadable(what, "write every file with the same columns")


def refuse_other_types(column: str, kinds: Sequence[tuple[str, str | None]], remedy: str) -> None:
    """Files, each with its name and what it holds in a column, of which two hold cells that are not of one kind."""
    known = [(part, kind) for part, kind in kinds if kind is not None]
    other = next(((part, kind) for part, kind in known if kind != known[0][1]), None)
    if other is not None:
        what = f"column {column!r} holds {known[0][1]} in {known[0][0]}, and {other[1]} in {other[0]}"
        raise Unreadable(what, remedy)


def listing_sha256(digests: Sequence[tuple[str, str]]) -> str:
    """The digest of one file; of several, that of the lines that `sha256sum` prints for them in their order."""
    if len(digests) == 1:
        return digests[0][1]
    return hashlib.sha256("".join(f"{sha256}  {name}\n" for name, sha256 in digests).encode()).hexdigest()
