"""A CSV parsed into a table. Only an empty cell is a missing one, unless the data set lists further words; two readings are refused."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from audit.datasets import notation
from audit.datasets.columns import quote
from audit.datasets.csv_layout import find_layout, without_empty_lines
from audit.datasets.file_bytes import Unreadable, decode, refuse_nul
from audit.datasets.notation import Notation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    import pandas as pd

    from audit.datasets.columns import ReadOptions
    from audit.datasets.csv_layout import Layout
    from audit.datasets.notation import Mark

_ZERO_LED = re.compile(r"\s*[+-]?0\d[\d.]*\s*$")


@dataclass
class _Reading:
    """One CSV on its way to a table."""

    layout: Layout
    options: ReadOptions
    verbatim: AbstractSet[str]
    """Columns that stay text."""
    whole: AbstractSet[str]
    """Columns of texts, in which no word stands for an empty cell."""
    remarks: list[str] = field(default_factory=list)

    def parse(self, mark: Mark, columns: AbstractSet[str] | None = None) -> pd.DataFrame:
        """The table as pandas reads it under a decimal mark; `columns` alone and as text where they are named."""
        import pandas as pd

        header = self.layout.header
        kept = self.verbatim if columns is None else columns
        words = ["", *self.options.missing_words]
        exact: Any = {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1) else {"float_precision": "round_trip"}
        # reading every digit is the default from 3.1 on
        types: Any = {place: str for place, name in enumerate(header) if name in kept}
        gaps: Any = {place: [""] if name in self.whole else words for place, name in enumerate(header)}
        frame: pd.DataFrame = pd.read_csv(
            io.StringIO(self.layout.text),
            sep=self.layout.separator,
            decimal=mark,
            header=0,
            names=list(range(len(header))),
            usecols=None if columns is None else list(types),
            dtype=types,
            index_col=False,
            skip_blank_lines=False,  # or a text of blanks alone would go with its row
            keep_default_na=False,
            na_values=gaps,
            low_memory=False,  # one type a column, whatever the length of the file
            **exact,
        )
        frame.columns = pd.Index([header[int(place)] for place in frame.columns])
        return frame


def csv_table(
    raw: bytes, verbatim: AbstractSet[str], texts: AbstractSet[str], options: ReadOptions
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table, and what a reader must know of how it was read.

    `verbatim` columns stay text, and so do those with codes such as `007`, which is not the same as `7`.
    """
    import pandas as pd

    text = decode(raw, options.encoding)
    refuse_nul(text, options.encoding)
    layout, remarks = find_layout(text, options.separator)
    if not layout.header:
        return pd.DataFrame(), ()
    if layout.empty_lines:
        layout = type(layout)(layout.separator, without_empty_lines(layout), layout.header)
    numbers = {column for column, kind in options.types.items() if kind == "number"}
    text_columns = {*verbatim, *options.types, *_zero_led(layout)} - numbers
    reading = _Reading(layout, options, text_columns, texts, list(remarks))
    try:
        frame = _numbers(reading)
    except ValueError as error:  # pandas' parser errors are ValueErrors
        if isinstance(error, Unreadable):
            raise
        what = f"cannot be parsed ({error})"
        raise Unreadable(what, "write it with a CSV library") from error
    return _without_index(frame, reading.remarks), tuple(reading.remarks)


def _zero_led(layout: Layout) -> frozenset[str]:
    """Columns that hold a number written with a zero before its first digit."""
    if re.search(rf"(?:^|[{re.escape(layout.separator)}\"])[ \t]*[+-]?0\d", layout.text, re.MULTILINE) is None:
        return frozenset()
    rows = layout.records()
    return frozenset(name for row in rows for name, cell in zip(layout.header, row, strict=False) if _ZERO_LED.match(cell))


def _numbers(reading: _Reading) -> pd.DataFrame:
    """The table with its numbers read under the decimal mark that is named, or that alone fits."""
    given = reading.options.decimal
    frame = reading.parse(given or ".")
    columns = dict(_text_columns(frame, reading.verbatim))
    mark = given or "."
    if given is None and reading.layout.separator != "," and (sure := _sure_commas(columns)):
        other = reading.parse(",")
        _refuse_two_marks(frame, other, sure, reading)
        frame, mark = other, ","
        columns = dict(_text_columns(frame, reading.verbatim))
        reading.remarks.append(f'a comma is read as the decimal mark ({", ".join(map(repr, sure[:5]))}); set `decimal: ","` to confirm it.')
    for name, cells in columns.items():
        _read_column(frame, name, cells, mark, reading)
    for name in notation.lost_digits(frame):
        _restore_digits(frame, name, reading, mark)
    return frame


def _text_columns(frame: pd.DataFrame, verbatim: AbstractSet[str]) -> Iterator[tuple[str, Notation]]:
    for name in frame.columns:
        if name not in verbatim and frame[name].dtype.kind == "O":
            yield name, Notation(frame[name])


