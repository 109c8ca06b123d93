"""A model card as Hugging Face reads it: `model-index` in the front matter, the audit's outcome in the text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from audit import phrases
from audit.evidence import OVERALL
from audit.export import Export
from audit.export._outcomes import visible
from audit.export.markdown import escaped, rows
from audit.export.markdown import head as decision_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.decision.finding import Finding
    from audit.record import AuditRun


def text(audit: AuditRun) -> str:
    """The card. What the policy does not declare is not in it."""
    front = yaml.safe_dump(visible(_front(audit)), sort_keys=False, allow_unicode=True, width=10_000)
    return f"---\n{front}---\n\n" + "\n".join(_body(audit)) + "\n"


def _front(audit: AuditRun) -> dict[str, Any]:
    policy = audit.policy
    found: dict[str, Any] = {"pipeline_tag": policy.candidate.task, "tags": ["audit", f"audit-{audit.verdict.decision}"]}
    if audit.training is not None:
        found["base_model"] = audit.training.base
    found["model-index"] = [{"name": policy.policy, "results": _results(audit)}]
    return found


def _results(audit: AuditRun) -> list[dict[str, Any]]:
    """One entry a data set, as the format asks."""
    measured = [finding for finding in audit.findings if finding.headline is not None]
    roles = dict.fromkeys(finding.requirement.on for finding in measured)
    return [
        {
            "task": {"type": audit.policy.candidate.task},
            "dataset": {"type": role, "name": role},
            "metrics": [_metric(finding) for finding in measured if finding.requirement.on == role],
        }
        for role in roles
    ]


def _metric(finding: Finding) -> dict[str, Any]:
    head = finding.headline
    assert head is not None  # noqa: S101  # only measured findings come here
    args: dict[str, Any] = {"interval": [float(one) for one in head.interval], "n": head.n, "status": finding.status}
    if head.member != OVERALL:
        args["member"] = str(head.member)
    name = finding.check.id.rpartition("/")[2]
    return {"type": name, "value": float(head.value), "name": finding.id, "args": args}


def _body(audit: AuditRun) -> Iterator[str]:
    system = audit.policy.system
    yield f"# {escaped(audit.policy.policy)}"
    if system.purpose:
        yield f"\n{escaped(system.purpose)}"
    for title, lines in (("Out of scope", system.out_of_scope), ("Limits", [system.limits] if system.limits else ())):
        if lines:
            yield f"\n## {title}"
            yield from (f"- {escaped(one)}" for one in lines)
    yield "\n## Audit"
    yield f"\n{decision_line(audit).removeprefix('## ')}, run {escaped(audit.run.id)}.\n"
    yield from rows(audit)
    if audit.verdict.conditions:
        yield "\n## Conditions"
        yield from (
            f"- by {one.due}, {escaped(one.owner)}: {escaped(phrases.closes_with(one, audit.findings))}" for one in audit.verdict.conditions
        )


EXPORTS = (Export("model-card", "a model card with `model-index` (Hugging Face)", lambda one: {"model-card/README.md": text(one)}),)
