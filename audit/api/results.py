"""What the Python API returns: frozen values that a notebook shows as a table."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeAlias

from audit import phrases
from audit.commands import single_check
from audit.evidence import OVERALL
from audit.formatting import bound_in_words, interval_in_words, neutral, number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from audit.decision.finding import Decision, Disposition, Finding, Judged, Status
    from audit.evidence import Evidence, Name, Value
    from audit.policy.schema import Enforce, Severity
    from audit.record import AuditRun

Part: TypeAlias = "Mapping[str, Value] | Sequence[Mapping[str, Value]]"
"""A slice by its columns, `{"region": "north"}`, or an ordered pair of them, as `results.json` names it."""
_MOST_ROWS = 50
"""Slices and findings that a notebook shows."""
_NO_BOOLEAN = "is neither true nor false: compare its {0}, as in `result.{0} == {1!r}`"


@dataclass(frozen=True, slots=True)
class SliceResult:
    """One slice, group or feature, with its own plain interval."""

    slice: Part
    value: float | None
    """None where it could not be measured."""
    n: int
    interval: tuple[float, float] | None
    status: Status | None
    """None where nothing is judged: of the rates behind a gap, and without a bound."""
    reason: str
    """Why it has no value; empty where it has one."""
    name: str
    """In words: `region=north`."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found. Without a bound it is `measured`, and judged against nothing."""

    id: str
    check: str
    status: Status | Literal["measured"]
    value: float | None
    """Of the worst slice, pair or feature; None where nothing was measured."""
    interval: tuple[float, float] | None
    """The deciding one against a bound, the plain one without."""
    n: int
    unit: str
    method: str
    member: Part | None
    """What the value is of, where it is not of all rows."""
    min: float | None
    max: float | None
    slices: tuple[SliceResult, ...]
    message: str
    remedy: str
    notes: tuple[str, ...] = ()
    """What a reader must know of the data and of the measurement."""
    severity: Severity = "high"
    enforce: Enforce = "required"
    disposition: Disposition = "none"
    finding: Finding | None = field(default=None, repr=False)
    """Everything behind it: evidence, estimates, figures."""

    def __bool__(self) -> NoReturn:
        """Refused: an inconclusive result is no pass, and no fail either."""
        raise TypeError("a result " + _NO_BOOLEAN.format("status", "pass"))

    def to_frame(self) -> pd.DataFrame:
        """One row a slice with its value, interval and status; one row in all where nothing is split."""
        import pandas as pd

        rows = [
            {"slice": one.name, "value": one.value, **_ends(one.interval), "n": one.n, "status": one.status, "reason": one.reason}
            for one in self.slices
        ]
        alone = {"slice": "overall", "value": self.value, **_ends(self.interval), "n": self.n, "status": self.status, "reason": ""}
        return pd.DataFrame(rows or [alone])

    def _repr_html_(self) -> str:
        head = f"{self.id}: {self.status}"
        worst = "overall" if self.member is None else _in_words(self.member)
        rows: list[tuple[str, float | None, tuple[float, float] | None, int, str]]
        rows = [(worst, self.value, self.interval, self.n, self.status)]
        rows += [(one.name, one.value, one.interval, one.n, one.status or "") for one in self.slices]
        cells = ((name, _figure(value), _bounds(interval), f"{n:,}", status) for name, value, interval, n, status in rows)
        return _table(head, ("slice", self.unit, "interval", "n", "status"), cells, (self.message, *self.notes))


@dataclass(frozen=True, slots=True)
class ConditionResult:
    """What somebody owes under promote-with-conditions."""

    finding: str
    owner: str
    due: str
    """ISO date."""
    closes_with: str


