"""The figures and examples of a finding. Any evidence fits: nothing here knows a check by name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from audit.decision.finding import Judged
from audit.evidence import OVERALL, Bars, Churn, Grid, Intervals, Lines, Pair, RateTable, Slice, WeakSlices
from audit.report import text as prose
from audit.report.charts.drawing import Drawing
from audit.report.charts.intervals import Caption, Forest, forest, with_rows
from audit.report.charts.lines import intervals, lines
from audit.report.charts.slices import ChurnTable, WeakTable, churn, weak, with_examples
from audit.report.charts.tables import BarTable, ConfusionTable, Rates, bars, grid, rates
from audit.report.entries import Link
from audit.report.phrases import in_words, label
from audit.report.rows import ExampleView, Places, example_view

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from audit.decision.finding import Finding, Status
    from audit.evidence import Evidence, Figure, Member, Name
    from audit.record import Sampled
    from audit.report.entries import Entry

    Drawn: TypeAlias = Drawing | BarTable | ConfusionTable | ChurnTable | WeakTable | Rates

EXAMPLES, FIGURES = 3, 6
"""How many of each a finding shows; the evidence files hold all."""
FEWEST = 2
"""Rows below which a plot or a table of bars shows nothing that the line of section 4 does not."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What is drawn and quoted of one finding."""

    forests: tuple[Forest, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    bars: tuple[BarTable, ...] = ()
    confusions: tuple[ConfusionTable, ...] = ()
    churns: tuple[ChurnTable, ...] = ()
    weak: tuple[WeakTable, ...] = ()
    rates: tuple[Rates, ...] = ()
    examples: tuple[ExampleView, ...] = ()
    more_examples: str = ""
    rows: Link | None = None
    """Where rows of the data set stand that its numbers rest on."""
    notes: tuple[str, ...] = ()
    foot: str = ""
    """Size, method and files, where no table or figure says them."""


def figures(entry: Entry, sampled: Sequence[Sampled]) -> Figures:
    """Of a finding with evidence all that shows more than its line of section 4."""
    finding, evidence = entry.finding, entry.finding.evidence
    if evidence is None:
        return Figures()
    foot, places = _foot(entry), Places.of(sampled, finding)
    forests = _forests(entry, evidence, foot)
    telling = [_named(one, evidence) for one in evidence.figures if _tells(one, finding, forests)]
    drawn = [_draw(figure, finding, foot, places) for figure in telling[:FIGURES]]
    most = max([EXAMPLES, *(sum(map(len, one.examples)) for one in evidence.figures if isinstance(one, WeakSlices))])
    more = len(evidence.examples) - most
    shown = tuple(example_view(one, f"D-{entry.label}-{place}") for place, one in enumerate(evidence.examples[:most], 1))
    anchors = {row.row: row.anchor for row in shown}
    first = _first_rows(evidence, anchors)
    return Figures(
        forests=tuple(with_rows(one, lambda name: first.get(name) or places.member(name)) for one in forests),
        drawings=tuple(one for one in drawn if isinstance(one, Drawing)),
        bars=tuple(one for one in drawn if isinstance(one, BarTable)),
        confusions=tuple(one for one in drawn if isinstance(one, ConfusionTable)),
        churns=tuple(one for one in drawn if isinstance(one, ChurnTable)),
        weak=tuple(with_examples(one, anchors) for one in drawn if isinstance(one, WeakTable)),
        rates=tuple(one for one in drawn if isinstance(one, Rates)),
        examples=shown,
        more_examples=f"{more:,} more{' in the evidence files' if entry.files else ''}." if more > 0 else "",
        rows=Link("rows to look at", places.everything) if places.everything and _answers(finding) else None,
        notes=tuple(_notes(evidence, len(telling) - FIGURES)),
        foot="" if forests or drawn else foot,
    )


def _named(figure: Figure, evidence: Evidence) -> Figure:
    """The same figure, with members by the names that the tables give them."""
    if isinstance(figure, (Churn, WeakSlices, Intervals)):
        return replace(figure, names=tuple(in_words(name, evidence) for name in figure.names))
    return replace(figure, title=in_words(figure.title, evidence)) if isinstance(figure, Lines) else figure


def _notes(evidence: Evidence, hidden: int) -> Iterator[str]:
    """What a reader of the numbers must know, in sentences."""
    for note in (*evidence.asides, *evidence.notes):
        yield prose.sentence(in_words(note, evidence))
    if evidence.backend != "audit":
        yield f"Measured by {evidence.backend}."
    if hidden > 0:
        yield f"{prose.sentence(prose.counted(hidden, 'more figure'))} left out."


def _tells(figure: Figure, finding: Finding, forests: Sequence[Forest]) -> bool:
    """Whether a figure shows more than the numbers beside it: no single bar, no bars of what a plot above has, no feature that passes."""
    if isinstance(figure, Bars):
        if not figure.reference:
            return len(figure.labels) >= FEWEST and not any(len(one.rows) == len(figure.labels) for one in forests)
        own = next((one for one in finding.slices if one.name == figure.member != OVERALL), None)
        return own is None or own.status != "pass" or finding.headline is None or own.name == finding.headline.member
    return True


def without_repeats(drawn: Sequence[tuple[str, Figures]]) -> dict[str, Figures]:
    """By label: a table that an earlier finding shows is named there instead of being shown again."""
    tables: dict[tuple[object, ...], str] = {}
    changed: list[tuple[str, Figures]] = []
    found: dict[str, Figures] = {}
    for number, one in drawn:
        kept = replace(
            one, confusions=tuple(table for table in one.confusions if tables.setdefault((table.classes, table.rows), number) == number)
        )
        if len(kept.confusions) < len(one.confusions):
            first = next(tables[table.classes, table.rows] for table in one.confusions if table not in kept.confusions)
            kept = replace(kept, notes=(*kept.notes, f"Confusion table: under {first}."), foot=kept.foot or one.confusions[0].foot)
        before = next((earlier for earlier, other in changed if _shows_all_of(other, one)), None)
        if before is not None:
            note = f"Rows that change, and examples of them: under {before}."
            foot = one.foot if one.forests else one.churns[0].foot
            kept = replace(kept, churns=(), examples=(), more_examples="", notes=(*kept.notes, note), foot=foot)
        elif one.churns:
            changed.append((number, one))
        found[number] = kept
    return found


def _shows_all_of(other: Figures, one: Figures) -> bool:
    """Whether all that one shows of rows that change stands under the other."""
    there = {(table.title, row) for table in other.churns for row in table.rows}
    own = {(table.title, row) for table in one.churns for row in table.rows}
    shown, again = ([replace(row, anchor="") for row in figures_.examples] for figures_ in (other, one))
    return bool(own) and shown == again and own <= there


def _first_rows(evidence: Evidence, anchors: Mapping[str, str]) -> dict[Name, tuple[Link, ...]]:
    """Of each slice that a search named, its name with where the first of its rows stands."""
    first = {
        name: anchors[rows[0]]
        for figure in evidence.figures
        if isinstance(figure, WeakSlices)
        for name, rows in zip(figure.names, figure.examples, strict=True)
        if rows and rows[0] in anchors
    }
    return {one.name: (Link(label(one.name), first[str(one.name)]),) for one in evidence.members if str(one.name) in first}


def _answers(finding: Finding) -> bool:
    """Whether its numbers rest on what the candidate says of the rows."""
    return any(path.startswith(f"evidence/predictions-{finding.requirement.on}.") for path in finding.evidence_files)


def _foot(entry: Entry) -> str:
    head, evidence = entry.finding.headline, entry.finding.evidence
    files = f" Evidence: {prose.listed(link.text for link in entry.files)}." if entry.files else ""
    rows = f"{evidence.rows:,} rows examined" if evidence else ""
    return f"{rows}; {head.method}.{files}" if head is not None else f"{rows}.{files}"


def _draw(figure: Figure, finding: Finding, foot: str, places: Places) -> Drawn:
    match figure:
        case Lines():
            drawn: Drawn = lines(figure, foot)
        case Bars():
            drawn = bars(figure, foot)
        case Grid():
            drawn = grid(figure, foot, places)
        case Intervals():
            drawn = intervals(figure, foot)
        case Churn():
            drawn = churn(figure, foot, {label(one.name): places.slice(one.name) for one in finding.slices if isinstance(one.name, Slice)})
        case WeakSlices():
            drawn = weak(figure, foot)
        case RateTable():
            drawn = rates(figure, foot, places)
    return drawn


def _forests(entry: Entry, evidence: Evidence, foot: str) -> tuple[Forest, ...]:
    """The members on one axis; for a gap the groups' rates above the pairs."""
    finding = entry.finding
    sides = finding.bounds
    gap = finding.check.of_gap(evidence)
    asked = prose.bound(finding.requirement)
    census = finding.headline is not None and prose.is_census(finding.headline)
    drawn = []
    if finding.slices and gap:
        drawn.append(forest(finding.slices, (), Caption("Groups behind the gap", unit=evidence.context_unit)))
    elif finding.slices:
        alone = asked if census else f"{asked}; intervals of each member alone"
        caption = Caption("Members, worst first", alone, evidence.unit, foot, census)
        drawn.append(forest(finding.slices, sides, caption))
    if gap and evidence.members:
        drawn.append(forest(_pairs(finding, evidence), sides, Caption("The gap that is judged", asked, evidence.unit, foot)))
    shown = [_plain(member, None) for member in evidence.context if not gap and member.name not in {one.name for one in finding.slices}]
    if shown and not finding.slices and finding.headline is not None and finding.headline.n > 0:
        head = finding.headline
        own = Judged(head.member, head.value, head.n, head.interval, finding.status)
        caption = Caption("The number that is judged, and what stands beside it", asked, evidence.unit, foot, census)
        drawn.append(forest([own, *shown], sides, caption))
    elif shown:
        drawn.append(forest(shown, (), Caption("Shown beside it, not judged")))
    return tuple(one for one in drawn if len(one.rows) >= FEWEST or one.rows[0].drawing is None or gap)


def _pairs(finding: Finding, evidence: Evidence) -> tuple[Judged, ...]:
    """Of each two groups the order that is worse, worst first; the judged one with the deciding interval."""
    falling = bool(finding.bounds) and not finding.bounds[0].floor
    ordered = sorted(evidence.members, key=lambda member: member.estimate.value * (-1 if falling else 1))
    kept: list[Judged] = []
    seen: set[frozenset[Slice]] = set()
    for member in ordered:
        both = frozenset({member.name.first, member.name.second} if isinstance(member.name, Pair) else {member.name})
        if both in seen:
            continue
        seen.add(both)
        head = finding.headline
        if head is not None and member.name == head.member:
            kept.append(Judged(head.member, head.value, head.n, head.interval, finding.status))
        else:
            kept.append(_plain(member, "fail" if member.name in finding.failing else None))
    return tuple(kept)


def _plain(member: Member, status: Status | None) -> Judged:
    estimate = member.estimate
    return Judged(member.name, estimate.value, estimate.n, estimate.bounds(0.025, 0.025), status)
