"""What a plan says of each bound of a policy: from a requirement and a trial of its check."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from audit import phrases
from audit.decision.finding import bounds
from audit.decision.judge import one_sided
from audit.evidence import OVERALL, Evidence, Member, Pair
from audit.formatting import number, rows_in_words
from audit.power.analysis import DETAILED, power_analysis, rows_of
from audit.power.expected import named, unnamed
from audit.power.member import DecisionRule, PlannedMember, best_attainable
from audit.power.simulated_model import STRONGEST, Numbers
from audit.stats import Census
from audit.stats.interface import bias_corrected, is_comparison, value_range, with_value
from audit.stats.mean import few_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.decision.finding import Bound, Finding
    from audit.evidence import Name
    from audit.pipeline.jobs import Job
    from audit.policy.schema import Requirement
    from audit.power.analysis import PowerAnalysis
    from audit.power.expected import Basis, Expectation
    from audit.power.trials import Trial, Trials
    from audit.stats import Estimate

NEVER = 0.001
"""Chance below which a pass counts as out of reach."""
SIMULATED = "no simulated model passes, but a model with other rates may: give --pilot for a better prediction"
UNTUNED = "the effect of fine-tuning is known only afterwards"
NO_SPREAD = "not planned: in some slice all values of the simulated model are equal, so that nothing can be predicted: give --pilot"


@dataclass(frozen=True, slots=True)
class GateMember:
    """One member of a gate."""

    name: Name
    rows: int
    expected: float
    """Assumed true value; where nothing is expected, that from which the gate passes."""
    power: PowerAnalysis


@dataclass(frozen=True, slots=True)
class Gate:
    """One bound of one requirement."""

    index: int
    """Place of the requirement in the policy, from 0."""
    requirement: Requirement
    bound: Bound
    rows: int
    """Rows that the check will look at; 0 where it cannot look."""
    expected: float | None = None
    """Assumed true value: of every slice, or of the worst pair of groups."""
    basis: Basis | None = None
    passes_from: float | None = None
    """True value from which it passes 8 times in 10."""
    power: PowerAnalysis | None = None
    """At the expected value; where there is none, at `passes_from`."""
    members: tuple[GateMember, ...] = ()
    """Its members, the least sure of a pass first, where there is more than one; at most those that are planned in detail."""
    more_members: int = 0
    """How many more there are."""
    known: Finding | None = None
    """The finding itself, where no model has a part in it."""
    infeasible_because: str | None = None
    """Why no true value passes with the data there are."""
    needed: int | None = None
    """Rows at which 8 audits in 10 decide; of an infeasible gate, rows at which the best model would pass."""
    note: str = ""

    @property
    def p_pass(self) -> float | None:
        """Chance that it passes; None where nothing is expected."""
        if self.infeasible_because is not None:
            return 0.0
        if self.known is not None:
            return float(self.known.status in {"pass", "not_applicable"})
        return None if self.expected is None or self.power is None else self.power.p_pass


def gates(index: int, job: Job, trials: Trials, expectation: Expectation | None) -> tuple[Gate, ...]:
    """One gate for each bound of the requirement."""
    sides = bounds(job.requirement, job.check.better)
    return tuple(_gate(Gate(index, job.requirement, bound, 0), job, trials, expectation) for bound in sides)


def _gate(gate: Gate, job: Job, trials: Trials, expectation: Expectation | None) -> Gate:
    if job.skip is not None:
        return replace(gate, infeasible_because=job.skip)
    if job.spent is not None and job.spent.level <= 0:
        used = f"look {job.spent.number} of {job.spent.most}: nothing is left to spend, so fresh rows are needed"
        return replace(gate, infeasible_because=used)
    only_pilot = job.requirement.against is not None or not trials.can_simulate(job)
    if only_pilot and expectation is not None and expectation.members is not None:
        return _as_in_pilot(gate, job, expectation, expectation.members)
    trial = trials.at(job, gate.bound.limit if expectation is None else expectation.value)
    if trial.evidence is None:
        return _unseen(gate, trial)
    found = _measured(gate, job, trials, trial, trial.evidence, expectation)
    if found.infeasible_because is None and found.note != NO_SPREAD:
        return found
    return _on_better_models(gate, found, job, trials, expectation)


def _on_better_models(gate: Gate, found: Gate, job: Job, trials: Trials, expectation: Expectation | None) -> Gate:
    """The gate again, since a better model may pass where no usual one does: of numbers one that is nearly exact."""
    exact, from_pilot = replace(trials, usual=STRONGEST), expectation is not None and expectation.basis == "pilot"
    trial = exact.at(job, None) if isinstance(trials.population, Numbers) and not from_pilot else None
    if trial is not None and trial.evidence is not None:
        again = _measured(gate, job, exact, trial, trial.evidence, expectation)
        if again.infeasible_because is None and again.note != NO_SPREAD:
            note = "planned with a model that is nearly exact: with errors of one that explains 87 % of the variance it would not pass"
            return replace(again, note=note)
    if found.infeasible_because is not None and found.known is None and _may_pass(gate, job, trials):
        return replace(found, infeasible_because=None, needed=None, note=SIMULATED)
    return found


def _unseen(gate: Gate, trial: Trial) -> Gate:
    """A check that found nothing to measure on this data; or one that no simulated model can serve, of which nothing is known."""
    unseen = f"{UNTUNED}: give --pilot with a bundle of an earlier run" if trial.refused else "its check would see no row"
    reason = unseen if trial.finding is None else phrases.message(trial.finding)
    if trial.refused or (trial.finding is not None and trial.finding.status == "error"):
        return replace(gate, note=f"not planned: {reason}")
    return replace(gate, infeasible_because=reason)


def _measured(gate: Gate, job: Job, trials: Trials, trial: Trial, evidence: Evidence, expectation: Expectation | None) -> Gate:
    """From what the check found on the simulated model."""
    members = [_member(one, None) for one in evidence.members]
    gate = replace(gate, rows=min(evidence.rows, round(rows_of(members))))
    if evidence.members and all(isinstance(one.estimate, Census) for one in evidence.members):
        return replace(gate, known=trial.finding)
    rule = _rule(job, gate.bound, evidence)
    if trial.comparators:
        gate = replace(gate, note=f"planned with two models {trial.comparators}: give --pilot for a better prediction")
    is_known = trial.model_free and (expectation is None or expectation.basis != "stated")
    gate = replace(gate, known=trial.finding) if is_known else gate
    if not evidence.members:
        return _feasible(gate, evidence, rule)
    if is_known:
        return _known(gate, evidence, rule)
    if expectation is not None:
        return _expected(gate, evidence, rule, expectation)
    return _open(gate, job, trials, evidence)


def _needed(gate: Gate, power: PowerAnalysis) -> int | None:
    return None if power.sample_size_factor is None else math.ceil(power.sample_size_factor * gate.rows - 1e-6)


def _rule(job: Job, bound: Bound, evidence: Evidence) -> DecisionRule:
    """As the judge will decide; a requirement judged on its value takes the middle of the interval.

    Where the error is spent over looks, only the end that faces pass has this look's level.
    """
    failing = 0.5 if job.requirement.judge_on == "value" else one_sided(job.requirement, job.confidence)
    passing = failing if job.spent is None else min(failing, job.spent.level)
    count = max(1, len(evidence.members) + len(evidence.unmeasured))
    return DecisionRule(bound.limit, bound.floor, passing, count, job.requirement.min_n, failing)


def _member(member: Member, truth: float | None) -> PlannedMember:
    groups = None
    if isinstance(member.name, Pair) and is_comparison(member.estimate):
        groups = (str(member.name.first), str(member.name.second))
    return PlannedMember(member.estimate, truth, groups, is_gap=isinstance(member.name, Pair))


def _known(gate: Gate, evidence: Evidence, rule: DecisionRule) -> Gate:
    """No model has a part in it: this very finding will stand in the audit. Its power is that of windows without drift, or of the value."""
    drift = gate.requirement.reference is not None
    power = power_analysis([_member(one, 0.0 if drift else None) for one in evidence.members], rule)
    note = ""
    if drift and power.p_pass >= NEVER:
        low, high = (number(end) for end in power.interval)
        often = "practically always" if power.p_pass > 0.995 else f"in {power.p_pass:.0%} of audits"  # noqa: PLR2004  # it would read as 100 %
        note = f"without drift, expect an interval of {low} to {high} and a pass {often}"
    still_open = gate.known is not None and gate.known.status == "inconclusive" and not drift
    gate = replace(gate, power=power, note=note, needed=_needed(gate, power) if still_open else None)
    return _feasible(gate, evidence, rule)


def _expected(gate: Gate, evidence: Evidence, rule: DecisionRule, expectation: Expectation) -> Gate:
    members = _assumed(evidence, expectation)
    power = power_analysis(members, rule)
    gate = replace(gate, expected=expectation.value, basis=expectation.basis, power=power)
    gate = replace(gate, passes_from=_passes_from(gate.bound, power), needed=_needed(gate, power))
    return _feasible(_with_members(gate, evidence, members, rule), evidence, rule)


def _assumed(evidence: Evidence, expectation: Expectation) -> list[PlannedMember]:
    """The members with what is expected of each: a pilot's own estimates where it saw the same rows, else their values."""
    pilot = expectation.members
    if pilot is None:
        return [_member(one, expectation.value) for one in evidence.members]
    gap = any(_member(one, None).groups is not None for one in evidence.members)
    if expectation.same_rows and {named(one.name) for one in evidence.members} <= set(pilot):
        return [_member(replace(one, estimate=pilot[named(one.name)]), None) for one in evidence.members]
    known = {} if gap else {name: bias_corrected(one) for name, one in pilot.items()}
    return [_member(one, known.get(named(one.name), expectation.value)) for one in evidence.members]


