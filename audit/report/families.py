"""Section 8: every number of every check, by family, with its figures. Any evidence fits: nothing here knows a check by name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from audit.decision.finding import Judged
from audit.evidence import (
    OVERALL,
    Bars,
    BeforeAfter,
    Churn,
    Histogram,
    Pair,
    PrecisionRecall,
    RateTable,
    Reliability,
    Residuals,
    Roc,
    Slice,
    WeakSlices,
)
from audit.report import text as prose
from audit.report.answers import answers
from audit.report.charts.axes import Drawing
from audit.report.charts.before_after import before_after
from audit.report.charts.churn import ChurnTable, churn
from audit.report.charts.forest import Caption, Forest, forest, with_rows
from audit.report.charts.histogram import histogram
from audit.report.charts.precision_recall import precision_recall
from audit.report.charts.rates import Rates, rates
from audit.report.charts.reliability import reliability
from audit.report.charts.residuals import residuals
from audit.report.charts.roc import roc
from audit.report.charts.tables import BarTable, ConfusionTable, bars, confusion
from audit.report.charts.weak import WeakTable, weak, with_examples
from audit.report.entries import Chip, Link
from audit.report.member_labels import in_words
from audit.report.phrases import headline_numbers
from audit.report.rows import ExampleView, Places, example_view

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from audit.decision.finding import Finding, Status
    from audit.evidence import Confusion, Evidence, Figure, Member, Name
    from audit.record import Sampled
    from audit.report.banner import Fact
    from audit.report.entries import Entries, Entry

EXAMPLES, FIGURES = 5, 6
"""How many of each a finding shows; the evidence files hold all."""


@dataclass(frozen=True, slots=True)
class Detail:
    """One finding's numbers and figures."""

    anchor: str
    label: str
    chip: Chip
    check: str
    question: str
    answers: tuple[Fact, ...]
    forests: tuple[Forest, ...]
    drawings: tuple[Drawing, ...]
    bars: tuple[BarTable, ...]
    confusions: tuple[ConfusionTable, ...]
    churns: tuple[ChurnTable, ...]
    weak: tuple[WeakTable, ...]
    rates: tuple[Rates, ...]
    examples: tuple[ExampleView, ...]
    more_examples: str
    rows: Link | None
    """Where rows of the data set stand that its numbers rest on."""
    notes: tuple[str, ...]
    foot: str
    """Size, method and files, where no table or figure says them."""


@dataclass(frozen=True, slots=True)
class Family:
    """The findings of one family of checks."""

    number: str
    name: str
    details: tuple[Detail, ...]
    without: tuple[tuple[Link, str, Chip], ...]
    """Findings without evidence."""


def families(found: Entries, affected: Sequence[str] = (), *, sampled: Sequence[Sampled] = ()) -> tuple[Family, ...]:
    """In the order of their names."""
    names = sorted({_family(entry) for entry in found.worst})
    return tuple(
        Family(
            f"8.{number}",
            prose.sentence(name.replace("_", " ")),
            tuple(
                _once(
                    [
                        _detail(entry, affected, sampled, section=f"8.{len(names) + 1}")
                        for entry in found.worst
                        if _family(entry) == name and entry.finding.evidence
                    ]
                )
            ),
            tuple(
                (entry.link, entry.finding.id, Chip(entry.finding.status, prose.STATUSES[entry.finding.status]))
                for entry in found.worst
                if _family(entry) == name and not entry.finding.evidence
            ),
        )
        for number, name in enumerate(names, 1)
    )


def _once(details: list[Detail]) -> Iterator[Detail]:
    """What changes against another model is shown under the first finding that shows it, and pointed at from the others."""
    shown: list[Detail] = []
    for one in details:
        before = next((other for other in shown if _holds(other, one)), None)
        if before is not None:
            note = f"Rows that change, and examples of them: as under {before.label}."
            foot = one.foot if one.forests else one.churns[0].foot
            yield replace(one, churns=(), examples=(), more_examples="", notes=(*one.notes, note), foot=foot)
        else:
            shown += [one] if one.churns else []
            yield one


def _holds(other: Detail, one: Detail) -> bool:
    """Whether all that one shows of rows that change stands under the other."""
    there = {(table.title, row) for table in other.churns for row in table.rows}
    own = {(table.title, row) for table in one.churns for row in table.rows}
    shown, again = ([replace(row, anchor="") for row in detail.examples] for detail in (other, one))
    return bool(own) and shown == again and own <= there


def _family(entry: Entry) -> str:
    return entry.finding.check.id.split("/", maxsplit=1)[0]


