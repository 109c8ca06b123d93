"""What a check sees: candidate and data sets, scoped to one requirement."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from audit.candidates.interface import why_no_scores
from audit.datasets.labels import positive_class
from audit.errors import CannotMeasure
from audit.evidence import OVERALL, Slice, Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from audit.candidates import Candidate
    from audit.candidates.predictions import Predictions
    from audit.datasets import Dataset
    from audit.datasets.bands import Bands
    from audit.finetune.base import Base

MOST_SLICES = 1000
"""Of one family: a column with more values names rows, or numbers, and no groups."""
MOST_PAIRED = 300
"""Groups of one family of which each is held against each other, which makes up to 89,700 ordered pairs."""


@dataclass(frozen=True)
class Subject:
    """One requirement's view. Predictions are shared by every check and computed once."""

    data: Dataset
    """The data set under `on`."""
    predicted: Predictions
    """The shared predictions of the candidate."""
    reference: Dataset | None = None
    """The data set under `reference`, where the requirement names one."""
    datasets: Mapping[str, Dataset] = field(default_factory=dict)
    """Every declared data set by its role."""
    by: tuple[tuple[str, ...], ...] = ()
    """Families of slices: each names the columns that it crosses."""
    bands: Mapping[tuple[int, str], Bands] = field(default_factory=dict)
    """Bands of a column of numbers, by the place of its family in `by` and its name."""
    reference_group: str | None = None
    """What groups are compared with: `pooled_rest`, a group, `highest`; None for every ordered pair."""
    learned_from: tuple[str, ...] = ()
    """Roles of the data sets that trained the candidate, or chose its checkpoint."""
    declared: Mapping[str, object] = field(default_factory=dict)
    """The policy's declared facts, flattened: `system.purpose`, `policy.tier`, `system.owner.contact`."""
    seed: int = 0
    project: str = "."
    """Folder against which a parameter's file path is read."""
    comparator: Predictions | None = None
    """The shared predictions of what the candidate is compared with, where the requirement says `against`."""
    against: str = "champion"
    """What that is: `champion` or `base`."""
    base: Base | None = None
    """What the candidate was fine-tuned from; None where that did not happen here."""

    @property
    def candidate(self) -> Candidate:
        """The model under audit."""
        return self.predicted.candidate

    @property
    def classes(self) -> tuple[str, ...]:
        """The candidate's class labels, as text; none where it gives numbers."""
        return self.candidate.classes

    @property
    def for_comparator(self) -> Subject:
        """The same rows as the model sees them that the candidate is compared with."""
        if self.comparator is None:
            msg = "there is no model to compare with"
            raise ValueError(msg)
        return replace(self, predicted=self.comparator, comparator=None)

    @property
    def tuned_from(self) -> Base:
        """What the candidate was fine-tuned from; CannotMeasure where that did not happen here."""
        if self.base is None:
            msg = "the candidate was not fine-tuned here, so that what fine-tuning did cannot be told: "
            msg += "name its base model under candidate.fine_tune in place of candidate.load"
            raise CannotMeasure(msg)
        return self.base

    def retrained(self, seed: int) -> Predictions:
        """The predictions of the same fine-tuning on the same rows under another seed; trained when first asked for, then kept."""
        return self.tuned_from.retrained(seed)

    def y_true(self, data: Dataset | None = None) -> NDArray[np.object_]:
        """(n,) true labels as text."""
        data = data or self.data
        if data.columns.label is None:
            msg = f"{data.role}: no label column: name it under columns.label"
            raise CannotMeasure(msg)
        return data.labels(data.columns.label)

    def y_pred(self, data: Dataset | None = None) -> NDArray[np.object_]:
        """(n,) predicted labels as text."""
        labels = self.predicted.of(data or self.data).labels
        if labels is None and self.classes:
            msg = "the candidate gives raw decision scores and no predicted classes: add columns.prediction"
            raise CannotMeasure(msg)
        if labels is None:
            msg = "the candidate gives numbers, not classes: use a check for regression"
            raise CannotMeasure(msg)
        return labels

    def target(self, data: Dataset | None = None) -> NDArray[np.float64]:
        """(n,) true numbers."""
        data = data or self.data
        if data.columns.label is None:
            msg = f"{data.role}: no column of true numbers: name it under columns.label"
            raise CannotMeasure(msg)
        return data.numbers(data.columns.label)

    def predicted_values(self, data: Dataset | None = None) -> NDArray[np.float64]:
        """(n,) predicted numbers."""
        values = self.predicted.of(data or self.data).values
        if values is None:
            msg = "the candidate gives classes, not numbers: use a check for classification, or declare candidate.task tabular-regression"
            raise CannotMeasure(msg)
        return values

    def probabilities(self, data: Dataset | None = None) -> NDArray[np.float64]:
        """(n, k) class probabilities, columns in the order of `classes`."""
        probabilities = self.predicted.of(data or self.data).probabilities
        if probabilities is None:
            if self.candidate.kind == "predictions" and (data or self.data).columns.score is not None:
                positive_class(data or self.data, self.classes)  # without it, nobody knows which class the score is of
            raise CannotMeasure(why_no_scores(self.candidate))
        return probabilities

    def ranking(self, data: Dataset | None = None) -> NDArray[np.float64]:
        """(n, k) scores by which rows are ordered, a column a class: probabilities, or raw decision scores."""
        ranking = self.predicted.of(data or self.data).ranking
        return self.probabilities(data) if ranking is None else ranking

    @property
    def positive(self) -> str:
        """The favourable or target class as text."""
        positive = positive_class(self.data, self.classes)
        if positive not in self.classes:
            msg = f"columns.positive is {positive!r}, but the classes are {', '.join(self.classes)}"
            raise CannotMeasure(msg)
        return positive

    @property
    def binary(self) -> bool:
        """Whether there are two classes and it is said which of them is the positive one."""
        if len(self.classes) > 2:  # noqa: PLR2004  # a positive class is told from one other
            return False
        try:
            positive_class(self.data, self.classes)
        except CannotMeasure:
            return False
        return self.positive in self.classes

    @property
    def targets(self) -> tuple[str, ...]:
        """Classes measured one against the rest: the positive one, or without it every one of more than two."""
        if len(self.classes) > 2 and self.data.columns.positive is None:  # noqa: PLR2004  # two classes are distinguished by one of them
            return self.classes
        return (self.positive,)

    def y_score(self, data: Dataset | None = None) -> NDArray[np.float64]:
        """(n,) probability of the positive class."""
        return self.probabilities(data)[:, self.classes.index(self.positive)]

    def clusters(self, data: Dataset | None = None) -> NDArray[np.int64] | None:
        """(n,) code of each row's entity under `columns.group`, or of its copies where these dominate; None where rows are independent."""
        data = data or self.data
        if data.columns.group is None:
            copies = data.copies if data is self.data and self.reference is None else None
            return None if copies is None else copies.codes
        return data.entities()

    def families(self, data: Dataset | None = None) -> tuple[tuple[tuple[Slice, NDArray[np.bool_]], ...], ...]:
        """For each family of `by`, its slices with the mask of their rows, in the order of their names."""
        return tuple(_split(data or self.data, columns, self.bands_of(place)) for place, columns in enumerate(self.by))

    def bands_of(self, place: int) -> dict[str, Bands]:
        """The bands of one family of `by`, by column."""
        return {column: bands for (family, column), bands in self.bands.items() if family == place}

    @property
    def split_key(self) -> tuple[object, ...]:
        """All that decides its slices."""
        return (self.by, tuple(sorted((*place, bands.edges) for place, bands in self.bands.items())))

    def slices(self, data: Dataset | None = None) -> tuple[tuple[Slice, NDArray[np.bool_]], ...]:
        """Every slice of every family; all rows as one slice where `by` names none."""
        data = data or self.data
        if not self.by:
            return ((OVERALL, np.ones(data.rows, dtype=bool)),)
        return tuple(entry for family in self.families(data) for entry in family)


