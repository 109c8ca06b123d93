"""Personal data in texts: a fast search for candidates, confirmed by presidio's recognizers, without a language model or a network."""

from __future__ import annotations

import logging
import re
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from audit.datasets import canonical
from audit.errors import CannotMeasure, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

DEFAULT = ("EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "US_SSN", "IP_ADDRESS", "CRYPTO", "MEDICAL_LICENSE")
"""Kinds that a checksum, a register of numbers or names, or words around confirm."""
_CANDIDATE = re.compile(r"@|::|(?:\d\D*?){4}|[0-9A-Za-z]{20}|(?:[0-9A-Fa-f]{1,4}:){2}")
"""What every text that holds a kind of `DEFAULT` holds: an at sign, four digits, a long run, or colons between hex digits."""
_PHONE, _PHONE_DIGITS = "PHONE_NUMBER", 7
_SEVEN = re.compile(r"(?:\d\D*?){7}")
_LONG = 1e8
"""Numbers from nine digits on are read as text."""
_WRITTEN = re.compile(r"\+(?:\D?\d){7}|\d[ ().-]+\d(?:\D*\d){5}|\d(?:\D*\d){4}[ ().-]+\d")
_TOKEN = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Entity:
    """One stretch of a text."""

    kind: str
    start: int
    end: int
    score: float


def backend() -> str:
    """The part that confirms, with its version."""
    return f"presidio-analyzer {version('presidio-analyzer')}"


def readable(cells: pd.Series[Any]) -> bool:
    """Whether a column holds text, or numbers so long that they may be cards or phones."""
    from pandas.api import types

    if types.is_numeric_dtype(cells):
        return bool(cells.abs().max() >= _LONG) and not types.is_bool_dtype(cells)
    return bool(types.is_object_dtype(cells) or types.is_string_dtype(cells) or str(cells.dtype) == "category")


def texts(cells: pd.Series[Any]) -> list[str]:
    """A column's cells as text; a missing one is empty."""
    return [canonical(value) or "" for value in cells.to_list()]


class Scanner:
    """presidio's recognizers of some kinds of entity, with the words around a match as context."""

    def __init__(self, kinds: Sequence[str], language: str) -> None:
        self._recognizers = recognizers(tuple(kinds), language)
        self._kinds = list(kinds)
        self._language = language
        self._filtered = set(kinds) <= set(DEFAULT)

    def candidate(self, text: str) -> bool:
        """Whether the text can hold an entity at all."""
        return not self._filtered or _CANDIDATE.search(text) is not None

    def find(self, text: str, context: Sequence[str] = ()) -> tuple[Entity, ...]:
        """Entities of any score in the order of the text; of two that overlap the surer one, then the longer one."""
        if not self.candidate(text):
            return ()
        asked = [part for part in self._recognizers if _SEVEN.search(text) or part.supported_entities != [_PHONE]]
        with _no_timeouts():
            found = [entity for recognizer in asked for entity in recognizer.analyze(text, self._kinds, None)]
            if found:
                found = _enhancer().enhance_using_context(text, found, self._artifacts(text), self._recognizers, list(context))
        entities = filter(partial(_possible, text), map(partial(_entity, text), found))
        kept: list[Entity] = []
        for one in sorted(entities, key=lambda one: (-one.score, one.start - one.end, one.start, one.kind)):
            if all(one.end <= other.start or other.end <= one.start for other in kept):
                kept.append(one)
        return tuple(sorted(kept, key=lambda entity: entity.start))

    def _artifacts(self, text: str) -> Any:
        """Words as presidio's context rule wants them, without a language model: in lower case, not lemmatised."""
        from presidio_analyzer.nlp_engine import NlpArtifacts

        matches = list(_TOKEN.finditer(text))
        words = [match.group().lower() for match in matches]
        tokens: Any = [match.group() for match in matches]  # the rule asks a token for its length alone, so text will do
        engine: Any = None
        artifacts = NlpArtifacts([], tokens, [match.start() for match in matches], words, engine, self._language)
        artifacts.keywords = words
        return artifacts


def _entity(text: str, result: Any) -> Entity:
    """A result of presidio's, a phone number's score raised to .5 where it is written as one: with a plus, or in groups.

    presidio gives every number of a numbering plan .4 without a word such as `call` nearby, but bare digits may well be an
    order's number.
    """
    found = Entity(str(result.entity_type), int(result.start), int(result.end), float(result.score))
    if found.kind == _PHONE and _WRITTEN.search(text, found.start, found.end):
        return replace(found, score=max(found.score, 0.5))
    return found


def _possible(text: str, entity: Entity) -> bool:
    """Plans hold numbers of five digits too, and so do most texts: a phone number must have seven."""
    return entity.kind != _PHONE or sum(map(str.isdigit, text[entity.start : entity.end])) >= _PHONE_DIGITS


@lru_cache(maxsize=8)
def recognizers(kinds: tuple[str, ...], language: str) -> list[Any]:
    """One recognizer of presidio a kind; an unknown kind is refused with the known ones."""
    presidio = _presidio()
    from presidio_analyzer import PatternRecognizer, predefined_recognizers

    shapes = (PatternRecognizer, presidio.PhoneRecognizer)
    classes: list[Any] = [part for part in vars(predefined_recognizers).values() if isinstance(part, type) and issubclass(part, shapes)]
    made = [part(supported_language=language) for part in classes]
    known = {kind for recognizer in made for kind in recognizer.supported_entities}
    if unknown := sorted(set(kinds) - known):
        msg = f"no recognizer for {', '.join(unknown)}: choose `entities` among {', '.join(sorted(known))}"
        raise CannotMeasure(msg)
    return [recognizer for recognizer in made if set(recognizer.supported_entities) & set(kinds)]


def _presidio() -> Any:
    """Presidio's recognizers; a domain's ending is looked up in the list that tldextract carries, never on the network."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its imports use what spaCy's dependencies have deprecated
        try:
            from presidio_analyzer import predefined_recognizers
        except ImportError as error:
            raise MissingExtra("presidio-analyzer", "pii") from error
        from tldextract import TLDExtract, tldextract
    tldextract.TLD_EXTRACTOR = TLDExtract(cache_dir=None, suffix_list_urls=())
    return predefined_recognizers


@lru_cache(maxsize=1)
def _enhancer() -> Any:
    from presidio_analyzer.context_aware_enhancers import LemmaContextAwareEnhancer

    return LemmaContextAwareEnhancer(context_matching_mode="whole_word")  # else `cancelled` holds `cell`


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
