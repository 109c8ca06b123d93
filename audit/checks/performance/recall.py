"""Recall: share of a class's rows that it finds.

Purpose      Show how much of what it must find it does find.
Risk         Low: the cases it was built for pass it by.
Limitations  Says nothing of its false alarms: calling everything positive gives a recall of 1. Read it next to precision.
             A macro average needs every class of the candidate in each slice: without one the slice is unmeasured, which bars a
             pass; so does a class that is only predicted. A weighted one says nothing of a class that a slice lacks.
Reference    As `sklearn.metrics.recall_score`; Wilson, JASA 1927; averages by Goutte & Gaussier, ECIR 2005.
"""

from __future__ import annotations

from audit.checks.performance._confusion import AverageParams, confusion_check

CHECK = confusion_check(
    "recall",
    question="Does it find enough of the true cases?",
    remedy="Read what it misses in the worst slice; add rows like these to the training data, or lower the decision threshold.",
    params=AverageParams,
)
