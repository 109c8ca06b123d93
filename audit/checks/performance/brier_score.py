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

from audit.checks.performance._losses import probability_loss_check

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audit.check import NoParams
    from audit.subject import Subject


def _highest(subject: Subject) -> float:
    return 1.0 if len(subject.classes) <= 2 else 2.0  # noqa: PLR2004  # scikit-learn halves the sum over two classes


def _range_on(subject: Subject, _params: NoParams) -> tuple[float, float]:
    return 0.0, _highest(subject)


def _squared_distances(subject: Subject) -> NDArray[np.float64]:
    """Halved for two classes; the rounding of saved probabilities may not leave the range."""
    probabilities, classes = subject.probabilities(), range(len(subject.classes))
    squares = [((probabilities - np.eye(len(classes))[one]) ** 2).sum(axis=1) for one in classes]
    losses: NDArray[np.float64] = np.minimum(np.stack(squares, axis=1) * (_highest(subject) / 2), _highest(subject))
    return losses


CHECK = probability_loss_check(
    "Brier score",
    _squared_distances,
    _highest,
    largest=2.0,
    range_on=_range_on,
    question="How far are its probabilities from the outcomes?",
    remedy="See whether calibration or ranking is at fault: calibrate the scores if the former, add rows or features if the latter.",
)
