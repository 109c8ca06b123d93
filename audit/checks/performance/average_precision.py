"""Average precision: mean share of true alarms as the threshold goes down from one row of the class to the next.

Purpose      Show how well its scores rank a rare class: what share of its alarms is true, at any threshold.
Risk         Low: whoever works through its list from the top finds many false alarms before most of the cases.
Limitations  Moves with how common the class is: a score that knows nothing gets the class's share, so compare it with that and never
             across data of other shares. Blind to calibration and to the threshold in use. More than two classes are taken one against
             the rest, each on its own or their mean, unless `columns.positive` names one. A mean hides a class that is ranked badly,
             and needs rows of every class in each slice.
Reference    As `sklearn.metrics.average_precision_score`; infinitesimal jackknife of Jaeckel 1972 on the logit scale of Boyd, Eng &
             Page, ECML PKDD 2013; of means over classes Zou & Donner, Statistics in Medicine 2008.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audit.checks.performance._ranking import Ranking, called_as, ranking_check, score_of, thresholds
from audit.evidence import Curve, Lines
from audit.formatting import number
from audit.metrics.groups import TAIL
from audit.stats import AveragePrecision, PairedPrecision, Proportion
from audit.stats.average_precision import influence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audit.subject import Subject

RANKING = Ranking("average precision", AveragePrecision.of, PairedPrecision.of, influence)
POINTS = 101
"""Points of the drawn curve."""


def _curve(subject: Subject, target: str, positive: NDArray[np.bool_]) -> Lines:
    """The curve over all rows, in steps as they are summed; the band is Wilson's for the precision at each threshold."""
    score = score_of(subject, target)
    found, called = thresholds(score, positive, POINTS, by="found")
    band = [Proportion(hits, n).bounds(TAIL, TAIL) for hits, n in zip(found.tolist(), called.tolist(), strict=True)]
    chosen = called_as(subject, target)
    steps = np.repeat(np.append(0.0, found / positive.sum()), 2)[1:-1]
    lower, upper = np.repeat(np.array(band), 2, axis=0).T.tolist()
    share = float(positive.mean())
    curves = [
        Curve("a score that knows nothing", (0.0, 1.0), (share, share), style="expected"),
        Curve(
            "the score, with its pointwise 95\u00a0% band",
            tuple(steps.tolist()),
            tuple(np.repeat(found / called, 2).tolist()),
            tuple(lower),
            tuple(upper),
        ),
    ]
    if chosen is not None and chosen.any():
        point = (float(chosen[positive].mean()),), (float(positive[chosen].mean()),)
        curves.append(Curve("at the decision threshold", *point, style="points"))
    title = f"precision-recall curve of all rows: average precision {number(AveragePrecision.of(positive, score).value)}"
    return Lines(title, "recall: share of the cases found", "precision", tuple(curves))


CHECK = ranking_check(
    RANKING,
    _curve,
    question="Are its highest scores mostly true cases?",
    remedy="Look at the rows of other classes that score highest; add training rows like them with their true class.",
)
