"""From a requirement and a trial of its check to what a plan says of its bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from audit import phrases
from audit.decision.finding import bounds
from audit.decision.judge import one_sided
from audit.evidence import OVERALL, Evidence, Member, Pair
from audit.formatting import number, rows_in_words
from audit.power.analysis import Expected, averaged, decided, outlook
from audit.power.expected import named, unnamed
from audit.power.gates import Basis, Gate, Part
from audit.power.laws import Asked, best, likely
from audit.power.simulated_model import STRONGEST
from audit.stats import Census, Difference, MeanDifference, Proportion, Ratio
from audit.stats.tails import few_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from audit.decision.finding import Bound
    from audit.pipeline.job import Job
    from audit.power.analysis import Outlook
    from audit.power.trials import Trial, Trials
    from audit.stats import Estimate

NEVER = 0.001
"""Chance below which a pass counts as out of reach."""

SIMULATED = "no pass is foreseen on the simulated models, but a model with other rates may pass: give --pilot to know better"
UNTUNED = "what fine-tuning does is known once it is done"
NO_SPREAD = "not planned: its values are all alike in some slice on the stand-in for the model, which bounds nothing: give --pilot"


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


def gates(index: int, job: Job, trials: Trials, expectation: Expectation | None) -> tuple[Gate, ...]:
    """One gate a bound of the requirement."""
    sides = bounds(job.requirement, job.check.better)
    return tuple(_gate(Gate(index, job.requirement, bound, 0), job, trials, expectation) for bound in sides)


def _gate(gate: Gate, job: Job, trials: Trials, expectation: Expectation | None) -> Gate:
    if job.skip is not None:
        return replace(gate, hindrance=job.skip)
    if job.spent is not None and job.spent.level <= 0:
        return replace(gate, hindrance=f"look {job.spent.number} of {job.spent.most}: nothing is left to spend, so fresh rows are needed")
    only_pilot = job.requirement.against is not None or not trials.foresees(job)
    if only_pilot and expectation is not None and expectation.members is not None:
        return _as_in_pilot(gate, job, expectation, expectation.members)
    trial = trials.at(job, gate.bound.limit if expectation is None else expectation.value)
    if trial.evidence is None:
        return _unseen(gate, trial)
    found = _measured(replace(gate, rows=_rows(trial.evidence)), job, trials, (trial, trial.evidence), expectation)
    return found if found.hindrance is None and found.note != NO_SPREAD else _on_better_models(gate, found, job, trials, expectation)


def _on_better_models(gate: Gate, found: Gate, job: Job, trials: Trials, expectation: Expectation | None) -> Gate:
    """The gate again, since what no usual model passes another one may."""
    found = _by_smaller_errors(gate, found, job, trials, expectation)
    if found.hindrance is not None and found.known is None and _may_pass(gate, job, trials):
        return replace(found, hindrance=None, needed=None, note=SIMULATED)
    return found


def _by_smaller_errors(gate: Gate, found: Gate, job: Job, trials: Trials, expectation: Expectation | None) -> Gate:
    """The gate again with a model that is nearly exact: how widely errors scatter is the model's own, and no fault of the data."""
    exact = trials.exact()
    if exact is None or (expectation is not None and expectation.basis == "pilot"):
        return found
    trial = exact.at(job, None)
    if trial.evidence is None:
        return found
    again = _measured(replace(gate, rows=_rows(trial.evidence)), job, exact, (trial, trial.evidence), expectation)
    told = "reckoned with a model that is nearly exact: with the errors of one that explains 87 % of the variance it would not pass"
    return found if again.hindrance is not None or again.note == NO_SPREAD else replace(again, note=told)


def _measured(gate: Gate, job: Job, trials: Trials, seen: tuple[Trial, Evidence], expectation: Expectation | None) -> Gate:
    """From what the check found on the stand-in."""
    trial, evidence = seen
    if evidence.members and all(isinstance(one.estimate, Census) for one in evidence.members):
        return replace(gate, known=trial.finding)
    asked = _asked(job, gate.bound, evidence)
    if trial.comparators:
        gate = replace(gate, note=f"reckoned with two models {trial.comparators}: give --pilot to know better")
    if trial.model_free and (expectation is None or expectation.basis != "stated"):
        return _known(replace(gate, known=trial.finding), evidence, asked)
    if expectation is not None:
        further = trials.redrawn(job, expectation.value) if _hangs_on_the_draw(evidence, expectation) else []
        return _expected(gate, [evidence, *further], asked, expectation)
    return _open(gate, job, trials, evidence)


def _hangs_on_the_draw(evidence: Evidence, expectation: Expectation) -> bool:
    """Whether another model as good would change what is planned: not where a pilot's estimates stand, nor for a share of fixed rows."""
    fixed = all(isinstance(one.estimate, Proportion) and one.estimate.design_effect == 1.0 for one in evidence.members)
    return expectation.members is None and not fixed


