"""Equal opportunity ratio: smallest true positive rate over the largest, over groups.

Purpose      Show whether those who should be found are found in some group much less often than in another.
Risk         Well under 1: deserving people of some group are passed over more often than others.
Limitations  Blind to false alarms, and trusts the true labels. Where all rates are near 1 it is near 1 though misses differ manyfold:
             read it next to the difference of the false negative rates.
Reference    Hardt, Price & Srebro, NeurIPS 2016, as in `fairlearn.metrics`; interval of Koopman, Biometrics 1984.
"""

from __future__ import annotations

from audit.checks.fairness._rates import rate_gap_check
from audit.stats import Ratio

CHECK = rate_gap_check(
    Ratio,
    "true_positive_rate",
    question="Does it find the true cases of every group nearly as often as those of any other?",
    remedy="Read the misses of the group with the lowest rate; add training rows like them, or mend its labels, and fine-tune again.",
)
