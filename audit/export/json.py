"""`results.json`, the contract that other tools read."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, TypeAlias

from audit import phrases
from audit.evidence import OVERALL, RateTable
from audit.export import Export
from audit.export._work_order import work_order
from audit.stats import stored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from audit.decision.finding import Bound, Finding, Headline, Judged
    from audit.evidence import Member, Name
    from audit.governance.apply_waivers import WaiverState
    from audit.governance.keys import PublicKey
    from audit.governance.policy_approvals import ApprovalState
    from audit.governance.policy_change import PolicyChange
    from audit.record import AuditRun, CandidateFacts, DatasetFacts, LookFacts, MonitorFacts

SCHEMA = "audit.results/1"
Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"


def results(audit: AuditRun) -> dict[str, Json]:
    """The run as plain JSON values."""
    run, policy = audit.run, audit.policy
    return {
        "schema": SCHEMA,
        "run": {
            "id": run.id,
            "started": run.started,
            "seconds": round(run.seconds, 3),
            "seed": run.seed,
            "version": run.version,
            "command": run.command,
            "environment": dict(run.environment),
            "timings": {name: round(seconds, 3) for name, seconds in run.timings.items()},
            "retries": dict(run.retries),
        },
        "policy": {"name": policy.policy, "version": policy.version, "sha256": audit.policy_sha256},
        "candidate": _model(audit.candidate),
        "champion": _model(audit.comparators["champion"]) if "champion" in audit.comparators else None,
        "base": _model(audit.comparators["base"]) if "base" in audit.comparators else None,
        "models": {name: _model(one) for name, one in audit.comparators.items() if name not in {"champion", "base"}},
        "datasets": {data.role: _dataset(data) for data in audit.datasets},
        "decision": audit.verdict.decision,
        "exit_code": audit.verdict.exit_code,
        "valid_until": audit.valid_until,
        "not_measured": dict(policy.not_measured),
        "ledger_head": audit.ledger_head,
        "looks": {one.role: _look(one) for one in audit.looks},
        "monitor": None if audit.monitor is None else _monitor(audit.monitor),
        "policy_change": _policy_change(audit.policy_change),
        "reasons": [
            {"rule": one.rule, "finding": one.finding, "text": phrases.reason(one, audit.findings)} for one in audit.verdict.reasons
        ],
        "conditions": [
            {"finding": one.finding, "owner": one.owner, "due": one.due, "closes_with": phrases.closes_with(one, audit.findings)}
            for one in audit.verdict.conditions
        ],
        "work_order": [one.to_json() for one in work_order(audit)],
        "waivers": [_waiver(one) for one in audit.waivers],
        "findings": [finding(one, policy.confidence) for one in audit.findings],
    }


def _dataset(facts: DatasetFacts) -> dict[str, Json]:
    found: dict[str, Json] = {"sha256": facts.sha256, "rows": facts.rows}
    return found if facts.population is None else found | {"sample_of": facts.population}


def _monitor(facts: MonitorFacts) -> dict[str, Json]:
    """The window and the evidence over all windows; times are in the policy's time zone."""
    return {
        "outcome": facts.outcome,
        "window": asdict(facts.window),
        "budget": asdict(facts.budget),
        "signals": [asdict(one) | {"member": None if one.member is None else one.member.to_json()} for one in facts.signals],
        "missing": list(facts.missing),
        "retraining": None if facts.retraining is None else asdict(facts.retraining) | {"windows": list(facts.retraining.windows)},
    }


def _policy_change(change: PolicyChange | None) -> dict[str, Json] | None:
    """None where nothing was promoted before; without `changes` where the policy of that run cannot be read."""
    if change is None:
        return None
    changes = [{"kind": one.kind, "place": one.place, "words": one.words} for one in change.changes or ()]
    return {
        "run": change.run,
        "time": change.time,
        "changes": None if change.changes is None else changes,
        "entry": change.entry,
        "policy_sha256": change.sha256,
        "guarded": change.guarded,
        "approved": bool(change.approved_by),
        "approvers": None if change.approvers is None else [_key(one) for one in change.approvers],
        "approvals": [_approval(one) for one in change.approvals],
    }


def _key(one: PublicKey) -> dict[str, Json]:
    return {"name": one.name, "line": one.line, "role": one.role, "public_key": one.public_key}


def _approval(one: ApprovalState) -> dict[str, Json]:
    """`why` is empty where it counts."""
    return {"by": one.by, "role": one.role, "line": one.line, "at": one.at, "requested_by": one.requested_by, "why": list(one.why)}


def _look(one: LookFacts) -> dict[str, Json]:
    """`max` and all that follows from it are null where the policy has no `looks`."""
    return {
        "number": one.number,
        "max": one.most,
        "spending": one.spending,
        "level": one.level,
        "left": one.left,
        "exhausted": one.exhausted,
        "decisions": one.decisions,
        "candidates": one.candidates,
        "exchanged": [{"sha256": other.sha256, "candidates": other.candidates} for other in one.exchanged],
    }


def _model(facts: CandidateFacts) -> dict[str, Json]:
    return {
        "kind": facts.kind,
        "sha256": facts.sha256,
        "parameters": facts.parameters,
        "description": facts.description,
        "classes": list(facts.classes),
    }


