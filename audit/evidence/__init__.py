"""What a check returns: estimates to be judged, figures and examples to be shown; storable."""

from audit.evidence.figures import (
    Bars,
    Churn,
    Curve,
    Figure,
    Generic,
    Grid,
    Intervals,
    Lines,
    Point,
    RateTable,
    WeakSlices,
    points,
)
from audit.evidence.members import Evidence, Example, Member, Part, Unmeasured
from audit.evidence.slices import OVERALL, Name, Pair, Slice, Value

__all__ = [
    "OVERALL",
    "Bars",
    "Churn",
    "Curve",
    "Evidence",
    "Example",
    "Figure",
    "Generic",
    "Grid",
    "Intervals",
    "Lines",
    "Member",
    "Name",
    "Pair",
    "Part",
    "Point",
    "RateTable",
    "Slice",
    "Unmeasured",
    "Value",
    "WeakSlices",
    "points",
]
