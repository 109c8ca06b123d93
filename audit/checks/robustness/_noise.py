"""Noise on the columns of a table: numbers a little off, categories at times wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.random import Generator


def added(cells: pd.Series, known: pd.Series, rng: Generator, *, scale: float, swap: float) -> pd.Series:
    """A column with noise, of the kind and the size that its known cells say."""
    return shaken(cells, known, scale, rng) if _is_number(known) else swapped(cells, known, swap, rng)


def strength(known: pd.Series, *, scale: float, swap: float) -> float:
    """How much noise a column gets: 0 where the parameters leave its kind alone."""
    return scale if _is_number(known) else swap


def _is_number(known: pd.Series) -> bool:
    """Whether a column measures something: 0/1 flags and booleans are categories."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    return is_numeric_dtype(known) and not is_bool_dtype(known) and not set(known.unique()) <= {0, 1}


def shaken(cells: pd.Series, known: pd.Series, scale: float, rng: Generator) -> pd.Series:
    """Numbers with normal noise, `scale` of the finite known cells' standard deviation; whole ones stay whole."""
    from pandas.api.types import is_integer_dtype

    finite = known[np.isfinite(known.to_numpy(dtype=float))]
    noise = rng.normal(0.0, scale * float(finite.std(ddof=0)) if len(finite) else 0.0, size=len(cells))
    found: pd.Series = cells + (np.rint(noise).astype(np.int64) if is_integer_dtype(cells) else noise)
    return found


def swapped(cells: pd.Series, known: pd.Series, swap: float, rng: Generator) -> pd.Series:
    """Categories, each drawn anew among the known cells with probability `swap`; a missing one stays missing."""
    import pandas as pd

    if known.empty:
        return cells
    chosen = rng.random(len(cells)) < swap
    drawn = known.iloc[rng.integers(len(known), size=len(cells))].set_axis(cells.index)
    if isinstance(cells.dtype, pd.CategoricalDtype):  # a file may list only the categories that it holds
        cells = cells.cat.add_categories([one for one in known.unique() if one not in cells.cat.categories])
    return cells.mask(chosen & cells.notna(), drawn.astype(cells.dtype))
