"""False negative rate difference: largest minus smallest share of misses over groups.

Purpose      Show whether those who should be found are missed equally often in every group.
Risk         Well above 0: deserving or endangered people of some group are overlooked more often than others.
Limitations  The gap of the true positive rates seen from the other side: it adds nothing to equal opportunity but the wording of the bound.
Reference    Hardt, Price & Srebro, NeurIPS 2016; as in `fairlearn.metrics`;
             interval of Newcombe, Statistics in Medicine 1998.
"""

from __future__ import annotations

from audit.checks.fairness._rates import rate_gap_check
from audit.stats import Difference

CHECK = rate_gap_check(
    Difference,
    "false_negative_rate",
    question="Does it miss the true cases equally rarely in every group?",
    remedy="Read the misses of the group with the highest rate; add training rows like them, or mend its labels, and fine-tune again.",
)
