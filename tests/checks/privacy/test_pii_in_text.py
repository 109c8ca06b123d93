from __future__ import annotations

import gzip
import importlib.util
import json
import logging
import socket
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from audit.checks.privacy import pii_in_text
from audit.datasets.sampling import Sample
from audit.errors import CannotMeasure, MissingExtra
from audit.evidence import Bars, Part
from audit.redaction import masking
from audit.redaction import scanner as pii
from tests import realdata
from tests.judged import status
from tests.support import measure, subject

if TYPE_CHECKING:
    from pathlib import Path

    from audit.evidence import Evidence

CHECK = "privacy/pii_in_text"
pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(importlib.util.find_spec("presidio_analyzer") is None, reason="needs presidio-analyzer"),
]

# one of each kind that is looked for by default; every number is a published example or carries a right checksum by design
KINDS = {
    "EMAIL_ADDRESS": "write to jane.doe@example.org today",
    "PHONE_NUMBER": "please call +44 20 7946 0958 after six",
    "CREDIT_CARD": "paid with 4111 1111 1111 1111 last week",
    "IBAN_CODE": "refund to GB82WEST12345698765432 please",
    "US_SSN": "ssn 483-22-1847 on the form",
    "IP_ADDRESS": "from 192.168.10.77 again",
    "CRYPTO": "sent to 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    "MEDICAL_LICENSE": "her DEA certificate is BB1388568",
}


def scan(texts: list[str], project: str = ".", **params: Any) -> Evidence:
    seen = subject(pd.DataFrame({"text": texts, "prediction": "x"}))
    return measure(CHECK, replace(seen, project=project), **params)


def test_an_id_that_is_personal_data_is_not_shown() -> None:
    frame = pd.DataFrame({"id": ["+44 20 7946 0958", "r2"], "text": KINDS["EMAIL_ADDRESS"], "prediction": "x"})
    assert [example.row for example in measure(CHECK, subject(frame)).examples] == ["number 1", "r2"]


def test_in_a_sample_nothing_found_is_no_pass() -> None:
    """And what is found is there."""
    for text, expected in (("nothing here", "inconclusive"), (KINDS["EMAIL_ADDRESS"], "fail")):
        seen = subject(pd.DataFrame({"text": [text] * 3, "prediction": "x"}))
        of_a_sample = replace(seen, data=replace(seen.data, sample=Sample(30, at_random=True)))
        assert status(CHECK, measure(CHECK, of_a_sample), max=0) == expected


def value(evidence: Evidence) -> float:
    return evidence.members[0].estimate.value


def kinds(evidence: Evidence) -> list[str]:
    return [str(kind) for kind in evidence.table["entity"]]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_is_found_once_and_where_it_stands(kind: str) -> None:
    found = scan(["nothing here", KINDS[kind]])
    assert kinds(found) == [kind]
    assert value(found) == 1
    assert found.table["row"].tolist() == ["2"]
    start, end = int(found.table["start"][0]), int(found.table["end"][0])
    assert sum(map(str.isalnum, KINDS[kind][start:end])) >= 9
    assert found.backend.startswith("presidio-analyzer 2.")


@pytest.mark.parametrize(
    "text",
    [
        "card 4111 1111 1111 1112",  # Luhn fails
        "refund to GB82WEST12345698765433",  # modulo 97 fails
        "ssn 000-22-1847",  # an area that was never given out
        "from 300.168.10.77",
        "order 48291035 of 2024-05-17 at 12:30, 1,234,567.89 paid",
        "mail me @home",
        "ratio 3:4 in version 10.2",
        "",
    ],
)
def test_what_a_checksum_or_a_plan_refuses_is_not_counted(text: str) -> None:
    assert value(scan([text])) == 0


def test_a_worked_example() -> None:
    """Three entities in two of four rows; equal rows count each, and one stretch of text counts once."""
    found = scan(["mail a@example.org or b@example.org", "fine", "card 4111111111111111", "card 4111111111111111"])
    assert value(found) == 4
    assert found.figures == (Bars("Entities by kind", ("EMAIL_ADDRESS", "CREDIT_CARD"), (2, 2)),)
    assert found.rows == 4
    assert (status(CHECK, found, max=0), status(CHECK, found, max=4)) == ("fail", "pass")


def test_words_around_a_number_raise_its_score() -> None:
    """Bare digits of a numbering plan count where a word says so, or where they are written as a phone number."""
    texts = ["code 02079460958", "my phone: 02079460958", "code 020 7946 0958", "code +442079460958", "cancelled 02079460958"]
    assert [value(scan([text])) for text in texts] == [0, 1, 1, 1, 0]
    assert [value(scan([text], score=0.4)) for text in texts] == [1, 1, 1, 1, 1]


def test_short_numbers_are_no_phones_whatever_stands_beside_them() -> None:
    """16429 is a number of the German plan, and `order number 16429` is none the less an order's."""
    assert value(scan(["order number 16429", "call about item 210489"], score=0)) == 0


