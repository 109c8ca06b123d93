"""Tables of true and predicted numbers, for tests of checks of regression."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from audit.candidates.predictions import Predictions
from audit.candidates.saved import SavedValues
from tests.support import dataset, subject

if TYPE_CHECKING:
    from audit.subject import Subject

_NUMBER = st.floats(-1e3, 1e3).map(lambda x: round(x, 3))
NUMBERS = st.lists(st.tuples(_NUMBER, _NUMBER), min_size=1, max_size=40)
"""True and predicted numbers."""


def numbers(pairs: Any) -> pd.DataFrame:
    """True and predicted numbers as a table."""
    return pd.DataFrame(pairs, columns=["label", "prediction"]).astype(float)


def drawn(n: int, seed: int = 0, noise: float = 1.0, gap: float = 1.0) -> pd.DataFrame:
    """Normal true numbers; a model and an older one whose errors are in part the same; `gap` times larger errors in the south."""
    rng = np.random.default_rng(seed)
    label, shared = rng.normal(10, 3, n), rng.normal(0, noise, n)
    region = rng.choice(["north", "south"], n)
    size = np.where(region == "south", gap, 1.0)
    columns = {"label": label, "prediction": label + size * (shared + rng.normal(0, noise / 2, n))}
    columns |= {"old": label + size * (shared + rng.normal(0, noise / 2, n))}
    return pd.DataFrame(columns | {"region": region, "person": rng.integers(0, n // 4, n)})


def regressed(frame: pd.DataFrame, *, by: tuple[tuple[str, ...], ...] = (), **columns: Any) -> Subject:
    """A subject whose candidate gives the numbers of `prediction`, and whose champion, if there is one, those of `old`."""
    made = subject(frame, by=by, candidate=SavedValues({"test": dataset(frame, **columns)}), **columns)
    if "old" not in frame.columns:
        return made
    return replace(made, comparator=Predictions(SavedValues({"test": made.data}, "old")), against="champion")