def text(audit: AuditRun) -> str:
    """The run as JSON text; a NaN is refused."""
    return json.dumps(results(audit), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def estimates(audit: AuditRun) -> str:
    """Every member's estimate with its sufficient statistic, so that a finding can be judged again under another policy."""
    found = {
        finding.id: {
            "unit": finding.evidence.unit,
            "members": [_stored(member) for member in finding.evidence.members],
            "unmeasured": [{"name": _member(one.name), "reason": one.reason} for one in finding.evidence.unmeasured],
            "context": [_stored(member) for member in finding.evidence.context],
        }
        for finding in audit.findings
        if finding.evidence is not None
    }
    return json.dumps({"schema": "audit.estimates/1", "findings": found}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _stored(member: Member) -> dict[str, object]:
    return {"name": _member(member.name), "estimate": stored.to_json(member.estimate)}


def finding(finding: Finding, confidence: float) -> dict[str, Json]:
    """One finding; `confidence` is the policy's own."""
    one = finding.requirement
    return {
        "id": one.id,
        "check": one.check,
        "status": finding.status,
        "disposition": finding.disposition,
        "severity": one.severity,
        "enforce": one.enforce,
        "on": one.on,
        "reference": one.reference,
        "reference_group": one.reference_group,
        "by": [[key if isinstance(key, str) else key.to_json() for key in family] for family in one.by],
        "judge_on": one.judge_on,
        "min_n": one.min_n,
        "confidence": one.confidence or confidence,
        "params": dict(one.params),
        "against": one.against,
        "margin": one.margin,
        "threshold": _threshold(finding.bounds),
        "headline": _headline(finding.headline),
        "slices": [_slice(row) for row in finding.slices],
        "failing": [name.to_json() for name in finding.failing],
        "unproven": [name.to_json() for name in dict.fromkeys(name for side in finding.sides for name in side.unproven)],
        "message": phrases.message(finding),
        "would_pass": phrases.would_pass(finding) or None,
        "remedy": phrases.remedy(finding),
        "owner": finding.owner,
        "rmf": list(finding.check.rmf),
        "evidence": list(finding.evidence_files),
        "notes": list(finding.evidence.notes) if finding.evidence else [],
        "tables": [_rates(one) for one in finding.evidence.figures if isinstance(one, RateTable)] if finding.evidence else [],
    }


def _rates(table: RateTable) -> dict[str, Json]:
    """A table that a law prescribes, one entry a category."""
    return {
        "rate": table.rate,
        "by": list(table.columns),
        "class": table.of or None,
        "categories": [
            {
                "slice": name.to_json(),
                "n": table.rows[i],
                "hits": table.hits[i],
                "rate": table.hits[i] / table.rows[i],
                "impact_ratio": table.ratios[i],
                "interval": None if low is None or high is None else [_end(low), _end(high)],
                "exact_p": table.exact_p[i],
                "left_out": table.apart[i] or None,
            }
            for i, (name, low, high) in enumerate(zip(table.names, table.lower, table.upper, strict=True))
        ],
    }


def _threshold(sides: Sequence[Bound]) -> dict[str, Json]:
    """The bounds as they are judged: of a comparison, on the difference."""
    floors, ceilings = ([side.limit for side in sides if side.floor is floor] for floor in (True, False))
    return {"min": floors[0] if floors else None, "max": ceilings[0] if ceilings else None}


def _waiver(one: WaiverState) -> dict[str, Json]:
    return {
        "id": one.id,
        "finding": one.check,
        "file": one.file,
        "state": one.standing,
        "why": list(one.why),
        "warning": one.warning,
        "expires_at": one.until,
        "approved_by": list(one.approved_by),
    }


def _headline(head: Headline | None) -> dict[str, Json] | None:
    if head is None:
        return None
    return {
        "value": head.value,
        "n": head.n,
        "interval": [_end(end) for end in head.interval],
        "unit": head.unit,
        "method": head.method,
        "member": _member(head.member),
        "levels": list(head.levels),
    }


def _slice(row: Judged) -> dict[str, Json]:
    found: dict[str, Json] = {
        "slice": row.name.to_json(),
        "value": row.value,
        "n": row.n,
        "interval": [_end(end) for end in row.interval] if row.interval else None,
    }
    return found | ({"status": row.status} if row.status else {}) | ({"reason": row.reason} if row.reason else {})


def _member(name: Name) -> Json:
    return None if name == OVERALL else name.to_json()


def _end(end: float) -> float | None:
    """An open end has no number."""
    return end if math.isfinite(end) else None


def lines(audit: AuditRun) -> str:
    """One JSON object a line: the run, each finding, the decision; `kind` tells them apart."""
    whole = results(audit)
    del whole["findings"]
    decided = {key: whole.pop(key) for key in ("decision", "exit_code", "valid_until", "reasons", "conditions")}
    found = ({"kind": "finding"} | finding(one, audit.policy.confidence) for one in audit.findings)
    parts = [{"kind": "run"} | whole, *found, {"kind": "decision"} | decided]
    return "".join(json.dumps(part, ensure_ascii=False, allow_nan=False) + "\n" for part in parts)


EXPORTS = (
    Export("json", "results.json, printed in place of the table", lambda one: {"results.json": text(one)}, "results.json", instead=True),
    Export("jsonl", "one JSON object a line, printed likewise", lambda one: {"results.jsonl": lines(one)}, "results.jsonl", instead=True),
)
