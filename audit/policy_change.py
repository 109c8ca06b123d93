"""How a run's policy differs from the policy of the last promotion under the same name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from audit.finding import Reason
from audit.policy import diff, shape
from audit.policy.schema import Policy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from audit.check import Check
    from audit.ledger import Entry
    from audit.policy.diff import Change
    from audit.policy.positions import Tree

KEPT = "policy_resolved"
"""Key of a promoting run's entry that holds its policy."""
_TOLD = 5
"""Changes that are told in a reason; the report has them all."""


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """The policy of the last promotion against that of this run."""

    run: str
    """Id of the run that was promoted."""
    time: str
    """When, ISO 8601, UTC."""
    changes: tuple[Change, ...] | None
    """What was loosened first; None where this release cannot read the policy that was kept."""


def kept(policy: Policy) -> dict[str, Tree]:
    """A policy as the ledger keeps it: resolved, and without what was never set, so that it reads back as the same."""
    found = diff.tree(policy)
    own = {role: spec.columns.model_dump(mode="json", exclude_unset=True) for role, spec in policy.datasets.items() if spec.columns}
    datasets: dict[str, Tree] = policy.model_dump(mode="json", include={"datasets"})["datasets"]
    return found | {"datasets": {role: _with_columns(spec, own.get(role)) for role, spec in datasets.items()}}


def _with_columns(spec: Tree, own: dict[str, Tree] | None) -> Tree:
    """A column role that is null takes it away; one that was not set does not."""
    return {**spec, "columns": own} if isinstance(spec, dict) else spec


def since_promotion(
    entries: Sequence[Entry], head: str | None, policy: Policy, *, catalog: Mapping[str, Check] | None = None
) -> PolicyChange | None:
    """The difference from the last promotion up to the ledger's `head`; None where there is none under this policy's name."""
    last = _last(entries, head, policy.policy)
    if last is None:
        return None
    told = json.loads(last.payload)
    try:
        before = shape.typed(Policy, told[KEPT])
    except ValidationError:
        return PolicyChange(str(told["run"]), last.time, None)
    return PolicyChange(str(told["run"]), last.time, diff.differences(before, policy, catalog=catalog))


def _last(entries: Sequence[Entry], head: str | None, name: str) -> Entry | None:
    found = None
    for entry in entries if head is not None else ():
        if entry.kind == "run":
            told = json.loads(entry.payload)
            found = entry if told.get("policy") == name and KEPT in told else found
        if entry.digest == head:
            break
    return found


def remarks(change: PolicyChange | None) -> tuple[Reason, ...]:
    """What a reader of the decision must know; it changes nothing in this release."""
    if change is None:
        return ()
    since = f"since run {change.run} was promoted"
    if change.changes is None:
        text = f"What changed {since} cannot be said: this release does not read the policy of that run."
        return (Reason("policy-loosened", None, text),)
    less = diff.loosened(change.changes)
    if not less:
        return ()
    told = [f"{one.place}: {one.words}" for one in less[:_TOLD]]
    more = f"; and {len(less) - _TOLD} more" if len(less) > _TOLD else ""
    return (Reason("policy-loosened", None, f"Loosened {since}: {'; '.join(told)}{more}."),)