def _rows(evidence: Evidence) -> int:
    """Rows that the number rests on: for recall those of the class, for a gap those of its groups, each once."""
    groups: dict[str, int] = {}
    for one in evidence.members:
        if isinstance(one.name, Pair) and isinstance(one.estimate, (Difference, MeanDifference, Ratio)):
            groups |= {str(one.name.first): one.estimate.first.n, str(one.name.second): one.estimate.second.n}
        else:
            groups[str(one.name)] = one.estimate.n
    return min(evidence.rows, sum(groups.values()))


def _needed(gate: Gate, seen: Outlook) -> int | None:
    return None if seen.growth is None else math.ceil(seen.growth * gate.rows - 1e-6)


def _unseen(gate: Gate, trial: Trial) -> Gate:
    """A check that found nothing to measure on this data; or one that a stand-in cannot serve, of which nothing is known."""
    unseen = f"{UNTUNED}: give --pilot with a bundle of an earlier run" if trial.refused else "its check would see no row"
    told = unseen if trial.finding is None else phrases.message(trial.finding)
    if trial.refused or (trial.finding is not None and trial.finding.status == "error"):
        return replace(gate, note=f"not planned: {told}")
    return replace(gate, hindrance=told)


def _asked(job: Job, bound: Bound, evidence: Evidence) -> Asked:
    """As the judge will ask; a requirement judged on its value asks for the middle of the interval.

    Where the error is spent over looks, only the end that faces pass is asked at this look's level.
    """
    failing = 0.5 if job.requirement.judge_on == "value" else one_sided(job.requirement, job.confidence)
    passing = failing if job.spent is None else min(failing, job.spent.level)
    count = max(1, len(evidence.members) + len(evidence.unmeasured))
    return Asked(bound.limit, bound.floor, passing, count, job.requirement.min_n, failing)


def _member(member: Member, truth: float | None) -> Expected:
    pair = isinstance(member.name, Pair) and isinstance(member.estimate, (Difference, MeanDifference, Ratio))
    groups = (str(member.name.first), str(member.name.second)) if pair and isinstance(member.name, Pair) else None
    return Expected(member.estimate, truth, groups)


def _known(gate: Gate, evidence: Evidence, asked: Asked) -> Gate:
    """No model has a part in it: this very finding will stand in the audit. The outlook is that of windows alike, or of the value."""
    drift = gate.requirement.reference is not None
    members = [_member(one, 0.0 if drift else None) for one in evidence.members]
    if not members:
        return _hindered(gate, evidence, members, asked)
    seen = outlook(members, asked)
    note = ""
    if drift and seen.p_pass >= NEVER:
        note = f"had nothing changed, chance alone would leave its interval at {number(seen.interval[0])} to {number(seen.interval[1])}"
        note += f", and it would pass {_times(seen.p_pass)}"
    open_still = gate.known is not None and gate.known.status == "inconclusive" and not drift
    gate = replace(gate, outlook=seen, note=note, needed=_needed(gate, seen) if open_still else None)
    return _hindered(gate, evidence, members, asked)


def _times(chance: float) -> str:
    """A chance in words."""
    return "practically always" if chance > 0.995 else f"in {chance:.0%} of audits"  # noqa: PLR2004  # it would read as 100 %


def _expected(gate: Gate, found: Sequence[Evidence], asked: Asked, expectation: Expectation) -> Gate:
    """Rows and distances from the first evidence; chances and interval averaged over all, which are of models equally good."""
    evidence = found[0]
    members = _believed(evidence, expectation)
    if not members:
        return _hindered(gate, evidence, members, asked)
    seen = averaged(outlook(members, asked), [_believed(one, expectation) for one in found[1:]], asked)
    value = expectation.value
    gate = replace(
        gate, expected=value, basis=expectation.basis, outlook=seen, passes_from=_from(gate.bound, seen), needed=_needed(gate, seen)
    )
    return _hindered(replace(gate, parts=_parts(evidence, members, asked)), evidence, members, asked)


def _believed(evidence: Evidence, expectation: Expectation) -> list[Expected]:
    """The members with what is expected of each: a pilot's own estimates where it saw the same rows, else their values."""
    pilot = expectation.members
    if pilot is None:
        return [_member(one, expectation.value) for one in evidence.members]
    gap = any(_member(one, None).groups is not None for one in evidence.members)
    if expectation.same_rows and {named(one.name) for one in evidence.members} <= set(pilot):
        return [_member(replace(one, estimate=pilot[named(one.name)]), None) for one in evidence.members]
    worst = expectation.value
    known = {} if gap else {name: likely(one) for name, one in pilot.items()}
    return [_member(one, known.get(named(one.name), worst)) for one in evidence.members]


