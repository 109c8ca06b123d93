"""How the report says things: numbers, dates, counts, and text from outside made harmless."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from typing import TYPE_CHECKING

from audit.formatting import bound_in_words, comparator_in_words, count, limit, number_beside

if TYPE_CHECKING:
    from collections.abc import Iterable

    from audit.decision.finding import Headline
    from audit.policy.schema import Requirement

STATUSES = {
    "fail": "fail",
    "error": "error",
    "inconclusive": "inconclusive",
    "not_run": "not run",
    "pass": "pass",
    "not_applicable": "not applicable",
}
SEVERITY_BARS = {"critical": "4", "high": "3", "medium": "2", "low": "1"}
DECISIONS = {"promote": "PROMOTE", "promote-with-conditions": "PROMOTE WITH CONDITIONS", "block": "BLOCK"}
OUTCOMES = DECISIONS | {
    "keep": "KEEP",
    "watch": "WATCH",
    "keep-with-conditions": "KEEP WITH CONDITIONS",
    "incomplete": "INCOMPLETE",
    "roll-back": "ROLL BACK",
}
"""Decisions of runs, and outcomes of windows."""
_SMALL = (
    *("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
_ISO = re.compile(r"(?<![\w-])\d{4}-\d\d-\d\d(?:([ T]\d\d:\d\d)(?::\d\d)?(?: UTC|\+00:00))?(?![\w-])")
"""A date, or a moment of UTC."""
_HARMLESS = {"\u200c", "\u200d", "\u00a0"}  # joiners, with which several scripts and emoji are spelt, and the no-break space of `64 %`


def clean(text: str) -> str:
    """Text from outside without anything invisible that could act: control, bidirectional and lone-surrogate characters are spelt out."""
    return "".join(map(_visible, text.replace("\r\n", "\n")))


def _visible(char: str) -> str:
    if char in "\n\t" or char in _HARMLESS or char.isprintable():
        return char
    if char < " ":
        return chr(0x2400 + ord(char))
    if unicodedata.category(char) == "Zs":
        return " "
    return f"[U+{ord(char):04X}]"


def outcome(key: str) -> str:
    """A decision or an outcome in capitals; text that is none is given back."""
    return OUTCOMES.get(key, key)


def css_string(text: str) -> str:
    """The inside of a CSS string: all but letters, digits and spaces as escapes (each with the space that ends it)."""
    return "".join(char if re.fullmatch(r"[\w ]", char) else f"\\{ord(char):x} " for char in clean(text).replace("\n", " "))


def clip(text: str, most: int) -> str:
    """The text's beginning, at most so many characters, cut at a word and marked as cut."""
    if len(text) <= most:
        return text
    return text[: most - 1].rsplit(" ", 1)[0].rstrip(" ,;:.") + " …"


def counted(n: int, noun: str, plural: str | None = None) -> str:
    """`one check`, `three checks`, `42 checks`."""
    return f"{word(n)} {noun if n == 1 else plural or noun + 's'}"


def word(n: int) -> str:
    """`three`, `42`."""
    return _SMALL[n] if n < len(_SMALL) else f"{n:,}"


def sentence(text: str) -> str:
    """With its first letter large."""
    return text[:1].upper() + text[1:]


def listed(items: Iterable[str], most: int = 1000) -> str:
    """`a, b and c`; the first few and how many more."""
    found = list(items)
    if len(found) > most:
        return f"{', '.join(found[:most])} and {len(found) - most:,} more"
    return " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)


def day(iso: str) -> str:
    """`20 November 2026`; text that is no date is given back."""
    try:
        when = date.fromisoformat(iso[:10])
    except ValueError:
        return iso
    return f"{when.day} {when:%B %Y}"


def moment(iso: str) -> str:
    """`20 November 2026, 01:47 UTC`."""
    try:
        when = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    return f"{when.day} {when:%B %Y, %H:%M} UTC"


def dates(text: str) -> str:
    """A sentence with its ISO dates and moments written out, as the rest of the page has them."""
    return _ISO.sub(lambda found: moment(found[0].removesuffix(" UTC")) if found[1] else day(found[0]), text)


def seconds(value: float) -> str:
    """`0.4 s`, `41 s`, `3 min 20 s`."""
    if value < 10:  # noqa: PLR2004  # tenths are of interest in short runs only
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def digest(sha256: str) -> str:
    """The first twelve characters, marked as cut."""
    return f"{sha256[:12]}…" if len(sha256) > 12 else sha256  # noqa: PLR2004  # digits shown


def figure(value: float, *limits: float, census: bool = False) -> str:
    """A number as people read it, with as many decimals as it takes to lie on its own side of the limits."""
    return count(value) if census else number_beside(value, *limits)


def is_census(headline: Headline) -> bool:
    """Whether nothing was sampled: the interval is the value itself."""
    return "census" in headline.method and headline.interval == (headline.value, headline.value)


def bracket(interval: tuple[float, float], *limits: float) -> str:
    """`[0.838, 0.882]`."""
    low, high = (figure(end, *limits) for end in interval)
    return f"[{low}, {high}]"


def limits(requirement: Requirement) -> tuple[float, ...]:
    """The bounds that it sets; a margin lies on either side of 0, since the check says on which it counts."""
    if requirement.margin is not None:
        return (-requirement.margin, requirement.margin)
    return tuple(one for one in (requirement.min, requirement.max) if one is not None)


def bound(requirement: Requirement) -> str:
    """`at least 0.8`, `at most 0.1`, or how far it may fall behind another model."""
    return asked_in_words(requirement) or "no bound"


def percent(share: float) -> str:
    """`64 %`, `4.5 %`, with a space that does not break."""
    value = 100 * share
    return f"{value:.0f}\u00a0%" if value >= 10 or round(value, 1).is_integer() else f"{value:.1f}\u00a0%"  # noqa: PLR2004  # one decimal for small shares


def error(level: float) -> str:
    """A chance of error: `2.5 %`, `0.046 %`, and below a hundredth of a percent `one in 20,000`."""
    if level >= 1e-4 or level <= 0:  # noqa: PLR2004  # from here on digits behind the point are no longer counted at a glance
        return f"{100 * max(level, 0.0):.3g}\u00a0%"
    if level < 1e-9:  # noqa: PLR2004  # a billionth
        return "less than one in a billion"
    return f"one in {float(f'{1 / level:.2g}'):,.0f}"


def meaning(risk: str) -> str:
    """What a check says of a bad value; after its first word alone, `Low:` would read as how great the risk is."""
    value, colon, what = risk.partition(": ")
    return f"Where the value is {value[:1].lower()}{value[1:]}: {what}" if colon else risk


def confidence(level: float) -> str:
    """`95 %`, `0.417 %`."""
    return f"{100 * level:.3g}\u00a0%"


def asked_in_words(requirement: Requirement) -> str:
    """What a requirement asks for: its bounds, or how far the candidate may fall behind another model."""
    if requirement.against is None:
        return bound_in_words(requirement.min, requirement.max)
    against = comparator_in_words(requirement.against)
    return f"not worse than {against} " + (f"by more than {limit(requirement.margin)}" if requirement.margin else "at all")
