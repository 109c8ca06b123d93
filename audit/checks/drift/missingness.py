"""Missingness: how far the share of missing cells of each column has moved between two windows.

Purpose      Show columns that have begun, or have stopped, to come without a value.
Risk         High: a feed or a form broke, and the model answers from what is left; imputed cells look like ordinary ones to it.
Limitations  A cell counts as missing when it is empty, or is no number in a column of numbers. A default written in its place, such as
             0 or 9999, is not found: drift/distance sees its share. Which rows lack a value is not compared.
Reference    Difference of two proportions; interval of Newcombe, Statistics in Medicine 1998.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audit.check import Params
from audit.checks.drift import _shares, drift_check
from audit.datasets.profiles.cells import MOST_ROWS
from audit.errors import CannotMeasure
from audit.evidence import Evidence
from audit.metrics import windows

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.metrics.profiled_windows import Profiled
    from audit.metrics.windows import Feature
    from audit.subject import Subject


class MissingnessParams(Params):
    """Which columns are looked at."""

    columns: tuple[str, ...] | None = None
    """Columns; every feature and the text where neither they nor `by` is given."""


def measure(subject: Subject, params: MissingnessParams, _rng: Generator) -> Evidence:
    """The change of each column's share of missing cells, in both directions."""
    reference, current = windows.pair(subject)
    named = windows.chosen_columns(subject, params.columns) or _columns(reference, current)
    if not named:
        msg = f"{current.role} has no feature column and no text: name the columns under `columns`"
        raise CannotMeasure(msg)
    found, lacking = windows.features(reference, current, named)
    flags = {feature.name: _missing(feature) for feature in found}
    members, shares = _shares.changes(subject, "column", flags)
    odd = [f"{one.name}: {one.unreadable:,} cells that are no numbers count as missing." for one in found if one.unreadable]
    return Evidence(
        members=members,
        context=shares,
        unit="change of the share of missing cells",
        rows=reference.rows + current.rows,
        unmeasured=lacking,
        notes=(*windows.change_notes(members), *odd),
    )


def _columns(reference: Dataset, current: Dataset) -> tuple[str, ...]:
    """Feature columns and texts of either window."""
    texts = [data.columns.text for data in (reference, current) if data.columns.text is not None]
    return tuple(dict.fromkeys((*reference.feature_names(), *current.feature_names(), *texts)))


def _missing(feature: Feature) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(n,) and (m,) whether each row has no value; of a profile, rows without one first."""
    pairs = zip((feature.reference, feature.current), feature.profiled, strict=True)
    before, now = (_gone(cells) if side is None else _of_profile(_gone(cells), side) for cells, side in pairs)
    return before, now


def _gone(cells: NDArray[np.float64] | NDArray[np.object_]) -> NDArray[np.bool_]:
    if cells.dtype == object:
        return np.array([cell is None for cell in cells], dtype=bool)
    found: NDArray[np.bool_] = np.isnan(cells.astype(float))
    return found


def _of_profile(gone: NDArray[np.bool_], side: Profiled) -> NDArray[np.bool_]:
    if side.window > MOST_ROWS:
        raise side.needs_rows
    without = int(side.rows[gone].sum())
    return np.repeat([True, False], [without, side.window - without])


CHECK = drift_check(
    measure=measure,
    question="Is any column missing more often, or less often, than in the reference data?",
    remedy="Ask where the column comes from and what changed there; until it is mended, treat answers on rows without it as unsure.",
    unit="change of share",
    params=MissingnessParams,
    by="features",
)
