"""Which facts the policy declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.record import AuditRun


def declared_fields(run: AuditRun) -> frozenset[str]:
    """Names of the facts that the policy declares."""
    policy = run.policy
    found = {f"system.{name}" for name in type(policy.system).model_fields if getattr(policy.system, name)}
    found |= {f"policy.{name}" for name in ("tier", "version") if name in policy.model_fields_set}
    found |= {"policy.sha256", "policy.decision_rules", "policy.require", "policy.require.severity", "candidate.task"}
    found |= {"candidate.kind"} if policy.candidate.load or policy.candidate.fine_tune else set()
    found |= {f"policy.{name}" for name in ("waivers", "not_measured") if getattr(policy, name)}
    found |= {"datasets.licence"} if run.datasets and all(data.licence for data in run.datasets) else set()
    return frozenset(found)
