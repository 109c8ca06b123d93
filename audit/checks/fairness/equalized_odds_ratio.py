"""Equalized odds ratio: the smaller of the groups' ratios of true positive and of false positive rates.

Purpose      Show whether the model errs alike in every group, by missing and by false alarm.
Risk         Well under 1: some group bears more of the errors of one kind.
Limitations  False positive rates are often small, and then their ratio is far from 1 and hard to know: a clear pass takes many rows.
             Groups without any false alarm have no ratio to one another, which bars a pass. Trusts the true labels.
Reference    Hardt, Price & Srebro, NeurIPS 2016, as in `fairlearn.metrics` (`agg` worst case); interval of Koopman, Biometrics 1984.
"""

from __future__ import annotations

from audit.checks.fairness._rates import rate_gap_check
from audit.stats import Ratio

CHECK = rate_gap_check(
    Ratio,
    "true_positive_rate",
    "false_positive_rate",
    question="Are misses and false alarms in every group nearly as frequent as in any other?",
    remedy="See which rate of which group lies apart; add training rows of that kind, or mend their labels, and fine-tune again.",
)
