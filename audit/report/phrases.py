"""Sentences that several sections share: names of members, what a finding says, its numbers, its people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.evidence import OVERALL, Pair, Slice
from audit.formatting import COUNT_IN_SAMPLE, COUNTED, comparator_in_words, counted, measured_in_words
from audit.phrases import message, remedy
from audit.report import text as prose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.decision.finding import Finding, Headline, Judged
    from audit.evidence import Evidence, Name, Value
    from audit.policy.schema import Requirement
    from audit.record import AuditRun

_AUC = {
    "subgroup": "ranking within the group",
    "bpsn": "ranking its negatives below the others' positives (BPSN)",
    "bnsp": "ranking its positives above the others' negatives (BNSP)",
}
"""What each AUC of Borkan et al. (2019) asks."""
_MEASURED = frozenset({"auc", "rate", "parameter", "part"})
"""What tells not whose a number is but which one, and needs no name before its value: `true positive rate`, `slope`."""


def label(name: Name) -> str:
    """A slice by its columns and values, `gender: man, region: north`; of a pair first what both have in common."""
    if not isinstance(name, Pair):
        return _slice(name.items)
    both = tuple(item for item in name.first.items if item in name.second.items)
    one, other = (_slice(tuple(item for item in side.items if item not in both)) for side in (name.first, name.second))
    return f"{_slice(both)}, {one} against {other}" if both else f"{one} against {other}"


def group_of(name: Name) -> Name:
    """A slice without the class and the rate that are measured of it."""
    if isinstance(name, Pair):
        return name
    return Slice(tuple(item for item in name.items if item[0] not in {*_MEASURED, "class"}))


def in_words(text: str, evidence: Evidence | None) -> str:
    """A text in which members are called by their names, with the names as people read them, large at the head of a sentence."""
    found = {str(name): label(name) for name in _names(evidence) if name != OVERALL and str(name) in text} if evidence is not None else {}
    if not found:
        return text
    longest = "|".join(map(re.escape, sorted(found, key=len, reverse=True)))
    said = re.sub(rf"(?<!\w)(?:{longest})(?!\w)", lambda match: found[match[0]], text)
    return re.sub(rf"(?<=[.] )(?:{'|'.join(map(re.escape, found.values()))})", lambda match: prose.sentence(match[0]), said)


def _names(evidence: Evidence) -> Iterator[Name]:
    names: list[Name] = [one.name for one in (*evidence.members, *evidence.context)]
    for name in (*names, *(one.name for one in evidence.unmeasured)):
        yield name
        if isinstance(name, Pair):
            yield from (name.first, name.second)


def _slice(items: tuple[tuple[str, Value], ...]) -> str:
    """First what is measured, then of whom; `overall` where nothing tells it from all rows."""
    measured = [_measured(column, str(value)) for column, value in items if column in _MEASURED]
    whom = [f"{column}: {'not given' if value is None else value}" for column, value in items if column not in _MEASURED]
    return ", ".join((*measured, *whom)) or "overall"


def _measured(column: str, value: str) -> str:
    return _AUC.get(value, value) if column == "auc" else value.replace("_", " ")


_MISSING = {
    "error": "The check broke, so nothing is known. Missing evidence is never a pass.",
    "not_run": "It could not be measured, so nothing is known. Missing evidence is never a pass.",
    "not_applicable": "The policy says that it does not apply.",
    "inconclusive": "Nothing could be measured. Missing evidence is never a pass.",
}
_OF_RATE = {
    "selection rate": "{positive} is the answer for {low} of {lower}, against {high} of {higher}",
    "true positive rate": "Of the cases that are truly {positive}, {low} are found for {lower}, against {high} for {higher}",
    "false positive rate": "Of the cases that are not {positive}, {low} are called {positive} for {lower}, against {high} for {higher}",
    "false negative rate": "Of the cases that are truly {positive}, {low} are missed for {lower}, against {high} for {higher}",
    "precision": "Of the cases called {positive}, {low} truly are for {lower}, against {high} for {higher}",
}
"""How the rates of two groups are told, the lower one first, by the name of the rate."""
_ANY_RATE = "{unit}: {low} for {lower}, against {high} for {higher}"


@dataclass(frozen=True, slots=True)
class Sentence:
    """What a finding says; the numbers in its middle are printed bold."""

    before: str
    numbers: str = ""
    after: str = ""

    def __str__(self) -> str:
        """The whole sentence."""
        return " ".join(filter(None, (self.before, self.numbers))) + self.after


def sentence_of(finding: Finding, positive: object = None) -> Sentence:
    """What was measured of whom, beside what the policy asks; of a gap the rates of both groups. `positive` is the target class."""
    head, requirement = finding.headline, finding.requirement
    if head is None or head.n == 0:
        return Sentence(_MISSING.get(finding.status, _MISSING["not_run"]))
    asked = f", where {_requirement_in_words(finding)}."
    if prose.is_census(head):
        return Sentence(
            "The data hold" if head.unit in COUNTED else "Counted:", counted(head.value, head.unit), f"{for_member(finding)}{asked}"
        )
    rates = _both_rates(finding, positive)
    numbers = headline_numbers(head, requirement)
    if rates:
        return Sentence(f"{rates}. The {head.unit} is", numbers, asked)
    return Sentence(f"{prose.sentence(head.unit)} is", numbers, f"{for_member(finding)}{asked}")


def _requirement_in_words(finding: Finding) -> str:
    """`at most 0.1 is allowed`, `at least 0.8 is required`."""
    requirement, head = finding.requirement, finding.headline
    if requirement.against is not None:
        return f"the candidate may be {prose.bound(requirement).replace('not worse', 'worse')}"
    if head is not None and prose.is_census(head) and head.unit in COUNTED and requirement.max == 0 and requirement.min is None:
        return "none is allowed"
    return f"{prose.bound(requirement)} is {'allowed' if requirement.min is None else 'required'}"


def for_member(finding: Finding) -> str:
    """` for region: islands, the worst of 15`, or nothing where there is one member."""
    head, evidence = finding.headline, finding.evidence
    if head is None or head.member == OVERALL:
        return ""
    count = 0 if evidence is None else len(evidence.members)  # as the judge counts: what was not measured cannot be worst
    return f" for {prose.clip(label(head.member), 90)}" + (f", the worst of {count}" if count > 1 else "")


def _both_rates(finding: Finding, positive: object) -> str:
    """The rates of the two groups behind a gap; nothing where they are not known."""
    head, evidence = finding.headline, finding.evidence
    if head is None or evidence is None or not isinstance(head.member, Pair):
        return ""
    sides = [next((one for one in finding.slices if one.name == name), None) for name in (head.member.first, head.member.second)]
    known = sorted((one for one in sides if one is not None and one.value is not None), key=lambda one: one.value or 0.0)
    if len(known) != 2 or any(one.status is not None for one in known):  # noqa: PLR2004  # a pair
        return ""
    lower, higher = known
    items = dict(lower.name.items) if isinstance(lower.name, Slice) else {}
    unit = str(items.get("rate", evidence.context_unit)).replace("_", " ")
    form = _OF_RATE.get(unit, _ANY_RATE)
    target = str(items.get("class", "positive" if positive is None else positive))
    share = unit in _OF_RATE or unit == "rate"
    told = form.format(
        unit=prose.sentence(unit),
        positive=target,
        low=_rate(lower, share=share),
        high=_rate(higher, share=share),
        lower=_group(lower),
        higher=_group(higher),
    )
    return prose.sentence(told)


def _rate(one: Judged, *, share: bool) -> str:
    value = one.value or 0.0
    return prose.percent(value) if share else prose.figure(value)


def _group(one: Judged) -> str:
    return label(group_of(one.name))


def headline_numbers(head: Headline, requirement: Requirement) -> str:
    """`0.229 [0.136, 0.315]`, or the bare count of a census."""
    limits = prose.limits(requirement)
    if prose.is_census(head):
        return prose.figure(head.value, census=True)
    if COUNT_IN_SAMPLE in head.method:
        return measured_in_words(head.method, head.value, head.interval)
    return f"{prose.figure(head.value, *limits)} {prose.bracket(head.interval, *limits)}"


def risk_of(finding: Finding) -> str:
    """What it means for people that this finding does not pass."""
    against = finding.requirement.against
    if against is None:
        return prose.meaning(finding.check.risk)
    harms = {"base": "fine-tuning has done harm", "champion": "its release serves people worse than what runs today"}
    harm = harms.get(against, "its release serves people worse than that model would")
    return f"Where the candidate is worse than {comparator_in_words(against)}, {harm}."


def action_of(finding: Finding) -> str:
    """What to do about it: the check's remedy; where nothing was measured the message, which names what is missing."""
    return remedy(finding) if finding.status in {"fail", "inconclusive"} else in_words(message(finding), finding.evidence)


def owner_of(run: AuditRun) -> str:
    """Who answers for the system, as the policy says."""
    owner = run.policy.system.owner
    if owner is None:
        return "owner not declared"
    return prose.clip(", ".join(part for part in (owner.name, owner.team, owner.contact) if part), 60)
