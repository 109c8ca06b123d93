"""Log loss: mean of minus the logarithm of the probability given to the true class.

Purpose      Show how good the probabilities are, right and wrong ones together.
Risk         High: it is often sure and wrong; whoever acts on its probabilities acts on bad advice.
Limitations  Has no upper end: a few rows that it is sure of and wrong about carry much of it. In nats; compare it with the loss of
             always giving the classes' shares.
Reference    As `sklearn.metrics.log_loss`; Good, JRSS B 1952; interval of Hall, JRSS B 1992.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from audit.checks.performance._losses import probability_loss_check
from audit.metrics.losses import LARGEST, SMALLEST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audit.subject import Subject


def _logarithms(subject: Subject) -> NDArray[np.float64]:
    return -np.log(np.clip(subject.probabilities(), SMALLEST, 1 - SMALLEST))


CHECK = probability_loss_check(
    "log loss",
    _logarithms,
    lambda _: LARGEST,
    largest=math.inf,
    question="How good are its probabilities overall?",
    remedy="Look at the rows that it is sure of and wrong about; mend their labels or add rows like them, then calibrate the scores.",
)
