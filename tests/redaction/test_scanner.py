"""Personal data is found however it is typeset, and what only looks like it is not."""

from __future__ import annotations

import importlib.util
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.errors import CannotMeasure
from audit.redaction import scanner
from audit.redaction.entities import _ACCOUNTS, _FORM, _luhn, _modulo_97, cards, ibans
from audit.redaction.typography import normalised

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(importlib.util.find_spec("presidio_analyzer") is None, reason="needs presidio-analyzer"),
]

CARD, IBAN, SSN, MAIL, PHONE = "CREDIT_CARD", "IBAN_CODE", "US_SSN", "EMAIL_ADDRESS", "PHONE_NUMBER"
GROUPS = {
    CARD: ("card ", ("4111", "1111", "1111", "1111")),
    IBAN: ("iban ", ("DE89", "3704", "0044", "0532", "0130", "00")),
    SSN: ("ssn ", ("536", "90", "4399")),
    PHONE: ("appelez le ", ("06", "12", "34", "56", "78")),
}
GAPS = {
    "no-break": "\u00a0",
    "thin": "\u2009",
    "narrow": "\u202f",
    "ideographic": "\u3000",
    "double": "  ",
    "tab": "\t",
    "no-break hyphen": "\u2011",
    "en dash": "\u2013",
    "minus": "\u2212",
    "dash between blanks": " \u2013 ",
    "dot": ".",
    "middle dot": "\u00b7",
    "zero-width and blank": "\u200b \u200b",
    "entity": "&nbsp;",
    "numeric entity": "&#8209;",
    "entity twice": "&amp;nbsp;",
    "percent": "%20",
    "percent of two bytes": "%C2%A0",
    "escape": "\\u00a0",
}


def found(text: str, language: str = "en", **more: tuple[str, ...] | None) -> list[tuple[str, str]]:
    """Kinds and stretches that count."""
    kinds = more.get("kinds") or scanner.DEFAULT
    seen = scanner.Scanner(kinds, language, more.get("countries"))
    return [(entity.kind, text[entity.start : entity.end]) for entity in seen.find(text, more.get("further") or ()) if entity.score >= 0.5]


@pytest.mark.parametrize("gap", GAPS.values(), ids=GAPS)
@pytest.mark.parametrize("kind", GROUPS)
def test_a_number_is_found_whatever_parts_its_groups(kind: str, gap: str) -> None:
    before, groups = GROUPS[kind]
    number = gap.join(groups)
    assert found(f"{before}{number} again") == [(kind, number)]


@pytest.mark.parametrize("kind", GROUPS)
@pytest.mark.parametrize("zero", ["\u0660", "\u0966", "\uff10", "\U0001d7ce"], ids=["Arabic", "Devanagari", "full-width", "bold"])
def test_digits_of_every_script_count(kind: str, zero: str) -> None:
    before, groups = GROUPS[kind]
    number = "".join(chr(ord(zero) + int(char)) if char.isdigit() else char for char in " ".join(groups))
    assert found(before + number) == [(kind, number)]


@pytest.mark.parametrize(
    "text",
    [
        "kim@ex\u200bample.com",
        "kim\u200b@example.com",
        "kim@\u00adexample.com",
        "kim%40example.com",
        "kim%2540example.com",
        "kim&#64;example.com",
        "kim&#x40;example&period;com",
        "kim&amp;commat;example.com",
        "kim\uff20example\uff0ecom",
        "kim\\u0040example.com",
        "kim[at]example[dot]com",
        "kim (at) example (dot) com",
        "KIM@EXAMPLE.COM",
        "kim@example.com",
        "kim.o'hara+tag@sub.example.co.uk",
        "kim@m\u00fcller.de",
    ],
)
def test_an_address_of_mail_is_found_however_it_is_written(text: str) -> None:
    assert found(f"mail {text} now") == [(MAIL, text)]
    for mark in "_*'\"(":
        ((kind, stretch),) = found(f"{mark}{text}{mark.replace('(', ')')}")
        assert kind == MAIL
        assert text in stretch


