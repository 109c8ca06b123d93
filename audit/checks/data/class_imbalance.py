"""Class imbalance: the share of each class among the labels.

Purpose      Show whether every class occurs often enough to be learned and tested.
Risk         Low for some class: the model may never answer it, and accuracy hides that.
Limitations  Says nothing of how well a class is recognised; a rare class may be rare in the world too. Some class always has
             at most 1/k of the rows when there are k classes.
Reference    Japkowicz & Stephen, The class imbalance problem, Intelligent Data Analysis 2002; interval of Wilson, JASA 1927.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audit.checks.data import data_check
from audit.errors import CannotMeasure
from audit.evidence import Bars, Evidence, Member, Slice
from audit.stats import Proportion
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.check import NoParams
    from audit.subject import Subject


def measure(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Share of each class; one that the candidate knows and the data lacks has share 0."""
    y_true, clusters = subject.y_true(), subject.clusters()
    if not len(y_true):
        msg = f"{subject.data.role}: the data set has no rows"
        raise CannotMeasure(msg)
    present, counts = np.unique(y_true.astype(str), return_counts=True)
    rows_of = dict(zip(present.tolist(), counts.tolist(), strict=True))
    classes = sorted({*rows_of, *subject.classes})
    return Evidence(
        members=tuple(Member(Slice((("class", name),)), Proportion.of(y_true == name, clusters)) for name in classes),
        unit="share of rows",
        rows=len(y_true),
        figures=(Bars(f"Rows of each class in {subject.data.role}", tuple(classes), tuple(rows_of.get(name, 0) for name in classes)),),
    )


CHECK = data_check(
    measure=measure,
    question="Does every class occur often enough to be learned?",
    remedy="Collect more rows of the rarest class, or weight it in training; then watch its recall, not the accuracy.",
    better="higher",
    unit="share of rows",
    needs=frozenset({"labels"}),
    tasks=CLASSIFICATION,
)
