"""Phone numbers: what a numbering plan knows, what is written as a phone number, and what the words around call one."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from audit.errors import CannotMeasure
from audit.redaction import context
from audit.redaction.entities import COUNTED, Entity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PLANS = ("US", "GB", "DE", "FR", "IL", "IN", "BR")
"""Countries whose plans are tried in every language, as presidio does; that of the US is Canada's too."""
_SPOKEN = {
    "de": "AT CH",
    "fr": "BE CH LU",
    "es": "ES MX AR CO CL PE",
    "it": "IT CH",
    "pt": "PT",
    "nl": "NL BE",
    "pl": "PL",
    "sv": "SE",
    "da": "DK",
    "no": "NO",
    "fi": "FI",
    "cs": "CZ",
    "sk": "SK",
    "hu": "HU",
    "ro": "RO",
    "tr": "TR",
    "el": "GR",
    "ru": "RU",
    "uk": "UA",
    "ar": "SA AE EG",
    "ja": "JP",
    "zh": "CN TW HK",
    "ko": "KR",
}
"""Countries that a language adds."""
_KIND = "PHONE_NUMBER"
_PLAN, _CALLED = 0.4, 0.65
"""Scores of a number that a plan knows, and of one that the words around call a phone number."""
_SHORT, _SEVEN, _NATIONAL, _LONGEST = 6, 7, 9, 15
"""Digits: in groups after a word, of every other number, with the leading 0 of a country's long numbers, and at most."""
_GAP = r"(?: ?[-./] ?| )"
_RUN = re.compile(
    rf"(?<![0-9A-Za-z])(?P<number>(?:\+ ?)?+\(?+\d++\)?+(?:(?:{_GAP}\(?|\(|(?<=\)))\d++\)?+)*+)(?: ?(?:x|ext\.?) ?\d{{1,6}}(?!\d))?",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"(?<!\d)(?:(?:1[5-9]|2[01])\d\d([-./])[01]?\d\1[0-3]?\d|[0-3]?\d([-./])[0-3]?\d\2(?:1[5-9]|2[01])\d\d)(?!\d|[-./]\d)"
    r"(?:[T ][0-2]?\d[:.][0-5]\d(?:[:.][0-5]\d)?)?"
)
_GROUPED = re.compile(r"\+(?:\D?\d){7}|\d[ ()./-]+\d(?:\D*\d){5}|\d(?:\D*\d){4}[ ()./-]+\d")
_PARTS = re.compile(r"\d[ ()./-]+\d")
_NO_PHONE = re.compile(
    r"(?:1[5-9]|2[01])\d\d ?[-/ ] ?(?:1[5-9]|2[01])\d\d|\d{1,2}\.\d\d ?- ?\d{1,2}\.\d\d"  # years, and hours, from one to another
    r"|[1-9]\d?(?:\.\d{3})+|\d{1,3}(?:\.\d{1,3}){3}|\d+\.\d+"  # thousands, addresses of machines, decimals
    r"|\d{3}([-. ])\d\d\1\d{4}"  # US social security numbers
)
"""Written as something else: a phone number only where a plan knows it and words call it one."""


class Plans:
    """The numbering plans of some countries."""

    def __init__(self, language: str, countries: Sequence[str] | None = None) -> None:
        from phonenumbers import SUPPORTED_REGIONS

        chosen = (*PLANS, *_SPOKEN.get(language, "").split()) if countries is None else countries
        if unknown := sorted(set(chosen) - set(SUPPORTED_REGIONS)):
            msg = f"no numbering plan of {', '.join(unknown)}: give `countries` as ISO 3166 codes, such as FR or GB"
            raise CannotMeasure(msg)
        self.countries = tuple(dict.fromkeys(chosen))
        self._telephone = context.telephone(language)

    def find(self, text: str, further: Sequence[str] = ()) -> Iterator[Entity]:
        """Phone numbers of a normalised text; further words, such as a column's name, count as words before each."""
        text = _DATE.sub(lambda date: "#" * len(date.group()), text)
        for run in _RUN.finditer(text):
            digits = sum(map(str.isdigit, run["number"]))
            if digits < _SHORT or re.match("[A-Za-z]", text[run.end() : run.end() + 1]):
                continue
            if _NO_PHONE.fullmatch(run["number"]) and not self._called(text, run, further):
                continue
            known = _of_plans(run.group(), self.countries) if digits >= _SEVEN else ()
            for start, end in known:
                score = COUNTED if _GROUPED.search(run.group(), start, end) else _PLAN
                yield Entity(_KIND, run.start() + start, run.start() + end, score)
            if not known and digits <= _LONGEST and not _NO_PHONE.fullmatch(run["number"]):
                yield from self._unplanned(text, run, digits, further)

    def _unplanned(self, text: str, run: re.Match[str], digits: int, further: Sequence[str]) -> Iterator[Entity]:
        """A number that no plan of these countries knows: an international one, another country's, or one that words call a phone's."""
        number = run["number"]
        if (number.startswith(("+", "00")) and _possible(number)) or (digits >= _NATIONAL and _PARTS.search(number) and _elsewhere(number)):
            yield Entity(_KIND, run.start(), run.end(), COUNTED)
        elif self._called(text, run, further) and (_PARTS.search(number) or digits > _SEVEN):
            yield Entity(_KIND, run.start(), run.end(), _CALLED)

    def _called(self, text: str, run: re.Match[str], further: Sequence[str]) -> bool:
        if context.things().search(context.words_before(text, run.start(), 1)):
            return False
        if context.after().fullmatch(context.word_after(text, run.end())):
            return True
        return self._telephone.search(context.words_before(text, run.start(), 3, further)) is not None


@lru_cache(maxsize=65536)
def _of_plans(run: str, countries: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """Stretches that are valid numbers of a plan, written with the leading 0 where the country needs it."""
    from phonenumbers import Leniency, PhoneNumberMatcher

    matches = (match for country in countries for match in PhoneNumberMatcher(run, country, leniency=Leniency.VALID))
    found = {(match.start, match.end) for match in matches if sum(map(str.isdigit, match.raw_string)) >= _SEVEN}
    longest = sorted(found, key=lambda place: (place[0] - place[1], place))
    kept: list[tuple[int, int]] = []
    for start, end in longest:
        if all(end <= other or start >= stop for other, stop in kept):
            kept.append((start, end))
    return tuple(kept)


@lru_cache(maxsize=65536)
def _possible(number: str) -> bool:
    """Whether an international number has a country's code and as many digits as that country's numbers."""
    import phonenumbers

    parsed = _parsed(re.sub(r"^00", "+", number), None)
    return parsed is not None and bool(phonenumbers.is_possible_number(parsed))


@lru_cache(maxsize=65536)
def _elsewhere(number: str) -> bool:
    """Whether a number with its leading 0 is valid in any country."""
    import phonenumbers

    if not number.lstrip("(").startswith("0") or number.startswith("00"):
        return False
    parsed = ((_parsed(number, country), country) for country in sorted(phonenumbers.SUPPORTED_REGIONS))
    return any(one is not None and phonenumbers.is_valid_number_for_region(one, country) for one, country in parsed)


def _parsed(number: str, country: str | None) -> Any:
    import phonenumbers

    try:
        return phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return None
