"""Mean absolute error: how far the predicted number is from the true one, on average.

Purpose      Show in the target's own unit how far off the model usually is.
Risk         High: whoever plans by the number plans by a wrong one.
Limitations  Weighs an error of ten as ten errors of one; where large errors hurt more, read the root mean squared error. Has no
             natural bound: compare it with the error of always giving the mean, which `audit validate` does.
Reference    As `sklearn.metrics.mean_absolute_error`; Willmott & Matsuura, Climate Research 2005; interval of Hall, JRSS B 1992.
"""

from __future__ import annotations

import numpy as np

from audit.checks.performance._losses import mean_loss_check

CHECK = mean_loss_check(
    "mean absolute error",
    lambda _: np.abs,
    question="How far off are its numbers, on average?",
    remedy="Look at the rows that are farthest off in the worst slice; mend their values or add rows like them, and fit the model anew.",
)
