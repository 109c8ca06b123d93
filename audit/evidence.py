"""What a check returns: members to be judged, context that is only shown, and the rows behind both."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from audit.stats import Estimate

Value: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the data, named by its columns: `Slice((("region", "north"),))`. The empty slice is all rows."""

    items: tuple[tuple[str, Value], ...] = ()

    def to_json(self) -> dict[str, Value]:
        """As `results.json` writes it: `{"region": "north"}`."""
        return dict(self.items)

    def further(self, column: str, value: Value) -> Slice:
        """The same slice told apart by one thing more, such as a class; an apostrophe marks a name that is taken."""
        while column in dict(self.items):
            column += "'"
        return Slice((*self.items, (column, value)))

    def __str__(self) -> str:
        return ", ".join(f"{column}={'null' if value is None else value}" for column, value in self.items) or "overall"


OVERALL = Slice()


@dataclass(frozen=True, slots=True)
class Pair:
    """An ordered pair of slices: the first is compared with the second."""

    first: Slice
    second: Slice

    def to_json(self) -> list[dict[str, Value]]:
        """As `results.json` writes it: a list of two slices."""
        return [self.first.to_json(), self.second.to_json()]

    def __str__(self) -> str:
        return f"{self.first} against {self.second}"


Name: TypeAlias = Slice | Pair


@dataclass(frozen=True, slots=True)
class Member:
    """One estimate that is judged, or shown, under its name."""

    name: Name
    estimate: Estimate

    def __post_init__(self) -> None:
        if not math.isfinite(self.estimate.value):
            msg = f"{self.name}: the value is {self.estimate.value}; a check raises CannotMeasure in its place"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """A member that the policy names and the data cannot measure. It bars a pass and counts among the members."""

    name: Name
    reason: str
    """What is missing and what would settle it."""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of an example's text. `mask` holds the kind of the hidden data, never the data."""

    text: str
    mark: Literal["same", "deleted", "inserted", "mask"] = "same"


