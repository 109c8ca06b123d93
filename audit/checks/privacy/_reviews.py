"""Confirmed false positives: a person has looked at a stretch of a text and found no personal data in it."""

from __future__ import annotations

import csv
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from audit.errors import CannotMeasure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_COLUMNS = ("row_sha256", "start", "end", "entity")
Key: TypeAlias = tuple[str, int, int, str]
"""SHA-256 of the text, start, end (exclusive) and kind of the entity."""


@dataclass(frozen=True, slots=True)
class Reviews:
    """The entries of one file."""

    file: str
    sha256: str
    reviewer: Mapping[Key, str]

    def told(self, found: Iterable[Key]) -> tuple[str, ...]:
        """What a reader must know: how many finds were set aside, by whom, and entries that match nothing."""
        aside = [key for key in found if key in self.reviewer]
        people = ", ".join(sorted({name for key in aside if (name := self.reviewer[key])}))
        by = f"{self.file} ({people})" if people else self.file
        verb = "entity was" if len(aside) == 1 else "entities were"
        sentence = f"{len(aside)} {verb} reviewed and confirmed as false positives by {by}, SHA-256 {self.sha256[:12]}."
        unused = len(self.reviewer) - len(set(aside))
        if not unused:
            return (sentence,)
        return (sentence, f"{unused} of the {len(self.reviewer)} entries of {self.file} match nothing that was found.")


def digest(text: str) -> str:
    """How a review names a text without repeating it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read(file: str, project: str) -> Reviews:
    """A CSV file with the columns row_sha256, start, end, entity and, if wanted, reviewer; it lies inside the project."""
    folder = Path(project).resolve()
    path = (folder / file).resolve()
    if not path.is_relative_to(folder):
        msg = f"reviewed: {file} lies outside {folder}: keep the reviews inside the project"
        raise CannotMeasure(msg)
    try:
        content = path.read_bytes()
        rows = csv.DictReader(content.decode("utf-8-sig").splitlines(), strict=True)
        reviewer = dict(_entries(file, rows))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"reviewed: {file} cannot be read ({error}): name a CSV file with the columns {', '.join(_COLUMNS)}"
        raise CannotMeasure(msg) from error
    return Reviews(file, hashlib.sha256(content).hexdigest(), reviewer)


def _entries(file: str, rows: csv.DictReader[str]) -> Iterator[tuple[Key, str]]:
    missing = [name for name in _COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        msg = f"reviewed: {file} has no column {', '.join(missing)}"
        raise CannotMeasure(msg)
    for row in rows:
        sha, start, end, entity = (str(row[name] or "").strip() for name in _COLUMNS)
        if not re.fullmatch(r"[0-9a-f]{64}", sha) or not start.isdecimal() or not end.isdecimal() or not entity:
            msg = f"reviewed: {file}:{rows.line_num}: needs a SHA-256 in lower case, two whole numbers and a kind of entity"
            raise CannotMeasure(msg)
        yield (sha, int(start), int(end), entity), str(row.get("reviewer") or "").strip()
