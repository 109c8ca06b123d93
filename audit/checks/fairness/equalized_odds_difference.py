"""Equalized odds difference: the larger of the groups' gaps in true positive and in false positive rate.

Purpose      Show whether the model errs alike in every group, by missing and by false alarm.
Risk         Well above 0: some group bears more of the errors of one kind.
Limitations  Trusts the true labels. Two models with the same value may err in different ways: the rate of each kind stands beside it.
Reference    Hardt, Price & Srebro, NeurIPS 2016, as in `fairlearn.metrics`; interval of Newcombe, Statistics in Medicine 1998.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.check import Check, NoParams
from audit.metrics.groups import compare, error_rates
from audit.stats import Difference
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.evidence import Evidence
    from audit.subject import Subject


def measure(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """True and false positive rate per group, each judged on every ordered pair of groups."""
    return compare(subject, error_rates(subject, "true_positive_rate", "false_positive_rate"), Difference, "rate difference")


CHECK = Check(
    measure=measure,
    question="Does it err alike in every group, by missing and by false alarm?",
    remedy="See which rate of which group lies apart; add training rows of that kind, or mend their labels, and fine-tune again.",
    rmf=("MEASURE 2.11",),
    better="lower",
    unit="rate difference",
    needs=frozenset({"labels", "predictions", "groups"}),
    by="groups",
    tasks=CLASSIFICATION,
)