def test_blanks_beside_the_at_sign_need_a_word_for_mail() -> None:
    assert found("mail: kim\u00a0@\u00a0example.com") == [(MAIL, "kim\u00a0@\u00a0example.com")]
    assert found("mail kim @example.com and b@example.org") == [(MAIL, "kim @example.com"), (MAIL, "b@example.org")]
    assert not found("meet me @ example.com")
    assert found("meet me @ kim@example.com") == [(MAIL, "kim@example.com")]


def test_what_a_sentence_adds_to_an_address_is_left_out() -> None:
    assert found("to kim@example.com.Please answer") == [(MAIL, "kim@example.com")]
    assert found("kim@example.com_") == [(MAIL, "kim@example.com")]


@pytest.mark.parametrize("kinds", [("URL",), ("URL", "EMAIL_ADDRESS"), ("URL", "PHONE_NUMBER")])
@pytest.mark.parametrize("address", ["kim@example.com", "kim%40example.com", "kim.net@example.com"])
def test_the_domain_of_an_address_is_no_url_whichever_kinds_are_asked_for(kinds: tuple[str, ...], address: str) -> None:
    expected = [(MAIL, address)] if MAIL in kinds else []
    assert found(f"write to {address} now", kinds=kinds) == expected
    assert ("URL", "www.example.org") in found(f"{address} or www.example.org", kinds=kinds)


def with_check_digit(number: str) -> str:
    return next(number + str(digit) for digit in range(10) if _luhn(number + str(digit)))


@pytest.mark.parametrize("digits", range(10, 22))
def test_cards_have_12_to_19_digits_and_the_check_digit_decides(digits: int) -> None:
    rng = random.Random(digits)  # noqa: S311  # made-up numbers
    for _ in range(20):
        right = with_check_digit("5" + "".join(rng.choices("0123456789", k=digits - 2)))
        wrong = right[:-1] + str((int(right[-1]) + 1) % 10)
        expected = [right] if 12 <= digits <= 19 else []
        assert [right[entity.start : entity.end] for entity in cards(right)] == expected
        assert not list(cards(wrong))


def test_a_row_of_single_digits_is_a_card_only_by_itself() -> None:
    """Letter-spaced, but not any sixteen answers of a long questionnaire."""
    assert found("card " + " ".join("4111111111111111")) == [(CARD, " ".join("4111111111111111"))]
    assert not list(cards("answers " + "4 1 3 2 5 " * 40))


def test_a_card_of_no_known_issuer_needs_a_word_around() -> None:
    number = with_check_digit("900100000000000")
    assert not [kind for kind, _ in found(f"batch {number}") if kind == CARD]
    assert found(f"card {number}") == [(CARD, number)]
    assert found("卡号4111111111111111是我的") == [(CARD, "4111111111111111")]
    assert found(f"Kreditkarte {number}", "de") == [(CARD, number)]


