"""A plan as a table for the terminal, wide or narrow, and what it comes to in words."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from audit import phrases
from audit.cli.summary import STYLES, Line
from audit.formatting import count, interval_in_words, limit, number, rows_in_words
from audit.ledger.alpha_spending import level_in_words
from audit.power.trials import MODELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from audit.decision.finding import Bound
    from audit.power import Gate, GateMember, Plan

_HEADS = ("asked", "rows", "expected", "interval then", "passes", "8 in 10 at", "rows needed")
_WIDTHS = (7, 7, 9, 17, 7, 10, 11)
_FIGURES = sum(_WIDTHS) + 2 * (len(_WIDTHS) - 1)
_WIDE = 118
"""Columns from which a gate's name and its figures stand on one line."""
_SURE, _GOOD = 0.995, 0.8
_LEGEND = (
    (
        "expected",
        (
            "the assumed true value: of every slice, of the worst pair of groups; of drift and comparisons no change, where "
            "nothing is said; `is`: measured already, no model needed"
        ),
    ),
    (
        "interval then",
        "what the audit will print if that is true (where nothing is expected: if the truth is the value under `8 in 10 at`)",
    ),
    ("passes", "share of audits that pass if that is true; `?`: nothing is expected"),
    ("8 in 10 at", "the true value from which 8 audits in 10 pass; nearer to what is asked, these rows cannot tell good from bad"),
    ("rows needed", "rows with which 8 audits in 10 would tell pass from fail at the expected value"),
)


def lines(plan: Plan, width: int) -> Iterator[Line]:
    """The table, how to read it, the cost, and the conclusion."""
    name = width - _FIGURES - 2 if width >= _WIDE else 0
    yield Line(f"Can {plan.policy.policy} be decided with the data there is? Worst first.", "bold")
    yield Line("")
    yield Line(_row("gate" if name else "", _HEADS, name), "underline")
    for gate in plan.gates:
        yield from _gate(gate, name, width)
    yield Line("")
    for head, text in _LEGEND:
        yield from _wrapped(f"{head}: {text}", width, "dim", "  ")
    yield Line("")
    yield from _each(_cost(plan), width)
    yield Line("")
    yield from _each(conclusion(plan), width, "bold")


def _each(texts: Iterable[str], width: int, style: str = "") -> Iterator[Line]:
    for text in texts:
        yield from _wrapped(text, width, style, "")


def _wrapped(text: str, width: int, style: str, indent: str) -> Iterator[Line]:
    later = indent + "  "
    for line in textwrap.wrap(
        text, max(40, width), initial_indent=indent, subsequent_indent=later, break_on_hyphens=False, break_long_words=False
    ):
        yield Line(line, style)


def _row(name: str, cells: Sequence[str], width: int) -> str:
    figures = "  ".join(f"{cell:>{wide}}" for cell, wide in zip(cells, _WIDTHS, strict=True))
    return (f"{name:<{width}}  {figures}" if width else figures).rstrip()


def _gate(gate: Gate, name: int, width: int) -> Iterator[Line]:
    title = gate.requirement.id + (" (advisory)" if gate.requirement.enforce == "advisory" else "")
    style = _style(gate)
    if name and len(title) <= name:
        yield Line(_row(title, _cells(gate), name), style)
    else:
        yield Line(title, style)
        yield Line(_row("", _cells(gate), name), style)
    for text in (gate.infeasible_because, gate.note):
        if text:
            yield from _wrapped(text, width, style, "    ")
    yield from _members(gate, name)


def _members(gate: Gate, name: int) -> Iterator[Line]:
    """The members, where there are several."""
    for member in gate.members if len(gate.members) > 1 else ():
        if name and len(str(member.name)) + 2 <= name:
            yield Line(_row(f"  {member.name}", _member(member, gate), name), "dim")
        else:
            yield Line(f"  {member.name}", "dim")
            yield Line(_row("", _member(member, gate), name), "dim")
    if gate.more_members:
        yield Line(f"  and {gate.more_members} more, surer of a pass", "dim")


def _style(gate: Gate) -> str:
    chance = gate.p_pass
    if gate.infeasible_because is not None or chance == 0.0:
        return STYLES["fail"]
    if chance is None:
        return ""
    return STYLES["pass"] if chance >= _GOOD else STYLES["inconclusive"]


def _cells(gate: Gate) -> tuple[str, ...]:
    return (
        f"{'≥' if gate.bound.floor else '≤'} {limit(gate.bound.limit)}",
        f"{gate.rows:,}" if gate.rows else "",
        _value(gate),
        _interval(gate),
        _passes(gate),
        "none" if _out_of_reach(gate) else _from(gate.bound, gate.passes_from),
        "" if gate.needed is None else f"{gate.needed:,}",
    )


def _out_of_reach(gate: Gate) -> bool:
    """Whether no true value passes 8 times in 10."""
    return gate.infeasible_because is not None or (gate.known is None and gate.power is not None and gate.passes_from is None)


def _value(gate: Gate) -> str:
    if gate.known is not None and gate.known.headline is not None:
        return f"is {count(gate.known.headline.value)}"
    return "" if gate.expected is None else number(gate.expected)


