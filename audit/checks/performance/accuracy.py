"""Accuracy: share of rows whose predicted class is the true one.

Purpose      Show how often the model is right.
Risk         Low: the model is wrong more often than its users were told.
Limitations  Hides rare classes; read it next to balanced accuracy and recall.
Reference    As `sklearn.metrics.accuracy_score`; interval of Wilson, JASA 1927; of a difference, Tango, Statistics in Medicine 1998.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.checks.performance import skill_check
from audit.evidence import Evidence
from audit.metrics.comparison import shares_right
from audit.metrics.groups import share_members
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.check import NoParams
    from audit.subject import Subject


def measure(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Share of right predictions in each slice."""
    right = subject.y_true() == subject.y_pred()  # (n,) bool
    return Evidence(members=share_members(subject, right), unit="accuracy", rows=len(right))


def compare(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Difference of the shares of right predictions in each slice."""
    return shares_right(subject, "accuracy")


CHECK = skill_check(
    measure=measure,
    compare=compare,
    question="Is it correct often enough?",
    remedy="Look at the rows it gets wrong in the worst slice; add or mend training rows like them and fine-tune again.",
    unit="accuracy",
    needs=frozenset({"labels", "predictions"}),
    tasks=CLASSIFICATION,
)