@pytest.mark.parametrize("country", sorted(_FORM))
def test_accounts_of_every_country_in_either_case(country: str) -> None:
    """Generated after the register's form with right check digits; one wrong digit is refused."""
    rng = random.Random(country)  # noqa: S311  # made-up numbers
    made = {"n": "0123456789", "a": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "c": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    form, bank, count = _FORM[country], "", ""
    for sign in form:
        count, bank = (count + sign, bank) if sign.isdigit() else ("", bank + "".join(rng.choices(made[sign], k=int(count))))
    account = next(f"{country}{check:02}{bank}" for check in range(2, 99) if _modulo_97(f"{country}{check:02}{bank}"))
    spaced = " ".join(account[i : i + 4] for i in range(0, len(account), 4))
    for text in (account, account.lower(), spaced, spaced.lower(), spaced.replace(" ", "-"), f"IBAN{account}"):
        assert [text[entity.start : entity.end].replace("IBAN", "") for entity in ibans(f"{text} 2 days")] == [text.replace("IBAN", "")]
    assert not list(ibans(account[:3] + str((int(account[3]) + 1) % 10) + account[4:]))


def test_the_register_is_as_long_as_it_says() -> None:
    """Lengths of four accounts by hand: Germany 22, Norway 15, Malta 31, Saint Lucia 32."""
    sums = {country: 4 + sum(int(count) for count in re.findall(r"\d+", form)) for country, form in _FORM.items()}
    assert [sums[country] for country in ("DE", "NO", "MT", "LC")] == [22, 15, 31, 32]
    assert len(_FORM) == len(_ACCOUNTS.split()) == 89


@pytest.mark.parametrize(
    ("text", "language", "countries", "number"),
    [
        ("Telefonnummer 02079460958", "de", None, "02079460958"),
        ("Telefonnummer 02079460958", "de-AT", None, "02079460958"),
        ("téléphone : 0612345678", "fr", None, "0612345678"),
        ("llámame al 612345678", "es", None, "612345678"),
        ("电话\uff1a13812345678", "zh", None, "13812345678"),
        ("我的手机13812345678", "zh", None, "13812345678"),
        ("手机13812345678是我的", "zh", None, "13812345678"),
        ("see 0479 50 54 03", "en", None, "0479 50 54 03"),
        ("see 612 345 678", "en", ("ES",), "612 345 678"),
        ("you can call 73 448 266", "en", None, "73 448 266"),
        ("322 327 102 office", "en", None, "322 327 102"),
        ("+1-177-892-0730x52646", "en", None, "+1-177-892-0730x52646"),
        ("0033 6 12 34 56 78", "en", None, "0033 6 12 34 56 78"),
        ("+49 (0)89 1234567", "en", None, "+49 (0)89 1234567"),
        ("see 06/12/34/56/78", "en", None, "06/12/34/56/78"),
        ("see 089/1234567", "en", None, "089/1234567"),
    ],
)
def test_phone_numbers_by_country_and_by_words(text: str, language: str, countries: tuple[str, ...] | None, number: str) -> None:
    assert found(text, language, countries=countries) == [(PHONE, number)]


def test_a_word_of_one_language_does_not_speak_in_another() -> None:
    assert not found("Telefonnummer 02079460958", "en")
    assert not found("see 612 345 678", "en", countries=("FR",))
    with pytest.raises(CannotMeasure, match="no numbering plan of XX"):
        scanner.Scanner(scanner.DEFAULT, "en", ("XX",))
    assert "English ones are used" in scanner.Scanner(scanner.DEFAULT, "xx").notes[1]


@pytest.mark.parametrize(
    "text",
    [
        "0.4111111111111111",
        "years 2019 2020 2021 2022",
        "call between 10.30 - 12.30",
        "call me in 2019-2020",
        "order 9885 1152 arrived",
        "at 20 minutes past the hour we met",
        "on 1993-01-04 14:56:41",
        "05/06/2024 12:30",
        "invoice 2024 0001 0002",
        "population 12 345 678",
        "100% of 2020 50% and 40%",
        "id 1700000000123",
        "isbn 9783161484100",
        "meet me @ example.com",
        "lodash@4.17.21",
        "price 1 234 567,89",
        "see [dot] notation at [at]",
    ],
)
def test_what_only_looks_like_personal_data_is_not_counted(text: str) -> None:
    assert not found(text)


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("a1 4&#;%20\u00a0\u200b\uff11\u00b2\u00bd\n\r\t\u00ad-\u2013x@[]atdo."), max_size=40))
def test_places_of_the_copy_lie_in_the_original_and_in_order(text: str) -> None:
    for copy in normalised(text):
        assert len(copy.text) == len(copy.starts) == len(copy.ends)
        assert all(0 <= start <= end <= len(text) for start, end in zip(copy.starts, copy.ends, strict=True))
        assert list(copy.starts) == sorted(copy.starts)
        assert "  " not in copy.text


def test_a_social_security_number_of_unlike_signs_needs_a_word() -> None:
    assert found("social security no. 536 90-4399") == [(SSN, "536 90-4399")]
    assert not found("part 536 90-4399")
    assert not found("part 536904399")


def test_a_footnote_ends_a_number() -> None:
    assert found("card 4111111111111111\u00b2") == [(CARD, "4111111111111111")]