def test_the_name_of_a_column_is_context() -> None:
    table = pd.DataFrame({"phone_number": ["02079460958"], "other": ["02079460958"], "prediction": "x"})
    found = measure(CHECK, subject(table))
    assert found.table["column"].tolist() == ["phone_number"]


def test_tables_are_read_in_every_column_of_text_and_of_long_numbers() -> None:
    table = pd.DataFrame(
        {
            "id": ["a@example.org", "row 2"],
            "card": [4111111111111111, 4111111111111112],
            "age": [30, 40],
            "note": ["nothing", None],
            "prediction": ["x", "y"],
        }
    )
    found = measure(CHECK, subject(table))
    assert list(zip(found.table["column"].tolist(), kinds(found), strict=True)) == [("id", "EMAIL_ADDRESS"), ("card", "CREDIT_CARD")]
    assert measure(CHECK, subject(table), columns=["note"]).members[0].estimate.value == 0


def test_a_generated_output_is_read_beside_the_text() -> None:
    frame = pd.DataFrame({"text": ["hello"], "answer": ["write to bob@example.org"], "prediction": "x"})
    assert value(measure(CHECK, subject(frame, output="answer"))) == 1
    assert value(measure(CHECK, subject(frame))) == 0


def test_no_personal_data_leaves_the_check() -> None:
    """Neither the finds nor rare words, capitals or digits around them; words that ten texts share may be read."""
    filler = [f"please call me on monday number {i}" for i in range(12)]
    private = "please call Jane Qwertz on +44 20 7946 0958 or jane.qwertz@example.org near xylophonia 77"
    found = scan([*filler, private])
    told = repr(found)
    assert not [word for word in ("Jane", "Qwertz", "7946", "0958", "jane", "example.org", "xylophonia", "77") if word in told]
    shown = found.examples[0]
    assert (shown.row, shown.note) == ("13", "PHONE_NUMBER in text, characters 27 to 43")
    assert shown.parts == (
        Part(" please call "),
        Part(" … "),
        Part(" on "),
        Part("PHONE_NUMBER", "mask"),
        Part(" … "),
        Part("EMAIL_ADDRESS", "mask"),
        Part(" … "),
    )


def test_typesetting_neither_hides_personal_data_nor_brings_it_into_the_evidence() -> None:
    rows = [
        "mail kim&#64;example.com",
        "card 4111\u00a01111\u00a01111\u00a01111",
        "iban de89\u20113704\u20110044\u20110532\u20110130\u201100",
    ]
    rows += ["mail k\u200bim@exam\u00adple.com", "ssn 536\u201390\u20134399", "call 06\u202f12\u202f34\u202f56\u202f78"]
    found = scan(rows)
    assert value(found) == len(rows)
    for word in ("kim", "4111", "1111", "3704", "exam", "4399", "56"):
        assert word not in repr(found.examples), word


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(["call", "me", "Bob", "x7", "rare", *KINDS.values()]), min_size=1, max_size=8))
def test_an_excerpt_holds_marks_and_common_words_alone(words: list[str]) -> None:
    scanner, text = pii.Scanner(pii.DEFAULT, "en"), " ".join(words)
    entities = scanner.find(text)
    for entity in entities:
        for part in masking.excerpt(text, entities, entity, frozenset({"call", "me"})):
            assert part.mark == "mask" or set(part.text.split()) <= {"call", "me", "…"}


def review(folder: Path, lines: list[str], header: str = "row_sha256,start,end,entity,reviewer") -> str:
    (folder / "reviews.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return "reviews.csv"


def test_confirmed_false_positives_are_set_aside_and_counted(tmp_path: Path) -> None:
    rows = ["case 483-22-1847 again", "case 483-22-1847 again", "mail a@example.org"]
    before = scan(rows)
    assert value(before) == 3
    sha, start, end = (before.table[name][0] for name in ("row_sha256", "start", "end"))
    assert sha == pii_in_text.digest(rows[0])
    file = review(tmp_path, [f"{sha},{start},{end},US_SSN,J. Roe", f"{'0' * 64},0,4,US_SSN,J. Roe"])
    after = scan(rows, str(tmp_path), reviewed=file)
    assert value(after) == 1
    assert kinds(after) == ["US_SSN", "US_SSN", "EMAIL_ADDRESS"]
    assert after.table["reviewed"].tolist() == [True, True, False]
    assert any(note.startswith("2 entities were reviewed and confirmed as false positives by reviews.csv (J. Roe)") for note in after.notes)
    assert "1 of the 2 entries of reviews.csv match nothing that was found." in after.notes
    assert [example.row for example in after.examples] == ["3"]


def test_a_review_covers_its_own_stretch_of_its_own_text_alone(tmp_path: Path) -> None:
    rows = ["case 483-22-1847 again", "case 483-22-1847 once more"]
    found = scan(rows)
    sha, start, end = (found.table[name][0] for name in ("row_sha256", "start", "end"))
    for line in (f"{sha},{start},{end},PHONE_NUMBER,", f"{sha},{int(start) + 1},{end},US_SSN,", f"{sha},{start},{end},US_SSN,"):
        expected = 1 if line.endswith("US_SSN,") and f",{start}," in line else 2
        assert value(scan(rows, str(tmp_path), reviewed=review(tmp_path, [line]))) == expected


@pytest.mark.parametrize(
    ("lines", "header", "message"),
    [
        (["abc,1,2,EMAIL_ADDRESS"], "row_sha256,start,end,entity", r"reviews\.csv:2: needs a SHA-256"),
        ([f"{'a' * 64},x,2,EMAIL_ADDRESS"], "row_sha256,start,end,entity", "two whole numbers"),
        ([f"{'a' * 64},1"], "row_sha256,start,end,entity", "two whole numbers"),
        ([], "sha,start,end,entity", "no column row_sha256"),
    ],
)
def test_a_review_file_that_is_not_sound_is_refused(tmp_path: Path, lines: list[str], header: str, message: str) -> None:
    with pytest.raises(CannotMeasure, match=message):
        scan(["a@example.org"], str(tmp_path), reviewed=review(tmp_path, lines, header))


def test_a_review_file_that_is_missing_or_outside_the_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotMeasure, match="cannot be read"):
        scan(["a@example.org"], str(tmp_path), reviewed="reviews.csv")
    review(tmp_path, [])
    (tmp_path / "inside").mkdir()
    with pytest.raises(CannotMeasure, match="outside"):
        scan(["a@example.org"], str(tmp_path / "inside"), reviewed="../reviews.csv")


