"""Cohen's kappa: agreement of predicted and true classes beyond chance, as a share of the most there can be.

Purpose      Show how much of the agreement is more than two raters with these habits would reach by chance.
Risk         Low: the model agrees with the truth little more often than chance would, though the plain accuracy may look well.
Limitations  Falls where one class is very common, at the same share of right rows. Any two classes count as equally far apart: for
             ordered ones it sees no difference between a near miss and a far one. Needs rows of every class of the candidate in each
             slice: without them the slice is unmeasured, which bars a pass.
Reference    As `sklearn.metrics.cohen_kappa_score` without weights; Cohen, Educational and Psychological Measurement 1960; interval
             after Goutte & Gaussier, ECIR 2005.
"""

from __future__ import annotations

from audit.checks.performance._confusion import confusion_check

CHECK = confusion_check(
    "kappa",
    question="Does it agree with the truth more often than chance would?",
    remedy="See in the confusion table which classes it mixes up; add or mend training rows of these and fine-tune again.",
    lowest=-1.0,
)
