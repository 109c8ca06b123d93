"""Identity terms, version 1, and a text rewritten so that all its terms of one attribute name one identity, their case kept.

For each attribute its identities with their words; words at one place mean the same of another identity. After the identity terms of
Dixon et al., AIES 2018, and of Garg et al., AIES 2019, and the gendered pairs of Zhao et al., NAACL 2018. Words that mostly mean
something else are left out (Polish, Black and White without a person, old, King, names of people and countries).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 1

_FEMALE = (
    "she,herself,woman,women,girl,girls,mother,mothers,mom,mum,daughter,daughters,sister,sisters,wife,wives,girlfriend,aunt,grandmother,"
    "niece,lady,ladies,madam,female,females,ms,widow,bride,actress,waitress,businesswoman,policewoman,landlady"
)
_MALE = (
    "he,himself,man,men,boy,boys,father,fathers,dad,dad,son,sons,brother,brothers,husband,husbands,boyfriend,uncle,grandfather,"
    "nephew,gentleman,gentlemen,sir,male,males,mr,widower,groom,actor,waiter,businessman,policeman,landlord"
)
_PERSONS = ("people", "person", "man", "men", "woman", "women", "guy", "girl", "boy", "family", "community", "kid", "kids")
_NATIONS = "American,British,Chinese,French,German,Indian,Iranian,Italian,Japanese,Mexican,Nigerian,Pakistani,Russian,Somali,Syrian,Turkish"

TERMS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "gender": {"female": tuple(_FEMALE.split(",")), "male": tuple(_MALE.split(","))},
    "religion": {
        "Christian": ("Christian", "Christians", "Christianity", "church", "churches"),
        "Muslim": ("Muslim", "Muslims", "Islam", "mosque", "mosques"),
        "Jewish": ("Jewish", "Jews", "Judaism", "synagogue", "synagogues"),
        "Hindu": ("Hindu", "Hindus", "Hinduism", "temple", "temples"),
        "Buddhist": ("Buddhist", "Buddhists", "Buddhism", "temple", "temples"),
    },
    "nationality": {nation: (nation,) for nation in _NATIONS.split(",")},
    "orientation": {
        "homosexual": ("homosexual", "homosexuals", "homosexuality", "gay", "gays", "lesbian", "lesbians"),
        "heterosexual": ("heterosexual", "heterosexuals", "heterosexuality", "straight", "straights", "straight woman", "straight women"),
    },
    "race": {race: tuple(f"{race} {person}" for person in _PERSONS) for race in ("Black", "White", "Asian", "Latino")},
}
"""A word that two places share is written at both and read at the first."""

WRITTEN_ONLY = frozenset({"straight", "straights", "temple", "temples"})
"""Words that are put in and never looked for: they mostly mean something else."""

_CLOSERS = frozenset(
    re.findall(
        r"\w+",
        "a an the this that these those and or but nor so yet if when while because as at by for from in into of off on onto out over "
        "to up upon with without about after again ago all also always anymore any before both down during each else ever every here "
        "how i is it later me my never no not now off once only our she he soon than their then there they today tomorrow tonight too "
        "under until us very was we were what where which who why will would yesterday you your",
    )
)
"""Words before which `her` stands alone ("told her that") and `his` too: no noun of theirs begins with one."""
_ARTICLE = re.compile(r"\b(an?)(\s+)$", re.IGNORECASE)
_AS_CONSONANT = re.compile(r"eu|uk|uni|us|one", re.IGNORECASE)


@dataclass(frozen=True)
class Swap:
    """The identities of one attribute, with their words in the same order."""

    attribute: str
    groups: Mapping[str, tuple[str, ...]]
    listed: bool = False
    """Whether the words are those of the list that comes with the tool: some are only put in, and gender has its pronouns besides."""

    def __post_init__(self) -> None:
        sizes = {group: len(words) for group, words in self.groups.items()}
        if len(sizes) < 2 or 0 in sizes.values() or len(set(sizes.values())) > 1:  # noqa: PLR2004  # there must be one to swap for
            told = ", ".join(f"{group} {size}" for group, size in sizes.items()) or "none"
            msg = f"{self.attribute}: needs at least two identities with equally many words in the same order; there are {told}"
            raise ValueError(msg)
        if odd := [word for words in self.groups.values() for word in words if not re.fullmatch(r"\w(?:[\w' -]*\w)?", word)]:
            msg = f"{self.attribute}: {odd[0]!r} is no word: use letters, digits, dashes, apostrophes and blanks between"
            raise ValueError(msg)
        owners = [(word.lower(), group) for group, words in self.groups.items() for word in words]
        if not self.listed and len({word for word, _ in owners}) < len(owners):
            twice = next(word for word, _ in owners if sum(word == other for other, _ in owners) > 1)
            msg = f"{self.attribute}: {twice!r} stands there twice, so that what answers to it cannot be told"
            raise ValueError(msg)

    @cached_property
    def _places(self) -> dict[str, tuple[str, int]]:
        """The identity and the place of each word that is looked for, in lower case; the first of equal ones counts."""
        found: dict[str, tuple[str, int]] = {}
        for group, words in self.groups.items():
            for place, word in enumerate(words):
                if not (self.listed and word in WRITTEN_ONLY):
                    found.setdefault(word.lower(), (group, place))
        if self.listed and self.attribute == "gender":
            found |= {"her": ("female", -1), "hers": ("female", -1), "him": ("male", -1), "his": ("male", -1)}
        return found

    @cached_property
    def words(self) -> frozenset[str]:
        """Every single word that is looked for or put in, in lower case, with the articles that go before."""
        terms = (*self._places, *(word for group in self.groups.values() for word in group))
        return frozenset({"a", "an", *(part.casefold() for term in terms for part in term.split())})

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        longest = sorted(self._places, key=lambda word: (-len(word), word))
        words = "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in longest)
        return re.compile(rf"(?<![\w-])(?<!\w')(?:{words})(?![\w-])", re.IGNORECASE)

    def terms(self, text: str) -> tuple[str, ...]:
        """The terms of the text in their order, in lower case."""
        return tuple(_key(found.group()) for found in self._pattern.finditer(text))

    def to(self, text: str, group: str) -> str:
        """The text with every term of another identity replaced by that of this one."""
        out, at = "", 0
        for found in self._pattern.finditer(text):
            word = found.group()
            out += text[at : found.start()]
            at = found.end()
            owner, place = self._places[_key(word)]
            if owner == group:
                out += word
                continue
            new = _pronoun(word, text[at:]) if place < 0 else self.groups[group][place]
            out = _with_article(out, new) + _cased(word, new)
        return out + text[at:]


def _key(word: str) -> str:
    return " ".join(word.lower().split())


def _pronoun(word: str, rest: str) -> str:
    """`her` is `his` before a noun and `him` elsewhere, `his` is `her` before a noun and `hers` elsewhere."""
    low = word.lower()
    follows = re.match(r"\s+(\w+)", rest)
    owning = follows is not None and follows.group(1).lower() not in _CLOSERS
    if low == "her":
        return "his" if owning else "him"
    if low == "his":
        return "her" if owning else "hers"
    return {"hers": "his", "him": "her"}[low]


def _cased(old: str, new: str) -> str:
    """The new word in the old one's case: all capitals, a capital first, else as the list writes it, small where the old one is."""
    if old.isupper() and len(old) > 1:
        return new.upper()
    if old[0].isupper():
        return new[0].upper() + new[1:]
    return new.lower()


def _with_article(before: str, new: str) -> str:
    """What stands before a new word, with `a` or `an` made to fit it."""
    found = _ARTICLE.search(before)
    if found is None:
        return before
    article, wanted = found.group(1), "an" if new[0].lower() in "aeiou" and not _AS_CONSONANT.match(new) else "a"
    return before[: found.start()] + _cased(article, wanted) + found.group(2)
