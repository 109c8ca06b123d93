"""What both estimates without labels share: the two samples, how alike they are, and what their assumptions leave to be judged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from audit.check import Params
from audit.errors import CannotMeasure
from audit.evidence import Unmeasured
from audit.formatting import number
from audit.metrics import resemblance, windows
from audit.stats import Auc

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.evidence import Evidence, Slice
    from audit.metrics.resemblance import Resemblance
    from audit.subject import Subject

FOLDS = 5
"""Parts of the reference, each held out once."""
FAR = 3.0
"""Standard errors from which on labels of the window contradict its estimate."""
CONCEPT = (
    "Estimated without labels: where the right answer for the same case has changed, this number does not move. "
    "Only labels show that; it is no substitute for them."
)


class ColumnsParams(Params):
    """By what the window is compared with the reference."""

    columns: tuple[str, ...] | None = Field(
        None,
        description="columns by which rows of the reference are weighted to be like those of the window. Absent: every feature, or the"
        " text; `[]`: none, so that the estimate rests on the model's answers alone",
    )


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """The labelled reference and the window."""

    reference: Dataset
    window: Dataset
    clusters: tuple[NDArray[np.int64] | None, NDArray[np.int64] | None]
    """Entity of each row, by one code in both; None where rows are independent."""
    alike: Resemblance | None
    """None where scores alone are compared."""

    @classmethod
    def of(cls, subject: Subject, params: ColumnsParams, rng: Generator) -> Samples:
        """Refused where the reference has no labels or is the window itself."""
        if subject.reference is not None and subject.reference.sha256 == subject.data.sha256:
            msg = f"{subject.reference.role} and {subject.data.role} are the same file, whose labels measure it: name another data set "
            msg += "under `on` or `reference`, or use the check of the metric itself"
            raise CannotMeasure(msg)
        reference, window = windows.pair(subject)
        if reference.columns.label is None:
            msg = f"{reference.role}: without labels nothing can be calibrated on it: name their column under columns.label"
            raise CannotMeasure(msg)
        first, second = windows.entities(subject).values()
        if first is None and second is not None:
            first = int(second.max()) + 1 + np.arange(reference.rows)
        if second is None and first is not None:
            second = int(first.max()) + 1 + np.arange(window.rows)
        alike = None if params.columns == () else resemblance.compare(subject, params.columns, rng)
        return cls(reference, window, (first, second), alike)

    def labelled(self) -> NDArray[np.bool_]:
        """(n,) rows of the window that have a label already."""
        column = self.window.columns.label
        if column is None or column not in self.window.cells.names:
            return np.zeros(self.window.rows, dtype=bool)
        return ~self.window.blank(column)

    def folds(self, *ties: NDArray[np.generic]) -> NDArray[np.int64]:
        """(m,) part of each row of the reference: by time where it is told, else dealt out by `ties`, whatever the order of the rows."""
        if self.reference.columns.time is not None:
            when = self.reference.as_numbers(self.reference.columns.time).values
            rank = np.argsort(np.argsort(when, kind="stable"), kind="stable")
            parts = rank * FOLDS // len(rank)
        else:
            order = np.lexsort(ties)
            parts = np.empty(len(order), dtype=np.int64)
            parts[order] = np.arange(len(order)) % FOLDS
        if self.clusters[0] is None:
            return np.asarray(parts, dtype=np.int64)
        codes = np.unique(self.clusters[0], return_inverse=True)[1]
        first = np.full(int(codes.max()) + 1, FOLDS)
        np.minimum.at(first, codes, parts)
        return np.asarray(first[codes], dtype=np.int64)  # rows of one entity stay together

    def notes(self) -> tuple[str, ...]:
        """How alike the two are, in words."""
        reference, window = self.reference.role, self.window.role
        if self.alike is None:
            return (
                f"Whether the rows of {window} are like those of {reference} was not looked at: it rests on the model's answers alone.",
            )
        area = Auc.of(np.repeat([False, True], [self.reference.rows, self.window.rows]), self.alike.score).value
        weight, strange = self.alike.weight, int(np.count_nonzero(self.alike.unlike))
        worth = float(weight.sum() ** 2 / (weight @ weight))
        told = f"A classifier tells the windows apart with an area of {number(area)} (.5 by chance alone). Weighted as if they came from "
        told += f"{window}, the {self.reference.rows:,} rows of {reference} are worth {worth:,.0f}. Of the {self.window.rows:,} rows of "
        told += f"{window} {strange:,} ({strange / self.window.rows:.1%}) are like none of {reference}: they count as the worst case at "
        told += "the one end and as the best at the other."
        skipped = (f"Not compared: {'; '.join(self.alike.left_out)}.",) if self.alike.left_out else ()
        return (told, *skipped)


def slices_of_both(subject: Subject, samples: Samples) -> Iterator[tuple[Slice, NDArray[np.bool_], NDArray[np.bool_]]]:
    """Each slice of the window with the masks of its rows in the reference, where it may have none, and in the window."""
    before = dict(subject.slices(samples.reference))
    for name, rows in subject.slices(samples.window):
        yield name, before.get(name, np.zeros(samples.reference.rows, dtype=bool)), rows


def judged(samples: Samples, found: Evidence, broken: Sequence[str]) -> Evidence:
    """Where an assumption is `broken`, nothing is judged: neither a pass nor a fail could be trusted, and the number is only shown."""
    found = replace(found, notes=(*found.notes, *samples.notes(), CONCEPT))
    if not broken:
        return found
    reason = f"not judged, since an assumption fails: {'; '.join(broken)}: label a sample of {samples.window.role} and measure it"
    unjudged = tuple(Unmeasured(one.name, reason) for one in found.members)
    return replace(
        found, members=(), context=found.members, context_unit=f"{found.unit}, not judged", unmeasured=(*unjudged, *found.unmeasured)
    )
