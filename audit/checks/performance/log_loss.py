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

from audit.check import Check, NoParams
from audit.metrics.losses import LARGEST, SMALLEST, losses_apart, mean_losses, row_losses
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.evidence import Evidence
    from audit.stats.probability_loss import RowLosses
    from audit.subject import Subject


def measure(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Log loss of each slice."""
    return mean_losses(subject, _losses(subject), "log loss", high=LARGEST)


def compare(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Difference of the log losses in each slice."""
    return losses_apart(subject, (_losses(subject), _losses(subject.for_comparator)), "log loss", high=LARGEST)


def _losses(subject: Subject) -> RowLosses:
    return row_losses(subject, -np.log(np.clip(subject.probabilities(), SMALLEST, 1 - SMALLEST)))


CHECK = Check(
    measure=measure,
    compare=compare,
    question="How far off are its probabilities, all in all?",
    remedy="Look at the rows that it is sure of and wrong about; mend their labels or add rows like them, then calibrate the scores.",
    rmf=("MEASURE 2.3", "MEASURE 2.5"),
    better="lower",
    unit="log loss",
    needs=frozenset({"labels", "scores"}),
    by="slices",
    tasks=CLASSIFICATION,
    highest=math.inf,
)
