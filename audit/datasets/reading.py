"""Files read into data sets: every problem is reported with its path and what to do."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from audit.canonical_text import TRUTHS, canonical_values
from audit.datasets.column_store import InMemory, nested_as_json
from audit.datasets.columns import ReadOptions
from audit.datasets.contents import read_contents
from audit.datasets.declared_types import kinds_of_columns
from audit.datasets.file_bytes import Unreadable
from audit.datasets.notation import EXACT
from audit.datasets.parts import Location
from audit.datasets.profiles.cells import ProfiledCells
from audit.datasets.profiles.profile import is_profile
from audit.datasets.remarks import on_columns
from audit.datasets.table import Dataset
from audit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from audit.datasets.addresses import Address
    from audit.datasets.column_store import ColumnStore
    from audit.datasets.columns import Columns

_KINDS_OF_CELL = {bytes: "bytes", list: "a list", dict: "an object"}
_TELLING = frozenset({"id", "group", "sensitive"})
"""Roles whose values tell rows or groups apart. Labels may be large numbers, and are looked at where they are read as classes."""


def read(
    role: str,
    where: Path | Location,
    columns: Columns,
    options: ReadOptions | None = None,
    *,
    optional: frozenset[str] = frozenset(),
    source: str | None = None,
    licence: str | None = None,
) -> Dataset:
    """The data set in a file, a folder or the files of a glob. Its digest is of the very bytes that were parsed.

    `optional` names roles that the data may lack.
    """
    options = options or ReadOptions()
    location = where if isinstance(where, Location) else Location.of(where)
    path = location.path
    try:
        if location.sql is None and isinstance(path, Path) and is_profile(path):
            return replace(_profiled(role, path, columns, options, optional), source=source, licence=licence)
        contents = read_contents(location, columns, options)
    except Unreadable as error:
        _refuse(role, path, error.what, error.remedy)
    cells = contents.cells
    if not cells.rows or not cells.names:
        _refuse(role, path, "holds no rows", "nothing can be measured on it: give a file with rows")
    columns = _without_absent(columns, set(cells.names), optional)
    _refuse_missing_columns(role, path, cells.names, columns)
    _refuse_bad_cells(role, path, cells, columns)
    _refuse_bad_ids(role, path, cells, columns.id)
    if isinstance(cells, InMemory):
        _write_out_nested_cells(cells.frame())
    types, keys = kinds_of_columns(options), options.to_json()
    data = Dataset(role, path, cells, columns, contents.sha256, source, licence, types=types, read_with=keys)
    data = replace(data, remarks=(*contents.remarks, *on_columns(data)))
    return _labelled(data) if options.unlabelled == "drop" and columns.label is not None else data


def _profiled(role: str, path: Path, columns: Columns, options: ReadOptions, optional: frozenset[str]) -> Dataset:
    """A profile in place of rows."""
    cells, keys = ProfiledCells(path), options.to_json()
    if keys not in {"", cells.profile.read_with}:
        what = "is a profile, made with other reading options than these"
        raise Unreadable(what, "leave missing, types and the like out, or make the profile with them")
    columns = _without_absent(columns, set(cells.names), optional)
    _refuse_missing_columns(role, path, cells.names, columns)
    return Dataset(role, path, cells, columns, cells.sha256, types=kinds_of_columns(options), read_with=keys)


def _labelled(data: Dataset) -> Dataset:
    """The rows that have a label. The digest stays that of the file: with `read_with` and the roles it says which rows these are."""
    column = str(data.columns.label)
    blank = data.blank(column)
    if not blank.any():
        return data
    if blank.all():
        _refuse(data.role, data.path, f"no row has a label in column {column!r}", "name the column of the labels under columns.label")
    first = data.shown(int(np.flatnonzero(blank)[0]))
    remark = f"{int(blank.sum()):,} of {data.rows:,} rows have no label in column {column!r} and are left out (first: row {first})."
    return replace(data.where(~blank), sha256=data.sha256, remarks=(*data.remarks, remark))


def _refuse(role: str, path: Path | Address, what: str, remedy: str) -> NoReturn:
    msg = f"datasets.{role}: {path}: {what}: {remedy}"
    raise InputError(msg)


def _without_absent(columns: Columns, there: set[str], optional: frozenset[str]) -> Columns:
    """The roles without those optional ones whose column the file lacks."""
    changed: dict[str, object] = {
        role: None for role, column in columns.named().items() if role in optional and "." not in role and column not in there
    }
    if "sensitive" in optional:
        changed["sensitive"] = tuple(column for column in columns.sensitive if column in there)
    named = columns.scores.values() if isinstance(columns.scores, dict) else columns.scores or ()
    if "scores" in optional and there.isdisjoint(named):
        changed["scores"] = None
    return columns.model_copy(update=changed)


def _refuse_missing_columns(role: str, path: Path | Address, there: Sequence[str], columns: Columns) -> None:
    """All of them at once, each with the nearest name that is there."""
    absent = [(use, name) for use, name in columns.named().items() if name not in there]
    if absent:
        told = []
        for use, name in absent:
            near = get_close_matches(name, there, n=1)
            told.append(f"columns.{use}: no column {name!r}" + (f", did you mean {near[0]!r}?" if near else ""))
        first = absent[0][0].split(".")[0]
        remedy = f"it has {', '.join(there)}; a role that this file lacks is set to null: datasets.{role}.columns: {{{first}: null}}"
        _refuse(role, path, "; ".join(told), remedy)


def _refuse_bad_cells(role: str, path: Path | Address, store: ColumnStore, columns: Columns) -> None:
    """Cells that are no single value, and whole numbers that a float can no longer tell apart."""
    named = columns.named()
    for column in dict.fromkeys(column for use, column in named.items() if not use.startswith("scores")):
        cells = _of_several_types(store.as_written(column))
        odd = next((cell for cell in cells if isinstance(cell, (bytes, list, dict))), None)
        if odd is not None:
            row_name, kind = store.name_of_row(cells.index(odd)), _KINDS_OF_CELL[type(odd)]
            _refuse(role, path, f"row {row_name} has {kind} in column {column!r}", "write one text, number or boolean in every row")
    for column in [column for use, column in named.items() if use.split(".")[0] in _TELLING]:
        found = _first_large(store.as_written(column))
        if found is not None:
            row, large = found
            what = f"row {store.name_of_row(row)} has a number near {large:.0f} in column {column!r}, read beside gaps or fractions"
            _refuse(role, path, what, "its last digits are lost: write these numbers as text")


def _write_out_nested_cells(frame: pd.DataFrame) -> None:
    for column in [name for name, kind in frame.dtypes.items() if kind.kind == "O"]:
        written = nested_as_json(frame[column])
        if written is not frame[column]:
            frame[column] = written


def _of_several_types(cells: pd.Series[Any]) -> list[object]:
    """The cells of a column whose type does not say what they are; none of a column of texts alone."""
    from pandas.api import types

    return cells.to_list() if cells.dtype.kind == "O" and types.infer_dtype(cells, skipna=True) != "string" else []


def _first_large(cells: pd.Series[Any]) -> tuple[int, float] | None:
    """Row from 0 and value of the first whole float beyond the exact ones."""
    values = np.array([cell if isinstance(cell, float) else 0.0 for cell in _of_several_types(cells)])
    values = cells.to_numpy() if cells.dtype.kind == "f" else values
    large = np.flatnonzero(np.isfinite(values) & (np.abs(values) >= EXACT) & (np.floor(values) == values))
    return (int(large[0]), float(values[large[0]])) if large.size else None


def _refuse_bad_ids(role: str, path: Path | Address, store: ColumnStore, column: str | None) -> None:
    if column is None or _are_different(store.column(column)):
        return
    codes, distinct = store.codes(column)
    ids = [*canonical_values(distinct), None]  # the last for rows without a cell
    place = {value: at for at, value in enumerate(dict.fromkeys(ids))}
    of_row = np.array([place[value] for value in ids], dtype=np.int64)[codes]
    missing = np.flatnonzero(of_row == place[None])
    if missing.size:
        what = f"row {store.name_of_row(int(missing[0]))} has no id in column {column!r}"
        _refuse(role, path, what, "give every row an id, or leave columns.id out")
    counts = np.bincount(of_row)
    if counts.max() == 1:
        return
    again = int(of_row[np.flatnonzero(counts[of_row] > 1)[0]])
    _refuse(role, path, f"id {list(place)[again]!r} is there {counts[again]} times in column {column!r}", "give every row its own id")


def _are_different(cells: pd.Series[Any]) -> bool:
    """Whether each is a whole number by the type of the column, or a text that stays as it is, and none comes twice."""
    from pandas.api import types

    if isinstance(cells.dtype, np.dtype) and cells.dtype.kind in "iu":
        return bool(cells.is_unique)
    texts = cells.dtype == object and types.infer_dtype(cells, skipna=False) == "string"
    return texts and bool(cells.is_unique) and not cells.isin(TRUTHS).any()