def _open(gate: Gate, job: Job, trials: Trials, evidence: Evidence) -> Gate:
    """Nothing is expected: the true value from which it passes, found at the bound and once more at what was found."""
    for again in (True, False):
        rule = _rule(job, gate.bound, evidence)
        members = [_member(one, gate.bound.limit) for one in evidence.members]
        if not members:
            break
        power = power_analysis(members, rule)
        passes_from = _passes_from(gate.bound, power)
        if passes_from is None:
            return _feasible(replace(gate, power=power), evidence, rule)
        better = trials.at(job, passes_from).evidence if again else None
        evidence = evidence if better is None else better
    else:
        members = [_member(one, passes_from) for one in evidence.members]
        gate = replace(gate, passes_from=passes_from, power=power_analysis(members, rule))
        gate = _with_members(gate, evidence, members, rule)
    return _feasible(gate, evidence, rule)


def _passes_from(bound: Bound, power: PowerAnalysis) -> float | None:
    if power.detectable is None:
        return None
    return bound.limit + (power.detectable if bound.floor else -power.detectable)


def _with_members(gate: Gate, evidence: Evidence, members: list[PlannedMember], rule: DecisionRule) -> Gate:
    """With the members that are planned in detail by themselves; a pair of groups stands for both of its orders."""
    if gate.power is None or (len(members) == 1 and evidence.members[0].name == OVERALL):
        return gate
    worst = {_key(evidence.members[i]): i for i in reversed(gate.power.worst)}
    detailed = [
        GateMember(evidence.members[i].name, evidence.members[i].estimate.n, members[i].value, power_analysis([members[i]], rule))
        for i in list(worst.values())[-DETAILED:]
    ]
    more = len({_key(one) for one in evidence.members}) - len(detailed)
    return replace(gate, members=tuple(sorted(detailed, key=lambda one: one.power.p_pass)), more_members=more)


