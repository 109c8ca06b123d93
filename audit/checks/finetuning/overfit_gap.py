"""Overfit gap: accuracy on the training rows minus accuracy on the tested rows.

Purpose      Show how much better the model is on rows that it has learned from than on rows that are new to it; by slice, since it
             may know some groups' training rows by heart. The validation rows, which chose the checkpoint, are shown between.
Risk         Large: the model remembers its training rows, wrong labels among them, instead of what they have in common; it may give
             away who was in them (membership inference).
Limitations  Also rises where the tested rows are harder or from another time than the training rows, or share no labels' errors with
             them; and is small for a model that is equally bad on both. Read it next to accuracy.
Reference    Hastie, Tibshirani & Friedman, The elements of statistical learning, 2009, 7.4; Yeom et al., Privacy risk in machine
             learning: analyzing the connection to overfitting, CSF 2018; interval of Newcombe, Statistics in Medicine 1998.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audit.check import Check, NoParams
from audit.errors import CannotMeasure
from audit.evidence import Evidence, Member, Unmeasured
from audit.measures.confusion import part
from audit.measures.stages import side_by_side
from audit.stats import Difference, Proportion
from audit.wording import number

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.datasets import Dataset
    from audit.evidence import Slice
    from audit.subject import Subject


def measure(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Difference of the shares of right rows in each slice."""
    base = subject.tuned_from
    sides = {"training rows": base.train, "validation rows": base.validation, f"rows of {subject.data.role}": subject.data}
    shares = {name: _shares(subject, data) for name, data in sides.items()}
    learned, held, tested = shares.values()
    return Evidence(
        members=tuple(Member(name, Difference(learned[name], one)) for name, one in tested.items() if name in learned),
        unmeasured=tuple(Unmeasured(name, "no training row is in it: nothing was learned here") for name in tested if name not in learned),
        unit="accuracy lost on new rows",
        rows=sum(data.rows for data in sides.values()),
        figures=(side_by_side("accuracy", shares),),
        notes=(_told(subject, base.validation, held), *_unseen(learned, tested)),
        table=_table(subject, sides),
    )


def _shares(subject: Subject, data: Dataset) -> dict[Slice, Proportion]:
    """Share of right rows in each slice of a data set."""
    missing = sorted({column for family in subject.by for column in family} - set(map(str, data.frame.columns)))
    if missing:
        msg = f"{data.role}: no column {', '.join(missing)}, which `by` names: add it to the training rows too"
        raise CannotMeasure(msg)
    right, clusters = subject.y_true(data) == subject.y_pred(data), subject.clusters(data)
    return {name: Proportion.of(right[rows], part(clusters, rows)) for name, rows in subject.slices(data)}


def _told(subject: Subject, validation: Dataset, held: dict[Slice, Proportion]) -> str:
    right = subject.y_true(validation) == subject.y_pred(validation)
    said = f"On the {validation.rows:,} validation rows it is right in {number(float(right.mean()))}"
    return f"{said}; these chose the checkpoint, so that they flatter it." if held else said


def _unseen(learned: dict[Slice, Proportion], tested: dict[Slice, Proportion]) -> tuple[str, ...]:
    """Slices of the training rows that the tested rows lack."""
    lost = [str(name) for name in learned if name not in tested]
    return (f"Learned from and not tested: {'; '.join(lost)}.",) if lost else ()


def _table(subject: Subject, sides: dict[str, Dataset]) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]:
    """One entry a row: which part it is of, its label, the answer."""
    return {
        "rows": np.concatenate([np.full(data.rows, name) for name, data in sides.items()]),
        "id": np.concatenate([data.ids for data in sides.values()]),
        "label": np.concatenate([subject.y_true(data).astype(str) for data in sides.values()]),
        "prediction": np.concatenate([subject.y_pred(data).astype(str) for data in sides.values()]),
    }


def _all(subject: Subject, _params: NoParams) -> int:
    """Training, validation and tested rows."""
    base = subject.tuned_from
    return base.train.rows + base.validation.rows + subject.data.rows


CHECK = Check(
    measure=measure,
    question="Is it as good on new rows as on those that it learned from?",
    remedy="Train for fewer epochs, on more rows or at a lower learning rate, and have the labels of the training rows checked.",
    rmf=("MEASURE 2.3", "MEASURE 2.5"),
    better="lower",
    unit="accuracy lost on new rows",
    needs=frozenset({"labels", "predictions", "text", "base"}),
    by="slices",
    tasks=("text-classification",),
    lowest=-1.0,
    expected_rows=_all,
)