@dataclass(frozen=True, slots=True)
class AuditResult:
    """The outcome of a whole audit, as its bundle holds it."""

    decision: Decision
    exit_code: int
    findings: tuple[CheckResult, ...]
    """In the policy's order."""
    conditions: tuple[ConditionResult, ...]
    reasons: tuple[str, ...]
    """Why the decision is what it is, a sentence each."""
    policy: str
    run: str
    """Id of the run, the name of its bundle."""
    bundle: Path
    """Folder with the report, `results.json` and the evidence."""
    valid_until: str | None = None
    """ISO date."""

    def __bool__(self) -> NoReturn:
        """Refused: promotion with conditions is no plain yes."""
        raise TypeError("a result " + _NO_BOOLEAN.format("decision", "promote"))

    def __getitem__(self, finding: str) -> CheckResult:
        """The finding with that id."""
        found = next((one for one in self.findings if one.id == finding), None)
        if found is None:
            msg = f"there is no finding {finding!r}; there are {', '.join(one.id for one in self.findings)}"
            raise KeyError(msg)
        return found

    def to_frame(self) -> pd.DataFrame:
        """One row a finding."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "id": one.id,
                    "check": one.check,
                    "status": one.status,
                    "disposition": one.disposition,
                    "severity": one.severity,
                    "value": one.value,
                    **_ends(one.interval),
                    "n": one.n,
                    "min": one.min,
                    "max": one.max,
                    "member": None if one.member is None else _in_words(one.member),
                    "message": one.message,
                }
                for one in self.findings
            ]
        )

    def _repr_html_(self) -> str:
        cells = (
            (one.id, one.status, _figure(one.value), _bounds(one.interval), bound_in_words(one.min, one.max), one.message)
            for one in self.findings
        )
        head = f"{self.policy}: {self.decision} (exit code {self.exit_code})"
        return _table(head, ("finding", "status", "value", "interval", "required", "message"), cells, (*self.reasons, str(self.bundle)))


def of_finding(finding: Finding, notes: Sequence[str] = ()) -> CheckResult:
    """What a check found against its bounds."""
    head, sides = finding.headline, finding.bounds
    floors, ceilings = ([side.limit for side in sides if side.floor is floor] for floor in (True, False))
    return CheckResult(
        id=finding.id,
        check=finding.requirement.check,
        status=finding.status,
        value=None if head is None else head.value,
        interval=None if head is None else head.interval,
        n=0 if head is None else head.n,
        unit=finding.check.unit if head is None else head.unit,
        method="" if head is None else head.method,
        member=None if head is None else _part(head.member),
        min=floors[0] if floors else None,
        max=ceilings[0] if ceilings else None,
        slices=tuple(_slice(row) for row in finding.slices),
        message=phrases.message(finding),
        remedy=phrases.remedy(finding),
        notes=(*(finding.evidence.notes if finding.evidence else ()), *notes),
        severity=finding.requirement.severity,
        enforce=finding.requirement.enforce,
        disposition=finding.disposition,
        finding=finding,
    )


def of_measured(finding: Finding, evidence: Evidence, confidence: float, notes: Sequence[str] = ()) -> CheckResult:
    """What a check measured without a bound; `finding` is that of a requirement without one."""
    worst = single_check.worst_member(evidence, higher_is_better=finding.check.better == "higher")
    alpha = round((1 - confidence) / 2, 12)
    interval = None if worst is None else worst.estimate.bounds(alpha, alpha)
    text = "; ".join(f"{one.name}: {one.reason}" for one in evidence.unmeasured)
    if worst is not None and interval is not None:
        text = f"{evidence.unit} {number(worst.estimate.value)} {interval_in_words(interval)}, measured and not judged"
    return CheckResult(
        id=finding.id,
        check=finding.requirement.check,
        status="measured",
        value=None if worst is None else worst.estimate.value,
        interval=interval,
        n=0 if worst is None else worst.estimate.n,
        unit=evidence.unit,
        method="" if worst is None else worst.estimate.method,
        member=None if worst is None else _part(worst.name),
        min=None,
        max=None,
        slices=tuple(_slice(row, judged=False) for row in finding.slices),
        message=text,
        remedy=finding.check.remedy,
        notes=(*evidence.notes, *notes),
        finding=finding,
    )


def of_run(audit: AuditRun, bundle: Path) -> AuditResult:
    """A stored run."""
    return AuditResult(
        decision=audit.verdict.decision,
        exit_code=audit.verdict.exit_code,
        findings=tuple(of_finding(one) for one in audit.findings),
        conditions=tuple(
            ConditionResult(one.finding, one.owner, one.due, phrases.closes_with(one, audit.findings)) for one in audit.verdict.conditions
        ),
        reasons=tuple(phrases.reason(one, audit.findings) for one in audit.verdict.reasons),
        policy=audit.policy.policy,
        run=audit.run.id,
        bundle=bundle,
        valid_until=audit.valid_until,
    )


def _slice(row: Judged, *, judged: bool = True) -> SliceResult:
    name = row.name.to_json()
    return SliceResult(name, row.value, row.n, row.interval, row.status if judged else None, row.reason, str(row.name))


def _part(name: Name) -> Part | None:
    return None if name == OVERALL else name.to_json()


def _in_words(part: Part) -> str:
    """A slice in words, or two of them."""
    if isinstance(part, dict):
        return ", ".join(f"{column}={'null' if value is None else value}" for column, value in part.items())
    return " against ".join(_in_words(one) for one in part if isinstance(one, dict))


def _ends(interval: tuple[float, float] | None) -> dict[str, float | None]:
    low, high = interval or (None, None)
    return {"lower": low, "upper": high}


def _figure(value: float | None) -> str:
    return "" if value is None else number(value)


def _bounds(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else interval_in_words(interval)


def _table(head: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], foot: Sequence[str]) -> str:
    """A plain table without styles or scripts; every text is escaped, and long ones are cut to the first rows."""
    listed = list(rows)
    lines = ["".join(f"<td>{_safe(cell)}</td>" for cell in row) for row in listed[:_MOST_ROWS]]
    more = [f"and {len(listed) - _MOST_ROWS:,} more: to_frame() has them all"] if len(listed) > _MOST_ROWS else []
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    titles = "".join(f'<th scope="col">{_safe(one)}</th>' for one in columns)
    said = "".join(f"<p>{_safe(text)}</p>" for text in (*more, *foot) if text)
    return f"<table><caption>{_safe(head)}</caption><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>{said}"


def _safe(text: object) -> str:
    return html.escape(neutral(str(text)))
