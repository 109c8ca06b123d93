"""F1: harmonic mean of precision and recall.

Purpose      Show in one number whether it finds what it should without raising false alarms.
Risk         Low: it misses cases, raises false alarms, or both.
Limitations  Weighs a miss and a false alarm alike, which the cost of either seldom bears out; moves with how common the class is.
             A macro average needs every class of the candidate in each slice: without one the slice is unmeasured, which bars a
             pass; so does a class that is only predicted. A weighted one says nothing of a class that a slice lacks.
Reference    As `sklearn.metrics.f1_score`; interval after Goutte & Gaussier, ECIR 2005.
"""

from __future__ import annotations

from audit.checks.performance._confusion import AverageParams, confusion_check

CHECK = confusion_check(
    "f1",
    question="Does it find the true cases with few false alarms?",
    remedy="See in the confusion table which classes it mixes up; add or mend training rows of these and fine-tune again.",
    params=AverageParams,
)
