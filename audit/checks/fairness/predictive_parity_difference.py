"""Predictive parity difference: largest minus smallest precision over groups.

Purpose      Show whether a positive prediction is right equally often in every group.
Risk         Well above 0: the same prediction is worth less for some group, and decisions made on it go wrong there more often.
Limitations  Where base rates differ it cannot be small together with equalized odds, unless the model is perfect (Chouldechova 2017).
             A group of which nobody is predicted positive has no precision and bars a pass.
Reference    Chouldechova, Big Data 2017; `fairlearn.metrics.MetricFrame` of `sklearn.metrics.precision_score`;
             interval of Newcombe, Statistics in Medicine 1998.
"""

from __future__ import annotations

from audit.checks.fairness._rates import rate_gap_check
from audit.stats import Difference

CHECK = rate_gap_check(
    Difference,
    "precision",
    question="Is a positive prediction right equally often in every group?",
    remedy="Read the false alarms of the group with the lowest precision; set the threshold anew, or calibrate the scores.",
    unit="precision difference",
)
