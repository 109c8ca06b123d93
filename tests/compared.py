"""What tests of comparisons share: a candidate and a champion made of columns of one table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from audit import seeds
from audit.candidates.predictions import Predictions
from audit.candidates.saved import SavedComparator
from audit.catalog import discover
from audit.policy.schema import ComparatorColumns
from audit.tasks import REGRESSION
from tests.support import SETTINGS, subject

if TYPE_CHECKING:
    from audit.evidence import Evidence
    from audit.subject import Subject

OLD = {"prediction": "old", "score": "old_score"}
COMPARING = tuple(
    check_id
    for check_id, check in discover().items()
    if check.compare is not None and check.by != "groups" and check.groups_in is None and not set(REGRESSION) & set(check.tasks or ())
)
"""Checks that compare two classifiers by a number of all rows; those of regression and of gaps between groups have tests of their own."""


def seen(frame: pd.DataFrame, *, by: tuple[tuple[str, ...], ...] = (), **columns: Any) -> Subject:
    """A subject whose champion stands in the columns `old` and `old_score`, of which the table has one at least."""
    made = subject(frame, by=by, **columns)
    own = ComparatorColumns.model_validate({role: column for role, column in OLD.items() if column in frame.columns})
    comparator = SavedComparator({"test": made.data}, own, made.classes)
    return replace(made, comparator=Predictions(comparator), against="champion")


def compare(check_id: str, made: Subject, **params: object) -> Evidence:
    """One check's evidence on the difference."""
    check = discover()[check_id]
    assert check.compare is not None
    settings = {
        name: value for name, value in SETTINGS.get(check_id, {}).items() if name in check.params.model_fields
    }  # `by` is the subject's
    return check.compare(made, check.params.model_validate(settings | params), seeds.stream(0, check_id))


def swapped(frame: pd.DataFrame) -> pd.DataFrame:
    """The same rows with the two models in each other's place."""
    pairs = {"prediction": "old", "score": "old_score"}
    return frame.rename(columns=pairs | {there: here for here, there in pairs.items()})


def table(n: int, seed: int = 0, noise: float = 0.5) -> pd.DataFrame:
    """Two models that see the same evidence with some noise of their own; a region and a person each."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n)
    shared = rng.normal(1.6 * (label - 0.5), 1.0)
    score, old = (1 / (1 + np.exp(-shared - rng.normal(0, noise, n))) for _ in range(2))
    columns = {"label": label, "prediction": (score > 0.5).astype(int), "score": score}
    columns |= {"old": (old > 0.5).astype(int), "old_score": old}
    return pd.DataFrame(columns | {"region": rng.choice(["north", "south"], n), "person": rng.integers(0, n // 4, n)})