def _key(member: Member) -> object:
    """The same for both orders of a pair."""
    return frozenset((str(member.name.first), str(member.name.second))) if isinstance(member.name, Pair) else str(member.name)


def _feasible(gate: Gate, evidence: Evidence, rule: DecisionRule) -> Gate:
    """With the reason why no true value passes, where none does."""
    if evidence.unmeasured:
        return replace(gate, infeasible_because="; ".join(f"{one.name}: {one.reason}" for one in evidence.unmeasured[:3]))
    if gate.power is None or gate.power.p_best >= NEVER:
        return gate
    short = {
        _key(member): f"{member.name}: {rows_in_words(support)}, at least {least:,} needed"
        for member in reversed(evidence.members)
        if (support := member.estimate.support) < (least := max(rule.min_n, member.estimate.min_support))
    }
    few = {
        _key(one): f"{one.name}: {few[0]:,} of {few[1]:,} rows with an error {'holds' if few[0] == 1 else 'hold'} half of it"
        for one in evidence.members
        if (few := few_rows(one.estimate))
    }
    members = [_member(one, None) for one in evidence.members]
    ideal = [replace(one, truth=best_attainable(one, rule)) for one in members]
    power = power_analysis(ideal, rule)
    end = power.interval[0 if rule.floor else 1]
    if math.isinf(end) and not short and not few:
        return Gate(gate.index, gate.requirement, gate.bound, gate.rows, note=NO_SPREAD)
    ideal_of = "without any change the" if gate.requirement.reference is not None else "the best model's"
    reason = "; ".join([*(short | few).values()][::-1][:3]) or f"even {ideal_of} interval would end at {number(end)}"
    return replace(gate, infeasible_because=reason, needed=_needed(gate, power), passes_from=None)


