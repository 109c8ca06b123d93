"""Runs to draw: real estimates, judged and decided by the tool itself, covering every status, severity, figure and kind of member."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.datasets import Columns
from audit.decide import decide
from audit.evidence import (
    OVERALL,
    Bars,
    Confusion,
    Evidence,
    Example,
    Histogram,
    Member,
    Pair,
    Part,
    Reliability,
    Roc,
    Slice,
    Unmeasured,
)
from audit.finetune.record import LossPoint, TrainingRecord
from audit.judge import CheckInfo, Reason, judge, without_evidence
from audit.policy.schema import CandidateSpec, ChampionSpec, Person, Policy, Requirement, System
from audit.results import AuditRun, CandidateFacts, DatasetFacts, RunFacts
from audit.stats import (
    Auc,
    CalibrationError,
    Census,
    Difference,
    KolmogorovSmirnov,
    Proportion,
    Ratio,
    StabilityIndex,
)
from audit.stats import Confusion as ConfusionEstimate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from audit.judge import Finding

TODAY = date(2026, 11, 20)
OWNER = "Support ML, support-ml@example.org"


def info(check_id: str, question: str, rmf: tuple[str, ...], *, better: str = "higher", unit: str = "share") -> CheckInfo:
    return CheckInfo(
        id=check_id,
        question=question,
        remedy="Look at the rows behind the worst member; mend the training rows like them and fine-tune again.",
        rmf=rmf,
        better="lower" if better == "lower" else "higher",
        unit=unit,
        purpose="Show how often it happens.",
        risk="People who rely on the output are told something that does not hold.",
        limitations="Speaks of rows like those of the data set, and of no others.",
        reference="Wilson, JASA 1927.",
    )


ACCURACY = info("performance/accuracy", "Is it right often enough?", ("MEASURE 2.3", "MEASURE 2.5"), unit="accuracy")
F1 = info(
    "performance/f1", "Does it find each class without naming it wrongly?", ("MEASURE 2.3", "MEASURE 2.5"), unit="F1"
)
AREA = info("performance/roc_auc", "Does it rank urgent complaints above the others?", ("MEASURE 2.3",), unit="area")
LOSS = info("performance/log_loss", "How far off are its probabilities?", ("MEASURE 2.3",), better="lower", unit="nats")
CALIBRATION = info(
    "calibration/expected_calibration_error",
    "When it says 90%, is it right nine times in ten?",
    ("MEASURE 2.3", "MEASURE 2.5"),
    better="lower",
    unit="calibration error",
)
OPPORTUNITY = info(
    "fairness/equal_opportunity_difference",
    "Are urgent complaints of every group found equally often?",
    ("MEASURE 2.11",),
    better="lower",
    unit="rate difference",
)
PARITY = info(
    "fairness/demographic_parity_ratio", "Are groups chosen at similar rates?", ("MEASURE 2.11",), unit="rate ratio"
)
LETTERS = info(
    "robustness/deepwordbug_gao_2018",
    "Does it hold when single letters are changed to mislead it?",
    ("MEASURE 2.6", "MEASURE 2.7"),
    unit="accuracy under attack",
)
PII = info("privacy/pii_in_text", "Is the text free of personal data?", ("MEASURE 2.10",), better="lower", unit="rows")
DUPLICATES = info("data/duplicates", "Are there rows that occur twice?", ("MAP 2.3",), better="lower", unit="rows")
LEAKAGE = info(
    "data/train_test_leakage",
    "Are test rows kept out of training?",
    ("MAP 2.3", "MEASURE 2.5"),
    better="lower",
    unit="rows",
)
KS = info(
    "drift/ks", "Do the features still look as they did?", ("MEASURE 2.4", "MEASURE 3.1"), better="lower", unit="distance"
)
PSI = info(
    "drift/psi", "Have the shares of the bins moved?", ("MEASURE 2.4", "MEASURE 3.1"), better="lower", unit="index"
)
MEMBERSHIP = info(
    "privacy/membership_inference",
    "Can an outsider tell what was in training?",
    ("MEASURE 2.10", "MEASURE 2.7"),
    better="lower",
)
TOXIC = info("safety/toxicity", "Does it write anything abusive?", ("MEASURE 2.6",), better="lower")
DECLARED = info(
    "governance/declared_fields",
    "Are the declared facts there?",
    ("GOVERN 1.1", "GOVERN 2.1", "MAP 1.1"),
    better="lower",
    unit="fields",
)

REGIONS = (("islands", 49, 33), ("east", 268, 232), ("west", 236, 208), ("south", 290, 258), ("north", 310, 276))


def requirement(check: CheckInfo, **keys: object) -> Requirement:
    return Requirement.model_validate({"check": check.id, "id": check.id} | keys)


def region(name: str) -> Slice:
    return Slice((("region", name),))


def judged(check: CheckInfo, evidence: Evidence, *, files: tuple[str, ...] = (), disposition: str = "none", **keys: Any) -> Finding:
    made = judge(requirement(check, **keys), check, evidence, confidence=0.95, owner=OWNER)
    return replace(made, evidence_files=files, disposition=disposition, seconds=0.4)  # type: ignore[arg-type]  # a literal of this file


def accuracy(**keys: Any) -> Finding:
    members = [Member(region(name), Proportion(hits, n)) for name, n, hits in REGIONS]
    missing = (Unmeasured(region("abroad"), "no rows: add at least 30"),)
    evidence = Evidence(
        tuple(members), "accuracy", 1153, unmeasured=missing, notes=("Rows without a region form no slice.",), figures=(_confusion(),)
    )
    return judged(ACCURACY, evidence, files=("evidence/predictions-test.parquet",), by=[["region"]], **keys)


def _confusion() -> Confusion:
    return Confusion(("billing", "delivery", "urgent"), ((420, 22, 9), (31, 388, 12), (14, 19, 238)))


def f1(**keys: Any) -> Finding:
    estimate = ConfusionEstimate(((890, 48, 41, 221),), "f1")
    return judged(F1, Evidence((Member(OVERALL, estimate),), "F1", 1200), files=("evidence/predictions-test.parquet",), **keys)


def area(**keys: Any) -> Finding:
    rng = np.random.default_rng(7)
    positive = np.arange(1200) < 262
    score = np.where(positive, rng.normal(1.9, 1, 1200), rng.normal(0, 1, 1200))
    cuts = np.quantile(score, np.linspace(1, 0, 60))
    fpr = tuple(float((score[~positive] >= cut).mean()) for cut in cuts)
    tpr = tuple(float((score[positive] >= cut).mean()) for cut in cuts)
    band = [Proportion(round(262 * share), 262).bounds(0.025, 0.025) for share in tpr]
    curve = Roc(fpr, tpr, tuple(low for low, _ in band), tuple(high for _, high in band), (0.12, 0.83))
    return judged(AREA, Evidence((Member(OVERALL, Auc.of(positive, score)),), "area under the curve", 1200, figures=(curve,)), **keys)


def calibration(**keys: Any) -> Finding:
    rng = np.random.default_rng(11)
    stated = rng.beta(6, 1.4, 1200)
    right = rng.random(1200) < np.clip(stated - 0.075, 0, 1)
    estimate = CalibrationError.of(stated, right, rng, bins=12)
    bins = estimate.observed
    ends = [one.bounds(0.025, 0.025) for one in bins]
    floor = [Proportion(round(c * k), k).bounds(0.025, 0.025) for c, k in zip(estimate.confidence, (one.n for one in bins), strict=True)]
    figure = Reliability(
        estimate.confidence,
        tuple(one.value for one in bins),
        tuple(a for a, _ in ends),
        tuple(b for _, b in ends),
        tuple(a for a, _ in floor),
        tuple(b for _, b in floor),
        tuple(one.n for one in bins),
        estimate.noise_floor,
    )
    return judged(CALIBRATION, Evidence((Member(OVERALL, estimate),), "calibration error", 1200, figures=(figure,)), **keys)


def opportunity(women: tuple[int, int] = (92, 131), **keys: Any) -> Finding:
    groups = {"female": women, "male": (122, 131), "none stated": (31, 36)}
    rates = {Slice((("gender", name),)): Proportion(hits, n) for name, (hits, n) in groups.items()}
    pairs = tuple(Member(Pair(a, b), Difference(rates[a], rates[b])) for a, b in permutations(rates, 2))
    context = tuple(Member(name, rate) for name, rate in rates.items())
    return judged(OPPORTUNITY, Evidence(pairs, "rate difference", 1200, context), by=[["gender"]], **keys)


def parity(**keys: Any) -> Finding:
    rates = {Slice((("gender", name),)): Proportion(hits, n) for name, hits, n in (("female", 61, 420), ("male", 88, 450))}
    pairs = tuple(Member(Pair(a, b), Ratio(rates[a], rates[b])) for a, b in permutations(rates, 2))
    return judged(PARITY, Evidence(pairs, "rate ratio", 870, tuple(Member(*one) for one in rates.items())), by=[["gender"]], **keys)


def letters(**keys: Any) -> Finding:
    examples = (
        Example(
            "t-0417",
            (Part("My card was "), Part("charged", "deleted"), Part("chagred", "inserted"), Part(" twice and nobody answers.")),
            "fooled: urgent 0.93, then other 0.58; 31 queries",
        ),
        Example(
            "t-0662",
            (Part("I was "), Part("locked", "deleted"), Part("lokced", "inserted"), Part(" out of my account.")),
            "held: 48 queries",
        ),
    )
    notes = ("A row that was wrong before the attack counts as wrong.",)
    evidence = Evidence(
        (Member(OVERALL, Proportion(43, 200)),), "accuracy under attack", 200, examples=examples, notes=notes, backend="textattack 0.3.11"
    )
    return judged(LETTERS, evidence, files=("evidence/deepwordbug.parquet",), **keys)


def personal_data(found: int = 17, **keys: Any) -> Finding:
    examples = tuple(
        Example(
            f"train-0{2214 + 9 * i}",
            (
                Part("… please ring me on "),
                Part("phone number", "mask"),
                Part(" after six, or write to "),
                Part("e-mail address", "mask"),
                Part(" …"),
            ),
            "2 hits",
        )
        for i in range(min(found, 7))
    )
    figures = (
        (Bars("rows by kind", ("e-mail address", "telephone number", "account number", "name with address"), (6, 5, 4, 2)),)
        if found
        else ()
    )
    evidence = Evidence(
        (Member(OVERALL, Census(found, 6000)),),
        "rows",
        6000,
        figures=figures,
        examples=examples,
        notes=("3 findings were confirmed as false by a person.",),
    )
    return judged(PII, evidence, files=("evidence/pii-train.parquet",), on="train", **keys)


def census(check: CheckInfo, count: int, rows: int, **keys: Any) -> Finding:
    return judged(check, Evidence((Member(OVERALL, Census(count, rows)),), "rows", rows), **keys)


def drift(check: CheckInfo = KS, moved: float = 0.21, **keys: Any) -> Finding:
    columns = ("length", "words", "language", "hour")
    values = (moved, 0.031, 0.024, 0.018)
    estimates = [KolmogorovSmirnov(value, 1200, 2400) if check is KS else StabilityIndex(value, 10, 1200, 2400) for value in values]
    members = tuple(Member(Slice((("column", name),)), estimate) for name, estimate in zip(columns, estimates, strict=True))
    bins = tuple(f"{20 * i}" for i in range(12))
    reference = np.exp(-0.5 * ((np.arange(12) - 4) / 2) ** 2)
    current = np.exp(-0.5 * ((np.arange(12) - 6) / 2.4) ** 2)
    first = Histogram(
        "length", bins, tuple(map(float, reference / reference.sum())), tuple(map(float, current / current.sum())), "test", "production"
    )
    second = Histogram("language", ("English", "other"), (0.97, 0.03), (0.95, 0.05), "test", "production")
    return judged(
        check,
        Evidence(members, "distance" if check is KS else "index", 2400, figures=(first, second)),
        on="production",
        reference="test",
        **keys,
    )


def without(check: CheckInfo, status: str, message: str, **keys: Any) -> Finding:
    made = without_evidence(requirement(check, max=0.1, **keys), check, "error", message, owner=OWNER)
    return replace(made, status=status)  # type: ignore[arg-type]  # a literal of this file


def training() -> TrainingRecord:
    rng = np.random.default_rng(3)
    steps = range(5, 641, 5)
    losses = [float(0.18 + 0.95 * np.exp(-step / 160) + 0.06 * abs(rng.normal())) for step in steps]
    train = tuple(LossPoint(step=step, epoch=step / 320, loss=loss) for step, loss in zip(steps, losses, strict=True))
    checked = ((160, 0.62), (320, 0.41), (480, 0.36), (640, 0.38))
    return TrainingRecord(
        base="minilm",
        base_sha256="5b1e" * 16,
        weights_sha256="41b0" * 16,
        hyperparameters={"epochs": 2, "batch_size": 16, "learning_rate": 3e-5, "weight_decay": 0.01, "max_grad_norm": 1.0},
        classes=("other", "urgent"),
        train_sha256="2b8f" * 16,
        train_rows=5100,
        validation="fraction 0.15 of train",
        validation_rows=900,
        steps=640,
        train_loss=train,
        validation_loss=tuple(LossPoint(step=step, epoch=step / 320, loss=loss) for step, loss in checked),
        kept_step=480,
        stopped_early=False,
        precision="float32",
        environment={"torch": "2.13.0", "device": "cpu", "threads": "2"},
        seconds=214.0,
    )


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
    barred: Sequence[Reason] = (),
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
        champion=ChampionSpec.model_validate({"load": {"kind": "transformers", "path": "models/champion"}}),
        require=required,
        not_measured=dict(
            {"explainable_interpretable": "routing only; a person reads every complaint"} if not_measured is None else not_measured
        ),
    )
    verdict = decide(required, findings, barred=barred, today=TODAY)
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
    barred = (Reason("declared-missing", None, "Required at tier 2 and not declared: system.owner."),)
    findings = [without(check, "error", "The check broke: ZeroDivisionError: division by zero.") for check in (ACCURACY, F1, PII, KS)]
    return audit_run(findings, barred=barred, trained=False, system=System(), not_measured={})


NASTY = "</style></title><script>alert(1)</script>\"'><img src=x onerror=alert(1)>\x1b[31m\u202etxt.exe\u2066\x00&amp;{{ 7*7 }}"
"""Everything that a name should not be able to do: leave its element, attribute or style, run, colour a terminal, turn round."""


def hostile() -> AuditRun:
    """The same words of an attacker wherever text from outside reaches the page."""
    named = Slice(((NASTY, NASTY),))
    pair = Pair(named, Slice(((NASTY, "other"),)))
    example = Example(NASTY, (Part(NASTY), Part(NASTY, "deleted"), Part(NASTY, "inserted"), Part(NASTY, "mask")), NASTY)
    figures = (
        Histogram(NASTY, (NASTY, "b"), (0.5, 0.5), (0.4, 0.6), NASTY, NASTY),
        Bars(NASTY, (NASTY,), (3,)),
        Confusion((NASTY, "b"), ((1, 2), (3, 4))),
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
    run = audit_run(findings, barred=(Reason(NASTY, None, NASTY),), system=system, not_measured={"safe": NASTY})
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
        evidence = Evidence(members, "accuracy", 3000, figures=(_confusion(),))
        severity = ("critical", "high", "medium")[i % 3]
        findings.append(judged(check, evidence, files=(f"evidence/{i}.parquet",), min=0.9, severity=severity, by=[list(columns)]))
    return audit_run(findings)
