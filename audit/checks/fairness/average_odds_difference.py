"""Average odds difference: mean of the groups' gaps in true positive and in false positive rate.

Purpose      Show in one number whether the odds of a favourable prediction are alike in every group, given the truth.
Risk         Well above 0: some group is favoured by hits and by false alarms taken together.
Limitations  Gaps of opposite signs cancel: at 0 the groups' errors may still differ in kind. Read it next to equalized odds.
             Trusts the true labels. The gap of one ordered pair is signed, the worst pair's is the larger of both orders.
Reference    Bellamy et al., IBM Journal of Research and Development 2019 (AI Fairness 360);
             interval of Zou & Donner, Statistics in Medicine 2008.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.check import Check, NoParams
from audit.checks.fairness._odds import average_odds
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.evidence import Evidence
    from audit.subject import Subject


def measure(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Mean of both rates' differences, judged on every ordered pair of groups."""
    return average_odds(subject)


CHECK = Check(
    measure=measure,
    question="Taking hits and false alarms together, is no group favoured?",
    remedy="See which rate of which group lies apart; add training rows of that kind, or mend their labels, and fine-tune again.",
    rmf=("MEASURE 2.11",),
    better="lower",
    unit="mean rate difference",
    needs=frozenset({"labels", "predictions", "groups"}),
    by="groups",
    tasks=CLASSIFICATION,
)
