"""What is expected of a model before it is measured: stated on the command line, or taken from an earlier bundle."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from audit import catalog
from audit.bundle import reader
from audit.decision.finding import bounds
from audit.errors import InputError
from audit.evidence import OVERALL, Pair, Slice
from audit.formatting import limit
from audit.policy.messages import nearest
from audit.stats.interface import bias_corrected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from audit.evidence import Name
    from audit.pipeline.jobs import Job
    from audit.policy.schema import Policy, Requirement
    from audit.stats import Estimate


Basis: TypeAlias = Literal["stated", "pilot", "no change"]
"""Where an expected value comes from."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is expected of one requirement."""

    value: float
    """Of every slice, or of the worst pair of groups."""
    basis: Basis
    members: Mapping[str, Estimate] | None = None
    """A pilot's estimates by the member's name."""
    same_rows: bool = False
    """Whether the pilot was measured on the very rows."""
    unmeasured: tuple[str, ...] = ()
    """What the pilot could not measure, and why."""


@dataclass(frozen=True, slots=True)
class Pilot:
    """An earlier bundle's numbers."""

    findings: Mapping[str, Mapping[str, Estimate]]
    """Estimates by the finding's id and the member's name as `named` writes it."""
    datasets: Mapping[str, str]
    """Digests of its data sets by role."""
    unmeasured: Mapping[str, tuple[str, ...]]
    """By the finding's id, what it could not measure, and why."""


def named(name: Name) -> str:
    """A member's name as one text."""
    return json.dumps(None if name == OVERALL else name.to_json(), sort_keys=True)


def unnamed(text: str) -> Name:
    """The slice, or the pair of slices, that `named` wrote as this text."""
    told = json.loads(text)
    if isinstance(told, list):
        first, second = (Slice(tuple(side.items())) for side in told)
        return Pair(first, second)
    return Slice(tuple((told or {}).items()))


def stated(policy: Policy, told: Sequence[str]) -> dict[str, float]:
    """Expected values by requirement, from `ID=VALUE`; unknown ids and values that the check cannot have are refused."""
    known = {one.id: one for one in policy.require}
    found: dict[str, float] = {}
    for text in told:
        name, equals, value = text.rpartition("=")
        if not equals or not name:
            msg = f"--expect {text}: write ID=VALUE, such as {policy.require[0].id}=0.9"
            raise InputError(msg)
        if name not in known:
            msg = f"--expect {text}: no requirement {name!r} in the policy; {nearest(name, known)}"
            raise InputError(msg)
        if name in found:
            msg = f"--expect {text}: {name} is expected twice: keep one of them"
            raise InputError(msg)
        found[name] = _value(text, value, known[name])
    return found


def _value(text: str, told: str, requirement: Requirement) -> float:
    check = catalog.discover()[requirement.check]
    try:
        value = float(told)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        msg = f"--expect {text}: {told!r} is no number: write it as 0.95"
        raise InputError(msg)
    if check.census:
        msg = f"--expect {text}: {requirement.check} counts what is there, so there is nothing to expect: leave it out"
        raise InputError(msg)
    span = check.highest - check.lowest
    lowest = -span if requirement.against is not None else check.lowest
    highest = span if requirement.against is not None else check.highest
    if not lowest <= value <= highest:
        told_highest = "" if math.isinf(highest) else f" to {limit(highest)}"
        msg = f"--expect {text}: the {check.unit} of {requirement.check} lies from {limit(lowest)}{told_highest}"
        raise InputError(msg)
    return value


def pilot(place: Path) -> Pilot:
    """The estimates of a bundle whose files are as they were written."""
    try:
        audit = reader.audit_run(place, tables=False)
    except InputError as error:
        msg = f"--pilot {error}"
        raise InputError(msg) from error
    measured = {one.id: one.evidence for one in audit.findings if one.evidence is not None}
    return Pilot(
        {name: {named(member.name): member.estimate for member in evidence.members} for name, evidence in measured.items()},
        {data.role: data.sha256 for data in audit.datasets},
        {name: tuple(f"{one.name}: {one.reason}" for one in evidence.unmeasured) for name, evidence in measured.items()},
    )


def expectation_of(job: Job, stated: Mapping[str, float], pilot: Pilot | None) -> Expectation | None:
    """Stated, else the pilot's, else no change where two windows are compared."""
    requirement = job.requirement
    if requirement.id in stated:
        return Expectation(stated[requirement.id], "stated")
    members = {} if pilot is None else pilot.findings.get(requirement.id, {})
    if pilot is not None and members:
        seen = [data for data in (job.subject.data, job.subject.reference) if data is not None]
        same = all(pilot.datasets.get(data.role) == data.sha256 for data in seen)
        floor = bounds(requirement, job.check.better)[0].floor
        worst = (min if floor else max)(map(bias_corrected, members.values()))
        return Expectation(worst, "pilot", members, same_rows=same, unmeasured=pilot.unmeasured.get(requirement.id, ()))
    compares_windows = "reference" in job.check.needs and job.check.measures != "model"  # else it estimates the model's own score
    alike = compares_windows or requirement.against is not None
    return Expectation(0.0, "no change") if alike else None
