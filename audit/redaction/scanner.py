"""Personal data in texts: own finders for the usual kinds, presidio's recognizers for the rest, without a language model or a network."""

from __future__ import annotations

import logging
import re
import warnings
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from audit.canonical_text import canonical
from audit.errors import CannotMeasure, MissingExtra
from audit.redaction import context
from audit.redaction.entities import Entity, cards, emails, extractor, ibans, social_security, without_overlaps
from audit.redaction.phones import Plans
from audit.redaction.typography import normalised

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import pandas as pd

DEFAULT = ("EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "US_SSN", "IP_ADDRESS", "CRYPTO", "MEDICAL_LICENSE")
"""Kinds that a checksum, a register of numbers or names, or words around confirm."""
_CANDIDATE = re.compile(r"@|::|(?:\d\D*?){4}|[0-9A-Za-z]{20}|(?:[0-9A-Fa-f]{1,4}:){2}")
"""What every normalised text that holds a kind of `DEFAULT` holds: an at sign, four digits, a long run, or colons between hex digits."""
_WORTH_NORMALISING = re.compile(
    r"[@\uff20\ufe6b&%\\\[({]|[:\uff1a\ufe55\ufe13].{0,8}[:\uff1a\ufe55\ufe13]|(?:[\d\u2460-\u24ff\u2776-\u2793][^\d]*?){4}|\w{20}"
)
"""The same for a text as it stands: signs and digits of any script, and what may be encoded."""
_OWN: Mapping[str, Callable[[str], Iterable[Entity]]] = {
    "EMAIL_ADDRESS": emails,
    "CREDIT_CARD": cards,
    "IBAN_CODE": ibans,
    "US_SSN": social_security,
}
_PHONE = "PHONE_NUMBER"
_SHIELDS = ("EMAIL_ADDRESS", "IBAN_CODE", "CREDIT_CARD")
"""What lies inside one of these is nothing else, whichever kinds are looked for: the domain of an address is no URL."""
_NEEDS = {
    "EMAIL_ADDRESS": re.compile("@"),
    "IP_ADDRESS": re.compile(r"\d\.\d{1,3}\.\d|:[0-9A-Fa-f]{0,4}:"),
    "CRYPTO": re.compile(r"[0-9A-Za-z]{26}"),
    "MEDICAL_LICENSE": re.compile(r"[A-Za-z]\d{6}|[A-Za-z]9\d"),
}
"""What a text must hold before the slower recognizers are asked."""
_LONG = 1e8
"""Numbers from nine digits on are read as text."""
_NAMED = 1e6
"""From seven digits on where the column's name says that they are phone numbers."""


def backend() -> str:
    """The part that confirms, with its version."""
    return f"presidio-analyzer {version('presidio-analyzer')}"


def readable(cells: pd.Series[Any]) -> bool:
    """Whether a column holds text, or numbers so long that they may be cards or phones; where its name says so, shorter ones."""
    from pandas.api import types

    if types.is_numeric_dtype(cells):
        named = context.telephone("en").search(" ".join(words_of_name(str(cells.name))).casefold())
        return bool(cells.abs().max() >= (_NAMED if named else _LONG)) and not types.is_bool_dtype(cells)
    return bool(types.is_object_dtype(cells) or types.is_string_dtype(cells) or str(cells.dtype) == "category")


def texts(cells: pd.Series[Any]) -> list[str]:
    """A column's cells as text; a missing one is empty."""
    return [canonical(value) or "" for value in cells.to_list()]


def words_of_name(column: str) -> list[str]:
    """`phone_number` and `phoneNumber` in words."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column.replace("_", " ")).split()


class Scanner:
    """Finders of some kinds of entity, with the words around a match as context."""

    def __init__(self, kinds: Sequence[str], language: str, countries: Sequence[str] | None = None) -> None:
        self._recognizers = recognizers(tuple(kinds), language)
        self._kinds = frozenset(kinds)
        self._own = {kind: finder for kind, finder in _OWN.items() if kind in self._kinds or kind in _SHIELDS}
        spoken = context.base_language(language)
        self._context = {kind: context.supporting(kind, spoken) for kind in kinds}
        self._plans = Plans(spoken, countries)
        self._filtered = self._kinds <= set(DEFAULT)
        self.notes = _notes(self._kinds, spoken, self._plans)

    def find(self, text: str, further: Sequence[str] = ()) -> tuple[Entity, ...]:
        """Entities of any score in the order of the text, as places in the original; further words count as words before each."""
        if self._filtered and not _WORTH_NORMALISING.search(text):
            return ()
        found = [
            replace(entity, start=start, end=end)
            for copy in normalised(text)
            for entity in self._find_in(copy.text, further)
            for start, end in (copy.original(entity.start, entity.end),)
        ]
        shields = [entity for entity in found if entity.kind in _SHIELDS and entity.kind not in self._kinds]
        wanted = [entity for entity in found if entity.kind in self._kinds]
        return without_overlaps(entity for entity in wanted if not any(entity.inside(shield) for shield in shields))

    def _find_in(self, text: str, further: Sequence[str]) -> Iterator[Entity]:
        """Entities of a normalised text, those that shield others too."""
        if self._filtered and not _CANDIDATE.search(text):
            return
        for kind, finder in self._own.items():
            if _may_hold(kind, text):
                yield from (self._in_context(text, entity, further) for entity in finder(text))
        if _PHONE in self._kinds:
            yield from (self._in_context(text, entity, further) for entity in self._plans.find(text, further))
        yield from self._recognized(text, further)

    def _recognized(self, text: str, further: Sequence[str]) -> Iterator[Entity]:
        """What presidio's recognizers find, its score raised by their own words of context."""
        for recognizer in self._recognizers:
            if not any(_may_hold(kind, text) for kind in recognizer.supported_entities):
                continue
            with _no_timeouts():
                results = recognizer.analyze(text, list(self._kinds), None)
            for result in results:
                entity = Entity(str(result.entity_type), int(result.start), int(result.end), float(result.score))
                words = context.phrases(tuple(recognizer.context or ()))
                supported = words.search(context.words_before(text, entity.start, further=further))
                yield replace(entity, score=context.raised(entity.score)) if supported else entity

    def _in_context(self, text: str, entity: Entity, further: Sequence[str]) -> Entity:
        """A number of our own finders, its score raised where a word around speaks for it."""
        words = self._context.get(entity.kind)
        if words is None:
            return entity
        after = entity.kind == _PHONE and context.after().fullmatch(context.word_after(text, entity.end))
        if after or words.search(context.words_before(text, entity.start, further=further)):
            return replace(entity, score=context.raised(entity.score))
        return entity


def _may_hold(kind: str, text: str) -> bool:
    return kind not in _NEEDS or _NEEDS[kind].search(text) is not None


def _notes(kinds: frozenset[str], language: str, plans: Plans) -> tuple[str, ...]:
    """Whose phone numbers are known, and whether the language's words are."""
    if _PHONE not in kinds:
        return ()
    known = f"Phone numbers without a country code: plans of {', '.join(plans.countries)}."
    if language in context.LANGUAGES:
        return (known,)
    return (known, f"No words around a number are known for language {language}: English ones are used.")


@lru_cache(maxsize=8)
def recognizers(kinds: tuple[str, ...], language: str) -> list[Any]:
    """Presidio's recognizers of the kinds that have no finder here; an unknown kind is refused with the known ones."""
    presidio = _presidio()
    from presidio_analyzer import PatternRecognizer, predefined_recognizers

    shapes = (PatternRecognizer, presidio.PhoneRecognizer)
    classes: list[Any] = [part for part in vars(predefined_recognizers).values() if isinstance(part, type) and issubclass(part, shapes)]
    made = [part(supported_language=language) for part in classes]
    known = {kind for recognizer in made for kind in recognizer.supported_entities}
    if unknown := sorted(set(kinds) - known):
        msg = f"no recognizer for {', '.join(unknown)}: choose `entities` among {', '.join(sorted(known))}"
        raise CannotMeasure(msg)
    return [recognizer for recognizer in made if set(recognizer.supported_entities) & (set(kinds) - {*_OWN, _PHONE})]


def _presidio() -> Any:
    """Presidio's recognizers; a domain's ending is looked up in the list that tldextract carries, never on the network."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its imports use what spaCy's dependencies have deprecated
        try:
            from presidio_analyzer import predefined_recognizers
        except ImportError as error:
            raise MissingExtra("presidio-analyzer", "pii") from error
        from tldextract import tldextract
    tldextract.TLD_EXTRACTOR = extractor()
    return predefined_recognizers


class _Refuse(logging.Handler):
    """Turns presidio's warning that a pattern was skipped, which would hide what it looks for, into an error."""

    def emit(self, record: logging.LogRecord) -> None:
        if "timed out" in record.getMessage():
            msg = "presidio gave up on a text: its pattern took too long; cut very long texts into parts"
            raise CannotMeasure(msg)


@contextmanager
def _no_timeouts() -> Iterator[None]:
    logger, handler = logging.getLogger("presidio-analyzer"), _Refuse(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
