"""Accuracy: share of rows whose predicted class is the true one.

Purpose      Show how often the model is right.
Risk         Low: the model is wrong more often than its users were told.
Limitations  Hides rare classes; read it next to balanced accuracy and recall.
Reference    As `sklearn.metrics.accuracy_score`; interval of Wilson, JASA 1927; of a difference, Tango, Statistics in Medicine 1998.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.check import Check, NoParams
from audit.evidence import Evidence, Member
from audit.metrics.comparison import shares_right
from audit.stats import Proportion
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.subject import Subject


def measure(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Share of right predictions in each slice."""
    right = subject.y_true() == subject.y_pred()  # (n,) bool
    clusters = subject.clusters()
    members = tuple(
        Member(name, Proportion.of(right[rows], None if clusters is None else clusters[rows])) for name, rows in subject.slices()
    )
    return Evidence(members=members, unit="accuracy", rows=len(right))


def compare(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Difference of the shares of right predictions in each slice."""
    return shares_right(subject, "accuracy")


CHECK = Check(
    measure=measure,
    compare=compare,
    question="Is it correct often enough?",
    remedy="Look at the rows it gets wrong in the worst slice; add or mend training rows like them and fine-tune again.",
    measures="skill",
    characteristics=("valid_reliable",),
    rmf=("MEASURE 2.3", "MEASURE 2.5"),
    better="higher",
    unit="accuracy",
    needs=frozenset({"labels", "predictions"}),
    by="slices",
    tasks=CLASSIFICATION,
)
