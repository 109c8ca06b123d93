"""A normalised copy of a text in which typography no longer hides anything, with the place of each character in the original.

Blanks of every width become one blank, dashes a hyphen, digits of every script 0 to 9, full-width letters plain ones; what has no
width is left out. A second copy has HTML entities, percent-encoding, escapes and bracketed "at" and "dot" decoded. Both are
searched, since decoding may also destroy a match.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_PLAIN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]|  ")
"""What an ASCII text must not hold to be its own normalised copy."""
_LINES = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
_DASHES = "\u02d7\u2043\u2212\u2796\u30fc"
_DOTS = "\u00b7\u2022\u2024\u2027\u2219\u22c5\u3002\u30fb"
_SLASHES = "\u2044\u2215\u29f8"
_WIDTHLESS = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\ufffc"
_SIGNS = {
    **dict.fromkeys(_LINES, "\n"),
    **dict.fromkeys(_DASHES, "-"),
    **dict.fromkeys(_DOTS, "."),
    **dict.fromkeys(_SLASHES, "/"),
    **dict.fromkeys(_WIDTHLESS, ""),
    "\x00": "",
    "\u2800": " ",
    "\u2795": "+",
}
_ENCODED = re.compile(
    r"&(?:\#\d{1,7};?|\#[xX][0-9a-fA-F]{1,6};?|[A-Za-z][A-Za-z0-9]{1,30};)"
    r"|(?:%[0-9A-Fa-f]{2})+"
    r"|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}"
    r"|[ ]?[\[({][ ]?(?:@|at|arroba|\.|dot|punkt|point|punto)[ ]?[\])}][ ]?",
    re.IGNORECASE,
)
_LAYERS = 3
"""How often text is decoded: `&amp;#64;` and `%2540` need two rounds."""


@dataclass(frozen=True, slots=True)
class NormalisedText:
    """A copy of a text; each of its characters stands for a stretch of the original."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Start and end in the original of a stretch of the copy."""
        return self.starts[start], self.ends[end - 1]


def normalised(text: str) -> tuple[NormalisedText, ...]:
    """One copy, and a decoded one where the text holds something encoded."""
    copy = NormalisedText(text, range(len(text)), range(1, len(text) + 1))
    decoded = copy
    for _ in range(_LAYERS):
        if not _ENCODED.search(decoded.text):
            break
        decoded = _replaced(decoded, _ENCODED.finditer(decoded.text), _decode)
    copies = (copy,) if decoded is copy else (copy, decoded)
    return tuple(map(_typeset, copies))


def plain(text: str) -> str:
    """The normalised text alone, in lower case and without accents: how words are compared."""
    decomposed = unicodedata.normalize("NFD", _typeset(NormalisedText(text, range(len(text)), range(1, len(text) + 1))).text)
    return "".join(char for char in decomposed if unicodedata.category(char) != "Mn").casefold()


def _typeset(copy: NormalisedText) -> NormalisedText:
    """The copy with plain signs and single blanks."""
    text = copy.text
    if text.isascii() and not _PLAIN.search(text):
        return copy
    chars: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        for sign in "" if text.startswith("\r\n", place) else _TABLE[char]:
            if sign != " " or not chars or chars[-1] != " ":
                chars.append(sign)
                places.append(place)
    return NormalisedText("".join(chars), [copy.starts[place] for place in places], [copy.ends[place] for place in places])


class _Table(dict[str, str]):
    """What each character becomes, worked out once."""

    def __missing__(self, char: str) -> str:
        self[char] = _sign(char)
        return self[char]


def _sign(char: str) -> str:
    if char in _SIGNS:
        return _SIGNS[char]
    category = unicodedata.category(char)
    if category in {"Zs", "Cc"}:
        return " "
    if category in {"Cf", "Me"} or unicodedata.name(char, "").startswith("VARIATION SELECTOR"):
        return ""
    if category == "Pd":
        return "-"
    if category == "Nd":
        return str(unicodedata.decimal(char))
    return _compatible(char)


def _compatible(char: str) -> str:
    """Full-width, circled and mathematical signs as plain ones; a raised or lowered digit is a footnote, which ends a number."""
    kind = unicodedata.decomposition(char).partition(" ")[0]
    folded = unicodedata.normalize("NFKC", char)
    if kind in {"<super>", "<sub>", "<fraction>"} and not folded.isalpha():
        return " "
    return folded if kind and (folded.isascii() or folded.isalnum()) else char


_TABLE = _Table()


def _replaced(
    copy: NormalisedText, matches: Iterator[re.Match[str]], decode: Callable[[str], tuple[tuple[str, int], ...]]
) -> NormalisedText:
    """The copy with each match replaced by characters that stand for so many of its own."""
    parts, starts, ends = [], list[int](), list[int]()
    last = 0
    for match in matches:
        decoded = decode(match.group())
        edges = [match.start() + width for width in accumulate((width for _, width in decoded), initial=0)]
        parts += [copy.text[last : match.start()], *(char for char, _ in decoded)]
        starts += [*copy.starts[last : match.start()], *(copy.starts[edge] for edge in edges[:-1])]
        ends += [*copy.ends[last : match.start()], *(copy.ends[edge - 1] for edge in edges[1:])]
        last = match.end()
    parts.append(copy.text[last:])
    return NormalisedText("".join(parts), [*starts, *copy.starts[last:]], [*ends, *copy.ends[last:]])


def _decode(encoded: str) -> tuple[tuple[str, int], ...]:
    """Characters, each with the number of encoded ones that it stands for."""
    if encoded[0] == "%":
        return _percent(encoded)
    if encoded[0] == "\\":
        return ((chr(int(f"0x{encoded[2:]}", 0)), len(encoded)),)
    if encoded[0] == "&":
        text = html.unescape(encoded)
        return tuple((char, len(encoded) if i == len(text) - 1 else 0) for i, char in enumerate(text))
    sign = "." if encoded.strip(" []{}()").casefold() in {".", "dot", "punkt", "point", "punto"} else "@"
    return ((sign, len(encoded)),)


def _percent(encoded: str) -> tuple[tuple[str, int], ...]:
    try:
        text = bytes.fromhex(encoded.replace("%", "")).decode("utf-8")
    except UnicodeDecodeError:
        return tuple((char, 1) for char in encoded)
    return tuple((char, 3 * len(char.encode("utf-8"))) for char in text)
