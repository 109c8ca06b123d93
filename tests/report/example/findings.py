"""Findings on real estimates, judged by the tool itself: every figure, kind of member and kind of estimate."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.decision.judge import judge, without_evidence
from audit.evidence import (
    OVERALL,
    Bars,
    Curve,
    Evidence,
    Example,
    Grid,
    Lines,
    Member,
    Pair,
    Part,
    Slice,
    Unmeasured,
    points,
)
from audit.stats import Auc, CalibrationError, Census, Difference, KolmogorovSmirnov, Proportion, Ratio, StabilityIndex
from audit.stats import Confusion as ConfusionEstimate
from tests.report.example.checks import (
    ACCURACY,
    AREA,
    CALIBRATION,
    F1,
    KS,
    LETTERS,
    OPPORTUNITY,
    OWNER,
    PARITY,
    PII,
    REGIONS,
    region,
    requirement,
)

if TYPE_CHECKING:
    from audit.check import CheckInfo
    from audit.decision.finding import Finding


def judged(check: CheckInfo, evidence: Evidence, *, files: tuple[str, ...] = (), disposition: str = "none", **keys: Any) -> Finding:
    made = judge(requirement(check, **keys), check, evidence, confidence=0.95, owner=OWNER)
    return replace(made, evidence_files=files, disposition=disposition, seconds=0.4)  # type: ignore[arg-type]  # a literal of this file


def accuracy(**keys: Any) -> Finding:
    members = [Member(region(name), Proportion(hits, n)) for name, n, hits in REGIONS]
    missing = (Unmeasured(region("abroad"), "no rows: add at least 30"),)
    evidence = Evidence(
        tuple(members), "accuracy", 1153, unmeasured=missing, notes=("Rows without a region form no slice.",), figures=(confusion(),)
    )
    return judged(ACCURACY, evidence, files=("evidence/predictions-test.parquet",), by=[["region"]], **keys)


def confusion() -> Grid:
    return Grid.confusion(("billing", "delivery", "urgent"), ((420, 22, 9), (31, 388, 12), (14, 19, 238)))


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
    lower, upper = zip(*band, strict=True)
    curve = Lines(
        f"ROC curve of all rows: area {Auc.of(positive, score).value:.3f}",
        "false positive rate",
        "true positive rate",
        (
            Curve("a score that knows nothing", (0.0, 1.0), (0.0, 1.0), style="expected"),
            Curve("the score, with its pointwise 95\u00a0% band", fpr, tpr, lower, upper),
            Curve("at the decision threshold", (fpr[20],), (tpr[20],), style="points"),
        ),
    )
    return judged(AREA, Evidence((Member(OVERALL, Auc.of(positive, score)),), "area under the curve", 1200, figures=(curve,)), **keys)


def calibration(**keys: Any) -> Finding:
    rng = np.random.default_rng(11)
    stated = rng.beta(6, 1.4, 1200)
    right = rng.random(1200) < np.clip(stated - 0.075, 0, 1)
    estimate = CalibrationError.of(stated, right, rng, bins=12)
    bins = estimate.observed
    ends = [one.bounds(0.025, 0.025) for one in bins]
    floor = [Proportion(round(c * k), k).bounds(0.025, 0.025) for c, k in zip(estimate.confidence, (one.n for one in bins), strict=True)]
    off = [not low <= one.value <= high for one, (low, high) in zip(bins, floor, strict=True)]
    lower, upper = zip(*floor, strict=True)
    names = ("bins inside the band", "bins outside the band")
    figure = Lines(
        f"{sum(off)} of {len(bins)} bins lie outside the band of a calibrated model",
        "share stated by the model",
        "share observed",
        (
            Curve("a calibrated model, 95\u00a0% band", estimate.confidence, estimate.confidence, lower, upper, "expected"),
            *points(names, estimate.confidence, [one.value for one in bins], ends, off),
        ),
        rows_at=tuple((at, one.n) for at, one in zip(estimate.confidence, bins, strict=True)),
        foot="Bins of equal mass. A calibrated model would reach 0.041 by chance.",
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
    now, before = (tuple(map(float, one / one.sum())) for one in (current, reference))
    first = Bars("length", bins, now, before, ("test", "production"), Slice((("column", "length"),)))
    language = Slice((("column", "language"),))
    second = Bars("language", ("English", "other"), (0.95, 0.05), (0.97, 0.03), ("test", "production"), language)
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