def _sure_commas(columns: dict[str, Notation]) -> list[str]:
    """Columns of text that are numbers with decimal commas and nothing else."""
    return [name for name, cells in columns.items() if cells.mostly(",") and cells.only(",") and not cells.only(".")]


def _refuse_two_marks(frame: pd.DataFrame, other: pd.DataFrame, sure: list[str], reading: _Reading) -> None:
    """Where one column has decimal commas and another decimal points, neither is the file's mark."""
    for name in frame.columns:
        if name in reading.verbatim or frame[name].dtype.kind != "f" or other[name].dtype.kind != "O":
            continue
        cells = Notation(other[name])
        if not cells.is_written_with(","):
            example = next(text for text in cells.filled if notation.to_plain(text, ",") is None)
            what = f"column {sure[0]!r} has decimal commas, and column {name!r} has decimal points ({example!r})"
            raise Unreadable(
                what, f'say which mark the file uses (`decimal: ","`), or that one column is text (`types: {{{quote(sure[0])}: text}}`)'
            )


def _read_column(frame: pd.DataFrame, name: str, cells: Notation, mark: Mark, reading: _Reading) -> None:
    """A column of text as numbers, where every filled cell is one under the mark and none of them could be another number."""
    if not cells.is_text or not cells.filled:
        return
    if reading.options.decimal is None and mark == "." and _is_doubtful(frame, name, cells, reading):
        return
    odd = not cells.is_written_with(mark)
    if odd and not (cells.mostly(mark) and (mark == "," or (cells.has_groups and cells.only(".")))):
        return
    if reading.options.decimal is None and mark == "." and cells.has_groups:
        text, row = cells.example
        reading.remarks.append(f"{name}: separators between thousands are left out of its numbers, such as {text!r} in row {row:,}.")
    plain = cells.read(mark)  # odd cells stay as they are, and are told where those of all files are
    frame[name] = _take(cells, plain) if odd else notation.series_of(cells.codes, plain)


def _is_doubtful(frame: pd.DataFrame, name: str, cells: Notation, reading: _Reading) -> bool:
    """Whether commas between digits may be decimal marks as well as something else: told, or refused."""
    if not cells.is_written_with(","):
        return False
    if cells.is_written_with(".") and cells.has_groups and not _has_points(frame):
        _tell_ambiguous(name, cells, reading)
        return True
    if cells.only(","):
        reading.remarks.append(f'{name}: {_COMMA.format(*cells.example)}, set `decimal: ","`.')
        return True
    return False


_COMMA = "a comma stands between digits, such as {!r} in row {:,}: read as text; if these are numbers"


def _has_points(frame: pd.DataFrame) -> bool:
    """Whether the file writes fractions with a decimal point."""
    import numpy as np

    floats = (frame[name].to_numpy() for name in frame.columns if frame[name].dtype == "float64")
    return any(bool((np.floor(values[np.isfinite(values)]) != values[np.isfinite(values)]).any()) for values in floats)


def _tell_ambiguous(name: str, cells: Notation, reading: _Reading) -> None:
    """`1,234` is a thousand or a bit more than one: refused; in a file whose separator is the comma it may be no number, and is text."""
    text, row = cells.example
    if reading.layout.separator != ",":
        what = f"row {row} has {text!r} in column {name!r}, which is {notation.to_plain(text, '.')} or {notation.to_plain(text, ',')}"
        raise Unreadable(
            what, f'say what the comma is (`decimal: ","` or `decimal: "."`), or that it is text (`types: {{{quote(name)}: text}}`)'
        )
    advice = 'set `decimal: "."` where the comma separates thousands, or `decimal: ","`'
    reading.remarks.append(f"{name}: {_COMMA.format(text, row)}, {advice}.")


def _take(cells: Notation, distinct: list[str | None]) -> pd.Series[Any]:
    import numpy as np
    import pandas as pd

    return pd.Series(np.array([*distinct, None], dtype=object)[cells.codes], dtype=object)


def _restore_digits(frame: pd.DataFrame, name: str, reading: _Reading, mark: Mark) -> None:
    """Whole numbers that a float cannot tell apart, read again digit by digit."""
    cells = Notation(reading.parse(mark, {name})[name])
    plain = [notation.to_plain(text, mark) if text else None for text in cells.texts]
    if all(text is None or notation.is_whole(text) for text in plain):
        frame[name] = notation.series_of(cells.codes, plain)


def _without_index(frame: pd.DataFrame, remarks: list[str]) -> pd.DataFrame:
    """The table without a nameless first column that numbers or names the rows, as pandas and R write their index."""
    if frame.columns[0] != "":
        return frame
    first = frame.iloc[:, 0]
    if len(frame) and (first.isna().any() or not first.is_unique or first.dtype.kind not in "iuO"):
        what = "column 1 of the first line has no name"
        raise Unreadable(what, "name it; a row number that pandas wrote is left out with index=False")
    remarks.append("the first column has no name and a different value in every row: it is left out as the index that pandas writes.")
    return frame.iloc[:, 1:].copy()
