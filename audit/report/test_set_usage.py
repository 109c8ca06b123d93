"""How often the test sets have served to decide, in words and as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.report import text as prose
from audit.report.charts.looks import looks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.record import AuditRun, LookFacts
    from audit.report.charts.axes import Drawing


@dataclass(frozen=True, slots=True)
class WearView:
    """One data set's use."""

    said: tuple[str, ...]
    picture: Drawing | None


def wear(run: AuditRun) -> tuple[WearView, ...]:
    """One view a data set that the candidate was measured on."""
    unknown = () if run.ledger_head else (_NO_HISTORY,)
    return tuple(WearView((*_said(one), *unknown), looks(one)) for one in run.looks)


_NO_HISTORY = "The ledger held nothing before this run: what was held against this data under another ledger is not counted."


def _said(one: LookFacts) -> Iterator[str]:
    held = "candidate was" if one.candidates == 1 else "different candidates were"
    runs = prose.counted(one.decisions, "run")
    yield f"{prose.sentence(prose.word(one.candidates))} {held} held against `{one.role}` in {runs}, this one included."
    yield from _plan(one)
    if one.candidates > 1:
        yield _peeking(one)
    if one.exchanged:
        yield _exchanged(one)


def _plan(one: LookFacts) -> Iterator[str]:
    """Which look this was, and what it had to pass at."""
    if one.most is None:
        yield "The policy has no `looks`: each candidate was judged as if it were the only one."
    elif one.exhausted:
        yield f"This is look {one.number:,} of {one.most:,}: the test set is used up, and nothing on it passes. Audit on fresh rows."
    else:
        level, alpha, left = (prose.error(value or 0.0) for value in (one.level, one.alpha, one.left))
        at = f"a pass was judged at an error of {level} in place of {alpha}; {left} is left for later candidates."
        yield f"This is look {one.number:,} of {one.most:,} ({one.spending}): {at}"


def _peeking(one: LookFacts) -> str:
    """What as many looks would do if nothing were spent: one minus the chance that none errs."""
    chance = prose.confidence(1 - (1 - one.alpha) ** one.candidates)
    if_each = f"Had each been judged at an error of {prose.error(one.alpha)}"
    who = f"at least one of {prose.word(one.candidates)} candidates that lie just on the bound"
    return f"{if_each}, {who} would pass by luck with a chance of {chance}, were their errors independent."


def _exchanged(one: LookFacts) -> str:
    times = "once" if len(one.exchanged) == 1 else "twice" if len(one.exchanged) == 2 else f"{prose.word(len(one.exchanged))} times"  # noqa: PLR2004  # English
    others = prose.listed((f"{prose.digest(each.sha256)} ({prose.counted(each.candidates, 'candidate')})" for each in one.exchanged), 6)
    return f"The file was exchanged {times} under a policy of this name. Other rows stood here before: {others}."