@dataclass(frozen=True, slots=True)
class Example:
    """One row that a reader may look at. Personal data is masked before it gets here."""

    row: str
    """The row's id."""
    parts: tuple[Part, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Reliability:
    """A reliability diagram: one entry a bin."""

    confidence: tuple[float, ...]
    observed: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    band_lower: tuple[float, ...]
    """Where a calibrated model's bin falls at this n, 2.5 % point."""
    band_upper: tuple[float, ...]
    counts: tuple[int, ...]
    noise_floor: float
    """95th percentile of the value under a perfectly calibrated model."""
    of: str = ""
    """Which rows or which class it shows, where that is not all there is: `region=north`."""
    binning: Literal["equal_mass", "equal_width"] = "equal_mass"


@dataclass(frozen=True, slots=True)
class Roc:
    """A receiver operating characteristic with a pointwise band and the operating point."""

    false_positive_rate: tuple[float, ...]
    true_positive_rate: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    operating_point: tuple[float, float] | None
    """(false positive rate, true positive rate) at the decision threshold."""
    area: float | None = None
    """Of the curve: of all rows, whatever slices are judged."""


@dataclass(frozen=True, slots=True)
class PrecisionRecall:
    """Precision over recall as the threshold falls, with a pointwise band and the operating point."""

    recall: tuple[float, ...]
    precision: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    share: float
    """Of the class among all rows: the precision of a score that knows nothing."""
    operating_point: tuple[float, float] | None
    """(recall, precision) at the decision threshold; None where nothing is called the class."""
    area: float | None = None
    """Of the curve, summed by steps: of all rows, whatever slices are judged."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Shares of two samples over the same bins (or categories)."""

    column: str
    labels: tuple[str, ...]
    """One label a bin."""
    reference: tuple[float, ...]
    current: tuple[float, ...]
    reference_name: str = "reference"
    current_name: str = "current"


@dataclass(frozen=True, slots=True)
class Bars:
    """Counts by name, such as rows of each class or entities of each kind."""

    title: str
    labels: tuple[str, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Confusion:
    """A confusion table: rows are true classes, columns are predicted ones."""

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Churn:
    """Rows by which of two models gets them right: one entry a slice in each list, all rows first."""

    comparator: str
    """What the candidate is compared with, in words: `the champion`."""
    names: tuple[str, ...]
    both_right: tuple[int, ...]
    gained: tuple[int, ...]
    """Right by the candidate alone."""
    lost: tuple[int, ...]
    """Right by the comparator alone."""
    both_wrong: tuple[int, ...]
    changed: tuple[int, ...]
    """Rows of which the two say something else, those among them that both get wrong."""


@dataclass(frozen=True, slots=True)
class WeakSlices:
    """Slices that a search proposed and other rows judged: one entry a slice in each list, in the order of the search."""

    names: tuple[str, ...]
    rows: tuple[int, ...]
    """Judged rows in the slice."""
    wrong: tuple[int, ...]
    """Those of them that the candidate gets wrong; none are told where it gives numbers."""
    rest_rows: tuple[int, ...]
    rest_wrong: tuple[int, ...]
    lower: tuple[float, ...]
    """Lower end of the gap: share right elsewhere minus share right in the slice, or error in the slice minus error elsewhere."""
    upper: tuple[float, ...]
    named: tuple[bool, ...]
    """Whether it is worse than the rest beyond chance, all slices of the list considered."""
    examples: tuple[tuple[str, ...], ...]
    """Ids of judged rows in a named slice that the candidate gets wrong, or is farthest off in."""
    errors: tuple[float, ...] = ()
    """Of predicted numbers, in place of `wrong`: the slice's mean absolute error among its judged rows."""
    rest_errors: tuple[float, ...] = ()
    measured_in: str = ""
    """The column in whose unit the errors are."""


@dataclass(frozen=True, slots=True)
class Point:
    """A number with its plain interval."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """One number before and after, or at several stages of a model's making, side by side."""

    unit: str
    stages: tuple[str, ...]
    """In words, the earliest first: `base model, linear probe`, `after fine-tuning`."""
    names: tuple[str, ...]
    """Slices, all rows first where they are shown."""
    points: tuple[tuple[Point | None, ...], ...]
    """One row a slice, one entry a stage; None where there is nothing to measure."""


@dataclass(frozen=True, slots=True)
class Residuals:
    """True minus predicted numbers, one entry a bin: bins of equal mass of the predicted ones."""

    predicted: tuple[float, ...]
    """Mean prediction of the bin."""
    mean: tuple[float, ...]
    """Mean residual."""
    lower: tuple[float, ...]
    """95 % interval of that mean."""
    upper: tuple[float, ...]
    low: tuple[float, ...]
    """10 % and 90 % quantile of the residuals."""
    high: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RateTable:
    """Rates by category and their ratios to the highest, as Local Law 144 prescribes: one entry a category in each list."""

    rate: Literal["selection", "scoring"]
    columns: tuple[str, ...]
    """What the categories are cut by."""
    of: str
    """The class that is looked at, where there are several; else empty."""
    names: tuple[Slice, ...]
    rows: tuple[int, ...]
    hits: tuple[int, ...]
    """Rows selected, or that score above the median."""
    ratios: tuple[float | None, ...]
    """None where the category is in no ratio, or none is selected at all."""
    lower: tuple[float | None, ...]
    """95 % interval of the ratio; None of the category with the highest rate too, which the others are held against."""
    upper: tuple[float | None, ...]
    exact_p: tuple[float | None, ...]
    """Fisher's, two-sided; None where rows belong to entities, too."""
    apart: tuple[Literal["", "unknown", "small"], ...]
    """Why the category is in no ratio; empty where it is in one."""
    below: float
    """Share of the rows of known category below which a category is small."""


Figure: TypeAlias = (
    RateTable | BeforeAfter | Reliability | Roc | PrecisionRecall | Histogram | Bars | Confusion | Churn | Residuals | WeakSlices
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One check's measurement. Never empty, never a NaN."""

    members: tuple[Member, ...]
    unit: str
    """What the number is, in words: `accuracy`, `rows`, `rate difference`."""
    rows: int
    """Rows that were examined; the engine compares it with the rows there are."""
    context: tuple[Member, ...] = ()
    """Shown and never judged: the groups' rates behind a gap."""
    unmeasured: tuple[Unmeasured, ...] = ()
    figures: tuple[Figure, ...] = ()
    examples: tuple[Example, ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences for the reader: limits, licences, stand-ins, what was left out."""
    backend: str = "audit"
    """The part that measured, with its version where it is not ours."""
    table: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)
    """Per-example outputs, one array a column; written as Parquet so that every number can be recomputed."""
    context_unit: str = "rate"
    """What the groups behind a gap show."""
    asides: tuple[str, ...] = ()
    """Sentences that another run of the same would not say alike, such as seconds: the report has them, `results.json` does not."""

    background: tuple[Slice, ...] = ()
    """Slices that groups are held against and that are none themselves: the rows without a flag. The notes say so."""

    def __post_init__(self) -> None:
        if not self.members and not self.unmeasured:
            msg = "evidence without members: a check that has nothing to measure raises CannotMeasure"
            raise ValueError(msg)
