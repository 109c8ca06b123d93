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

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from audit.check import Check, Params
from audit.checks.privacy import _pii_matches, _reviews
from audit.errors import CannotMeasure
from audit.evidence import OVERALL, Bars, Evidence, Member
from audit.redaction import scanner as scanning
from audit.stats import Census

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.datasets import Dataset
    from audit.subject import Subject

_SHOWN = 20


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
    known = None if params.reviewed is None else _reviews.read(params.reviewed, subject.project)
    scanner = scanning.Scanner(params.entities, params.language, params.countries)
    found = [hit for column in columns for hit in _pii_matches.of(data, column, scanner, params.score)]
    aside = np.array([known is not None and hit.key in known.reviewer for hit in found], dtype=bool)
    counted = [hit for hit, reviewed in zip(found, aside, strict=True) if not reviewed]
    kinds = Counter(hit.entity.kind for hit in counted).most_common()
    return Evidence(
        members=(Member(OVERALL, Census(len(counted), data.rows)),),
        unit="entities",
        rows=data.rows,
        figures=(Bars("Entities by kind", tuple(kind for kind, _ in kinds), tuple(count for _, count in kinds)),) if kinds else (),
        examples=_pii_matches.examples(data, scanner, counted[:_SHOWN]),
        notes=(
            f"Read: {', '.join(columns)}. Looked for: {', '.join(params.entities)}.",
            *scanner.notes,
            *(() if known is None else known.told(hit.key for hit in found)),
        ),
        backend=scanning.backend(),
        table=_pii_matches.table(data, found) | {"reviewed": aside},
    )


def _columns(data: Dataset, params: PiiParams) -> tuple[str, ...]:
    """Columns to read, in the order of the file."""
    there = tuple(str(column) for column in data.frame.columns)
    if params.columns is not None:
        missing = [name for name in params.columns if name not in there]
        if missing or not params.columns:
            msg = f"{data.role}: no column {', '.join(missing) or 'named'}: mend `columns`"
            raise CannotMeasure(msg)
        return params.columns
    found = tuple(name for name in (data.columns.text, data.columns.output) if name is not None)
    found = found or tuple(name for name in there if scanning.readable(data.frame[name]))
    if not found or not data.rows:
        msg = f"{data.role}: no text to read: name columns.text or `columns`"
        raise CannotMeasure(msg)
    return found


CHECK = Check(
    measure=measure,
    question="Is the text free of personal data?",
    remedy="Mask or delete the rows, fine-tune again; list confirmed false positives in the file that the parameter reviewed names.",
    rmf=("MEASURE 2.10",),
    better="lower",
    unit="entities",
    params=PiiParams,
    census=True,
    highest=float("inf"),
    extra="pii",
)
