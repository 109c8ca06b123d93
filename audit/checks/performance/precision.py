"""Precision: share of the rows it calls a class that truly are of it.

Purpose      Show how far an alarm of the model can be trusted.
Risk         Low: many of its alarms are false, and the people who follow them lose time and trust.
Limitations  Says nothing of what it misses; read it next to recall. Moves with how common the class is.
             A macro average needs every class of the candidate in each slice: without one the slice is unmeasured, which bars a
             pass; so does a class that is only predicted. A weighted one says nothing of a class that a slice lacks.
Reference    As `sklearn.metrics.precision_score`; Wilson, JASA 1927; averages by Goutte & Gaussier, ECIR 2005.
"""

from __future__ import annotations

from audit.checks.performance._confusion import AverageParams, confusion_check

CHECK = confusion_check(
    "precision",
    question="When it raises an alarm, is the alarm right often enough?",
    remedy="Read its false alarms in the worst slice; add rows like them with their true class, or raise the decision threshold.",
    params=AverageParams,
)
