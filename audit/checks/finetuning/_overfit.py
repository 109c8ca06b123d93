"""How much better a model is on the rows that it learned from than on rows that are new to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from audit.errors import CannotMeasure
from audit.evidence import Member, Unmeasured
from audit.metrics.groups import part
from audit.metrics.losses import LARGEST, log_losses
from audit.stats import Difference, Mean, MeanDifference, Proportion

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.evidence import Slice
    from audit.subject import Subject

Metric: TypeAlias = Literal["accuracy", "log_loss"]
UNITS = {"accuracy": "accuracy lost on new rows", "log_loss": "rise of the log loss on new rows, nats"}
STAGES = {"accuracy": "accuracy", "log_loss": "log loss, nats"}


@dataclass(frozen=True, slots=True)
class Side:
    """One part of the rows."""

    name: str
    """In words: `training rows`."""
    data: Dataset
    values: NDArray[np.bool_] | NDArray[np.float64]
    """(n,) whether each row is right, or its log loss."""
    estimates: dict[Slice, Proportion] | dict[Slice, Mean]
    """Share right, or mean loss, of each slice."""


def side(subject: Subject, name: str, data: Dataset, metric: Metric) -> Side:
    """Every slice of a part of the rows."""
    missing = sorted({column for family in subject.by for column in family} - set(map(str, data.frame.columns)))
    if missing:
        msg = f"{data.role}: no column {', '.join(missing)}, which `by` names: add it to the training rows too"
        raise CannotMeasure(msg)
    clusters, slices = subject.clusters(data), subject.slices(data)
    if metric == "accuracy":
        right = subject.y_true(data) == subject.y_pred(data)
        return Side(name, data, right, {one: Proportion.of(right[rows], part(clusters, rows)) for one, rows in slices})
    loss = log_losses(subject, data)
    found = {one: Mean.of(loss[rows], part(clusters, rows), low=0.0, high=LARGEST) for one, rows in slices}
    return Side(name, data, loss, found)


def gap(learned: Proportion | Mean, new: Proportion | Mean) -> Difference | MeanDifference:
    """How much worse it is on the new rows: accuracy lost, or loss gained."""
    if isinstance(learned, Proportion) and isinstance(new, Proportion):
        return Difference(learned, new)
    if isinstance(learned, Mean) and isinstance(new, Mean):
        return MeanDifference(new, learned)
    msg = f"a gap is between two of a kind, got {learned} and {new}"
    raise TypeError(msg)


def gaps(learned: Side, new: Side, named: tuple[Slice, ...], *, told: str = "") -> tuple[list[Member], list[Unmeasured]]:
    """The gap in each slice of the new rows, and what cannot be said of these and of the slices that are `named`.

    `told` adds to the names which part it is, `validation` or `tested`.
    """
    members: list[Member] = []
    unmeasured: list[Unmeasured] = []
    for one in dict.fromkeys((*named, *new.estimates)):
        name = one.further("rows", told) if told else one
        if one not in learned.estimates:
            unmeasured.append(Unmeasured(name, "no training row is in it: nothing was learned here"))
        elif one not in new.estimates:
            unmeasured.append(Unmeasured(name, f"none of the {new.name} is in it: add such rows to them"))
        else:
            members.append(Member(name, gap(learned.estimates[one], new.estimates[one])))
    return members, unmeasured
