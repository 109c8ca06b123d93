"""What changed between two audits, as their bundles tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import BaseModel, JsonValue, ValidationError

from audit.bundle import reader
from audit.errors import InputError
from audit.formatting import count, interval_in_words, number
from audit.governance import policy_diff
from audit.policy.schema import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from audit.check import Check

Kind: TypeAlias = Literal["worse", "loosened", "better", "other"]
KINDS: tuple[Kind, ...] = ("worse", "loosened", "better", "other")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is no longer as it was."""

    kind: Kind
    """`worse` and `better` of a decision or a status; `loosened` of what was asked."""
    place: str
    words: str


class _Headline(BaseModel):
    value: float
    n: int
    interval: tuple[float | None, float | None]
    unit: str
    method: str


class _Threshold(BaseModel):
    min: float | None
    max: float | None


class _Finding(BaseModel):
    id: str
    check: str
    status: str
    disposition: str
    severity: str
    enforce: str
    on: str
    reference: str | None
    reference_group: str | None
    by: list[list[str]]
    judge_on: str
    min_n: int
    confidence: float
    params: dict[str, JsonValue]
    against: str | None = None
    margin: float | None = None
    threshold: _Threshold
    headline: _Headline | None


class _Named(BaseModel):
    name: str
    version: int | str
    sha256: str


class _Candidate(BaseModel):
    sha256: str
    description: str


class _Data(BaseModel):
    sha256: str
    rows: int


class Results(BaseModel):
    """As much of `results.json` as is compared."""

    policy: _Named
    candidate: _Candidate
    datasets: dict[str, _Data]
    decision: Literal["promote", "promote-with-conditions", "block"]
    exit_code: int
    findings: tuple[_Finding, ...]


def read(folder: Path) -> Results:
    """The results of a bundle whose files are as the run wrote them."""
    try:
        return Results.model_validate_json(reader.results(folder))
    except ValidationError as error:
        msg = f"{folder}: its results.json is not of a form that this release reads: run the audit again"
        raise InputError(msg) from error


_DECISIONS = ("promote", "promote-with-conditions", "block")
_STATUSES = {"pass": 0, "not_applicable": 1, "inconclusive": 2, "fail": 3, "not_run": 4, "error": 4}
"""By what they do to the decision, where severities are equal: missing evidence is the worst."""


def differences(old: Results, new: Results, catalog: Mapping[str, Check]) -> tuple[Difference, ...]:
    """All that differs, what got worse first."""
    found = [*_whole(old, new), *_findings(old, new, catalog)]
    return tuple(sorted(found, key=lambda one: KINDS.index(one.kind)))


def _whole(old: Results, new: Results) -> Iterator[Difference]:
    ranks = _DECISIONS.index(old.decision), _DECISIONS.index(new.decision)
    if (old.decision, old.exit_code) != (new.decision, new.exit_code):
        words = f"{old.decision} (exit code {old.exit_code}) → {new.decision} (exit code {new.exit_code})"
        yield Difference(_direction(*ranks), "decision", words)
    if old.policy != new.policy:
        yield Difference(
            "other", "policy", f"{old.policy.name} {old.policy.version} → {new.policy.name} {new.policy.version}, another text"
        )
    if old.candidate.sha256 != new.candidate.sha256:
        yield Difference("other", "candidate", f"another one: {new.candidate.description}")
    for role in dict.fromkeys([*old.datasets, *new.datasets]):
        before, after = old.datasets.get(role), new.datasets.get(role)
        if before != after:
            rows = [f"{one.rows:,} rows" if one else "none" for one in (before, after)]
            yield Difference("other", f"datasets.{role}", f"other data: {rows[0]} → {rows[1]}")


def _direction(before: int, after: int) -> Kind:
    return "other" if before == after else "worse" if after > before else "better"


def _findings(old: Results, new: Results, catalog: Mapping[str, Check]) -> Iterator[Difference]:
    was = {one.id: one for one in old.findings}
    for after in new.findings:
        before = was.pop(after.id, None)
        if before is None:
            yield Difference("other", after.id, f"is new: {after.status}{_figure(after)}")
        else:
            yield from _finding(before, after, catalog)
    yield from (Difference("worse", one.id, f"is no longer measured; was {one.status}{_figure(one)}") for one in was.values())


def _finding(before: _Finding, after: _Finding, catalog: Mapping[str, Check]) -> Iterator[Difference]:
    figures = _figure(before), _figure(after)
    moved = f":{figures[0]} →{figures[1]}" if figures[0] != figures[1] else ""
    if before.status != after.status:
        kind = _direction(_STATUSES.get(before.status, 4), _STATUSES.get(after.status, 4))
        yield Difference(kind, after.id, f"{before.status} → {after.status}{moved}")
    elif moved:
        yield Difference("other", after.id, f"{after.status} as before{moved}")
    if before.disposition != after.disposition:
        yield Difference("other", after.id, f"disposition {before.disposition} → {after.disposition}")
    if before.check != after.check:
        yield Difference("other", after.id, f"another check: {before.check} → {after.check}")
        return
    for one in policy_diff.of_requirement(_requirement(before), _requirement(after), catalog):
        yield Difference("loosened" if one.kind == "loosened" else "other", one.place, one.words)


def _figure(one: _Finding) -> str:
    """` accuracy 0.861 [0.838, 0.882], n 1,200`, or nothing where nothing was measured."""
    head = one.headline
    if head is None:
        return ""
    if head.method == "census":
        return f" {count(head.value)} {head.unit}, n {head.n:,}"
    low, high = head.interval
    interval = (float("-inf") if low is None else low, float("inf") if high is None else high)
    return f" {head.unit} {count(head.value) if head.value == 0 else number(head.value)} {interval_in_words(interval)}, n {head.n:,}"


_ASKED = frozenset({"id", "check", "severity", "enforce", "on", "reference", "reference_group", "by"})
_HOW = frozenset({"judge_on", "min_n", "confidence", "params", "against", "margin"})


def _requirement(one: _Finding) -> Requirement:
    """What was asked, as a policy says it; a comparison has its margin in place of bounds."""
    bounds = one.threshold.model_dump() if one.against is None else {}
    return Requirement.model_validate(one.model_dump(include=set(_ASKED | _HOW)) | bounds)
