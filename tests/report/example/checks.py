"""Checks that the example runs ask for, and parts of a requirement."""

from __future__ import annotations

from audit.check import Characteristic, CheckInfo, Measures
from audit.evidence import Slice
from audit.policy.schema import Requirement

_MEASURES: dict[str, tuple[Measures, tuple[Characteristic, ...]]] = {
    "performance": ("skill", ("valid_reliable",)),
    "calibration": ("model", ("valid_reliable",)),
    "fairness": ("model", ("fair_bias_managed",)),
    "robustness": ("model", ("safe", "secure_resilient")),
    "safety": ("model", ("safe",)),
    "privacy": ("data", ("privacy_enhanced",)),
    "data": ("data", ("valid_reliable",)),
    "drift": ("drift", ("valid_reliable",)),
    "governance": ("declarations", ("accountable_transparent",)),
}
OWNER = "Support ML, support-ml@example.org"


def info(check_id: str, question: str, rmf: tuple[str, ...], *, better: str = "higher", unit: str = "share") -> CheckInfo:
    family = check_id.split("/", maxsplit=1)[0]
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
        asks_the_model=family in {"performance", "calibration", "fairness", "robustness"},
        measures=_MEASURES[family][0],
        characteristics=_MEASURES[family][1],
    )


ACCURACY = info("performance/accuracy", "Is it correct often enough?", ("MEASURE 2.3", "MEASURE 2.5"), unit="accuracy")
F1 = info("performance/f1", "Does it find each class without naming it wrongly?", ("MEASURE 2.3", "MEASURE 2.5"), unit="F1")
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
PARITY = info("fairness/demographic_parity_ratio", "Are groups chosen at similar rates?", ("MEASURE 2.11",), unit="rate ratio")
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
KS = info("drift/ks", "Do the features still look as they did?", ("MEASURE 2.4", "MEASURE 3.1"), better="lower", unit="distance")
PSI = info("drift/psi", "Have the shares of the bins moved?", ("MEASURE 2.4", "MEASURE 3.1"), better="lower", unit="index")
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