def _detail(entry: Entry, affected: Sequence[str], sampled: Sequence[Sampled], *, section: str) -> Detail:
    """`section` is the one that shows rows."""
    finding = entry.finding
    evidence = finding.evidence
    assert evidence is not None  # noqa: S101  # `families` asks for details of findings with evidence only
    foot, places = _foot(entry), Places.of(sampled, finding)
    drawn = [_draw(figure, finding, foot, places) for figure in evidence.figures[:FIGURES]]
    most = max([EXAMPLES, *(sum(map(len, one.examples)) for one in evidence.figures if isinstance(one, WeakSlices))])
    more = len(evidence.examples) - most
    backend = [f"Measured by {evidence.backend}."] if evidence.backend != "audit" else []
    hidden = len(evidence.figures) - FIGURES
    left_out = [f"{prose.counted(hidden, 'more figure')} left out."] if hidden > 0 else []
    shown = tuple(example_view(one, f"D-{entry.label}-{place}") for place, one in enumerate(evidence.examples[:most], 1))
    found = _first_rows(evidence, {row.row: row.anchor for row in shown})
    forests = tuple(with_rows(one, lambda name: found.get(name) or places.member(name)) for one in _forests(entry, evidence, foot))
    return Detail(
        anchor=f"D-{entry.label}",
        label=entry.label,
        chip=Chip(finding.status, prose.STATUSES[finding.status]),
        check=finding.id,
        question=finding.question,
        answers=answers(finding, affected),
        forests=forests,
        drawings=tuple(one for one in drawn if isinstance(one, Drawing)),
        bars=tuple(one for one in drawn if isinstance(one, BarTable)),
        confusions=tuple(one for one in drawn if isinstance(one, ConfusionTable)),
        churns=tuple(one for one in drawn if isinstance(one, ChurnTable)),
        weak=tuple(with_examples(one, {row.row: row.anchor for row in shown}) for one in drawn if isinstance(one, WeakTable)),
        rates=tuple(one for one in drawn if isinstance(one, Rates)),
        examples=shown,
        more_examples=f"{more:,} more{' in the evidence files' if entry.files else ''}." if more > 0 else "",
        rows=Link(f"section {section}", places.everything) if places.everything and _answers(finding) else None,
        notes=tuple(prose.sentence(in_words(one, evidence)) for one in (*evidence.asides, *evidence.notes, *backend, *left_out)),
        foot="" if forests or drawn else foot,
    )


def _first_rows(evidence: Evidence, anchors: Mapping[str, str]) -> dict[Name, tuple[Link, ...]]:
    """Of each slice that a search named, its name with where the first of its rows stands."""
    first = {
        name: anchors[rows[0]]
        for figure in evidence.figures
        if isinstance(figure, WeakSlices)
        for name, rows in zip(figure.names, figure.examples, strict=True)
        if rows and rows[0] in anchors
    }
    return {one.name: (Link(str(one.name), first[str(one.name)]),) for one in evidence.members if str(one.name) in first}


def _answers(finding: Finding) -> bool:
    """Whether its numbers rest on what the candidate says of the rows."""
    return any(path.startswith(f"evidence/predictions-{finding.requirement.on}.") for path in finding.evidence_files)


def _foot(entry: Entry) -> str:
    head, evidence = entry.finding.headline, entry.finding.evidence
    files = f" Evidence: {prose.listed(link.text for link in entry.files)}." if entry.files else ""
    rows = f"{evidence.rows:,} rows examined" if evidence else ""
    return f"{rows}; {head.method}.{files}" if head is not None else f"{rows}.{files}"


def _draw(
    figure: Figure, finding: Finding, foot: str, places: Places
) -> Drawing | BarTable | ConfusionTable | ChurnTable | WeakTable | Rates:
    if isinstance(figure, Reliability):
        return reliability(figure, foot)
    if isinstance(figure, (Roc, PrecisionRecall)):
        area, asked = _of_curve(figure, finding)
        return roc(figure, area, asked, foot) if isinstance(figure, Roc) else precision_recall(figure, area, asked, foot)
    if isinstance(figure, Histogram):
        return histogram(figure, foot)
    if isinstance(figure, BeforeAfter):
        return before_after(figure, foot)
    if isinstance(figure, Residuals):
        return residuals(figure, foot)
    return _tabled(figure, finding, foot, places)


def _of_curve(figure: Roc | PrecisionRecall, finding: Finding) -> tuple[str, str]:
    """The number under a curve of all rows and what is asked: the judged number where it is theirs, since a slice's is of another curve."""
    head, asked = finding.headline, prose.bound(finding.requirement)
    if head is not None and head.member == OVERALL:
        return f"{head.unit} {headline_numbers(head, finding.requirement)}", asked
    number = "" if figure.area is None else f"{finding.check.unit} {prose.figure(figure.area)}, "
    return f"{number}all rows", f"{asked}, of each slice"


def _tabled(
    figure: Bars | Confusion | Churn | RateTable | WeakSlices, finding: Finding, foot: str, places: Places
) -> BarTable | ConfusionTable | ChurnTable | WeakTable | Rates:
    if isinstance(figure, Churn):
        return churn(figure, foot, {str(one.name): places.slice(one.name) for one in finding.slices if isinstance(one.name, Slice)})
    if isinstance(figure, WeakSlices):
        return weak(figure, foot)
    if isinstance(figure, RateTable):
        return rates(figure, foot, places)
    return bars(figure, foot) if isinstance(figure, Bars) else confusion(figure, foot, places)


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
    return tuple(drawn)


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
