"""Equal opportunity difference: largest minus smallest true positive rate over groups.

Purpose      Show whether those who should be found are found equally often in every group.
Risk         Well above 0: deserving people of some group are passed over more often than others.
Limitations  Blind to false alarms, and trusts the true labels: where these are biased it cannot see it. Read it next to equalized odds.
Reference    Hardt, Price & Srebro, NeurIPS 2016, as in `fairlearn.metrics`; interval of Newcombe, Statistics in Medicine 1998.
"""

from __future__ import annotations

from audit.checks.fairness._rates import rate_gap_check
from audit.stats import Difference

CHECK = rate_gap_check(
    Difference,
    "true_positive_rate",
    question="Does it find the true cases equally often in every group?",
    remedy="Read the misses of the group with the lowest rate; add training rows like them, or mend its labels, and fine-tune again.",
)
