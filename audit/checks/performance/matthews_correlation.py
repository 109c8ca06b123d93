"""Matthews correlation: how far predicted and true classes go together.

Purpose      Show in one number from -1 to 1 whether all classes are told apart; 0 is what guessing gives, however rare a class is.
Risk         Low: the answers have little to do with the truth, though the plain accuracy may look well.
Limitations  One number for the whole table: see in it which class is at fault. Moves with how common the classes are. Needs rows of
             every class of the candidate in each slice: without them the slice is unmeasured, which bars a pass.
Reference    As `sklearn.metrics.matthews_corrcoef`; Matthews, Biochimica et Biophysica Acta 1975; of more classes Gorodkin,
             Computational Biology and Chemistry 2004; interval after Goutte & Gaussier, ECIR 2005.
"""

from __future__ import annotations

from audit.checks.performance._confusion import confusion_check

CHECK = confusion_check(
    "mcc",
    question="Do its answers correlate with the truth?",
    remedy="See in the confusion table which classes it mixes up; add or mend training rows of these and fine-tune again.",
    lowest=-1.0,
)
