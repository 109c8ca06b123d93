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

from audit.check import CLASSIFICATION, Check, NoParams
from audit.errors import CannotMeasure
from audit.evidence import Evidence, Member
from audit.stats import Mean

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.subject import Subject

SMALLEST = float(np.finfo(np.float64).eps)
"""Probabilities are kept this far from 0 and 1, as in scikit-learn."""


def measure(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Log loss of each slice."""
    y_true, probabilities, clusters = subject.y_true(), subject.probabilities(), subject.clusters()
    column = {name: index for index, name in enumerate(subject.classes)}
    unknown = sorted(set(y_true) - set(column))
    if unknown:
        msg = f"the candidate gives no probability for {', '.join(unknown)}, a true class: it knows {', '.join(column)}"
        raise CannotMeasure(msg)
    given = probabilities[np.arange(len(y_true)), [column[one] for one in y_true]]
    loss = -np.log(np.clip(given, SMALLEST, 1 - SMALLEST))  # (n,) nats
    members = tuple(
        Member(name, Mean.of(loss[rows], None if clusters is None else clusters[rows], low=0.0, high=-math.log(SMALLEST)))
        for name, rows in subject.slices()
    )
    return Evidence(members=members, unit="log loss", rows=len(loss))


CHECK = Check(
    measure=measure,
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
