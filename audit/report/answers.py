"""Each finding in six answers, always in the same order, for readers who know no statistics. Any check fits: none is known by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.evidence import OVERALL
from audit.formatting import ended, moment, rows_in_words
from audit.report import text as prose
from audit.report.banner import Fact
from audit.report.change import settle, to_lose
from audit.report.member_labels import in_words, named
from audit.stats.tails import few_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.decision.finding import Finding, Headline
    from audit.evidence import Name

TERMS = ("Asked", "Came out", "Is it sure", "Who is concerned", "What to do", "What would settle it")
_NOTHING = "Nothing is known: there is no evidence. Missing evidence is never a pass."
_UNKNOWN = {
    "error": "Nothing is known: the check broke. Missing evidence is never a pass.",
    "not_applicable": "It was not measured.",
    "inconclusive": "No. Nothing could be measured, and missing evidence is never a pass.",
}
_MEMBERS = 6
"""Members that are named."""


def answers(finding: Finding, affected: Sequence[str]) -> tuple[Fact, ...]:
    """What was asked, what came out, whether it is sure, whom it concerns, what to do, what would settle it.

    `affected` holds the people whom the policy declares affected.
    """
    said = (_asked(finding), _came_out(finding), _sure(finding), _concerned(finding, affected), _to_do(finding), _settles(finding))
    return tuple(Fact(term, prose.sentence(in_words(one, finding.evidence))) for term, one in zip(TERMS, said, strict=True))


def _asked(finding: Finding) -> str:
    requirement = finding.requirement
    families = prose.listed(" crossed with ".join(columns) for columns in requirement.by)
    by = f", by {families}" if families else ""
    unit = finding.check.unit if finding.evidence is None else finding.evidence.unit
    against = f" against {requirement.reference}" if requirement.reference is not None else ""
    return f"{prose.sentence(unit)}: {prose.bound(requirement)}, on {requirement.on}{against}{by}."


def _came_out(finding: Finding) -> str:
    """The finding's own message, and what lies over it."""
    said = f"{prose.sentence(prose.STATUSES[finding.status])}. {prose.sentence(ended(finding.message))}"
    if finding.waiver is not None:
        until = prose.dates(moment(finding.waiver.until))
        said += f" {prose.listed(finding.waiver.by)} accepted it until {until} ({finding.waiver.id}); it is no pass for that."
    elif finding.disposition == "waived":
        said += " People accepted it for a time; it is no pass for that."
    advisory = finding.requirement.enforce == "advisory" and finding.status != "not_applicable"
    return said + (" It is advisory: it is shown and decides nothing." if advisory else "")


def _sure(finding: Finding) -> str:
    head = finding.headline
    if head is None or head.n == 0:
        return _UNKNOWN.get(finding.status, _NOTHING)
    if finding.status == "inconclusive":
        return _unsure(finding, head)
    if prose.is_census(head):
        return f"Yes. {_counted(head)}"
    if finding.requirement.judge_on == "value":
        return "No more than the number itself is: the policy judges it alone, and how far chance moved it plays no part."
    side = "good" if finding.status == "pass" else "wrong"
    return f"Yes, allowing for chance: the whole interval lies on the {side} side of the bound. {_errs(head)}"


def _counted(head: Headline) -> str:
    return f"It was counted over {head.n:,} items, not sampled: there is no sampling error."


def _unsure(finding: Finding, head: Headline) -> str:
    """Not settled: by chance, by too few rows, or by a part without rows."""
    missing = len(finding.evidence.unmeasured) if finding.evidence else 0
    if finding.requirement.judge_on != "value" and _crosses(finding) and not prose.is_census(head):
        return f"No. The interval holds the bound: the data fit a model that keeps to it and one that does not. {_errs(head)}"
    if missing:
        parts = prose.sentence(prose.counted(missing, "part"))
        return f"No. {parts} of what is asked could not be measured, and what is missing never passes."
    few = _few(finding)
    if few and head.member not in few:
        rest = "rests on fewer rows than a pass needs" if len(few) == 1 else "rest on fewer rows than a pass needs"
        return f"No. {prose.sentence(prose.counted(len(few), 'part'))} of what is asked {rest}."
    return f"No. Too few rows stand behind it for a pass: it rests on {rows_in_words(head.n)}."


def _few(finding: Finding) -> list[Name]:
    """Members with fewer rows than a pass needs."""
    members, least = finding.evidence.members if finding.evidence else (), finding.requirement.min_n
    return [one.name for one in members if not one.estimate.support >= max(least, one.estimate.least) or few_rows(one.estimate)]


def _crosses(finding: Finding) -> bool:
    return any(side.interval[0] <= side.bound.limit <= side.interval[1] for side in finding.sides)


def _errs(head: Headline) -> str:
    """How often such an interval misses, at the end that faces the status."""
    low, high = (prose.error(level) for level in head.levels)
    if low == high:
        return f"Either end of it misses the truth in at most {low} of audits like this one (nominal; {head.method}; n {head.n:,})."
    ends = f"Its lower end misses the truth in at most {low}, its upper end in at most {high} of audits like this one"
    return f"{ends} (nominal; {head.method}; n {head.n:,})."


def _concerned(finding: Finding, affected: Sequence[str]) -> str:
    """Members that fail or decide, and the people whom the policy names."""
    people = f"People affected, as declared: {prose.listed(affected)}." if affected else "The policy declares no affected people."
    if finding.status == "not_applicable":
        return "Nobody, as long as it does not apply."
    if finding.status == "pass":
        return people
    head = finding.headline
    names: list[Name] = sorted(finding.failing, key=lambda name: head is None or name != head.member)
    if not names and finding.status == "inconclusive" and finding.evidence is not None and not _crosses(finding):
        names = [one.name for one in finding.evidence.unmeasured] or _few(finding)
    if not names and head is not None:
        names = [head.member]
    told = "; ".join(named(name) for name in names[:_MEMBERS] if name != OVERALL)
    more = f"; and {len(names) - _MEMBERS:,} more" if len(names) > _MEMBERS else ""
    return f"Above all {told}{more}. {people}" if told else people


def _to_do(finding: Finding) -> str:
    match finding.status:
        case "pass":
            return "Nothing. Audit again when the model or the data change."
        case "not_applicable":
            return "Nothing. Take the exception out of the policy, should it come to apply."
        case "error":
            return "Mend what the message names, then audit again."
        case "not_run":
            return "Supply what the message names, then audit again."
        case _:
            return finding.remedy


def _settles(finding: Finding) -> str:
    """For what does not pass the way to a pass; for what does, how far it is from losing it."""
    if finding.status == "pass":
        return f"It is settled. {to_lose(finding)}".strip()
    return settle(finding)
