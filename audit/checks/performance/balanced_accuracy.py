"""Balanced accuracy: mean over the classes of the share of their rows that it gets right.

Purpose      Show how often it is right when every class counts alike, however rare.
Risk         Low: some class is served badly, though the plain accuracy may look well.
Limitations  Needs rows of every class of the candidate in each slice: without them the slice is unmeasured, which bars a pass.
Reference    As `sklearn.metrics.balanced_accuracy_score`; Brodersen et al., ICPR 2010; interval of Goutte & Gaussier, ECIR 2005.
"""

from __future__ import annotations

from audit.checks.performance._confusion import confusion_check

CHECK = confusion_check(
    "balanced_accuracy",
    question="Is it correct often enough if every class has equal weight?",
    remedy="Find in the confusion table the class with the lowest share of right rows; add training rows of it or weight it up.",
)
