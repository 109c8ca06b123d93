"""What a check returns: estimates to be judged, figures and examples to be shown; storable."""

from audit.evidence.figures import (
    Bars,
    BeforeAfter,
    Churn,
    Confusion,
    Figure,
    Histogram,
    Point,
    PrecisionRecall,
    RateTable,
    Reliability,
    Residuals,
    Roc,
    WeakSlices,
)
from audit.evidence.members import Evidence, Example, Member, Part, Unmeasured
from audit.evidence.slices import OVERALL, Name, Pair, Slice, Value

__all__ = [
    "OVERALL",
    "Bars",
    "BeforeAfter",
    "Churn",
    "Confusion",
    "Evidence",
    "Example",
    "Figure",
    "Histogram",
    "Member",
    "Name",
    "Pair",
    "Part",
    "Point",
    "PrecisionRecall",
    "RateTable",
    "Reliability",
    "Residuals",
    "Roc",
    "Slice",
    "Unmeasured",
    "Value",
    "WeakSlices",
]
