"""Runs that a page must survive: an attack in every name, and more of everything than fits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from audit.decision.finding import Reason
from audit.evidence import Bars, Curve, Evidence, Example, Grid, Lines, Member, Pair, Part, Slice, Unmeasured
from audit.policy.schema import Person, System
from audit.stats import Difference, Proportion
from tests.report.example.checks import ACCURACY, F1, OPPORTUNITY, region
from tests.report.example.findings import confusion, judged, without
from tests.report.example.runs import DATASETS, audit_run

if TYPE_CHECKING:
    from audit.record import AuditRun

NASTY = "</style></title><script>alert(1)</script>\"'><img src=x onerror=alert(1)>\x1b[31m\u202etxt.exe\u2066\x00&amp;{{ 7*7 }}"
"""Everything that a name should not be able to do: leave its element, attribute or style, run, colour a terminal, turn round."""


def hostile() -> AuditRun:
    """The same words of an attacker wherever text from outside reaches the page."""
    named = Slice(((NASTY, NASTY),))
    pair = Pair(named, Slice(((NASTY, "other"),)))
    example = Example(NASTY, (Part(NASTY), Part(NASTY, "deleted"), Part(NASTY, "inserted"), Part(NASTY, "mask")), NASTY)
    figures = (
        Lines(NASTY, NASTY, NASTY, (Curve(NASTY, (0.0, 1.0), (0.0, 1.0)),), foot=NASTY),
        Bars(NASTY, (NASTY, "b"), (0.4, 0.6), (0.5, 0.5), (NASTY, NASTY)),
        Bars(NASTY, (NASTY,), (3,)),
        Grid.confusion((NASTY, "b"), ((1, 2), (3, 4))),
    )
    check = replace(ACCURACY, question=NASTY, remedy=NASTY, purpose=NASTY, risk=NASTY, limitations=NASTY, reference=NASTY, unit=NASTY)
    evidence = Evidence(
        (Member(named, Proportion(90, 120)), Member(region("north"), Proportion(70, 120))),
        NASTY,
        240,
        (Member(Slice(((NASTY, "x"),)), Proportion(1, 2)),),
        (Unmeasured(Slice(((NASTY, None),)), NASTY),),
        figures,
        (example,),
        (NASTY,),
        NASTY,
    )
    rates = (Proportion(60, 100), Proportion(40, 100))
    gap = Evidence((Member(pair, Difference(*rates)), Member(Pair(pair.second, pair.first), Difference(*rates[::-1]))), NASTY, 200)
    first = judged(check, evidence, files=(NASTY,), min=0.7)
    findings = [
        replace(first, requirement=first.requirement.model_copy(update={"id": NASTY, "on": NASTY})),
        judged(replace(OPPORTUNITY, question=NASTY), gap, max=0.1, by=[[NASTY]]),
        without(F1, "error", NASTY),
    ]
    person = Person(team=NASTY, name=NASTY, contact=NASTY)
    system = System(purpose=NASTY, out_of_scope=(NASTY,), affected=(NASTY,), owner=person, author=NASTY, oversight=NASTY)
    run = audit_run(findings, blocking=(Reason(NASTY, None, NASTY),), system=system, not_measured={"safe": NASTY})
    policy = run.policy.model_copy(update={"policy": NASTY, "version": NASTY})
    return replace(
        run,
        run=replace(run.run, id=NASTY, command=NASTY, environment={NASTY: NASTY}, version=NASTY),
        policy=policy,
        policy_path=NASTY,
        policy_text=NASTY,
        candidate=replace(run.candidate, description=NASTY, kind=NASTY, classes=(NASTY,)),
        datasets=tuple(replace(data, role=NASTY, path=NASTY, source=f"generated {NASTY}", licence=NASTY) for data in DATASETS),
        licences={NASTY: NASTY},
    )


def crowded() -> AuditRun:
    """Twenty findings, all against release, with long names and many slices: what page 1 and the size limit must survive."""
    findings = []
    columns = ("region of residence", "gender")
    for i in range(20):
        names = [Slice(((columns[0], f"district number {j}"), (columns[1], "not stated"))) for j in range(15)]
        members = tuple(Member(name, Proportion(120 + j, 200)) for j, name in enumerate(names))
        remedy = f"{ACCURACY.remedy} Then read the log of step {i}."
        check = replace(ACCURACY, id=f"performance/rather_long_name_of_a_check_{i}", remedy=remedy)
        evidence = Evidence(members, "accuracy", 3000, figures=(confusion(),))
        severity = ("critical", "high", "medium")[i % 3]
        findings.append(judged(check, evidence, files=(f"evidence/{i}.parquet",), min=0.9, severity=severity, by=[list(columns)]))
    return audit_run(findings)
