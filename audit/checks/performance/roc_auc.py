"""ROC AUC: chance that a row of the class scores above a row of another.

Purpose      Show how well its scores rank the rows it should find above the others, at any threshold.
Risk         Low: no threshold, however chosen, parts the classes well.
Limitations  Blind to calibration and to the threshold in use; with a rare class a good value still goes with many false alarms.
             More than two classes are taken one against the rest, each on its own or their mean, unless `columns.positive` names one.
             A mean hides a class that is ranked badly, and needs rows of every class in each slice.
Reference    As `sklearn.metrics.roc_auc_score`; DeLong, DeLong & Clarke-Pearson, Biometrics 1988; Sun & Xu, IEEE SPL 2014; of means
             over classes Zou & Donner, Statistics in Medicine 2008.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audit.check import Check
from audit.checks.performance._ranking import OneVsRest, Ranking, called_as, compared, ranked, score_of, thresholds
from audit.evidence import Evidence, Roc
from audit.stats import Auc, PairedAuc, Proportion
from audit.stats.auc import influence
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.subject import Subject

RANKING = Ranking("ROC AUC", Auc.of, PairedAuc.of, influence, symmetric=True)
POINTS = 101
"""Points of the drawn curve."""
TAIL = 0.025


def measure(subject: Subject, params: OneVsRest, _rng: Generator) -> Evidence:
    """Area of each slice, for each class that is told from the rest or for their mean."""
    targets = RANKING.targets(subject)
    positive = subject.y_true() == targets[0]
    figures = (_curve(subject, targets[0], positive),) if len(targets) == 1 and 0 < positive.sum() < len(positive) else ()
    return ranked(subject, RANKING, params, figures)


def compare(subject: Subject, params: OneVsRest, _rng: Generator) -> Evidence:
    """Difference of the areas in each slice."""
    return compared(subject, RANKING, params)


def _curve(subject: Subject, target: str, positive: NDArray[np.bool_]) -> Roc:
    """The curve over all rows; the band is Wilson's for the true positive rate at each threshold."""
    score = score_of(subject, target)
    found, called_so_far = (np.append(0, count) for count in thresholds(score, positive, POINTS, by="rows"))
    alarms = called_so_far - found
    band = [Proportion(int(hits), int(positive.sum())).bounds(TAIL, TAIL) for hits in found]
    called = called_as(subject, target)
    return Roc(
        false_positive_rate=tuple((alarms / (~positive).sum()).tolist()),
        true_positive_rate=tuple((found / positive.sum()).tolist()),
        lower=tuple(low for low, _ in band),
        upper=tuple(high for _, high in band),
        operating_point=None if called is None else (float(called[~positive].mean()), float(called[positive].mean())),
        area=Auc.of(positive, score).value,
    )


CHECK = Check(
    measure=measure,
    compare=compare,
    question="Does it rank the rows it should find above the others?",
    remedy="Look at the rows of the class that score lowest and the others that score highest; add training rows like them.",
    rmf=("MEASURE 2.3", "MEASURE 2.5"),
    better="higher",
    unit="ROC AUC",
    needs=frozenset({"labels", "scores"}),
    params=OneVsRest,
    ranks=True,
    by="slices",
    tasks=CLASSIFICATION,
)
