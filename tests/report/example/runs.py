"""Whole runs, decided by the tool itself: one for every decision, and one where nothing could be measured."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from audit.datasets import Columns
from audit.decision.finding import Reason
from audit.decision.rules import decide
from audit.evidence import OVERALL, Churn, Evidence, Example, Member, Part
from audit.governance.apply_waivers import WaiverState
from audit.policy.schema import CandidateSpec, ComparatorSpec, Person, Policy, System
from audit.record import AuditRun, CandidateFacts, DatasetFacts, LookFacts, RunFacts, Sampled
from audit.stats import PairedDifference
from tests.report.example.checks import ACCURACY, DECLARED, DUPLICATES, F1, KS, LEAKAGE, LOSS, MEMBERSHIP, PII, PSI, TOXIC, region
from tests.report.example.findings import (
    accuracy,
    area,
    calibration,
    census,
    drift,
    f1,
    judged,
    letters,
    opportunity,
    parity,
    personal_data,
    without,
)
from tests.report.example.fine_tuning import training

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from audit.decision.finding import Finding

TODAY = date(2026, 11, 20)
SYSTEM = System(
    purpose="Find complaints that must be answered within a day",
    out_of_scope=("credit decisions", "any reply to the customer"),
    affected=("complainants", "desk staff"),
    owner=Person(team="Support ML", contact="support-ml@example.org"),
    author="model-team@example.org",
    rollback_plan="docs/rollback.md",
    legal_basis=("GDPR",),
    oversight="Desk staff can move any complaint",
    incident_contact="oncall@example.org",
)
DATASETS = (
    DatasetFacts("train", "fixtures/complaints/train.parquet", "2b8f" * 16, 6000, 7, "generated", "CC0-1.0"),
    DatasetFacts("test", "fixtures/complaints/test.parquet", "e017" * 16, 1200, 7, "generated", "CC0-1.0"),
    DatasetFacts("production", "fixtures/complaints/production.parquet", "90d5" * 16, 2400, 6, "message log", None),
)


def audit_run(
    findings: Sequence[Finding],
    *,
    blocking: Sequence[Reason] = (),
    trained: bool = True,
    system: System = SYSTEM,
    not_measured: Mapping[str, str] | None = None,
) -> AuditRun:
    """The outcome of a run that made these findings."""
    required = tuple(finding.requirement for finding in findings)
    policy = Policy(
        policy="complaint-triage",
        version=3,
        seed=20260101,
        tier=2,
        system=system,
        columns=Columns(text="text", label="label", positive="urgent"),
        candidate=CandidateSpec.model_validate({"task": "text-classification", "fine_tune": {"base": "minilm"}}),
        champion=ComparatorSpec.model_validate({"load": {"kind": "transformers", "path": "models/champion"}}),
        require=required,
        not_measured=dict(
            {"explainable_interpretable": "routing only; a person reads every complaint"} if not_measured is None else not_measured
        ),
    )
    verdict = decide(required, findings, blocking=blocking, today=TODAY)
    return AuditRun(
        run=RunFacts(
            id="20261120-014711-3f9a",
            started="2026-11-20T01:47:11+00:00",
            seconds=251.4,
            seed=20260101,
            version="0.1.0",
            command="audit run policies/complaint-triage.yaml -o reports",
            environment={"python": "3.11.9", "numpy": "1.26.4", "platform": "Linux x86_64", "threads": "2"},
            timings={"load": 0.8, "fine-tune": 214.0, "predict": 21.0} | {finding.id: finding.seconds for finding in findings},
        ),
        policy=policy,
        policy_path="policies/complaint-triage.yaml",
        policy_text="policy: complaint-triage\nversion: 3\n",
        policy_sha256="9f2c" * 16,
        candidate=CandidateFacts("transformers", "7c1e" * 16, 22713986, "minilm, fine-tuned", ("other", "urgent")),
        datasets=DATASETS,
        findings=tuple(findings),
        verdict=verdict,
        ledger_head="d48a" * 16,
        valid_until=None if verdict.decision == "block" else "2026-12-04",
        training=training() if trained else None,
        licences={"textattack 0.3.11": "MIT"},
    )


def block() -> AuditRun:
    """Every status and severity, every figure, pairs, features, and a waived failure."""
    return audit_run(
        [
            f1(min=0.8),
            area(min=0.85),
            accuracy(min=0.75, severity="medium"),
            calibration(max=0.05, severity="medium", disposition="waived"),
            opportunity(max=0.1),
            parity(min=0.8, severity="medium", enforce="advisory"),
            letters(min=0.1, severity="medium"),
            personal_data(max=0, severity="critical"),
            census(DUPLICATES, 42, 6000, max=0, on="train", severity="low"),
            census(LEAKAGE, 0, 1200, max=0, severity="critical"),
            drift(max=0.1, severity="medium"),
            drift(PSI, 0.04, max=0.25, severity="low"),
            without(MEMBERSHIP, "error", "The check broke: MemoryError in shadow model 3 of 8. Allow 16 GiB, or set shadow_models to 4."),
            without(TOXIC, "not_applicable", "The policy says that it does not apply: the model writes no text.", severity="low"),
            without(
                LOSS, "not_run", "The candidate gives labels without probabilities: add columns.score or columns.scores.", severity="low"
            ),
            census(DECLARED, 0, 6, max=0, severity="medium"),
        ]
    )


def waived() -> AuditRun:
    """Waivers in force, void and unused; one bears the name of a condition, one words that a page must not obey."""
    states = (
        WaiverState(
            id="C-1",
            check="calibration/expected_calibration_error",
            file="waivers/C-1.yaml",
            standing="in_force",
            why=(),
            warning="ends within 7 days: 6 whole days left; then calibration/expected_calibration_error counts in full again",
            until="2026-11-27T12:00:00+00:00",
            approved_by=("Olga Owner (owner, line 1)", "Rita Reviewer (reviewer, line 2)"),
            reason="The next training run will hold more rows of this kind.",
            risk_accepted="<script>alert(1)</script> one complaint in four is answered a day late.",
            controls=("a person reads every complaint (owner desk; evidence: rota)",),
            remedy="train on more rows, due 2026-11-27",
        ),
    )
    void = replace(states[0], id="W-2", standing="void", why=("expired at 2026-11-01 00:00:00 UTC", "does not cover overall"), warning="")
    unused = replace(
        states[0], id="W-3", check="gone/check", standing="unused", why=("the policy requires no gone/check: delete it",), warning=""
    )
    return replace(block(), waivers=(unused, void, *states))


def compared() -> AuditRun:
    """Two lines against a champion by region, on a test set at its third look, with waivers."""
    slices = ("all rows", "region=north", "region=islands")
    figure = Churn("the champion", slices, (700, 600, 100), (60, 50, 10), (90, 50, 40), (150, 100, 50), (160, 105, 55))
    members = (Member(region("north"), PairedDifference(600, 50, 50, 100)), Member(region("islands"), PairedDifference(100, 10, 40, 50)))
    rows = tuple(Example(f"c-{row:05d}", (Part("region: north; amount: in the highest quarter"),), "lost: truly 1") for row in (3, 17))
    evidence = Evidence(members, "accuracy difference from the champion", 1000, figures=(figure,), examples=rows, notes=("average: micro",))
    lines = [judged(check, evidence, against="champion", margin=0.02, by=[["region"]]) for check in (ACCURACY, F1)]
    used = LookFacts("test", decisions=4, candidates=3, number=3, alpha=0.025, most=5, spending="pocock", level=0.0046, left=0.0073)
    return replace(audit_run(lines, trained=False), waivers=waived().waivers, looks=(used,))


def looked_at() -> AuditRun:
    """The blocked run with rows to look at: cells and slices, one too small to show any, and names that a page must not obey."""
    rows = tuple(
        Example(f"c-{row}", (Part("my parcel …"), Part("telephone_number", "mask")), "truly other, the candidate says urgent")
        for row in range(5)
    )
    nasty = Example("<b>7</b>", (Part("<script>alert(1)</script>"),), "truly <i>, the candidate says other")
    cells = (
        (("other", "urgent"), 48, rows),
        (("urgent", "other"), 7, ()),
        (("other", "other"), 890, rows),
        (("urgent", "urgent"), 255, (nasty,)),
    )
    slices = (("north", 310, 61, rows), ("islands", 9, 2, ()), ("abroad", 12, 0, (nasty,)))
    found = (
        *(Sampled("test", OVERALL, cell, n, n if cell[0] != cell[1] else 0, shown) for cell, n, shown in cells),
        *(Sampled("test", region(name), None, n, wrong, shown) for name, n, wrong, shown in slices),
        Sampled("production", region("north"), None, 40, None, rows),
    )
    return replace(block(), sampled=found)


def conditions() -> AuditRun:
    """Promote with conditions: something medium is not settled."""
    return audit_run(
        [f1(min=0.8), accuracy(min=0.75, severity="medium"), personal_data(0, max=0, severity="critical"), drift(max=0.1, severity="low")]
    )


def promote() -> AuditRun:
    """Everything passes."""
    return audit_run(
        [f1(min=0.8), area(min=0.85), opportunity((121, 131), max=0.4), personal_data(0, max=0, severity="critical"), letters(min=0.1)],
        trained=False,
    )


def all_errors() -> AuditRun:
    """Nothing could be measured, and a rule beyond the checks is broken too."""
    blocking = (Reason("declared-missing", None, "Required at tier 2 and not declared: system.owner."),)
    findings = [without(check, "error", "The check broke: ZeroDivisionError: division by zero.") for check in (ACCURACY, F1, PII, KS)]
    return audit_run(findings, blocking=blocking, trained=False, system=System(), not_measured={})
