"""Demographic parity ratio: smallest selection rate over the largest, over groups.

Purpose      Show whether some group is favourably decided on much less often than another: the impact ratio of the four-fifths rule.
Risk         Well under 1: some group is selected less often than another; under 0.8 is where regulators begin to ask.
Limitations  Blind to base rates and to errors. With small groups the point ratio is noise: judge it on its interval.
Reference    As in `fairlearn.metrics`; 29 CFR 1607.4 D (1978); interval of Koopman, Biometrics 1984.
"""

from __future__ import annotations

from audit.checks.fairness._rates import rate_gap_check
from audit.stats import Ratio

CHECK = rate_gap_check(
    Ratio,
    "selection_rate",
    question="Is every group chosen at least four-fifths as often as any other?",
    remedy="Compare the groups' base rates and errors; where the gap has no reason, rebalance the training data or use fairlearn.",
)
