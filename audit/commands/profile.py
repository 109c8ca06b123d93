"""`audit profile`: a summary of a file's columns in under a megabyte, which other commands take in place of the file."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from audit.commands.check import columns_of, read_options
from audit.datasets import Columns, Dataset
from audit.datasets.column_store import InMemory
from audit.datasets.contents import files_at
from audit.datasets.declared_types import kinds_of_columns, refuse_unknown_columns
from audit.datasets.file_bytes import Unreadable
from audit.datasets.parquet_file import ParquetColumns
from audit.datasets.parts import Location
from audit.datasets.profiles import making
from audit.datasets.profiles import profile as profile_file
from audit.datasets.reading import read
from audit.errors import InputError
from audit.files import write_new
from audit.metrics.windows import DERIVED
from audit.pipeline import engine
from audit.pipeline.engine import Call
from audit.progress import on_stderr

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from audit.datasets.column_store import ColumnStore
    from audit.datasets.columns import ReadOptions
    from audit.datasets.parts import Part
    from audit.datasets.profiles.profile import Profile
    from audit.pipeline.engine import Workers
    from audit.progress import Progress

_FIRST = 1000
"""Rows from which it is seen what columns are."""


@dataclass(frozen=True, slots=True)
class ProfileRequest:
    """What the command line said."""

    data: Path
    columns: Sequence[str] = ()
    """`role=column`."""
    by: Sequence[str] = ()
    """Columns by which labels and predictions are counted together."""
    reading: Sequence[str] = ()
    """`key=value` of how the file is read."""


def make(asked: ProfileRequest, progress: Progress) -> tuple[Profile, tuple[str, ...]]:
    """The profile of a file, and what its reader must know of the roles that columns were given."""
    with _named(asked.data):
        cells, digests, columns, remarks, options = _begin(asked)
        plan = _plan(cells, columns, asked, options)
        if not isinstance(cells, ParquetColumns):  # whose texts and ids are read as they are written
            cells, digests = _open(asked.data, columns, options)
        return making.of_frames(_counted(cells, plan, progress), plan, digests), remarks


def make_in_parts(asked: ProfileRequest, workers: Workers, progress: Progress) -> tuple[Profile, tuple[str, ...]]:
    """The profile of a folder of Parquet files, each profiled by itself, and all merged in the order of their names.

    It depends on the files alone: neither on how many are profiled at a time nor where.
    """
    with _named(asked.data):
        cells, _, columns, remarks, options = _begin(asked)
        if not isinstance(cells, ParquetColumns):
            msg = f"{asked.data}: --jobs profiles the files of a folder of Parquet by themselves: leave it out, or write Parquet"
            raise InputError(msg)
        _plan(cells, columns, asked, options)
        parts = [replace(part, path=part.path.absolute()) for part in files_at(Location.of(asked.data)).parts]
        calls = [Call(part.name, of_part, (part, columns, asked)) for part in parts]
        texts = engine.call(calls, workers=workers, progress=progress)
        return profile_file.merge([profile_file.parse(text.encode())[0] for text in texts]), remarks


def of_part(part: Part, columns: Columns, asked: ProfileRequest) -> str:
    """The profile of one file of a folder, as its own file would hold it."""
    options = read_options(asked.reading)
    cells = ParquetColumns((part,), options, ())
    plan = _plan(cells, columns, asked, options)
    digests = tuple(sha256 for _, sha256 in cells.digests)
    return making.of_frames(_counted(cells, plan, on_stderr()), plan, digests).dump()


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """What cannot be read is told with the path of the whole."""
    try:
        yield
    except Unreadable as error:
        msg = f"{path}: {error}"
        raise InputError(msg) from error


def _begin(asked: ProfileRequest) -> tuple[ColumnStore, tuple[str, ...], Columns, tuple[str, ...], ReadOptions]:
    """The cells as they are, digests of the files, roles of columns by their first rows, remarks on these, and how files are read."""
    if profile_file.is_profile(asked.data):
        msg = f"{asked.data}: is a profile already: give a file with rows, or merge profiles with --merge"
        raise InputError(msg)
    options = read_options(asked.reading)
    cells, digests = _open(asked.data, Columns(), options)
    first = next(cells.stream(_FIRST))
    columns, remarks = columns_of(Dataset("data", asked.data, InMemory(first), Columns(), digests[0]), asked.columns)
    return cells, digests, columns, remarks, options


def _open(path: Path, columns: Columns, options: ReadOptions) -> tuple[ColumnStore, tuple[str, ...]]:
    """The cells of a file or folder, and the digests of its files. Parquet is not read before it is profiled."""
    listing = files_at(Location.of(path))
    if listing.parts[0].format != "Parquet":
        data = read("data", path, columns, options)
        return data.cells, (data.sha256,)
    cells = ParquetColumns(listing.parts, options, ())
    if not cells.rows or not cells.names:
        what = "holds no rows"
        raise Unreadable(what, "give a file with rows")
    refuse_unknown_columns(options, cells.names)
    return cells, tuple(sha256 for _, sha256 in cells.digests)


def _plan(cells: ColumnStore, columns: Columns, asked: ProfileRequest, options: ReadOptions) -> making.Plan:
    """What is kept; refuses roles and slices of columns that are not there."""
    named = {**{f"--column {role}": name for role, name in columns.named().items()}, **{f"--by {name}": name for name in asked.by}}
    absent = next((option for option, name in named.items() if name not in cells.names), None)
    if absent is not None:
        msg = f"{absent}: {asked.data} has no column {named[absent]!r}: it has {', '.join(cells.names)}"
        raise InputError(msg)
    kept = cells.names if columns.features is None else tuple(name for name in cells.names if name in {*named.values()})
    return making.Plan(kept, columns, tuple(asked.by), kinds_of_columns(options), DERIVED, options.to_json())


def _counted(cells: ColumnStore, plan: making.Plan, progress: Progress) -> Iterator[pd.DataFrame]:
    """The tables of a store, with progress over the rows."""
    task = progress.start("rows", cells.rows)
    texts = [name for name in (plan.roles.text, plan.roles.output) if name is not None]
    try:
        for frame in cells.stream(making.BATCH, texts):
            yield frame
            task.advance(len(frame))
    finally:
        task.finish()


def merge(paths: Sequence[Path]) -> Profile:
    """One profile of the rows of several."""
    if len(paths) < 2:  # noqa: PLR2004  # one is merged with another
        msg = "--merge: name two profiles or more"
        raise InputError(msg)
    found: Profile | None = None
    for path in paths:
        if not profile_file.is_profile(path):
            msg = f"{path}: is no profile: make one with `audit profile {path}`"
            raise InputError(msg)
        try:
            one = profile_file.load(path)[0]
            found = one if found is None else found.merged(one)
        except (InputError, Unreadable) as error:
            msg = f"{path}: {error}"
            raise InputError(msg) from error
    assert found is not None  # noqa: S101  # there are two at least
    return found


def write(profile: Profile, path: Path) -> None:
    """The profile as a new file."""
    text = profile.dump()
    try:
        write_new(path, text)
    except FileExistsError as error:
        msg = f"{path}: is there already: name another file with -o, or remove it"
        raise InputError(msg) from error
    except OSError as error:
        msg = f"{path}: cannot be written ({error.strerror})"
        raise InputError(msg) from error


def place_of(data: Path) -> Path:
    """Where the profile of a file is written, unless another place is named."""
    return Path(f"{data.name}.profile.json")


def described(profile: Profile) -> Iterator[str]:
    """What is in a profile, in a few lines."""
    yield f"{profile.rows:,} rows, {len(profile.columns)} columns"
    if error := profile.largest_error:
        yield f"shares of rows up to a number are within {100 * error:.2f} % of the rows"
    if profile.joint.columns:
        yield f"counted together: {', '.join(profile.joint.columns)} ({len(profile.joint.cells):,} combinations)"
