"""False negative rate difference: largest minus smallest share of misses over groups.

Purpose      Show whether those who should be found are missed equally often in every group.
Risk         Well above 0: deserving or endangered people of some group are overlooked more often than others.
Limitations  The gap of the true positive rates seen from the other side: it adds nothing to equal opportunity but the wording of the bound.
Reference    Hardt, Price & Srebro, NeurIPS 2016; as in `fairlearn.metrics`;
             interval of Newcombe, Statistics in Medicine 1998.
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
    """False negative rate per group, judged on every ordered pair of groups."""
    return compare(subject, error_rates(subject, "false_negative_rate"), Difference, "rate difference")


CHECK = Check(
    measure=measure,
    question="Are those who should be found missed equally rarely in every group?",
    remedy="Read the misses of the group with the highest rate; add training rows like them, or mend its labels, and fine-tune again.",
    rmf=("MEASURE 2.11",),
    better="lower",
    unit="rate difference",
    needs=frozenset({"labels", "predictions", "groups"}),
    of_one_class=True,
    by="groups",
    tasks=CLASSIFICATION,
)
