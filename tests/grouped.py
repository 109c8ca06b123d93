"""Tables of groups that are treated differently, for tests of the fairness checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.evidence import Evidence


def _frame(groups: str, first: list[bool], more: list[tuple[int, bool, bool]]) -> pd.DataFrame:
    """Each group with a row of either class, and some rows more."""
    rows = [(group, label, first[2 * i + label]) for i, group in enumerate(groups) for label in (False, True)]
    rows += [(groups[i % len(groups)], label, prediction) for i, label, prediction in more]
    return pd.DataFrame(rows, columns=["gender", "label", "prediction"]).astype({"label": int, "prediction": int})


ROWS = st.builds(
    _frame,
    st.sampled_from(["fm", "fmx"]),
    st.lists(st.booleans(), min_size=6, max_size=6),
    st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.booleans()), max_size=60),
)
"""Group, true and predicted class of two or three groups, each with rows of both classes."""


def rates(sizes: Mapping[str, tuple[int, int]]) -> pd.DataFrame:
    """For each group, so many called `1` among so many rows that are all truly `1`."""
    rows = [(group, 1, int(i < hits)) for group, (hits, n) in sizes.items() for i in range(n)]
    return pd.DataFrame(rows, columns=["gender", "label", "prediction"])


def drawn(seed: int, called: Mapping[str, float], each: int, truly: float = 1.0) -> pd.DataFrame:
    """For each group `each` rows, a share `truly` of them positive, called `1` with the given chance."""
    rng = np.random.default_rng(seed)
    parts = [
        pd.DataFrame({"gender": group, "label": (rng.random(each) < truly).astype(int), "prediction": (rng.random(each) < p).astype(int)})
        for group, p in called.items()
    ]
    return pd.concat(parts, ignore_index=True)


def by_name(evidence: Evidence) -> dict[str, float]:
    """Each member's value by its name."""
    return {str(one.name): one.estimate.value for one in evidence.members}


def worst(evidence: Evidence, *, floor: bool = False) -> float:
    """The headline's value."""
    values = [one.estimate.value for one in evidence.members]
    return min(values) if floor else max(values)
