"""Bounds that a check's own range leaves open, and that are always met on the data and the candidate at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit.errors import CannotMeasure

if TYPE_CHECKING:
    from audit.check import Check
    from audit.policy.schema import Requirement
    from audit.subject import Subject


def refuse_empty_bound(requirement: Requirement, check: Check, subject: Subject, params: Any) -> None:
    """Refuse a bound at or beyond the end that the value cannot pass here: it would be met by any model."""
    if check.range_on is None:
        return
    low, high = check.range_on(subject, params)
    met = _always_met(requirement, low, high)
    if met is not None:
        msg = f"{met:g} is always met: here {requirement.check} lies between {low:g} and {high:g}; give a bound that can fail"
        raise CannotMeasure(msg)


def _always_met(requirement: Requirement, low: float, high: float) -> float | None:
    if requirement.against is not None:
        return requirement.margin if requirement.margin is not None and requirement.margin >= high - low else None
    if requirement.min is not None and requirement.min <= low:
        return requirement.min
    return requirement.max if requirement.max is not None and requirement.max >= high else None
