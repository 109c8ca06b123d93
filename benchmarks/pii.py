"""Personal data in texts: recall of `privacy/pii_in_text`, and how often it mistakes other numbers for personal data.

Run: python -m benchmarks.pii

1. Texts with marked personal data (the set `pii_synth`, below AUDIT_DATA): the share of marked stretches that a match of the same kind
   overlaps (recall), and the share of matches that overlap a marked stretch of their kind (precision). At least .95 each; phone
   numbers need a recall of .80.
2. Generated numbers with valid check digits, typeset in many ways: the share that is found, at least .95.
3. Generated texts with other numbers (orders, dates, amounts, decimals): the share in which something is found, at most .02; for random
   numbers of 14 digits .06, because the check digit is the only evidence.

A broken limit is marked, and the exit code is then 1. Seeds are fixed.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.redaction.scanner import DEFAULT, Scanner
from benchmarks.trials import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.random import Generator

    from audit.redaction.entities import Entity

DATA = Path(os.environ.get("AUDIT_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
SEED, NUMBERS, TEXTS = 20260101, 200, 1000
LEAST, LEAST_PHONE = 0.95, 0.80
COUNTED = 0.5
GAPS = {
    "a blank": " ",
    "no-break blanks": "\u00a0",
    "thin blanks": "\u2009",
    "two blanks": "  ",
    "no-break hyphens": "\u2011",
    "en dashes": "\u2013",
    "dots": ".",
    "blanks without width": "\u200b \u200b",
    "HTML entities": "&nbsp;",
    "percent-encoding": "%20",
}


def counted(scanner: Scanner, text: str) -> list[Entity]:
    """What the check counts by default."""
    return [entity for entity in scanner.find(text) if entity.score >= COUNTED]


def overlapping(spans: Sequence[tuple[int, int]], others: Sequence[tuple[int, int]]) -> int:
    """How many of the spans share a character with one of the others."""
    return sum(any(start < end and begin < stop for begin, end in others) for start, stop in spans)


def marked_texts() -> list[dict[str, Any]]:
    """Texts, each with its marked stretches."""
    with gzip.open(DATA / "pii_synth" / "generated_large.jsonl.gz", "rt", encoding="utf-8", newline="\n") as lines:
        return [json.loads(line) for line in lines]


def on_marked(scanner: Scanner, rows: Sequence[dict[str, Any]]) -> Iterator[tuple[list[str], bool]]:
    """A line of the table for each kind, and whether it is within its limits."""
    found = [counted(scanner, row["full_text"]) for row in rows]
    for kind in DEFAULT:
        marked = [[(s["start_position"], s["end_position"]) for s in row["spans"] if s["entity_type"] == kind] for row in rows]
        seen = [[(entity.start, entity.end) for entity in entities if entity.kind == kind] for entities in found]
        marks, matches = sum(map(len, marked)), sum(map(len, seen))
        if not marks:
            continue
        hit = sum(overlapping(spans, others) for spans, others in zip(marked, seen, strict=True))
        right = sum(overlapping(spans, others) for spans, others in zip(seen, marked, strict=True))
        recall, precision = hit / marks, right / max(matches, 1)
        holds = recall >= (LEAST_PHONE if kind == "PHONE_NUMBER" else LEAST) and precision >= LEAST
        yield [kind, str(marks), f"{recall:.3f}", str(matches), f"{precision:.3f}", "" if holds else "outside"], holds


def groups(kind: str, rng: Generator) -> list[str]:
    """A made-up number of a kind, in the groups that it is written in."""

    def digits(count: int) -> str:
        return "".join(map(str, rng.integers(0, 10, count)))

    if kind == "CREDIT_CARD":
        body = "4" + digits(14)
        doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(body)]
        number = body + str(-sum(value - 9 * (value > 9) for value in doubled) % 10)  # noqa: PLR2004  # cross sum of two digits
        return [number[i : i + 4] for i in range(0, 16, 4)]
    if kind == "IBAN_CODE":
        bank = digits(18)
        account = f"DE{98 - int(bank + '131400') % 97:02}{bank}"
        return [account[i : i + 4] for i in range(0, 22, 4)]
    if kind == "US_SSN":
        return [str(rng.integers(100, 666)), str(rng.integers(10, 100)), str(rng.integers(1000, 10000))]
    return ["06", *(f"{rng.integers(10, 100)}" for _ in range(4))]


def typeset(scanner: Scanner) -> Iterator[tuple[list[str], bool]]:
    """A line for each way of typesetting, with the share found of each kind."""
    kinds = ("CREDIT_CARD", "IBAN_CODE", "US_SSN", "PHONE_NUMBER")
    for name, gap in GAPS.items():
        rng = np.random.default_rng(SEED)
        shares = []
        for kind in kinds:
            texts = [f"please note {gap.join(groups(kind, rng))} for me" for _ in range(NUMBERS)]
            shares.append(float(np.mean([[entity.kind for entity in counted(scanner, text)] == [kind] for text in texts])))
        holds = min(shares) >= LEAST
        yield [name, *(f"{share:.3f}" for share in shares), "" if holds else "outside"], holds


CLEAN = (
    ("orders, dates, times", "order {0} of item {1} came on 2024-{2:02}-{3:02} at {3:02}:{4:02}", 0.02),
    ("invoices, amounts", "invoice {5} over 1 {1:03},{4:02} is paid, 12.{1:03}.{1:03} in all", 0.02),
    ("decimals", "the share is 0.{6} in {7} rows", 0.02),
    ("pages, versions, years", "pages {1} to {0}, version {2}.{3}.{4}, 2019-2020, room {4}", 0.02),
    ("14 random digits", "parcel {6}", 0.06),
)
"""Texts with numbers that are nobody's, and the share of them in which something may be found. One in ten of the long numbers that
begin as a card's does has a right check digit."""
_HIGHEST = (99_999, 999, 12, 28, 59, 10**7, 10**14, 10**6)


def clean(scanner: Scanner) -> Iterator[tuple[list[str], bool]]:
    """A line for each kind of text without personal data."""
    for name, form, most in CLEAN:
        rng = np.random.default_rng(SEED)
        texts = [form.format(*(int(rng.integers(1, high)) for high in _HIGHEST)) for _ in range(TEXTS)]
        share = float(np.mean([bool(counted(scanner, text)) for text in texts]))
        yield [name, f"{TEXTS:,}", f"{share:.4f}", f"<= {most}", "" if share <= most else "outside"], share <= most


def printed(title: str, head: Sequence[str], lines: Iterable[tuple[list[str], bool]]) -> int:
    """Prints a table and counts its lines outside their limits."""
    rows = list(lines)
    print(f"{title}\n\n{table(head, [line for line, _ in rows])}\n")
    return sum(not holds for _, holds in rows)


def main() -> int:
    """All three tables."""
    if not (DATA / "pii_synth").is_dir():
        print(f"needs the data set pii_synth: set AUDIT_DATA to the folder that holds it (not in {DATA})", file=sys.stderr)
        return 2
    started, scanner = time.perf_counter(), Scanner(DEFAULT, "en")
    rows = marked_texts()
    broken = printed(f"{len(rows):,} marked texts", ("kind", "marked", "recall", "found", "precision", ""), on_marked(scanner, rows))
    head = ("share found, parted by", "cards", "IBANs", "SSNs", "phones", "")
    broken += printed(f"{NUMBERS} made-up numbers of each kind", head, typeset(scanner))
    broken += printed("Texts without personal data", ("numbers", "texts", "with a match", "may be", ""), clean(scanner))
    print(f"{broken} limits broken; {time.perf_counter() - started:.0f} s")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
