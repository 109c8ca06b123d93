"""ROC AUC: chance that a row of the class scores above a row of another.

Purpose      Show how well its scores rank the rows it should find above the others, at any threshold.
Risk         Low: no threshold, however chosen, parts the classes well.
Limitations  Blind to calibration and to the threshold in use; with a rare class a good value still goes with many false alarms.
             More than two classes are taken one against the rest, each on its own, unless `columns.positive` names one.
Reference    As `sklearn.metrics.roc_auc_score`; DeLong, DeLong & Clarke-Pearson, Biometrics 1988; Sun & Xu, IEEE SPL 2014.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audit.check import CLASSIFICATION, Check, NoParams
from audit.evidence import Evidence, Member, Roc, Unmeasured
from audit.stats import Auc, Proportion

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.subject import Subject

POINTS = 101
"""Points of the drawn curve."""
TAIL = 0.025


def measure(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Area of each slice, for each class that is told from the rest."""
    y_true, probabilities, clusters = subject.y_true(), subject.probabilities(), subject.clusters()
    members: list[Member] = []
    unmeasured: list[Unmeasured] = []
    for one in subject.targets:
        positive, score = y_true == one, probabilities[:, subject.classes.index(one)]
        for group, rows in subject.slices():
            name = group.further("class", one) if len(subject.targets) > 1 else group
            if positive[rows].all() or not positive[rows].any():
                lacking = "of another class" if positive[rows].all() else f"truly {one}"
                unmeasured.append(Unmeasured(name, f"no row is {lacking}: add rows to this slice"))
            else:
                members.append(Member(name, Auc.of(positive[rows], score[rows], None if clusters is None else clusters[rows])))
    positive = y_true == subject.targets[0]
    figures = (_curve(subject, positive),) if len(subject.targets) == 1 and 0 < positive.sum() < len(y_true) else ()
    return Evidence(members=tuple(members), unmeasured=tuple(unmeasured), unit="ROC AUC", rows=len(y_true), figures=figures)


def _curve(subject: Subject, positive: NDArray[np.bool_]) -> Roc:
    """The curve over all rows; the band is Wilson's for the true positive rate at each threshold."""
    score = subject.y_score()
    order = np.argsort(-score, kind="stable")
    last = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)  # the last row at each threshold
    thinned = last[np.unique(np.linspace(0, len(last) - 1, POINTS).round().astype(int))]
    found = np.concatenate([[0], np.cumsum(positive[order])[thinned]])
    alarms = np.concatenate([[0], np.cumsum(~positive[order])[thinned]])
    band = [Proportion(int(hits), int(positive.sum())).bounds(TAIL, TAIL) for hits in found]
    called: NDArray[np.bool_] = subject.y_pred() == subject.targets[0]
    return Roc(
        false_positive_rate=tuple((alarms / (~positive).sum()).tolist()),
        true_positive_rate=tuple((found / positive.sum()).tolist()),
        lower=tuple(low for low, _ in band),
        upper=tuple(high for _, high in band),
        operating_point=(float(called[~positive].mean()), float(called[positive].mean())),
    )


CHECK = Check(
    measure=measure,
    question="Does it rank the rows it should find above the others?",
    remedy="Look at the rows of the class that score lowest and the others that score highest; add training rows like them.",
    rmf=("MEASURE 2.3", "MEASURE 2.5"),
    better="higher",
    unit="ROC AUC",
    needs=frozenset({"labels", "scores"}),
    by="slices",
    tasks=CLASSIFICATION,
)
