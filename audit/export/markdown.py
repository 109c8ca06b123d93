"""Markdown: the decision and its findings, worst first, for a comment under a change or a step's summary."""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TYPE_CHECKING

from audit import phrases
from audit.decision.rules import worst_first
from audit.export import Export
from audit.formatting import measured_in_words, neutral
from audit.report.text import asked_in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.decision.finding import Condition, Finding, Reason
    from audit.record import AuditRun

MOST_OF_A_COMMENT = 65_536
"""Characters that GitHub takes in one comment."""
_SIGNS = re.compile(r"[^\w\s.,;:%()/='−∞-]|_|:(?=/|\w)|(?<=www)\.", re.IGNORECASE)
_MARKS = {"pass": "✅", "fail": "❌", "inconclusive": "❓", "not_run": "⏸️", "error": "⚠️", "not_applicable": "➖"}
_DECISIONS = {"promote": "✅ Promote", "promote-with-conditions": "🟡 Promote with conditions", "block": "⛔ Block"}


def escaped(text: str) -> str:
    """Text in which Markdown finds nothing to do: no markup, link, table cell, mention or reference to an issue."""
    plain = " ".join(neutral(text).split())
    return _SIGNS.sub(lambda sign: f"&#{ord(sign[0])};" + ("<!-- -->" if sign[0] in "@#" else ""), plain)


def text(audit: AuditRun, most: int = MOST_OF_A_COMMENT) -> str:
    """The document with at most so many characters, from 1,000 on; what has no room is counted."""
    reasons = [_reason(one, audit) for one in audit.verdict.reasons]
    conditions = [_condition(one, audit) for one in audit.verdict.conditions]
    table, (run, code) = rows(audit), (audit.run, audit.verdict.exit_code)
    foot = f"Run {escaped(run.id)}, audit {escaped(run.version)}, exit code {code}. The report of this run has every figure."
    room = most - len("\n".join((head(audit), *table[:_HEAD], foot))) - _SPARE
    first = _first(reasons, room // 4)
    parts = [head(audit), "", *first, "", *table[:_HEAD], *_first(table[_HEAD:], room * 3 // 4 - sum(map(len, first)))]
    parts += ["", *_first(conditions, room // 4), "", foot] if conditions else ["", foot]
    return "\n".join(parts) + "\n"


def head(audit: AuditRun) -> str:
    """The decision as a heading."""
    return f"## {_DECISIONS[audit.verdict.decision]}: {escaped(audit.policy.policy)}"


def rows(audit: AuditRun) -> list[str]:
    """The table of findings, worst first; its first two lines are the heading."""
    heading = ["| | finding | required | found | severity |", "|---|---|---|---|---|"]
    return [*heading, *(_row(one) for one in worst_first(audit.findings))]


_HEAD = 2
_SPARE = 200
"""Characters for line ends and for the counts of what is left out."""


def _first(lines: Sequence[str], room: int) -> list[str]:
    """As many lines as have room, and how many more there are."""
    ends = list(accumulate(len(line) + 1 for line in lines))
    kept = sum(end <= room for end in ends)
    return [*lines[:kept], *(["", f"_{len(lines) - kept:,} more in the report._"] if kept < len(lines) else [])]


def _reason(one: Reason, audit: AuditRun) -> str:
    about = "" if one.finding is None else f"{one.finding}: "
    return f"- {escaped(f'{one.rule}: {about}{phrases.reason(one, audit.findings)}'[:_LONGEST])}"


def _condition(one: Condition, audit: AuditRun) -> str:
    return f"- [ ] by {one.due}, {escaped(one.owner)}: {escaped(phrases.closes_with(one, audit.findings)[:_LONGEST])}"


_LONGEST = 600
"""Characters of one sentence."""


def _row(finding: Finding) -> str:
    one, head = finding.requirement, finding.headline
    if head is None:
        shown = phrases.message(finding)[:_LONGEST]
    else:
        value = measured_in_words(head.method, head.value, head.interval)
        shown = value if str(head.member) == "overall" else f"{value}, {head.member}"
    status = finding.status if finding.disposition != "waived" else f"{finding.status}, waived"
    severity = one.severity if one.enforce == "required" else "advisory"
    cells = (f"{_MARKS[finding.status]} {status}", escaped(finding.id), escaped(asked_in_words(one)), escaped(shown), severity)
    return f"| {' | '.join(cells)} |"


EXPORTS = (Export("markdown", "a comment under a change (Markdown)", lambda audit: {"comment.md": text(audit)}),)
