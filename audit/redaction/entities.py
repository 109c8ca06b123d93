"""Personal data in a normalised text: what a finder returns, and the finders of addresses, cards, accounts and US social security numbers.

`typography` has left one blank, one kind of hyphen and the digits 0 to 9 in the texts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from audit.redaction import context

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


SURE = 1.0
"""Score of a match that a check digit or a register confirms."""
COUNTED = 0.5
"""Score from which a match counts unless the policy says otherwise."""


@dataclass(frozen=True, slots=True)
class Entity:
    """One stretch of a text."""

    kind: str
    start: int
    end: int
    score: float

    def overlaps(self, other: Entity) -> bool:
        """Whether the two share a character."""
        return self.start < other.end and other.start < self.end

    def inside(self, other: Entity) -> bool:
        """Whether it lies wholly inside another."""
        return other.start <= self.start and self.end <= other.end


def without_overlaps(entities: Iterable[Entity]) -> tuple[Entity, ...]:
    """In the order of the text; of two that overlap the surer one, then the longer one."""
    kept: list[Entity] = []
    for entity in sorted(entities, key=lambda entity: (-entity.score, entity.start - entity.end, entity.start, entity.kind)):
        if not any(entity.overlaps(other) for other in kept):
            kept.append(entity)
    return tuple(sorted(kept, key=lambda entity: entity.start))


_GAP = r"(?: ?[-./_\n] ?| )"
"""What may part two groups of a number."""
_RUN = re.compile(rf"(?<![0-9A-Za-z+])\d++(?:{_GAP}\d++)*+")
_DIGITS = re.compile(r"\d+")
_DECIMAL = re.compile(r"\d+\.\d+")

_SHORTEST, _LONGEST = 12, 19
"""Digits of a card number (ISO/IEC 7812)."""
_UNKNOWN_ISSUER = 0.3
_ISSUERS = re.compile(r"3[04-9]\d*|[4-6]\d*|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720|20[0-4])\d{12}|9792\d{12}|8[12]\d{14}|1\d{14}")
"""Travel, banks and shops (3 to 6), Mastercard's and Mir's series from 2, Troy, RuPay, UATP."""
_BANK, _OTHERS = 4, 3
"""Digits that the first group, and each further one, of a card has at least."""
_EVEN = {15, 16}
"""Digits of a card that is written in equal groups of one or two."""

_ACCOUNTS = (
    "AD:8n12c AE:19n AL:8n16c AT:16n AZ:4a20c BA:16n BE:12n BG:4a6n8c BH:4a14c BI:23n BR:23n1a1c BY:4c4n16c CH:5n12c CR:18n CY:8n16c "
    "CZ:20n DE:18n DJ:23n DK:14n DO:4c20n EE:16n EG:25n ES:20n FI:14n FK:2a12n FO:14n FR:10n11c2n GB:4a14n GE:2a16n GI:4a15c GL:14n "
    "GR:7n16c GT:24c HN:4a20n HR:17n HU:24n IE:4a14n IL:19n IQ:4a15n IS:22n IT:1a10n12c JO:4a4n18c KW:4a22c KZ:3n13c LB:4n20c LC:4a24c "
    "LI:5n12c LT:16n LU:3n13c LV:4a13c LY:21n MC:10n11c2n MD:20c ME:18n MK:3n10c2n MN:16n MR:23n MT:4a5n18c MU:4a19n3a NI:4a20n "
    "NL:4a10n NO:11n OM:3n16c PK:4a16c PL:24n PS:4a21c PT:21n QA:4a21c RO:4a16c RS:18n RU:14n15c SA:2n18c SC:4a20n3a SD:14n SE:20n "
    "SI:15n SK:20n SM:1a10n12c SO:19n ST:21n SV:4a20n TL:19n TN:20n TR:6n16c UA:6n19c VA:18n VG:4a16n XK:16n YE:4a4n18c"
)
"""SWIFT's register of IBANs: digits, letters and either, after the country and its two check digits."""
_SIGNS = {"n": r"\d", "a": "[A-Z]", "c": r"[A-Z\d]"}
_FORM = dict(entry.split(":") for entry in _ACCOUNTS.split())
_COUNTRY = re.compile(rf"(?:(?<![0-9A-Z])|(?<=IBAN))(?=({'|'.join(_FORM)}){_GAP}?\d)", re.IGNORECASE)

_SOCIAL = re.compile(rf"(?<![0-9A-Za-z])(\d{{3}})({_GAP}?)(\d{{2}})({_GAP}?)(\d{{4}})(?![0-9A-Za-z])")
_SAMPLES = {"123456789", "987654320", "078051120"}
"""Published as examples."""
_BARE = 0.15


def cards(text: str) -> Iterator[Entity]:
    """Numbers of 12 to 19 digits with a right check digit (Luhn); one of no known issuer needs words around it to count."""
    for run in _RUN.finditer(text):
        if _DECIMAL.fullmatch(run.group()):
            continue
        groups = [(group.start(), group.end()) for group in _DIGITS.finditer(text, run.start(), run.end())]
        if re.match("[A-Za-z]", text[run.end() : run.end() + 1]):
            groups.pop()
        yield from _cards_of(text, groups)


