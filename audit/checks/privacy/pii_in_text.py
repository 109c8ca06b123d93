"""Personal data in texts: e-mail addresses, phone, card and account numbers and the like.

Purpose      Count entities that a checksum, a numbering plan, a register or the words around them confirm, in every row. Blanks,
             dashes, digits and letters of every kind count as plain ones; HTML entities and percent-encoding are decoded.
Risk         Above 0: the model may repeat or reveal them, and keeping them may break the law that the system declares.
Limitations  Names and postal addresses are not looked for: that needs a language model. Phone numbers that no plan knows are
             missed unless a word such as `call` stands beside them. A confirmed false positive is listed under `reviewed`, by the
             SHA-256 of its text, which hides a long text well and a lone number badly: keep evidence files as close as the data.
Reference    presidio-analyzer's pattern recognizers; Luhn 1960 (cards), ISO 13616 (IBAN), ITU-T E.164 (phone numbers).
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import numpy as np
from pydantic import Field

from audit.check import Check, Params
from audit.errors import CannotMeasure
from audit.evidence import OVERALL, Bars, Evidence, Example, Member
from audit.metrics import excerpts
from audit.metrics.counting import count_findings
from audit.redaction import masking
from audit.redaction import scanner as scanning

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.redaction.entities import Entity
    from audit.redaction.scanner import Scanner
    from audit.subject import Subject

_SHOWN = 20
_COLUMNS = ("row_sha256", "start", "end", "entity")
Key: TypeAlias = tuple[str, int, int, str]
"""SHA-256 of the text, start, end (exclusive) and kind of the entity."""


class PiiParams(Params):
    """What is looked for, where, and what people have already looked at."""

    entities: Annotated[tuple[str, ...], Field(min_length=1)] = scanning.DEFAULT
    """Kinds of presidio: further ones are slower, for every text is then read in full."""
    score: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Least score that counts. At .4 bare digits that some plan has as a phone number count too, and so do many order numbers."""
    language: str = "en"
    """Language of the texts (ISO 639-1): adds its words for phone and card, and its countries' numbering plans, to the English."""
    countries: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Countries (ISO 3166) whose phone numbers are known without a country code: those of the language and of presidio where absent."""
    columns: tuple[str, ...] | None = None
    """Columns to read: the text and the output where absent, else every column of text."""
    reviewed: str | None = None
    """CSV of confirmed false positives: row_sha256, start, end, entity, and optionally reviewer."""


def measure(subject: Subject, params: PiiParams, _rng: Generator) -> Evidence:
    """Entities of every row but those that a person has confirmed as false positives."""
    data, columns = subject.data, _columns(subject.data, params)
    known = None if params.reviewed is None else read(params.reviewed, subject.project)
    scanner = scanning.Scanner(params.entities, params.language, params.countries)
    found = [hit for column in columns for hit in of(data, column, scanner, params.score)]
    aside = np.array([known is not None and hit.key in known.reviewer for hit in found], dtype=bool)
    counted = [hit for hit, reviewed in zip(found, aside, strict=True) if not reviewed]
    kinds = Counter(hit.entity.kind for hit in counted).most_common()
    return Evidence(
        members=(Member(OVERALL, count_findings(data, len(counted))),),
        unit="entities",
        rows=data.rows,
        figures=(Bars("Entities by kind", tuple(kind for kind, _ in kinds), tuple(count for _, count in kinds)),) if kinds else (),
        examples=examples(data, scanner, counted[:_SHOWN]),
        notes=(
            f"Read: {', '.join(columns)}. Looked for: {', '.join(params.entities)}.",
            *scanner.notes,
            *(() if known is None else known.notes(hit.key for hit in found)),
        ),
        backend=scanning.backend(),
        table=table(data, found) | {"reviewed": aside},
    )


def _columns(data: Dataset, params: PiiParams) -> tuple[str, ...]:
    """Columns to read, in the order of the file."""
    there = data.cells.names
    if params.columns is not None:
        missing = [name for name in params.columns if name not in there]
        if missing or not params.columns:
            msg = f"{data.role}: no column {', '.join(missing) or 'named'}: mend `columns`"
            raise CannotMeasure(msg)
        return params.columns
    found = tuple(name for name in (data.columns.text, data.columns.output) if name is not None)
    found = found or tuple(name for name in there if scanning.readable(data.cells.column(name)))
    if not found or not data.rows:
        msg = f"{data.role}: no text to read: name columns.text or `columns`"
        raise CannotMeasure(msg)
    return found


@dataclass(frozen=True, slots=True)
class Hit:
    """One entity in one cell."""

    row: int
    column: str
    sha256: str
    """Of the cell's text."""
    entity: Entity

    @property
    def key(self) -> Key:
        """How a review names it."""
        return (self.sha256, self.entity.start, self.entity.end, self.entity.kind)


def of(data: Dataset, column: str, scanner: Scanner, score: float) -> Iterator[Hit]:
    """Entities of at least a score, row by row; equal texts are read once. The column's name counts as context."""
    texts = scanning.texts(data.cells.column(column))
    context = scanning.words_of_name(column)
    found = {text: [entity for entity in scanner.find(text, context) if entity.score >= score] for text in dict.fromkeys(texts)}
    for row, text in enumerate(texts):
        yield from (Hit(row, column, digest(text), entity) for entity in found[text])


def table(data: Dataset, hits: Sequence[Hit]) -> dict[str, NDArray[np.generic]]:
    """One line a hit."""
    return {
        "row": np.array([data.ids[hit.row] for hit in hits], dtype=str),
        "column": np.array([hit.column for hit in hits], dtype=str),
        "entity": np.array([hit.entity.kind for hit in hits], dtype=str),
        "start": np.array([hit.entity.start for hit in hits], dtype=np.int64),
        "end": np.array([hit.entity.end for hit in hits], dtype=np.int64),
        "score": np.array([hit.entity.score for hit in hits], dtype=float),
        "row_sha256": np.array([hit.sha256 for hit in hits], dtype=str),
    }


def examples(data: Dataset, scanner: Scanner, hits: Sequence[Hit]) -> tuple[Example, ...]:
    """Masked excerpts. Everything that looks like an entity is masked, however low its score."""
    texts = {column: scanning.texts(data.cells.column(column)) for column in dict.fromkeys(hit.column for hit in hits)}
    common = {column: excerpts.words_of(data, said) for column, said in texts.items()}
    return tuple(
        Example(
            data.shown(hit.row),
            masking.excerpt(texts[hit.column][hit.row], scanner.find(texts[hit.column][hit.row]), hit.entity, common[hit.column]),
            f"{hit.entity.kind} in {hit.column}, characters {hit.entity.start} to {hit.entity.end}",
        )
        for hit in hits
    )


@dataclass(frozen=True, slots=True)
class Reviews:
    """The entries of one file."""

    file: str
    sha256: str
    reviewer: Mapping[Key, str]

    def notes(self, found: Iterable[Key]) -> tuple[str, ...]:
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


CHECK = Check(
    measure=measure,
    question="Is the text free of personal data?",
    remedy="Mask or delete the rows, fine-tune again; list confirmed false positives in the file that the parameter reviewed names.",
    measures="data",
    characteristics=("privacy_enhanced",),
    rmf=("MEASURE 2.10",),
    better="lower",
    unit="entities",
    params=PiiParams,
    reads_files=lambda params: params.reviewed is not None,
    census=True,
    counts_samples=True,
    highest=float("inf"),
    extra="pii",
)
