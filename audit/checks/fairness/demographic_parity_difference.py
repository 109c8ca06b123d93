"""Demographic parity difference: largest minus smallest selection rate over groups.

Purpose      Show whether a sensitive feature moves the chance of a favourable decision.
Risk         Well above 0: some group is selected less often than another.
Limitations  Blind to base rates and to errors: a perfect model fails it where the groups differ. Read it next to equalized odds.
Reference    Agarwal et al., ICML 2018, as in `fairlearn.metrics`; interval of Newcombe, Statistics in Medicine 1998.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.check import Check, NoParams
from audit.metrics.groups import compare, selection_rates
from audit.stats import Difference
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.evidence import Evidence
    from audit.subject import Subject


def measure(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Selection rate per group, judged on every ordered pair of groups."""
    return compare(subject, selection_rates(subject), Difference, "rate difference")


CHECK = Check(
    measure=measure,
    question="Are all groups chosen at similar rates?",
    remedy="Compare the groups' base rates and errors; where the gap has no reason, rebalance the training data or use fairlearn.",
    rmf=("MEASURE 2.11",),
    better="lower",
    unit="rate difference",
    needs=frozenset({"predictions", "groups"}),
    by="groups",
    tasks=CLASSIFICATION,
)
