"""Facts that a policy must declare: which at which tier, and whether what is stated says anything."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


REQUIRED: dict[int, tuple[str, ...]] = {
    3: ("system.purpose", "system.owner.contact"),
    2: ("system.out_of_scope", "system.author", "system.rollback_plan", "system.affected", "system.limits"),
    1: (
        "system.incident_contact",
        "system.legal_basis",
        "system.risk_tolerance",
        "system.oversight",
        "system.third_party",
        "system.benefits",
        "system.costs",
        "system.monitoring_plan",
        "system.decommissioning_plan",
        "system.feedback_channel",
    ),
}
"""What each tier requires beyond the tiers below it (3 is the lowest materiality)."""
OF_DATA: dict[int, tuple[str, ...]] = {3: (), 2: ("source",), 1: ("licence",)}
"""The same for every declared data set: `datasets.train.source`."""


def required(tier: int, roles: Iterable[str]) -> tuple[str, ...]:
    """Facts that a tier asks for, by their place in the policy file, for data sets of these roles."""
    tiers = [one for one in sorted(REQUIRED, reverse=True) if one >= tier]
    system = [name for one in tiers for name in REQUIRED[one]]
    return (*system, *(f"datasets.{role}.{name}" for role in sorted(roles) for one in tiers for name in OF_DATA[one]))


def missing(names: Iterable[str], facts: Mapping[str, object]) -> tuple[str, ...]:
    """Those of the facts that are not stated, or only by a placeholder. Names and numbers of the policy itself need no content."""
    return tuple(name for name in names if (facts.get(name) is None if name.startswith("policy.") else blank(facts.get(name))))


_PLACEHOLDERS = frozenset({"", "na", "none", "null", "nil", "tba", "tbd", "tbc", "todo", "fixme", "unknown", "xxx", "wip", "pending"})
"""Letters and digits of a text, without blanks and marks, that states nothing."""
_FILLER = frozenset(
    """
    a above added additional an analysed analyzed and answer any applicable applied apply are as asdf at available bar baz be because
    been below blah but by can cannot checked clear comment comments considered content could decided defined described detail
    details determined did discussed do document documented does done dummy empty evident example expected explained explanation
    filler fix fixme follow follows foo for found from future given had has have here how i if important in information ipsum
    irrelevant is issue it item its just known later lorem matter may measured mentioned might missing must my na necessary needed
    never nil no nobody none nor not note nothing now null obvious of on or our pending placeholder please point possible previous
    provided qux qwerty reason reasons refer related relevant required same scope see self setup shall should skip skipped so some
    soon stated still sufficient tba tbc tbd text than that the their them then there these they thing things this those
    to today todo tomorrow too unclear unknown unnecessary unneeded unspecified us valid was we were what when where which while who
    why will wip with would write written xxx yes yet you your
    amet consectetur dolor elit sit
    anwendbar begründung bekannt dem der die entfällt erforderlich ergänzt folgt geklärt geplant grund hier kein keine klären muss
    nicht noch notwendig nötig oben offen platzhalter siehe später unbekannt unten unklar werden wird
    aucun aucune ci compléter dessous dessus définir est motif non pas plus raison tard venir voir
    arriba definir ninguna ninguno pendiente por razón ver
    """.split()  # noqa: SIM905  # a list of a hundred quoted words reads worse
)
"""Words that a sentence without content is made of."""
_UNFINISHED = frozenset({"fixme", "tba", "tbc", "tbd", "todo", "wip"})
"""Words that say that a text is still to be written."""
_LEAST_WORDS = 2


def blank(value: object) -> bool:
    """Whether nothing is stated: absent, a placeholder such as TODO, or text without a letter or digit."""
    if value is None:
        return True
    if isinstance(value, str):
        return is_placeholder(value)
    return isinstance(value, Iterable) and all(blank(entry) for entry in value)


def is_placeholder(text: str) -> bool:
    """Whether a text is one of those that stand where somebody still has to write: `-`, `n/a`, `TODO`."""
    return _signs(text) in _PLACEHOLDERS


def _signs(text: str) -> str:
    """Letters and digits alone."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", text).casefold() if sign.isalnum())


def is_reason(text: str) -> bool:
    """Whether a text gives a reason: at least two different words beside filler, and no mark of work to do.

    `x1`, `see above`, `not applicable` and `TODO: ask the legal department` give none.
    """
    words = set(_words(text))
    return len(words - _FILLER) >= _LEAST_WORDS and words.isdisjoint(_UNFINISHED)


def _words(text: str) -> Iterable[str]:
    """Words of two letters or more, not all the same one; of scripts without blanks between words, every two letters are one."""
    for run in re.findall(r"[^\W\d_]+", unicodedata.normalize("NFKC", text).casefold()):
        wide = any(unicodedata.east_asian_width(letter) in "WF" for letter in run)
        parts = [run[start : start + 2] for start in range(0, len(run), 2)] if wide else [run]
        yield from (part for part in parts if len(set(part)) > 1)
