"""Demographic parity difference: largest minus smallest selection rate over groups.

Purpose      Show whether a sensitive feature moves the chance of a favourable decision.
Risk         Well above 0: some group is selected less often than another.
Limitations  Blind to base rates and to errors: a perfect model fails it where the groups differ. Read it next to equalized odds.
Reference    Agarwal et al., ICML 2018, as in `fairlearn.metrics`; interval of Newcombe, Statistics in Medicine 1998.
"""

from __future__ import annotations

from audit.checks.fairness._rates import rate_gap_check
from audit.stats import Difference

CHECK = rate_gap_check(
    Difference,
    "selection_rate",
    question="Are all groups chosen at similar rates?",
    remedy="Compare the groups' base rates and errors; where the gap has no reason, rebalance the training data or use fairlearn.",
)
