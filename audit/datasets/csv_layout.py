"""How a CSV is laid out: what stands between its cells, its column names, its empty lines."""

from __future__ import annotations

import csv
import io
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audit.datasets.file_bytes import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LONGEST_CELL = 2**31 - 1
"""Characters: as many as the csv module can be told on every machine."""
_OTHERS = (";", "\t", "|")
_NAMES = {",": "','", ";": "';'", "\t": "a tab", "|": "'|'"}


@dataclass(frozen=True, slots=True)
class Layout:
    """A CSV's text under one separator."""

    separator: str
    text: str
    """Without a first line that names the separator."""
    header: list[str]
    empty_lines: int = 0
    error: Unreadable | None = None
    """Why it cannot be read with this separator."""

    @property
    def fits(self) -> bool:
        """Whether it parts the text into several columns, each record into as many."""
        return self.error is None and len(self.header) > 1

    def records(self) -> Iterator[list[str]]:
        """Every record below the header; an empty line is an empty one."""
        with cells_of_any_length():
            reader = _reader(self.text, self.separator)
            next(reader)
            yield from reader


def find_layout(text: str, separator: str | None) -> tuple[Layout, tuple[str, ...]]:
    """The layout under the separator that is named, else under the only one that fits, with a remark where that is no comma."""
    given, text, skipped = _first_line(text)
    if separator or given:
        return _accept(_layout(text, separator or given or ",", skipped)), ()
    comma, first = _layout(text, ",", skipped), text.partition("\n")[0]
    others = [found for sign in _OTHERS if sign in first and len((found := _layout(text, sign, skipped)).header) > 1]
    fitting = [found for found in (comma, *others) if found.fits]
    if len(fitting) > 1:
        read = " and with ".join(f"{_NAMES[one.separator]} ({len(one.header)} columns)" for one in fitting)
        what = f"can be read with {read} between its cells"
        raise Unreadable(what, f'say which is meant, such as `separator: "{fitting[0].separator}"`')
    if len(fitting) == 1:
        (found,) = fitting
        remark = () if found.separator == "," else (f"{_NAMES[found.separator]} stands between its cells.",)
        return _accept(found), remark
    if others and len(comma.header) <= 1:
        best = max(others, key=lambda found: len(found.header))
        what = f"seems to have {_NAMES[best.separator]} between its cells, but {best.error.what if best.error else 'does not fit'}"
        raise Unreadable(what, best.error.remedy if best.error else "mend it")
    return _accept(comma), ()


def _first_line(text: str) -> tuple[str | None, str, int]:
    """The separator that a first line such as `sep=;` names, as spreadsheets write it, the rest of the text, and the lines left out."""
    line, end, rest = text.partition("\n")
    line = line.rstrip("\r").strip('"')
    if end and line.lower().startswith("sep=") and len(line) == len("sep=;"):
        return line[-1], rest, 1
    return None, text, 0


def _accept(layout: Layout) -> Layout:
    if layout.error is not None:
        raise layout.error
    return layout


def _layout(text: str, separator: str, skipped: int) -> Layout:
    reader = _reader(text, separator)
    header: list[str] = []
    try:
        with cells_of_any_length():
            header = next(reader, [])
            gaps = _count_empty_lines(reader, len(header), skipped)
        _refuse_header(header)
    except csv.Error as error:
        wrong = Unreadable(f"line {reader.line_num + skipped}: {error}", "mend the quotes of this line")
        return Layout(separator, text, header, error=wrong)
    except Unreadable as error:
        return Layout(separator, text, header, error=error)
    return Layout(separator, text, header, gaps)


def _reader(text: str, separator: str) -> Any:
    return csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)


def _count_empty_lines(reader: Any, width: int, skipped: int) -> int:
    """Number of empty lines. Every record must have as many cells: pandas would fill up a short one in silence."""
    gaps = 0
    for record in reader:
        if record and len(record) != width:
            what = f"line {reader.line_num + skipped}: {len(record)} cells under {width} column names"
            raise Unreadable(what, "mend the line (a comma or a line break in a cell must be quoted)")
        gaps += not record
    return gaps


def _refuse_header(header: Sequence[str]) -> None:
    if "" in header[1:]:
        what = f"column {header.index('', 1) + 1} of the first line has no name"
        raise Unreadable(what, "name it; a row number that pandas wrote is left out with index=False")
    refuse_duplicates(header)


def refuse_duplicates(names: Sequence[str]) -> None:
    """Two columns of one name."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        what = f"column {twice[0]!r} is there {list(names).count(twice[0])} times"
        raise Unreadable(what, "give every column its own name")


@contextmanager
def cells_of_any_length() -> Iterator[None]:
    """The csv module without its own limit on a cell."""
    limit = csv.field_size_limit(_LONGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def without_empty_lines(layout: Layout) -> str:
    """The same records, quoted: a cell that is empty, or blank, is no empty line."""
    kept = io.StringIO(newline="")
    with cells_of_any_length():
        records = filter(None, _reader(layout.text, layout.separator))
        csv.writer(kept, quoting=csv.QUOTE_ALL, delimiter=layout.separator).writerows(records)
    return kept.getvalue()
