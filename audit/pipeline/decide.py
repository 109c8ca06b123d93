"""The third step of a run: waivers applied to the findings, what blocks apart from them, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from audit import catalog
from audit.decision import rules
from audit.decision.finding import Reason
from audit.export import json as results_json
from audit.frameworks import nist_ai_rmf
from audit.governance import baseline, policy_change, sign_off, waiver_validity
from audit.governance.apply_waivers import apply_waivers
from audit.ledger import times
from audit.pipeline import training_rows
from audit.pipeline.jobs import declared
from audit.policy.declared_facts import blank, is_reason, missing, required

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence
    from datetime import datetime

    from audit.datasets import Dataset
    from audit.decision.finding import Finding, Verdict
    from audit.governance.apply_waivers import WaivedFindings, WaiverState
    from audit.governance.policy_change import PolicyChange
    from audit.ledger import Entry
    from audit.pipeline.measure import Measured
    from audit.pipeline.prepare import Prepared
    from audit.policy import LoadedPolicy
    from audit.policy.schema import Policy


@dataclass(frozen=True, slots=True)
class Decided:
    """What a run decides, and on what."""

    findings: tuple[Finding, ...]
    """With the waivers that are in force."""
    waivers: tuple[WaiverState, ...]
    verdict: Verdict
    policy_change: PolicyChange | None
    """Since the last promotion under a policy of this name."""


def decide(prepared: Prepared, measured: Measured, started: datetime, *, partial: Sequence[str], told: Sequence[Reason]) -> Decided:
    """The verdict. `partial` names the options that leave something unmeasured, `told` the remarks made before the run."""
    loaded, looks = prepared.loaded, measured.looks
    situation = waiver_validity.situation(loaded, prepared.waivers, prepared.candidate.sha256, started, entries=looks.before)
    waived = apply_waivers(measured.findings, situation)
    since = prepared.since(looks.before, started)
    blocking = (
        *(Reason("partial-run", None, f"{name} leaves a part of the policy unmeasured: nothing is promoted.") for name in partial),
        *_tier_reasons(prepared, waived.findings),
        *prepared.learned.blocking,
        *looks.blocking_reasons(),
        *policy_change.blocking_reasons(since),
    )
    verdict = rules.decide(loaded.policy.require, waived.findings, blocking=blocking, today=started.date())
    verdict, signed = _signed_before(prepared, looks.before, waived, verdict, started)
    remarks = (
        *signed,
        *waived.reasons,
        *policy_change.remarks(since),
        *policy_remarks(loaded),
        *looks.remarks(),
        *prepared.remarks(),
        *told,
    )
    return Decided(waived.findings, waived.states, rules.with_remarks(verdict, remarks), since)


def _signed_before(
    prepared: Prepared, entries: Sequence[Entry], waived: WaivedFindings, verdict: Verdict, started: datetime
) -> tuple[Verdict, tuple[Reason, ...]]:
    """The exit code of a promotion with conditions is 0 once the quorum signed these conditions for this candidate.

    The decision stays, and so do the dates that were signed: a run that is repeated moves none of them.
    """
    if verdict.decision != "promote-with-conditions":
        return verdict, ()
    policy = prepared.loaded.policy
    sought = sign_off.Sought(
        candidate_sha256=prepared.candidate.sha256,
        policy_sha256=prepared.loaded.sha256,
        datasets={role: data.sha256 for role, data in prepared.datasets.items()},
        conditions_sha256=sign_off.conditions_sha256(_open(prepared, waived, verdict)),
        tier=sign_off.tier_of(policy.tier if "tier" in policy.model_fields_set else None),
        author=policy.system.author,
    )
    quorum = sign_off.standing(entries, sought, prepared.waivers.trusted, times.latest(started, entries))
    if not quorum.met:
        told = tuple(Reason("sign-off-not-counted", None, f"A sign-off in the ledger does not count: {one}.") for one in quorum.problems)
        return verdict, told
    due = {(one.finding, one.due) for signer in quorum.signers for one in signer.sign_off.conditions}
    conditions = tuple(replace(one, due=min([one.due, *(day for name, day in due if name == one.finding)])) for one in verdict.conditions)
    by = " and ".join(one.sign_off.words for one in quorum.signers)
    runs = ", ".join(dict.fromkeys(one.sign_off.run for one in quorum.signers))
    text = f"These conditions are signed for this candidate by {by}, over run {runs}: the exit code is 0."
    return replace(verdict, exit_code=0, conditions=conditions), (Reason("conditions-signed", None, text),)


def _open(prepared: Prepared, waived: WaivedFindings, verdict: Verdict) -> dict[str, object]:
    """The part of `results.json` that says what stays open."""
    confidence = prepared.loaded.policy.confidence
    models = {name: {"sha256": one.candidate.sha256} for name, one in prepared.baselines.comparators.items()}
    return {
        "champion": models.pop("champion", None),
        "base": models.pop("base", None),
        "models": models,
        "conditions": [{"finding": one.finding, "owner": one.owner} for one in verdict.conditions],
        "findings": [results_json.finding(one, confidence) for one in waived.findings],
        "waivers": [{"id": one.id, "finding": one.check, "state": one.standing} for one in waived.states],
    }


def _tier_reasons(prepared: Prepared, findings: Sequence[Finding]) -> tuple[Reason, ...]:
    unmeasured = {one.id for one in findings if one.status not in rules.JUDGED and rules.effect(one) != "block"}
    return blocking_reasons(prepared.loaded.policy, unmeasured=unmeasured)


def blocking_reasons(policy: Policy, *, unmeasured: Container[str] = ()) -> tuple[Reason, ...]:
    """What blocks by the declared tier: missing facts, and characteristics without a measured required check.

    `unmeasured` names requirements that measured nothing, once that is known.
    """
    if "tier" not in policy.model_fields_set:
        return ()
    absent = missing(required(policy.tier, policy.datasets), declared(policy))
    found = [Reason("declared-field-missing", None, f"Tier {policy.tier} asks for {name}: declare it in the policy.") for name in absent]
    if policy.tier in {1, 2}:
        found += [Reason("characteristic-uncovered", None, _uncovered(policy, name)) for name in uncovered(policy, unmeasured=unmeasured)]
    return tuple(found)


def _uncovered(policy: Policy, name: str) -> str:
    """What is wrong with a characteristic, and what to do."""
    stated = policy.not_measured.get(name)
    if stated is not None:
        return f"not_measured.{name} gives no reason, only {stated!r}: say in a sentence why it is not measured, or add a required check."
    return f"No required check looks at {name!r}: add one, or a reason in a sentence under not_measured.{name}."


def reasons_before_measuring(policy: Policy, datasets: Mapping[str, Dataset]) -> tuple[Reason, ...]:
    """What blocks whatever is measured on these data."""
    return blocking_reasons(policy) + training_rows.find(policy, datasets).blocking + _model_unasked(policy)


def _model_unasked(policy: Policy) -> tuple[Reason, ...]:
    """The reason that blocks a policy which requires nothing of the model's own answers."""
    asked = any(one.enforce == "required" and catalog.discover()[one.check].asks_the_model for one in policy.require)
    return () if asked else (Reason(rules.MODEL_UNJUDGED, None),)


def policy_remarks(loaded: LoadedPolicy) -> tuple[Reason, ...]:
    """What a reader of the decision must know, though it changes nothing."""
    return tuple(Reason("baseline-loosened", None, text) for text in baseline.remarks(loaded, catalog.discover()))


def uncovered(policy: Policy, *, unmeasured: Container[str] = ()) -> tuple[str, ...]:
    """Characteristics of trustworthy AI without a required check that measured, a reason, or the declared fact that stands for them."""
    measured = [one for one in policy.require if one.enforce == "required" and one.id not in unmeasured]
    covered = {trait for one in measured for trait in catalog.discover()[one.check].characteristics}
    facts = _declared_parents(policy)
    return tuple(
        trait.id
        for trait in nist_ai_rmf().characteristics
        if trait.id not in covered and not is_reason(policy.not_measured.get(trait.id, "")) and trait.declared not in facts
    )


def _declared_parents(policy: Policy) -> set[str]:
    """The stated facts by name, `system.owner` for `system.owner.contact` too."""
    return {".".join(name.split(".")[:2]) for name, value in declared(policy).items() if not blank(value)}
