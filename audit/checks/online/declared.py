"""Evidence from use that people measured outside the tool: A/B tests, engagement, ratings, incidents and human overrides.

Purpose      Hold what is known of the system in use to the policy's bounds, with its dates, its source and its sampling error.
Risk         High: the model does worse in people's hands than on its test set, or harm that was reported is still open.
Limitations  Declared and not measured: the tool checks dates, counts and arithmetic, never whether the file is true. A file that is out
             of date, or about another model, counts as absent. Higher is better for every kind. ab_test: candidate minus control, turned
             round where lower is better; its cases must be randomised and independent. engagement: share of hits, or a mean. ratings: mean
             rating, whose error is that of raters or of items, whichever is larger. A mean that is declared with its deviation is taken as
             not skewed. incidents: 1 for a closed incident and 0 for an open
             one, each judged by itself, so that `min: 1` fails by the open ones; at medium severity that opens a condition. overrides:
             share of decisions that people kept; those that nobody looked at are not among them.
Reference    Krippendorff, Content Analysis, 2004 (alpha with interval distances); NIST AI 100-1, 2023, MEASURE 3 and MANAGE 4.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import Field

from audit.check import Check, Params
from audit.checks.online import _dated_file, _ratings
from audit.evidence import OVERALL, Evidence, Example, Member, Part, Slice
from audit.policy.schema import Severity  # noqa: TC001  # pydantic needs the type at run time
from audit.stats import Census, Difference, Mean, MeanDifference, Proportion

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.checks.online._dated_file import AbTest, Declared, Incident, Outcome
    from audit.stats import Estimate
    from audit.subject import Subject


class DeclaredParams(Params):
    """Which file, and what it holds."""

    file: Annotated[str, Field(min_length=1, examples=["evidence/ab-test.yaml"])]
    """A YAML or JSON file of the project folder; its fields stand in `docs/governance.md`."""
    kind: Annotated[_dated_file.Kind, Field(examples=["incidents"])]
    """ab_test, engagement, ratings, incidents or overrides."""
    severity: Severity = "low"
    """Of incidents: the least severe that count."""
    agreement: Annotated[float, Field(ge=-1, le=1)] | None = None
    """Of ratings: Krippendorff's alpha below which they prove nothing; where absent, alpha is told and not asked for."""


class _Said(NamedTuple):
    """What a file says: what is judged, its unit, how much it rests on, and what a reader must know."""

    members: tuple[Member, ...]
    unit: str
    notes: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()


def measure(subject: Subject, params: DeclaredParams, _rng: Generator) -> Evidence:
    """What the file says, with the error of its own sample."""
    said, sha256 = _dated_file.read(subject.project, params.file, params.kind, subject.candidate.sha256)
    found = _found(said, subject.project, params)
    days = f"measured {said.measured.since} to {said.measured.until}, counts until {said.expires}"
    origin = f"Declared in {params.file} (SHA-256 {sha256[:12]}), not measured here: {said.source}; {days}."
    whose = () if said.candidate else ("The file names no model, so that it may be about another one than the candidate.",)
    return Evidence(
        members=found.members,
        unit=found.unit,
        rows=1,
        examples=found.examples,
        notes=(origin, *whose, *found.notes),
        expires=said.expires.isoformat(),
    )


def _found(said: Declared, project: str, params: DeclaredParams) -> _Said:
    metric = said.metric or params.kind.replace("_", " ")
    if params.kind == "ab_test" and said.ab_test is not None:
        return _Said((Member(OVERALL, _effect(said.ab_test)),), f"{metric}, candidate minus control", _turned(said.ab_test))
    if params.kind == "engagement" and said.engagement is not None:
        return _Said((Member(OVERALL, _estimate(said.engagement)),), metric)
    if params.kind == "ratings" and said.ratings is not None:
        mean, notes = _ratings.mean(project, said.ratings, params.agreement)
        return _Said((Member(OVERALL, mean),), "mean rating", notes)
    if params.kind == "overrides" and said.overrides is not None:
        kept = Proportion(said.overrides.n - said.overrides.overridden, said.overrides.n)
        return _Said((Member(OVERALL, kept),), "share of decisions that people kept")
    return _incidents(said.incidents or (), params.severity)


def _estimate(outcome: Outcome) -> Proportion | Mean:
    if outcome.hits is not None:
        return Proportion(outcome.hits, outcome.n)
    if outcome.mean is None or outcome.deviation is None:
        msg = "an outcome has hits, or a mean with its deviation"
        raise ValueError(msg)
    return Mean(outcome.mean, outcome.deviation, 0.0, float(outcome.n), outcome.n)


def _effect(test: AbTest) -> Estimate:
    arms = [_estimate(test.candidate), _estimate(test.control)]
    first, second = arms if test.better == "higher" else arms[::-1]
    if isinstance(first, Proportion) and isinstance(second, Proportion):
        return Difference(first, second)
    if isinstance(first, Mean) and isinstance(second, Mean):
        return MeanDifference(first, second)
    msg = "both arms are of one form"
    raise ValueError(msg)


def _turned(test: AbTest) -> tuple[str, ...]:
    said = "Lower is better, so the value is control minus candidate: above 0 the candidate is better."
    return () if test.better == "higher" else (said,)


def _incidents(incidents: tuple[Incident, ...], least: Severity) -> _Said:
    """One member an incident; one that says so where there is none."""
    counted = [one for one in incidents if _dated_file.rank(one.severity) <= _dated_file.rank(least)]
    members = [Member(Slice((("incident", one.id),)), Census(int(one.closed is not None), 1)) for one in counted]
    open_ = [one for one in counted if one.closed is None]
    note = f"{len(open_)} of {len(counted)} incidents of severity {least} or above are open." if counted else "No incident is declared."
    examples = tuple(
        Example(one.id, (Part(one.summary),), f"{one.severity}, open since {one.opened}, due {one.due}, owner {one.owner}") for one in open_
    )
    return _Said(tuple(members) or (Member(OVERALL, Census(1, 1)),), "1 where closed", (note,), examples)


def _range(_subject: Subject, params: DeclaredParams) -> tuple[float, float]:
    return {"incidents": (0.0, 1.0), "overrides": (0.0, 1.0)}.get(params.kind, (-inf, inf))


CHECK = Check(
    measure=measure,
    question="What does use say: is the model as good in people's hands, and is every reported harm closed?",
    remedy="Ask the source that the file names; close the incidents that are open, or go back to the model before this one.",
    measures="declarations",
    characteristics=("safe",),
    rmf=("MEASURE 3.1", "MEASURE 3.3", "MEASURE 4.3", "MANAGE 4.1"),
    better="higher",
    unit="the file's own unit",
    params=DeclaredParams,
    reads_files=lambda _params: True,
    lowest=-inf,
    highest=inf,
    range_on=_range,
    expected_rows=lambda _subject, _params: 1,
)
