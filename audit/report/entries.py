"""A run's findings in the report's order, with the numbers that the report gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.decision.rules import effect, worst_first

if TYPE_CHECKING:
    from audit.decision.finding import Finding
    from audit.decision.rules import Effect
    from audit.record import AuditRun


@dataclass(frozen=True, slots=True)
class Chip:
    """A status as a mark: the key chooses glyph and colour, the word is what is read."""

    key: str
    word: str


@dataclass(frozen=True, slots=True)
class Link:
    """Words that lead somewhere in the report."""

    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A term and what holds of it."""

    term: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One finding and how the report calls it."""

    finding: Finding
    label: str
    """`F-3`: the place in the policy."""
    effect: Effect
    files: tuple[Link, ...]

    @property
    def link(self) -> Link:
        """To the finding's own part of the section on findings."""
        return Link(self.label, self.label)


@dataclass(frozen=True, slots=True)
class Entries:
    """Every finding, worst first, and by id."""

    worst: tuple[Entry, ...]
    files: tuple[tuple[str, str], ...]
    """`E-01` and the path."""

    def of(self, finding_id: str | None) -> Entry | None:
        """The entry of a finding, if it is there."""
        return next((entry for entry in self.worst if entry.finding.id == finding_id), None)

    def having(self, effect_: Effect) -> tuple[Entry, ...]:
        """Those that do this to the decision, worst first."""
        return tuple(entry for entry in self.worst if entry.effect == effect_)

    @property
    def required(self) -> tuple[Entry, ...]:
        """Those that the decision rests on."""
        return tuple(entry for entry in self.worst if entry.finding.requirement.enforce == "required")

    @property
    def advisory(self) -> tuple[Entry, ...]:
        """Those that are only listed."""
        return tuple(entry for entry in self.worst if entry.finding.requirement.enforce == "advisory")


def entries(run: AuditRun) -> Entries:
    """Number the findings by their place in the policy, and the evidence files by their paths."""
    paths = sorted({path for finding in run.findings for path in finding.evidence_files})
    files = {path: f"E-{number:02d}" for number, path in enumerate(paths, 1)}
    places = {id(finding): number for number, finding in enumerate(run.findings, 1)}
    effects = _effects(run)
    worst = tuple(
        Entry(
            finding,
            f"F-{places[id(finding)]}",
            effects.get(finding.id, "ok") if run.monitor is not None else effect(finding),
            tuple(Link(files[path], files[path]) for path in finding.evidence_files),
        )
        for finding in worst_first(run.findings)
    )
    return Entries(worst, tuple((label, path) for path, label in files.items()))


def _effects(run: AuditRun) -> dict[str, Effect]:
    """What findings of a window do to its outcome: the evidence over all windows decides, so that the verdict names them."""
    named: dict[str, Effect] = {
        one.finding: "block" for one in run.verdict.reasons if one.finding is not None and not one.remark and one.rule != "watch"
    }
    return named | {one.finding: "condition" for one in run.verdict.conditions}