def _may_pass(gate: Gate, job: Job, trials: Trials) -> bool:
    """Whether a nearly perfect model, which serves every group equally, proves the bound: then no simulated gap rules out a pass."""
    evidence = replace(trials, usual=STRONGEST).at(job, None).evidence
    if evidence is None or evidence.unmeasured:
        return False
    rule = _rule(job, gate.bound, evidence)
    return all(_proves(one, rule) for one in evidence.members)


def _proves(member: Member, rule: DecisionRule) -> bool:
    """Whether its interval lies on the good side; of a gap with both rates at 1, which leave it the least noise."""
    estimate = member.estimate
    if estimate.support < max(rule.min_n, estimate.min_support):
        return False
    if isinstance(member.name, Pair) and is_comparison(estimate):
        first, second = (with_value(side, 1.0) for side in (estimate.first, estimate.second))
        if value_range(estimate.first) == (0.0, 1.0) and first is not None and second is not None:
            moved: Any = estimate
            estimate = replace(moved, first=first, second=second)
    low, high = estimate.bounds(*rule.levels)
    return low >= rule.bound if rule.floor else high <= rule.bound


def _as_in_pilot(gate: Gate, job: Job, expectation: Expectation, members: Mapping[str, Estimate]) -> Gate:
    """A pilot's own estimates: only it knows how often two models err on the same rows, and what fine-tuning does."""
    rows = job.subject.data.rows
    if expectation.unmeasured:
        return replace(gate, rows=rows, note=f"not planned: the pilot could not measure {expectation.unmeasured[0]}")
    evidence = Evidence(members=tuple(Member(unnamed(name), one) for name, one in members.items()), unit=job.check.unit, rows=rows)
    note = "" if expectation.same_rows else "planned on as many rows as the pilot had, which were others"
    rule = _rule(job, gate.bound, evidence)
    return _expected(replace(gate, rows=rows, note=note), evidence, rule, replace(expectation, same_rows=True))
