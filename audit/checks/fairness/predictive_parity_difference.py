"""Predictive parity difference: largest minus smallest precision over groups.

Purpose      Show whether a positive prediction is right equally often in every group.
Risk         Well above 0: the same prediction is worth less for some group, and decisions made on it go wrong there more often.
Limitations  Where base rates differ it cannot be small together with equalized odds, unless the model is perfect (Chouldechova 2017).
             A group of which nobody is predicted positive has no precision and bars a pass.
Reference    Chouldechova, Big Data 2017; `fairlearn.metrics.MetricFrame` of `sklearn.metrics.precision_score`;
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
    """Precision per group, judged on every ordered pair of groups."""
    return compare(subject, error_rates(subject, "precision"), Difference, "precision difference")


CHECK = Check(
    measure=measure,
    question="Is a positive prediction right equally often in every group?",
    remedy="Read the false alarms of the group with the lowest precision; set the threshold anew, or calibrate the scores.",
    rmf=("MEASURE 2.11",),
    better="lower",
    unit="precision difference",
    needs=frozenset({"labels", "predictions", "groups"}),
    by="groups",
    tasks=CLASSIFICATION,
)
