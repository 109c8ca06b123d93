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

from audit.checks.performance._ranking import Ranking, called_as, ranking_check, score_of, thresholds
from audit.evidence import Curve, Lines
from audit.formatting import number
from audit.metrics.groups import TAIL
from audit.stats import Auc, PairedAuc, Proportion
from audit.stats.auc import influence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audit.subject import Subject

RANKING = Ranking("ROC AUC", Auc.of, PairedAuc.of, influence, symmetric=True)
POINTS = 101
"""Points of the drawn curve."""


def _curve(subject: Subject, target: str, positive: NDArray[np.bool_]) -> Lines:
    """The curve over all rows; the band is Wilson's for the true positive rate at each threshold."""
    score = score_of(subject, target)
    found, called_so_far = (np.append(0, count) for count in thresholds(score, positive, POINTS, by="rows"))
    alarms = called_so_far - found
    band = [Proportion(int(hits), int(positive.sum())).bounds(TAIL, TAIL) for hits in found]
    called = called_as(subject, target)
    lower, upper = zip(*band, strict=True)
    curves = [
        Curve("a score that knows nothing", (0.0, 1.0), (0.0, 1.0), style="expected"),
        Curve(
            "the score, with its pointwise 95\u00a0% band",
            tuple((alarms / (~positive).sum()).tolist()),
            tuple((found / positive.sum()).tolist()),
            lower,
            upper,
        ),
    ]
    if called is not None:
        point = (float(called[~positive].mean()),), (float(called[positive].mean()),)
        curves.append(Curve("at the decision threshold", *point, style="points"))
    title = f"ROC curve of all rows: area {number(Auc.of(positive, score).value)}"
    return Lines(title, "false positive rate", "true positive rate", tuple(curves))


CHECK = ranking_check(
    RANKING,
    _curve,
    question="Does it rank the true cases above the others?",
    remedy="Look at the rows of the class that score lowest and the others that score highest; add training rows like them.",
)