def _cards_of(text: str, groups: Sequence[tuple[int, int]]) -> Iterator[Entity]:
    widths = [end - start for start, end in groups]
    for first, (start, _) in enumerate(groups):
        for last, size in enumerate(accumulate(widths[first:]), first):
            if size > _LONGEST:
                break
            shown = widths[first : last + 1]
            if size < _SHORTEST or not (_grouped_as_card(shown) or (len(shown) == len(groups) and _evenly_grouped(shown))):
                continue
            stretch = text[start : groups[last][1]]
            number = "".join(_DIGITS.findall(stretch))
            if _luhn(number) and ("\n" not in stretch or set(shown) == {_BANK}):  # over two lines groups of four alone
                yield Entity("CREDIT_CARD", start, groups[last][1], SURE if _ISSUERS.fullmatch(number) else _UNKNOWN_ISSUER)


def _grouped_as_card(widths: Sequence[int]) -> bool:
    """4111 1111 1111 1111, 3782 822463 10005, 4111111111111111."""
    return len(widths) == 1 or (widths[0] >= _BANK and min(widths) >= _OTHERS)


def _evenly_grouped(widths: Sequence[int]) -> bool:
    """4 1 1 1 ... or 41 11 ...: only where nothing else stands in the row of numbers."""
    return len(set(widths[:-1])) == 1 and widths[-1] <= widths[0] and sum(widths) in _EVEN


def _luhn(number: str) -> bool:
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number))]
    return sum(value - 9 * (value > 9) for value in doubled) % 10 == 0 and len(set(number)) > 1  # noqa: PLR2004  # cross sum of two digits


def ibans(text: str) -> Iterator[Entity]:
    """Accounts in upper or lower case, of the length and form of their country, whose check digits are right (modulo 97)."""
    for found in _COUNTRY.finditer(text):
        match = _account(found.group(1).upper()).match(text, found.start())
        if match and _modulo_97(re.sub(r"[^0-9A-Z]", "", match.group().upper())):
            yield Entity("IBAN_CODE", match.start(), match.end(), SURE)


@lru_cache(maxsize=128)
def _account(country: str) -> re.Pattern[str]:
    signs = [*country, r"\d", r"\d"]
    for count, sign in re.findall(r"(\d+)([nac])", _FORM[country]):
        signs += [_SIGNS[sign]] * int(count)
    return re.compile(f"{_GAP}?".join(signs) + "(?![0-9A-Z])", re.IGNORECASE)


def _modulo_97(account: str) -> bool:
    return int("".join(str(int(sign, 36)) for sign in account[4:] + account[:4])) % 97 == 1


def social_security(text: str) -> Iterator[Entity]:
    """US numbers 3-2-4 with the same sign between; nine bare digits, or unlike signs, need words around them to count."""
    for match in _SOCIAL.finditer(text):
        area, first, group, second, serial = match.groups()
        number = area + group + serial
        issued = area not in {"000", "666"} and group != "00" and serial != "0000"
        if issued and len(set(number)) > 1 and number not in _SAMPLES:
            alike = first and second and first.strip() == second.strip()
            yield Entity("US_SSN", match.start(), match.end(), COUNTED if alike else _BARE)


_ADDRESS = re.compile(
    r"(?P<local>[\w!#$%&'*+/=?^`{|}~-](?:[\w!#$%&'*+/=?^`{|}~.-]{0,62}[\w!#$%&'*+/=?^`{|}~-])?)"
    r"(?P<at> ?@ ?)(?P<domain>(?:[^\W_](?:[\w-]{0,62}[^\W_])?\.)+[^\W_](?:[\w-]{0,62}[^\W_])?)"
)


def emails(text: str) -> Iterator[Entity]:
    """Addresses whose domain ends in a public suffix; what a sentence adds after it (`example.com.Please`) is left out.

    With a blank beside the at sign it counts only after a word for mail: `meet me @ example.com` is none.
    """
    for match in _ADDRESS.finditer(text):
        if match["at"] != "@" and not context.mail().search(context.words_before(text, match.start(), 3)):
            continue
        labels = match["domain"].split(".")
        while len(labels) > 1 and not _registrable(".".join(labels)):
            labels.pop()
        if len(labels) > 1:
            yield Entity("EMAIL_ADDRESS", match.start(), match.start("domain") + len(".".join(labels)), SURE)


@lru_cache(maxsize=4096)
def _registrable(domain: str) -> bool:
    found = extractor()(domain)
    return bool(found.suffix and found.domain)


@lru_cache(maxsize=1)
def extractor() -> Any:
    """Looks a domain's ending up in the list that tldextract carries, never on the network."""
    from tldextract import TLDExtract

    return TLDExtract(cache_dir=None, suffix_list_urls=())
