"""Balanced accuracy: mean over the classes of the share of their rows that it gets right.

Purpose      Show how often it is right when every class counts alike, however rare.
Risk         Low: some class is served badly, though the plain accuracy may look well.
Limitations  Needs rows of every class of the candidate in each slice: without them the slice is unmeasured, which bars a pass.
Reference    As `sklearn.metrics.balanced_accuracy_score`; Brodersen et al., ICPR 2010; interval of Goutte & Gaussier, ECIR 2005.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.check import Check, NoParams
from audit.metrics.comparison import averaged
from audit.metrics.confusion import of_classes
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.evidence import Evidence
    from audit.subject import Subject


def measure(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Balanced accuracy of each slice."""
    return of_classes(subject, "balanced_accuracy")


def compare(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Difference of balanced accuracy in each slice."""
    return averaged(subject, "balanced_accuracy", "macro")


CHECK = Check(
    measure=measure,
    compare=compare,
    question="Is it right often enough when every class counts alike, the rare ones too?",
    remedy="Find in the confusion table the class with the lowest share of right rows; add training rows of it or weight it up.",
    rmf=("MEASURE 2.3", "MEASURE 2.5"),
    better="higher",
    unit="balanced accuracy",
    needs=frozenset({"labels", "predictions"}),
    by="slices",
    tasks=CLASSIFICATION,
)
