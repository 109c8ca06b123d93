"""Brier score: mean squared distance of the probabilities from what came to be.

Purpose      Show how good the probabilities are, right and wrong ones together, on a scale with two ends.
Risk         High: its probabilities are off, unsure where they need not be, or both; whoever acts on them acts on bad advice.
Limitations  Mixes calibration with how well the classes are told apart. Small for a rare class whatever the model knows: compare it
             with always giving the classes' shares. As in scikit-learn, of two classes it is the squared error of one of them, from 0
             to 1; of more it is summed over the classes, from 0 to 2.
Reference    As `sklearn.metrics.brier_score_loss`; Brier, Monthly Weather Review 1950; interval of Hall, JRSS B 1992.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audit.check import Check, NoParams
from audit.metrics.losses import losses_apart, mean_losses, row_losses
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.evidence import Evidence
    from audit.stats.probability_loss import RowLosses
    from audit.subject import Subject

UNIT = "Brier score"


def measure(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Brier score of each slice."""
    return mean_losses(subject, _loss(subject), UNIT, high=_highest(subject))


def compare(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Difference of the Brier scores in each slice."""
    return losses_apart(subject, (_loss(subject), _loss(subject.for_comparator)), UNIT, high=_highest(subject))


def _reach(subject: Subject, _params: NoParams) -> tuple[float, float]:
    return 0.0, _highest(subject)


def _highest(subject: Subject) -> float:
    return 1.0 if len(subject.classes) <= 2 else 2.0  # noqa: PLR2004  # scikit-learn halves the sum over two classes


def _loss(subject: Subject) -> RowLosses:
    """Squared distances; halved for two classes, and the rounding of saved probabilities kept out of the range's way."""
    probabilities, classes = subject.probabilities(), range(len(subject.classes))
    squares = [((probabilities - np.eye(len(classes))[one]) ** 2).sum(axis=1) for one in classes]
    return row_losses(subject, np.minimum(np.stack(squares, axis=1) * (_highest(subject) / 2), _highest(subject)))


CHECK = Check(
    measure=measure,
    compare=compare,
    question="How far are its probabilities from what came to be?",
    remedy="See whether calibration or ranking is at fault: calibrate the scores if the former, add rows or features if the latter.",
    rmf=("MEASURE 2.3", "MEASURE 2.5"),
    better="lower",
    unit=UNIT,
    needs=frozenset({"labels", "scores"}),
    by="slices",
    tasks=CLASSIFICATION,
    highest=2.0,
    reach=_reach,
)