def _open(gate: Gate, job: Job, trials: Trials, evidence: Evidence) -> Gate:
    """Nothing is expected: the true value from which it passes, found at the bound and once more at what was found."""
    for again in (True, False):
        asked = _asked(job, gate.bound, evidence)
        members = [_member(one, gate.bound.limit) for one in evidence.members]
        if not members:
            break
        seen = outlook(members, asked)
        passes_from = _from(gate.bound, seen)
        if passes_from is None:
            return _hindered(replace(gate, outlook=seen), evidence, members, asked)
        better = trials.at(job, passes_from).evidence if again else None
        evidence = evidence if better is None else better
    else:
        members = [_member(one, passes_from) for one in evidence.members]
        gate = replace(gate, passes_from=passes_from, outlook=outlook(members, asked), parts=_parts(evidence, members, asked))
    return _hindered(gate, evidence, members, asked)


def _from(bound: Bound, seen: Outlook) -> float | None:
    if seen.detectable is None:
        return None
    return bound.limit + (seen.detectable if bound.floor else -seen.detectable)


def _parts(evidence: Evidence, members: list[Expected], asked: Asked) -> tuple[Part, ...]:
    """Each member by itself, the least sure of a pass first; a pair of groups stands for both of its orders."""
    if len(members) == 1 and evidence.members[0].name == OVERALL:
        return ()
    found: dict[object, Part] = {}
    for member, one in zip(evidence.members, members, strict=True):
        key = _key(member)
        if key not in found:
            found[key] = Part(member.name, member.estimate.n, one.value, outlook([one], asked))
    return tuple(sorted(found.values(), key=lambda part: part.outlook.p_pass))


def _key(member: Member) -> object:
    """The same for both orders of a pair."""
    return frozenset((str(member.name.first), str(member.name.second))) if isinstance(member.name, Pair) else str(member.name)


def _hindered(gate: Gate, evidence: Evidence, members: list[Expected], asked: Asked) -> Gate:
    """With the reason why no true value passes, where none does."""
    if evidence.unmeasured:
        return replace(gate, hindrance="; ".join(f"{one.name}: {one.reason}" for one in evidence.unmeasured[:3]))
    ideal = [replace(one, truth=best(one.estimate, asked, gap=one.groups is not None)) for one in members]
    if decided(ideal, 1.0, asked)[0] >= NEVER:
        return gate
    short = {
        _key(
            member
        ): f"{member.name}: {rows_in_words(member.estimate.support)}, at least {max(asked.min_n, member.estimate.least):,} needed"
        for member in reversed(evidence.members)
        if member.estimate.support < max(asked.min_n, member.estimate.least)
    }
    short |= {
        _key(one): f"{one.name}: {few[0]:,} of {few[1]:,} rows with an error hold half of it"
        for one in evidence.members
        if (few := few_rows(one.estimate))
    }
    there = outlook(ideal, asked)
    end = there.interval[0 if asked.floor else 1]
    if math.isinf(end) and not short:
        return Gate(gate.index, gate.requirement, gate.bound, gate.rows, note=NO_SPREAD)
    ideal_of = "without any change the" if gate.requirement.reference is not None else "the best model's"
    reason = "; ".join([*short.values()][::-1][:3]) or f"even {ideal_of} interval would end at {number(end)}"
    return replace(gate, hindrance=reason, needed=_needed(gate, there), passes_from=None)


def _may_pass(gate: Gate, job: Job, trials: Trials) -> bool:
    """Whether a nearly perfect model, which answers every group alike, proves the bound: then no simulated gap rules out a pass."""
    evidence = trials.of(usual=STRONGEST).at(job, None).evidence
    if evidence is None or evidence.unmeasured:
        return False
    asked = _asked(job, gate.bound, evidence)
    return all(_proves(one, asked) for one in evidence.members)


def _proves(member: Member, asked: Asked) -> bool:
    estimate = member.estimate
    if estimate.support < max(asked.min_n, estimate.least):
        return False
    if isinstance(member.name, Pair) and isinstance(estimate, (Difference, Ratio)):  # shares of 1 leave a gap the least noise
        first, second = (Proportion(one.n, one.n, one.entities, one.design_effect) for one in (estimate.first, estimate.second))
        estimate = replace(estimate, first=first, second=second)
    low, high = estimate.bounds(*asked.levels)
    return low >= asked.bound if asked.floor else high <= asked.bound


def _as_in_pilot(gate: Gate, job: Job, expectation: Expectation, members: Mapping[str, Estimate]) -> Gate:
    """A pilot's own estimates: only it knows how often two models err on the same rows, and what fine-tuning does."""
    rows = job.subject.data.rows
    if expectation.unmeasured:
        return replace(gate, rows=rows, note=f"not planned: the pilot could not measure {expectation.unmeasured[0]}")
    evidence = Evidence(members=tuple(Member(unnamed(name), one) for name, one in members.items()), unit=job.check.unit, rows=rows)
    note = "" if expectation.same_rows else "planned on as many rows as the pilot had, which were others"
    asked = _asked(job, gate.bound, evidence)
    return _expected(replace(gate, rows=rows, note=note), [evidence], asked, replace(expectation, same_rows=True))
