"""Equal opportunity difference: largest minus smallest true positive rate over groups.

Purpose      Show whether those who should be found are found equally often in every group.
Risk         Well above 0: deserving people of some group are passed over more often than others.
Limitations  Blind to false alarms, and trusts the true labels: where these are biased it cannot see it. Read it next to equalized odds.
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
    """True positive rate per group, judged on every ordered pair of groups."""
    return compare(subject, error_rates(subject, "true_positive_rate"), Difference, "rate difference")


CHECK = Check(
    measure=measure,
    question="Are those who should be found found equally often in every group?",
    remedy="Read the misses of the group with the lowest rate; add training rows like them, or mend its labels, and fine-tune again.",
    rmf=("MEASURE 2.11",),
    better="lower",
    unit="rate difference",
    needs=frozenset({"labels", "predictions", "groups"}),
    of_one_class=True,
    by="groups",
    tasks=CLASSIFICATION,
)