def test_nothing_is_asked_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_kwargs: object) -> NoReturn:
        pytest.fail("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    pii.recognizers.cache_clear()
    assert value(scan(["a@example.org", "b@nowhere.invalidtld", "see www.example.org"])) == 1
    assert kinds(scan(["see https://www.example.org/x now"], entities=["URL"])) == ["URL"]


def test_a_pattern_that_times_out_is_an_error_and_not_a_clean_text() -> None:
    with pytest.raises(CannotMeasure, match="took too long"), pii._no_timeouts():
        logging.getLogger("presidio-analyzer").warning("Regex pattern '%s' timed out after %s seconds, skipping.", "Email", 60)


def test_further_kinds_read_every_text_in_full() -> None:
    assert kinds(scan(["see example.org now"], entities=["URL"])) == ["URL"]


@pytest.mark.data
def test_recall_and_precision_on_marked_texts() -> None:
    """At least 95 of 100 of every kind, phones too, at as high a precision; the quick search loses nothing."""
    path = realdata.path("pii_synth") / "generated_large.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        rows = [json.loads(line) for line in lines]
    scanner, slow = (pii.Scanner(pii.DEFAULT, "en") for _ in range(2))
    slow._filtered = False
    found = [[entity for entity in scanner.find(row["full_text"]) if entity.score >= 0.5] for row in rows]
    assert found == [[entity for entity in slow.find(row["full_text"]) if entity.score >= 0.5] for row in rows]
    for kind in ("CREDIT_CARD", "EMAIL_ADDRESS", "US_SSN", "IP_ADDRESS", "IBAN_CODE", "PHONE_NUMBER"):
        marked = [[(s["start_position"], s["end_position"]) for s in row["spans"] if s["entity_type"] == kind] for row in rows]
        seen = [[(entity.start, entity.end) for entity in entities if entity.kind == kind] for entities in found]
        hit = [any(a < d and c < b for c, d in there) for spans, there in zip(marked, seen, strict=True) for a, b in spans]
        right = [any(a < d and c < b for c, d in spans) for spans, there in zip(marked, seen, strict=True) for a, b in there]
        assert np.mean(hit) >= 0.95, kind
        assert np.mean(right) >= 0.95, kind


def test_thousands_of_clean_rows_take_seconds() -> None:
    rows = [f"my order of item {i % 900} never came and nobody answers" for i in range(20_000)]
    scan(["a@example.org"])
    started = time.process_time()
    assert value(scan([f"{row} {i}" for i, row in enumerate(rows)])) == 0
    assert time.process_time() - started < 10


def test_what_cannot_be_measured_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CannotMeasure, match="no recognizer for HOROSCOPE"):
        scan(["a"], entities=["HOROSCOPE"])
    with pytest.raises(CannotMeasure, match="no column notes"):
        scan(["a"], columns=["notes"])
    with pytest.raises(CannotMeasure, match="no text to read"):
        measure(CHECK, subject(pd.DataFrame({"x": [1, 2], "prediction": [0, 1]})))
    with pytest.raises(CannotMeasure, match="no text to read"):
        scan([])
    with pytest.raises(ValidationError):
        scan(["a"], score=2)
    with pytest.raises(ValidationError):
        scan(["a"], entities=[])
    pii.recognizers.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "presidio_analyzer", None)
    with pytest.raises(MissingExtra, match=r"\[pii\]"):
        scan(["a"])
