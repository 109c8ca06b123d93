"""What the next candidate may use up of a test set that is spent over looks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from audit.datasets.identity import columns_sha256, rows_sha256
from audit.decision.judge import one_sided
from audit.ledger.alpha_spending import Look, Plan, Spent, levels
from audit.ledger.test_set_usage import Identity, wear
from audit.pipeline.test_set_use import roles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.ledger import Entry
    from audit.pipeline.job import Job
    from audit.policy.schema import Policy

_NEXT = ""
"""Digest of a candidate that nobody has seen yet."""


def ready(policy: Policy, jobs: Sequence[Job], entries: Sequence[Entry]) -> tuple[Job, ...]:
    """The jobs as the next new candidate will be judged; as they are where the policy spends nothing."""
    if policy.looks is None:
        return tuple(jobs)
    plan, others = Plan(policy.looks.max, policy.looks.spending), policy.comparator_columns
    looks: dict[str, tuple[Look, ...]] = {}
    for role in roles(job.requirement for job in jobs if job.skip is None):
        data = next(job.subject.data for job in jobs if job.requirement.on == role)
        worn = wear(entries, Identity(data.sha256, rows_sha256(data, without=others), columns_sha256(data)))
        looks[role] = (*worn.looks, Look(_NEXT, worn.number(_NEXT), plan))
    return tuple(_ready(job, looks.get(job.requirement.on)) for job in jobs)


def _ready(job: Job, looks: tuple[Look, ...] | None) -> Job:
    if looks is None or not job.check.asks_the_model:
        return job
    alpha = one_sided(job.requirement, job.confidence)
    return replace(job, spent=Spent(looks[-1].number, looks[-1].plan.most, levels(looks, alpha)[-1], alpha))
