"""Equal opportunity ratio: smallest true positive rate over the largest, over groups.

Purpose      Show whether those who should be found are found in some group much less often than in another.
Risk         Well under 1: deserving people of some group are passed over more often than others.
Limitations  Blind to false alarms, and trusts the true labels. Where all rates are near 1 it is near 1 though misses differ manyfold:
             read it next to the difference of the false negative rates.
Reference    Hardt, Price & Srebro, NeurIPS 2016, as in `fairlearn.metrics`; interval of Koopman, Biometrics 1984.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.check import Check, NoParams
from audit.metrics.groups import compare, error_rates
from audit.stats import Ratio
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.evidence import Evidence
    from audit.subject import Subject


def measure(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """True positive rate per group, judged on every ordered pair of groups."""
    return compare(subject, error_rates(subject, "true_positive_rate"), Ratio, "rate ratio")


CHECK = Check(
    measure=measure,
    question="Are those who should be found found in every group nearly as often as in any other?",
    remedy="Read the misses of the group with the lowest rate; add training rows like them, or mend its labels, and fine-tune again.",
    rmf=("MEASURE 2.11",),
    better="higher",
    unit="rate ratio",
    needs=frozenset({"labels", "predictions", "groups"}),
    of_one_class=True,
    by="groups",
    tasks=CLASSIFICATION,
)
