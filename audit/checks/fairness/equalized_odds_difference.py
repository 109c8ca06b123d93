"""Equalized odds difference: the larger of the groups' gaps in true positive and in false positive rate.

Purpose      Show whether the model errs alike in every group, by missing and by false alarm.
Risk         Well above 0: some group bears more of the errors of one kind.
Limitations  Trusts the true labels. Two models with the same value may err in different ways: the rate of each kind stands beside it.
Reference    Hardt, Price & Srebro, NeurIPS 2016, as in `fairlearn.metrics`; interval of Newcombe, Statistics in Medicine 1998.
"""

from __future__ import annotations

from audit.checks.fairness._rates import rate_gap_check
from audit.stats import Difference

CHECK = rate_gap_check(
    Difference,
    "true_positive_rate",
    "false_positive_rate",
    question="Are misses and false alarms equally frequent in every group?",
    remedy="See which rate of which group lies apart; add training rows of that kind, or mend their labels, and fine-tune again.",
)
