"""F1: harmonic mean of precision and recall.

Purpose      Show in one number whether it finds what it should without raising false alarms.
Risk         Low: it misses cases, raises false alarms, or both.
Limitations  Weighs a miss and a false alarm alike, which the cost of either seldom bears out; moves with how common the class is.
             A macro average needs every class of the candidate in each slice: without one the slice is unmeasured, which bars a
             pass; so does a class that is only predicted. A weighted one says nothing of a class that a slice lacks.
Reference    As `sklearn.metrics.f1_score`; interval after Goutte & Gaussier, ECIR 2005.
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
    """F1 of each slice."""
    return averaged(subject, "f1", params.average)


def compare(subject: Subject, params: Averaged, _rng: Generator) -> Evidence:
    """Difference of F1 in each slice."""
    return comparison.averaged(subject, "f1", params.average)


CHECK = Check(
    measure=measure,
    compare=compare,
    question="Does it find what it should without crying wolf?",
    remedy="See in the confusion table which classes it mixes up; add or mend training rows of these and fine-tune again.",
    rmf=("MEASURE 2.3", "MEASURE 2.5"),
    better="higher",
    unit="F1",
    needs=frozenset({"labels", "predictions"}),
    params=Averaged,
    by="slices",
    tasks=CLASSIFICATION,
)
