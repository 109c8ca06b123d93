"""Reasons that follow from a policy and its data alone: what blocks by the declared tier, and what a reader must know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit import catalog
from audit.datasets import copies
from audit.decision.finding import Reason
from audit.decision.rules import MODEL_UNJUDGED
from audit.frameworks import nist_ai_rmf
from audit.pipeline import one_class, slice_coverage
from audit.pipeline.jobs import declared
from audit.policy.declared_facts import blank, is_reason, missing, required

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from audit.datasets import Dataset
    from audit.policy.schema import Policy


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


def model_unasked(policy: Policy) -> tuple[Reason, ...]:
    """The reason that blocks a policy which requires nothing of the model's own answers."""
    asked = any(one.enforce == "required" and catalog.discover()[one.check].asks_the_model for one in policy.require)
    return () if asked else (Reason(MODEL_UNJUDGED, None),)


def remarks(policy: Policy) -> tuple[Reason, ...]:
    """What a reader of the decision must know, though it changes nothing."""
    found = [
        Reason("no-effect", None, f"{key}: no effect on `audit run` in this release.")
        for key, given in (("monitor", policy.monitor), ("registry", policy.registry))
        if given is not None
    ]
    return tuple(found)


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


def data_remarks(policy: Policy, datasets: Mapping[str, Dataset]) -> tuple[Reason, ...]:
    """How files were read, rows that stand in them many times, and columns of slices with hardly a group."""
    measured = {one.on for one in policy.require}
    read = [
        f"datasets.{role}: {text}"
        for role, data in datasets.items()
        for text in (*data.remarks, *((*copies.remark(data), *one_class.label_remark(data)) if role in measured else ()))
    ]
    return tuple(Reason("data-remark", None, text) for text in (*read, *slice_coverage.remarks(policy, datasets)))
