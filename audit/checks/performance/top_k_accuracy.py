"""Top-k accuracy: share of rows whose true class is among the k most probable ones.

Purpose      Show how often the right answer is on the short list that a person is shown.
Risk         Low: whoever chooses from its list often finds the right answer missing.
Limitations  Says nothing of the order within the list, and rises with k by itself: compare it with k over the number of classes. Of
             equally probable classes the later one in the model's order comes first, as in scikit-learn; how many rows that touches
             is told.
Reference    As `sklearn.metrics.top_k_accuracy_score`; interval of Wilson, JASA 1927; of a difference, Tango, Statistics in
             Medicine 1998.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from audit.check import Params
from audit.checks.performance import skill_check
from audit.errors import CannotMeasure
from audit.evidence import Evidence
from audit.formatting import rows_in_words
from audit.metrics.comparison import shares
from audit.metrics.groups import share_members
from audit.metrics.losses import true_columns
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.subject import Subject


class TopKParams(Params):
    """How long the list is."""

    k: int = Field(2, ge=1, description="classes on the list; fewer than the candidate has, since else any model meets any bound")


def measure(subject: Subject, params: TopKParams, _rng: Generator) -> Evidence:
    """Share of rows with their class on the list, in each slice."""
    hit = _hits(subject, params.k)
    return Evidence(members=share_members(subject, hit), unit=_unit(params.k), rows=len(hit), notes=_notes(subject, params.k))


def compare(subject: Subject, params: TopKParams, _rng: Generator) -> Evidence:
    """Difference of these shares in each slice."""
    hits = _hits(subject, params.k), _hits(subject.for_comparator, params.k)
    return shares(subject, hits, _unit(params.k), _notes(subject, params.k))


def _unit(k: int) -> str:
    return f"top-{k} accuracy"


def _hits(subject: Subject, k: int) -> NDArray[np.bool_]:
    """(n,) whether the true class is among the k most probable."""
    if k >= len(subject.classes):
        msg = f"a list of {k} holds all of the {len(subject.classes)} classes, so that any model is right: give a k below it"
        raise CannotMeasure(msg)
    listed = np.argsort(subject.probabilities(), axis=1, kind="stable")[:, ::-1][:, :k]
    hit: NDArray[np.bool_] = (listed == true_columns(subject)[:, None]).any(axis=1)
    return hit


def _notes(subject: Subject, k: int) -> tuple[str, ...]:
    """Rows in which a tie decides what is on the list."""
    ordered = np.sort(subject.probabilities(), axis=1)[:, ::-1]
    tied = int(np.count_nonzero(ordered[:, k - 1] == ordered[:, k]))
    said = f"In {rows_in_words(tied)} the last class on the list is as probable as the first one off it; the later of the two is taken."
    return (said,) if tied else ()


CHECK = skill_check(
    measure=measure,
    compare=compare,
    question="Is the correct answer among its top k often enough?",
    remedy="Look at the rows whose class is not on the list in the worst slice; add training rows like them, or show a longer list.",
    unit="top-k accuracy",
    needs=frozenset({"labels", "scores"}),
    params=TopKParams,
    tasks=CLASSIFICATION,
)
