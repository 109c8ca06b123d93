"""Which facts a policy must declare at which tier: what bars a promotion, and what the check of declared fields counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.policy.reasons import blank

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

REQUIRED: dict[int, tuple[str, ...]] = {
    3: ("system.purpose", "system.owner.contact"),
    2: ("system.out_of_scope", "system.author", "system.rollback_plan", "system.affected", "system.limits"),
    1: (
        "system.incident_contact",
        "system.legal_basis",
        "system.risk_tolerance",
        "system.oversight",
        "system.third_party",
        "system.benefits",
        "system.costs",
        "system.monitoring_plan",
        "system.decommissioning_plan",
        "system.feedback_channel",
    ),
}
"""What each tier requires beyond the tiers below it (3 is the lowest materiality)."""
OF_DATA: dict[int, tuple[str, ...]] = {3: (), 2: ("source",), 1: ("licence",)}
"""The same for every declared data set: `datasets.train.source`."""


def required(tier: int, roles: Iterable[str]) -> tuple[str, ...]:
    """Facts that a tier asks for, by their place in the policy file, for data sets of these roles."""
    tiers = [one for one in sorted(REQUIRED, reverse=True) if one >= tier]
    system = [name for one in tiers for name in REQUIRED[one]]
    return (*system, *(f"datasets.{role}.{name}" for role in sorted(roles) for one in tiers for name in OF_DATA[one]))


def missing(names: Iterable[str], facts: Mapping[str, object]) -> tuple[str, ...]:
    """Those of the facts that are not stated, or only by a placeholder. Names and numbers of the policy itself need no content."""
    return tuple(name for name in names if (facts.get(name) is None if name.startswith("policy.") else blank(facts.get(name))))
