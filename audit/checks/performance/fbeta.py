"""F-beta: harmonic mean of precision and recall in which recall weighs beta times as much.

Purpose      Show in one number whether it finds what it should without raising false alarms, weighed by what a miss costs.
Risk         Low: it misses cases, raises false alarms, or does much of the one that the weight says matters.
Limitations  The weight is a judgement: above 1 a miss is worse, below 1 a false alarm; take it from the costs before looking. Moves
             with how common the class is. A macro average needs every class of the candidate in each slice: without one the slice is
             unmeasured, which bars a pass; so does a class that is only predicted. A weighted one says nothing of a class that a
             slice lacks.
Reference    As `sklearn.metrics.fbeta_score`; van Rijsbergen, Information Retrieval 1979; interval after Goutte & Gaussier, ECIR 2005.
"""

from __future__ import annotations

from pydantic import Field, FiniteFloat

from audit.checks.performance._confusion import AverageParams, confusion_check


class FBetaParams(AverageParams):
    """How precision and recall are put together, and then the classes."""

    beta: FiniteFloat = Field(gt=0, le=1000, description="how many times as much recall weighs as precision: above 1 where a miss is worse")


CHECK = confusion_check(
    "fbeta",
    question="Does it find the true cases with few false alarms, weighted by the cost of a miss?",
    remedy="See in the confusion table which classes it mixes up; add or mend training rows of these, or move the decision threshold.",
    params=FBetaParams,
    beta=lambda params: float(params.beta),
)