def _interval(gate: Gate) -> str:
    if gate.known is not None and gate.known.headline is not None:
        head = gate.known.headline
        return "counted" if head.method == "census" else interval_in_words(head.interval)
    return "" if gate.power is None else interval_in_words(gate.power.interval)


def _passes(gate: Gate) -> str:
    if gate.infeasible_because is not None:
        return "never"
    if gate.known is not None:
        return {"pass": "yes", "fail": "no"}.get(gate.known.status, "open")
    return "?" if gate.p_pass is None else percent(gate.p_pass)


def percent(chance: float) -> str:
    """A chance in whole percent; never 0 or 100, for nothing here is that sure."""
    if chance < 1 - _SURE:
        return "< 1 %"
    return "> 99 %" if chance > _SURE else f"{100 * chance:.0f} %"


def _from(bound: Bound, value: float | None) -> str:
    return "" if value is None else f"{'≥' if bound.floor else '≤'} {number(value)}"


def _member(member: GateMember, gate: Gate) -> tuple[str, ...]:
    bound, far, needed = gate.bound, member.power.detectable, member.power.needed
    value = None if far is None else bound.limit + (far if bound.floor else -far)
    unknown = gate.expected is None
    return (
        "",
        f"{member.rows:,}",
        "" if unknown else number(member.expected),
        interval_in_words(member.power.interval),
        "?" if unknown else percent(member.power.p_pass),
        _from(bound, value) or "none",
        "" if unknown or needed is None else f"{needed:,}",
    )


def _cost(plan: Plan) -> Iterator[str]:
    cost = plan.cost
    parts = [f"{rows_in_words(rows)} of {role}" for role, rows in cost.rows.items()]
    parts += [f"{cost.embedded:,} texts to embed"] if cost.embedded else []
    parts += [f"up to {rows:,} changed rows for {name}" for name, rows in cost.changed.items()]
    answers = f"up to {cost.calls:,} answers of the model: {', '.join(parts)}" if parts else "no answer of a model"
    trained = f", after training on {rows_in_words(cost.trained)}" if cost.trained else ""
    yield f"Cost: {answers}{trained}."
    if cost.seconds is None:
        yield "Time: not known, for no run of this policy is in the ledger."
    else:
        took = "less than a second" if cost.seconds < 1 else "1 second" if round(cost.seconds) == 1 else f"{cost.seconds:,.0f} seconds"
        yield f"Time: the newest run ({cost.run}) took {took}; what the cache holds is not computed again."


def conclusion(plan: Plan) -> Iterator[str]:
    """What it comes to, in words."""
    required = plan.required
    never = _names(gate for gate in required if gate.infeasible_because is not None)
    failing = _names(gate for gate in required if gate.infeasible_because is None and gate.known is not None and gate.p_pass == 0.0)
    weak = [gate for gate in required if gate.known is None and not _out_of_reach(gate) and gate.p_pass is not None and gate.p_pass < _GOOD]
    if never:
        yield f"Cannot be passed with this data, whatever the model: {never}."
    if failing:
        yield f"Will not pass as the data stand, whatever the model: {failing}."
    if rare := _names(gate for gate in required if gate.infeasible_because is None and _out_of_reach(gate)):
        yield f"Passes in fewer than 8 audits of 10, on any simulated model: {rare}."
    if weak:
        listed = ", ".join(f"{gate.requirement.id} ({percent(gate.p_pass or 0.0)})" for gate in weak)
        yield f"Passes in fewer than 8 audits of 10: {listed}."
    for reason in plan.blocking:
        yield f"Blocked whatever is measured: {phrases.reason(reason, ())}"
    for role, spent in plan.looks:
        level = level_in_words(spent.level)
        yield f"Planned as a new candidate's look {spent.number} of {spent.most} at {role}: {level} is the error allowed to a pass."
    if plan.skipped:
        yield f"Left out by --quick: {', '.join(plan.skipped)}."
    yield _promotion(plan)
    if plan.pilot_rows:
        yield (
            f"The pilot was measured on the same rows ({', '.join(plan.pilot_rows)}): whatever was lucky there is counted twice, so these "
            "chances are too good for any other candidate."
        )


def _promotion(plan: Plan) -> str:
    chance, most = plan.p_promote, 0.0 if plan.blocking else min(plan.chances.values(), default=1.0)
    if most <= 0.0:
        return "So this policy will not promote on this data."
    if plan.unknown:
        few = f"{len(plan.unknown)} gate{'s' if len(plan.unknown) > 1 else ''}"
        others = f" (by the others {'less than 1 %' if most < 1 - _SURE else f'at most {percent(most)}'})" if most < _SURE else ""
        remedy = "State it with --expect ID=VALUE, or give --pilot BUNDLE."
        return f"The chance of a promotion is not known{others}: nothing is expected of {few}. {remedy}"
    if chance > _SURE:
        return "So a model as expected is promoted: every required gate passes in practically every audit."
    together = f", as they rise and fall together in {MODELS} simulated models" if len(plan.chances) > 1 else ""
    return f"P(promote) = {percent(chance)}: the chance that every required gate passes{together}."


def _names(gates: Iterable[Gate]) -> str:
    return ", ".join(dict.fromkeys(gate.requirement.id for gate in gates))
