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
from audit.evidence import OVERALL, Evidence, Member, Roc, Unmeasured
from audit.measures import comparison
from audit.measures.confusion import part
from audit.stats import Auc, PairedAuc, Proportion

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.subject import Subject

POINTS = 101
"""Points of the drawn curve."""
TAIL = 0.025


def measure(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Area of each slice, for each class that is told from the rest."""
    clusters = subject.clusters()
    members, unmeasured = _members(subject, lambda one, true, rows: Auc.of(true, _score(subject, one)[rows], part(clusters, rows)))
    positive = subject.y_true() == subject.targets[0]
    figures = (_curve(subject, positive),) if len(subject.targets) == 1 and 0 < positive.sum() < len(positive) else ()
    return Evidence(members=tuple(members), unmeasured=tuple(unmeasured), unit="ROC AUC", rows=len(positive), figures=figures)


def compare(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Difference of the areas in each slice, for each class that is told from the rest."""
    rival, clusters = subject.of_rival, subject.clusters()

    def estimate(one: str, true: NDArray[np.bool_], rows: NDArray[np.bool_]) -> PairedAuc:
        return PairedAuc.of(true, _score(subject, one)[rows], _score(rival, one)[rows], part(clusters, rows))

    members, unmeasured = _members(subject, estimate)
    overall = [one.estimate for one in members if one.name == OVERALL and isinstance(one.estimate, PairedAuc)]
    notes = [comparison.both(subject, "ROC AUC", one.first.value, one.second.value) for one in overall]
    return comparison.evidence(subject, members, "ROC AUC", unmeasured=unmeasured, notes=notes)


def _score(subject: Subject, one: str) -> NDArray[np.float64]:
    """(n,) probability of one class."""
    return subject.probabilities()[:, subject.classes.index(one)]


def _members(
    subject: Subject, estimate: Callable[[str, NDArray[np.bool_], NDArray[np.bool_]], Auc | PairedAuc]
) -> tuple[list[Member], list[Unmeasured]]:
    """Every slice and class; `estimate` is given the class, whether each row of the slice is of it, and the mask of these rows."""
    y_true, targets = subject.y_true(), subject.targets
    members, unmeasured = [], []
    for one in targets:
        positive = y_true == one
        for group, rows in subject.slices():
            name = group.further("class", one) if len(targets) > 1 else group
            if positive[rows].all() or not positive[rows].any():
                lacking = "of another class" if positive[rows].all() else f"truly {one}"
                unmeasured.append(Unmeasured(name, f"no row is {lacking}: add rows to this slice"))
            else:
                members.append(Member(name, estimate(one, positive[rows], rows)))
    return members, unmeasured


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
    compare=compare,
    question="Does it rank the rows it should find above the others?",
    remedy="Look at the rows of the class that score lowest and the others that score highest; add training rows like them.",
    rmf=("MEASURE 2.3", "MEASURE 2.5"),
    better="higher",
    unit="ROC AUC",
    needs=frozenset({"labels", "scores"}),
    by="slices",
    tasks=CLASSIFICATION,
)
