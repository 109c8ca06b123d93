"""Tables of classified rows, for tests of checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Sequence

PAIRS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=40)
"""True and predicted classes."""


def table(pairs: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """True and predicted classes as a table."""
    return pd.DataFrame(pairs, columns=["label", "prediction"])


def counts(true_positive: int, false_negative: int, false_positive: int, true_negative: int) -> pd.DataFrame:
    """A two-class table with these counts; `yes` is the class to find."""
    cells = [("yes", "yes"), ("yes", "no"), ("no", "yes"), ("no", "no")]
    sizes = (true_positive, false_negative, false_positive, true_negative)
    return table([cell for cell, size in zip(cells, sizes, strict=True) for _ in range(size)])


def scored(n: int, seed: int = 0, apart: float = 2.0) -> pd.DataFrame:
    """Rows of two classes with a score between 0 and 1, a group and a person each."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n)
    score = 1 / (1 + np.exp(-rng.normal(apart * (label - 0.5), 1.0)))
    columns = {"label": label, "score": score, "gender": rng.choice(["f", "m"], n), "person": rng.integers(0, max(1, n // 3), n)}
    return pd.DataFrame(columns)


def three_scored(n: int, seed: int = 0) -> pd.DataFrame:
    """Rows of three classes with one probability column a class."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 3, n)
    raw = np.exp(rng.normal(size=(n, 3)) + 1.5 * np.eye(3)[label])
    return pd.DataFrame(raw / raw.sum(axis=1, keepdims=True), columns=list("abc")).assign(label=np.array(list("abc"))[label])


def shuffled(frame: pd.DataFrame, seed: int = 1) -> pd.DataFrame:
    """The same rows in another order."""
    return frame.sample(frac=1, random_state=seed).reset_index(drop=True)
