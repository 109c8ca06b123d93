"""Recall: share of a class's rows that it finds.

Purpose      Show how much of what it must find it does find.
Risk         Low: the cases it was built for pass it by.
Limitations  Says nothing of its false alarms: calling everything positive gives a recall of 1. Read it next to precision.
             A macro average needs every class of the candidate in each slice: without one the slice is unmeasured, which bars a
             pass; so does a class that is only predicted. A weighted one says nothing of a class that a slice lacks.
Reference    As `sklearn.metrics.recall_score`; Wilson, JASA 1927; averages by Goutte & Gaussier, ECIR 2005.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.check import Check
from audit.metrics import comparison
from audit.metrics.confusion import Averaged, averaged
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.evidence import Evidence
    from audit.subject import Subject


def measure(subject: Subject, params: Averaged, _rng: Generator) -> Evidence:
    """Recall of each slice."""
    return averaged(subject, "recall", params.average)


def compare(subject: Subject, params: Averaged, _rng: Generator) -> Evidence:
    """Difference of recall in each slice."""
    return comparison.averaged(subject, "recall", params.average)


CHECK = Check(
    measure=measure,
    compare=compare,
    question="Does it find enough of what it must find?",
    remedy="Read what it misses in the worst slice; add rows like these to the training data, or lower the decision threshold.",
    rmf=("MEASURE 2.3", "MEASURE 2.5"),
    better="higher",
    unit="recall",
    needs=frozenset({"labels", "predictions"}),
    of_one_class=True,
    params=Averaged,
    by="slices",
    tasks=CLASSIFICATION,
)
