"""Leakage: rows that the model is tested on and was trained on.

Purpose      Count rows of the tested data set that also stand in the training set, but for case, punctuation and white space.
Risk         Above 0: part of the test asks what the model has already seen the answer to, and every quality number is too good.
Limitations  Looks at the declared training set alone: what the base model was pretrained on is not known. Paraphrases are not
             found; neither are rows of the same person or document, which `columns.group` should keep apart.
Reference    Kapoor & Narayanan, Leakage and the reproducibility crisis in machine-learning-based science, Patterns 2023.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from audit.check import Check, Params
from audit.errors import CannotMeasure
from audit.evidence import OVERALL, Evidence, Example, Member, Part
from audit.measures import near, rows
from audit.stats import Census

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.datasets import Dataset
    from audit.subject import Subject

_SHOWN = 20


class LeakageParams(Params):
    """Where the model was trained, and how alike two rows must be."""

    train: str = "train"
    """Role of the training set."""
    near: Annotated[float, Field(gt=0, le=1)] | None = None
    """Jaccard similarity of the texts' 5-character shingles from which a row counts as leaked; equality where absent."""


def measure(subject: Subject, params: LeakageParams, _rng: Generator) -> Evidence:
    """Rows of the tested data set that also stand in the training set."""
    data, train = subject.data, _train(subject, params)
    train_key, key = rows.keys((train, data), rows.compared(data))
    known, place = np.unique(train_key, return_index=True)
    at = np.minimum(np.searchsorted(known, key), len(known) - 1)
    twin = np.where(known[at] == key, place[at], -1)  # (n,) row of the training set, -1 where there is none
    if params.near is not None:
        if data.columns.text is None or train.columns.text is None:
            msg = f"{data.role}: `near` compares texts, and no column is named under columns.text: leave `near` out"
            raise CannotMeasure(msg)
        texts = [rows.normalise(text) for text in train.texts() + data.texts()]
        twin = np.maximum(twin, near.first_near(texts, params.near, start=train.rows)[train.rows :])
    leaked = np.flatnonzero(twin >= 0)
    return Evidence(
        members=(Member(OVERALL, Census(len(leaked), data.rows)),),
        unit="rows",
        rows=data.rows + train.rows,
        # the rows' text is left out: it may hold personal data
        examples=tuple(
            Example(data.shown(row), (Part(f"also stands in {train.role}, as row {train.shown(twin[row])}"),)) for row in leaked[:_SHOWN]
        ),
        notes=(f"{data.rows:,} rows of {data.role} were looked up among {train.rows:,} rows of {train.role}.",),
        table={"row": data.ids[leaked], "train_row": train.ids[twin[leaked]]},
    )


def _train(subject: Subject, params: LeakageParams) -> Dataset:
    if params.train not in subject.datasets:
        msg = f"no data set {params.train!r}: declare the training set under datasets.{params.train}"
        raise CannotMeasure(msg)
    train = subject.datasets[params.train]
    if not train.rows:
        msg = f"{params.train}: the training set has no rows"
        raise CannotMeasure(msg)
    return train


def _both(subject: Subject, params: LeakageParams) -> int:
    """Rows of both data sets."""
    train = subject.datasets.get(params.train)
    return subject.data.rows + (0 if train is None else train.rows)


CHECK = Check(
    measure=measure,
    question="Are the test rows kept out of training?",
    remedy="Take the leaked rows out of the training set, fine-tune again, and test again on rows the model has not seen.",
    rmf=("MAP 2.3", "MEASURE 2.1"),
    better="lower",
    unit="rows",
    params=LeakageParams,
    census=True,
    highest=float("inf"),
    expected_rows=_both,
)
