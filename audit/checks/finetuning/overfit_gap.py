"""Overfit gap: how much better the model is on its training rows than on rows that are new to it.

Purpose      Show how much of its quality the model has by heart; by slice, since it may know some groups' training rows by heart. By
             accuracy, or by the loss that it was trained on (`metric: log_loss`), which rises before answers turn. The gap to the
             validation rows, which chose the checkpoint, stands beside that to the tested rows, or is judged too (`than: both`).
Risk         Large: the model remembers its training rows, wrong labels among them, instead of what they have in common; it may give
             away who was in them (membership inference).
Limitations  Also rises where the new rows are harder or from another time than the training rows, or share no labels' errors with
             them; and is small for a model that is equally bad on both: read it next to accuracy. A few rows that it is sure of and
             wrong about carry much of a loss; a bound of a rise by 1 nat or more is refused.
Reference    Hastie, Tibshirani & Friedman, The elements of statistical learning, 2009, 7.4; Yeom et al., Privacy risk in machine
             learning: analyzing the connection to overfitting, CSF 2018; intervals of Newcombe, Statistics in Medicine 1998, and of
             Zou & Donner, Statistics in Medicine 2008.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from pydantic import Field

from audit.check import Params
from audit.checks.finetuning import finetuning_check
from audit.errors import CannotMeasure
from audit.evidence import Evidence, Member, Slice, Unmeasured
from audit.formatting import number
from audit.metrics.comparison import side_by_side
from audit.metrics.groups import share_members, slice_members
from audit.metrics.losses import LARGEST, log_losses
from audit.stats import Difference, Mean, MeanDifference, Proportion

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.stats import Estimate
    from audit.subject import Subject

Metric: TypeAlias = Literal["accuracy", "log_loss"]
UNITS = {"accuracy": "accuracy lost on new rows", "log_loss": "rise of the log loss on new rows, nats"}
STAGES = {"accuracy": "accuracy", "log_loss": "log loss, nats"}


class OverfitParams(Params):
    """What is compared."""

    metric: Metric = Field("accuracy", description="accuracy lost, or rise of the log loss in nats")
    than: Literal["tested", "validation", "both"] = Field(
        "tested", description="new rows that the training rows are held against: those under `on`, those that chose the checkpoint, or both"
    )


def measure(subject: Subject, params: OverfitParams, _rng: Generator) -> Evidence:
    """The gap in each slice."""
    base, tested = subject.tuned_from, f"rows of {subject.data.role}"
    parts = {"training rows": base.train, "validation rows": base.validation, tested: subject.data}
    learned, held, new = (side(subject, name, data, params.metric) for name, data in parts.items())
    sides, named = {"tested": new, "validation": held}, tuple(new.estimates)
    judged = {kind: one for kind, one in sides.items() if params.than in {kind, "both"}}
    found = [gaps(learned, one, named, rows=kind if len(judged) > 1 else "") for kind, one in judged.items()]
    shown = [gaps(learned, one, (), rows=kind)[0] for kind, one in sides.items() if kind not in judged]
    return Evidence(
        members=tuple(member for members, _ in found for member in members),
        unmeasured=tuple(one for _, lacking in found for one in lacking),
        context=tuple(member for members in shown for member in members),
        unit=UNITS[params.metric] if params.than != "validation" else UNITS[params.metric].replace("new", "validation"),
        rows=sum(data.rows for data in parts.values()),
        figures=(side_by_side(STAGES[params.metric], {one.name: one.members for one in (learned, held, new)}),),
        notes=(_describe(held, params.metric), *_unseen(learned, new)),
        table=_table(subject, (learned, held, new), params.metric),
    )


def _describe(held: Side, metric: Metric) -> str:
    mean = number(float(held.values.mean()))
    said = f"is right in {mean}" if metric == "accuracy" else f"has a log loss of {mean}"
    return f"On the {held.data.rows:,} validation rows it {said}; these chose the checkpoint, so that they flatter it."


def _unseen(learned: Side, new: Side) -> tuple[str, ...]:
    """Slices of the training rows that the tested rows lack."""
    lost = [str(name) for name in learned.estimates if name not in new.estimates]
    return (f"Learned from and not tested: {'; '.join(lost)}.",) if lost else ()


def _table(subject: Subject, sides: tuple[Side, ...], metric: Metric) -> dict[str, NDArray[np.generic]]:
    """One entry a row: which part it is of, its label, the answer, and its loss where that is what counts."""
    found = {
        "rows": np.concatenate([np.full(one.data.rows, one.name) for one in sides]),
        "id": np.concatenate([one.data.ids for one in sides]),
        "label": np.concatenate([subject.y_true(one.data).astype(str) for one in sides]),
        "prediction": np.concatenate([subject.y_pred(one.data).astype(str) for one in sides]),
    }
    return found if metric == "accuracy" else found | {"log_loss": np.concatenate([one.values for one in sides])}


def _all(subject: Subject, _params: OverfitParams) -> int:
    """Training, validation and tested rows."""
    base = subject.tuned_from
    return base.train.rows + base.validation.rows + subject.data.rows


@dataclass(frozen=True, slots=True)
class Side:
    """One part of the rows."""

    name: str
    """In words: `training rows`."""
    data: Dataset
    values: NDArray[np.bool_] | NDArray[np.float64]
    """(n,) whether each row is right, or its log loss."""
    members: tuple[Member, ...]
    """Share right, or mean loss, of each slice."""

    @property
    def estimates(self) -> dict[Slice, Estimate]:
        """By slice."""
        return {member.name: member.estimate for member in self.members if isinstance(member.name, Slice)}


def side(subject: Subject, name: str, data: Dataset, metric: Metric) -> Side:
    """Every slice of a part of the rows."""
    missing = sorted({column for family in subject.by for column in family} - set(data.cells.names))
    if missing:
        msg = f"{data.role}: no column {', '.join(missing)}, which `by` names: add it to the training rows too"
        raise CannotMeasure(msg)
    if metric == "accuracy":
        right = subject.y_true(data) == subject.y_pred(data)
        return Side(name, data, right, share_members(subject, right, data))
    loss = log_losses(subject, data)
    return Side(name, data, loss, slice_members(subject, lambda rows, ids: Mean.of(loss[rows], ids, low=0.0, high=LARGEST), data))


def gap(learned: Estimate, new: Estimate) -> Difference | MeanDifference:
    """How much worse it is on the new rows: accuracy lost, or loss gained."""
    if isinstance(learned, Proportion) and isinstance(new, Proportion):
        return Difference(learned, new)
    if isinstance(learned, Mean) and isinstance(new, Mean):
        return MeanDifference(new, learned)
    msg = f"a gap is between two of a kind, got {learned} and {new}"
    raise TypeError(msg)


def gaps(learned: Side, new: Side, named: tuple[Slice, ...], *, rows: str = "") -> tuple[list[Member], list[Unmeasured]]:
    """The gap in each slice of the new rows, and what cannot be said of these and of the slices that are `named`.

    `rows` adds to the names which part it is, `validation` or `tested`.
    """
    members: list[Member] = []
    unmeasured: list[Unmeasured] = []
    before, after = learned.estimates, new.estimates
    for group in dict.fromkeys((*named, *after)):
        name = group.further("rows", rows) if rows else group
        if group not in before:
            unmeasured.append(Unmeasured(name, "no training row is in it: nothing was learned here"))
        elif group not in after:
            unmeasured.append(Unmeasured(name, f"none of the {new.name} is in it: add such rows to them"))
        else:
            members.append(Member(name, gap(before[group], after[group])))
    return members, unmeasured


CHECK = finetuning_check(
    measure=measure,
    question="Is it as good on new rows as on its training rows?",
    remedy="Train for fewer epochs, on more rows or at a lower learning rate, and have the labels of the training rows checked.",
    rmf=("MEASURE 2.3", "MEASURE 2.5"),
    unit="accuracy lost on new rows",
    needs=frozenset({"labels", "predictions", "text", "base"}),
    params=OverfitParams,
    by="slices",
    lowest=-1.0,
    expected_rows=_all,
)
