"""The third step of a run: waivers waived over the findings, what blocks apart from them, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.decision import rules
from audit.decision.finding import Reason
from audit.governance import policy_change, waiver_validity
from audit.governance.apply_waivers import apply_waivers
from audit.pipeline import policy_reasons

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from audit.decision.finding import Finding, Verdict
    from audit.governance.apply_waivers import WaiverState
    from audit.governance.policy_change import PolicyChange
    from audit.pipeline.measure import Measured
    from audit.pipeline.prepare import Prepared


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
    remarks = (
        *waived.reasons,
        *policy_change.remarks(since),
        *policy_reasons.remarks(loaded.policy),
        *looks.remarks(),
        *prepared.remarks(),
        *told,
    )
    return Decided(waived.findings, waived.states, rules.with_remarks(verdict, remarks), since)


def _tier_reasons(prepared: Prepared, findings: Sequence[Finding]) -> tuple[Reason, ...]:
    unmeasured = {one.id for one in findings if one.status not in rules.JUDGED and rules.effect(one) != "block"}
    return policy_reasons.blocking_reasons(prepared.loaded.policy, unmeasured=unmeasured)
