"""CSV files and JSON lines as one table: each is parsed by itself, and a column must hold the same kind of cells in all of them."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audit.datasets import file_bytes, notation
from audit.datasets.columns import quote
from audit.datasets.declared_types import apply_types, empty_words
from audit.datasets.file_bytes import Unreadable, read_bytes, unpack
from audit.datasets.parts import RowPlaces, refuse_other_columns, refuse_other_types

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from collections.abc import Set as AbstractSet
    from typing import TypeAlias

    import pandas as pd

    from audit.datasets.columns import ReadOptions
    from audit.datasets.parts import Part

    Parse: TypeAlias = Callable[[bytes], tuple[pd.DataFrame, tuple[str, ...]]]
    """The table in the bytes of a file, and remarks on how it was read."""


@dataclass(frozen=True, slots=True, eq=False)
class JoinedFiles:
    """The rows of all files in their order."""

    frame: pd.DataFrame
    places: RowPlaces
    digests: tuple[tuple[str, str], ...]
    """Name and SHA-256 of each file."""
    remarks: tuple[str, ...]


def join_files(parts: Sequence[Part], parse: Parse, options: ReadOptions, texts: AbstractSet[str]) -> JoinedFiles:
    """The files as one table. Unreadable names the file that cannot be parsed, or does not fit the others."""
    frames, digests, remarks, size = list[Any](), list[tuple[str, str]](), Counter[str](), 0
    first_with = dict[str, str]()
    for part in parts:
        try:
            raw = read_bytes(part.path)
            digests.append((part.name, hashlib.sha256(raw).hexdigest()))
            plain = unpack(raw) if part.path.name.lower().endswith(".gz") else raw
            size += len(plain)
            if size > file_bytes.MOST_BYTES:
                raise file_bytes.too_large("its files hold")
            frame, said = _one(part, plain, parse, options, texts)
        except Unreadable as error:
            what = error.what if len(parts) == 1 else f"{part.name}: {error.what}"
            raise Unreadable(what, error.remedy) from error
        frames.append(frame)
        remarks.update(said)
        first_with |= {text: first_with.get(text, part.name) for text in said}
    places = RowPlaces([(part.name, len(frame)) for part, frame in zip(parts, frames, strict=True)])
    if len(parts) == 1:
        return JoinedFiles(frames[0], places, tuple(digests), tuple(remarks))
    told = tuple(f"{first_with[text]}{f' and {count - 1} more' if count > 1 else ''}: {text}" for text, count in remarks.items())
    return JoinedFiles(_joined(parts, frames), places, tuple(digests), told)


def _one(part: Part, plain: bytes, parse: Parse, options: ReadOptions, texts: AbstractSet[str]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    frame, remarks = parse(plain)
    for column, value in part.partition:
        if column in frame.columns:
            what = f"column {column!r} is in the file and in the name of its folder"
            raise Unreadable(what, "leave it out of the file, or rename the folder")
        frame[column] = value
    if not frame.empty:
        empty_words(frame, options, texts)
        apply_types(frame, options)
    return frame, remarks


def _joined(parts: Sequence[Part], frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    names = [part.name for part in parts]
    columns = list(map(str, frames[0].columns))
    for name, frame in zip(names[1:], frames[1:], strict=True):
        refuse_other_columns((names[0], columns), (name, list(map(str, frame.columns))))
    _refuse_same_rows(names, frames)
    filled = [(name, frame) for name, frame in zip(names, frames, strict=True) if len(frame)] or [(names[0], frames[0])]
    return pd.DataFrame({column: _column(column, [(name, frame[column]) for name, frame in filled]) for column in columns})


def _refuse_same_rows(names: Sequence[str], frames: Sequence[pd.DataFrame]) -> None:
    """Two files with the same rows in the same order: a part that was written or copied twice."""
    seen = dict[tuple[object, ...], list[int]]()
    for place, frame in enumerate(frames):
        like = seen.setdefault((len(frame), repr(frame.iloc[0].to_list()) if len(frame) else ""), [])
        for other in like if len(frame) else ():
            if frame.equals(frames[other][frame.columns]):
                what = f"{names[place]} holds the same {len(frame):,} rows as {names[other]}"
                raise Unreadable(what, "take one of them away")
        like.append(place)


def _column(column: str, cells: Sequence[tuple[str, pd.Series[Any]]]) -> pd.Series[Any]:
    """The cells of all files as one column, read as those of one file are."""
    import pandas as pd

    kinds = [(name, _family(part)) for name, part in cells]
    refuse_other_types(column, kinds, f"write it in one way, or say what it holds, such as `types: {{{quote(column)}: text}}`")
    parts = [part for _, part in cells]
    if len({part.dtype for part in parts}) == 1:
        return pd.concat(parts, ignore_index=True)
    if {kind for _, kind in kinds if kind is not None} == {"numbers"}:
        return _numbers(parts)
    return pd.Series([cell for part in parts for cell in (part.astype(object).where(part.notna(), None))], dtype=object)


def _family(cells: pd.Series[Any]) -> str | None:
    """What a file holds in a column, in words; None where it is empty in every row."""
    import pandas as pd

    if cells.isna().all():
        return None
    kind = cells.dtype
    if pd.api.types.is_bool_dtype(kind):
        return "true and false"
    if pd.api.types.is_numeric_dtype(kind):
        return "numbers"
    if kind.kind == "M":
        return "times without a zone" if getattr(kind, "tz", None) is None else "times with a zone"
    if pd.api.types.infer_dtype(cells, skipna=True) == "boolean":
        return "true and false"
    return "days" if pd.api.types.infer_dtype(cells, skipna=True) == "date" else "text"


def _numbers(parts: Sequence[pd.Series[Any]]) -> pd.Series[Any]:
    """Numbers of several types: whole ones keep every digit."""
    import numpy as np
    import pandas as pd

    cells: list[Any] = [cell for part in parts for cell in part.astype(object).where(part.notna(), None)]
    whole = all(cell is None or not isinstance(cell, (float, np.floating)) or float(cell).is_integer() for cell in cells)
    exact = all(cell is None or abs(cell) < notation.EXACT for cell in cells)
    if exact or not whole:
        return pd.Series([np.nan if cell is None else float(cell) for cell in cells], dtype=np.float64)
    return notation.whole_numbers([None if cell is None else int(cell) for cell in cells])
