"""False positive rate difference: largest minus smallest share of false alarms over groups.

Purpose      Show whether those who should be left alone are left alone equally often in every group: predictive equality.
Risk         Well above 0: innocent people of some group are accused, flagged or favoured by mistake more often than others.
Limitations  Blind to misses, and trusts the true labels. Few rows tell of false alarms where the class is common.
             Read it next to the misses.
Reference    Corbett-Davies et al., KDD 2017; as in `fairlearn.metrics`;
             interval of Newcombe, Statistics in Medicine 1998.
"""

from __future__ import annotations

from audit.checks.fairness._rates import rate_gap_check
from audit.stats import Difference

CHECK = rate_gap_check(
    Difference,
    "false_positive_rate",
    question="Are false alarms equally rare in every group?",
    remedy="Read the false alarms of the group with the highest rate; add training rows like them, or mend its labels, and train again.",
)