def _order(value: Value, bands: Bands | None) -> tuple[int, float, str]:
    if value is None:
        return (2, 0.0, "")
    if bands is not None:
        return (0, float(bands.names.index(str(value))), "")
    if isinstance(value, (int, float)):
        return (0, float(value), str(value))
    return (1, 0.0, value)


def many(columns: Sequence[str], slices: int, most: int) -> str:
    """That a family has more slices than anybody could judge, and what to do."""
    text = f"{' and '.join(columns)} split the rows into" if len(columns) > 1 else f"{columns[0]!r} splits the rows into"
    return f"{text} {slices:,} slices, and {most:,} are the most: name a column of groups, such as bands of the values"


def _split(data: Dataset, columns: tuple[str, ...], bands: Mapping[str, Bands]) -> tuple[tuple[Slice, NDArray[np.bool_]], ...]:
    of_row, cells = data.crossed(columns, bands)
    if len(cells) > MOST_SLICES:
        msg = f"{data.role}: {many(columns, len(cells), MOST_SLICES)}"
        raise CannotMeasure(msg)
    keys = [tuple(_order(value, bands.get(column)) for column, value in zip(columns, cell, strict=True)) for cell in cells]
    ordered = sorted(range(len(cells)), key=keys.__getitem__)
    return tuple((Slice(tuple(zip(columns, cells[code], strict=True))), of_row == code) for code in ordered)
