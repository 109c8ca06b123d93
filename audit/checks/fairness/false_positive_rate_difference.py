"""False positive rate difference: largest minus smallest share of false alarms over groups.

Purpose      Show whether those who should be left alone are left alone equally often in every group: predictive equality.
Risk         Well above 0: innocent people of some group are accused, flagged or favoured by mistake more often than others.
Limitations  Blind to misses, and trusts the true labels. Few rows tell of false alarms where the class is common.
             Read it next to the misses.
Reference    Corbett-Davies et al., KDD 2017; as in `fairlearn.metrics`;
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
    """False positive rate per group, judged on every ordered pair of groups."""
    return compare(subject, error_rates(subject, "false_positive_rate"), Difference, "rate difference")


CHECK = Check(
    measure=measure,
    question="Are false alarms equally rare in every group?",
    remedy="Read the false alarms of the group with the highest rate; add training rows like them, or mend its labels, and train again.",
    rmf=("MEASURE 2.11",),
    better="lower",
    unit="rate difference",
    needs=frozenset({"labels", "predictions", "groups"}),
    of_one_class=True,
    by="groups",
    tasks=CLASSIFICATION,
)
