"""What a check returns: members to be judged, context that is only shown, and the rows behind both."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from audit.evidence.figures import Figure
    from audit.evidence.slices import Name, Slice
    from audit.stats import Estimate


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
    """A member that the policy names and the data cannot measure. It prevents a pass and counts among the members."""

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
    table: Mapping[str, NDArray[np.generic]] = field(default_factory=dict, metadata={"stored apart": True})
    """Per-example outputs, one array a column; written as Parquet so that every number can be recomputed."""
    context_unit: str = "rate"
    """What the groups behind a gap show."""
    asides: tuple[str, ...] = ()
    """Sentences that another run of the same would not say alike, such as seconds: the report has them, `results.json` does not."""

    background: tuple[Slice, ...] = ()
    """Slices that groups are compared with and that are no groups themselves: the rows without a flag. The notes say so."""
    expires: str | None = field(default=None, metadata={"added later": True})
    """ISO date of the last day on which it counts, and a decision that rests on it; None where the candidate and the data alone decide."""

    def __post_init__(self) -> None:
        if not self.members and not self.unmeasured:
            msg = "evidence without members: a check that has nothing to measure raises CannotMeasure"
            raise ValueError(msg)
