"""Cohen's kappa: agreement of predicted and true classes beyond chance, as a share of the most there can be.

Purpose      Show how much of the agreement is more than two raters with these habits would reach by chance.
Risk         Low: the model agrees with the truth little more often than chance would, though the plain accuracy may look well.
Limitations  Falls where one class is very common, at the same share of right rows. Any two classes count as equally far apart: for
             ordered ones it sees no difference between a near miss and a far one. Needs rows of every class of the candidate in each
             slice: without them the slice is unmeasured, which bars a pass.
Reference    As `sklearn.metrics.cohen_kappa_score` without weights; Cohen, Educational and Psychological Measurement 1960; interval
             after Goutte & Gaussier, ECIR 2005.
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
    """Kappa of each slice."""
    return of_classes(subject, "kappa")


def compare(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Difference of kappa in each slice."""
    return averaged(subject, "kappa", "macro")


CHECK = Check(
    measure=measure,
    compare=compare,
    question="Does it agree with the truth more often than chance would?",
    remedy="See in the confusion table which classes it mixes up; add or mend training rows of these and fine-tune again.",
    rmf=("MEASURE 2.3", "MEASURE 2.5"),
    better="higher",
    unit="kappa",
    needs=frozenset({"labels", "predictions"}),
    by="slices",
    tasks=CLASSIFICATION,
    lowest=-1.0,
)
