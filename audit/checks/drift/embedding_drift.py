"""Embedding drift: distance between the mean embeddings of the texts of two windows, as the candidate's encoder sees them.

Purpose      Show whether the texts as the model reads them have moved as a whole, in units of how far they spread in the reference.
Risk         High: the model answers for texts unlike those it was tested on, and its measured quality no longer speaks for them.
Limitations  Compares means alone: texts that only spread more, or split into two topics around the old mean, are not seen
             (drift/mmd sees them). What the encoder is blind to is not found. Tells that something moved, not what. Change is not harm.
             Where a table or `columns` is compared, its encoded columns take the place of the embeddings. At most `max_rows` rows a side.
Reference    Euclidean distance of the means over the root mean squared distance of the reference's rows from theirs; error by the
             eigenvalues of the covariances (Imhof, Biometrika 1961, section 4). Rabanser et al., Failing loudly, NeurIPS 2019.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from audit.check import Params
from audit.checks.drift import _drawn, drift_check
from audit.errors import CannotMeasure
from audit.evidence import OVERALL, Evidence, Member
from audit.metrics import windows
from audit.stats.distribution_distance import mean_distance

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.check import Need
    from audit.datasets import Columns
    from audit.evidence import Unmeasured
    from audit.subject import Subject

_LEAST = 2


class EmbeddingDriftParams(Params):
    """What is compared, on how many rows."""

    columns: tuple[str, ...] | None = None
    """Columns of a table; for texts the text as a whole is compared where absent."""
    max_rows: Annotated[int, Field(ge=50, le=100_000)] = 5000
    """Rows of each window, drawn at random where there are more; one row of each entity."""


def measure(subject: Subject, params: EmbeddingDriftParams, rng: Generator) -> Evidence:
    """The distance of the two means, in the reference's spread."""
    reference, current = windows.pair(subject)
    drawn = [_drawn.rows(subject, data, params.max_rows, rng) for data in (reference, current)]
    if min(len(rows) for rows in drawn) < _LEAST:
        msg = f"the spread of a mean needs two rows a side, got {len(drawn[0])} and {len(drawn[1])}"
        raise CannotMeasure(msg)
    unmeasured: tuple[Unmeasured, ...] = ()
    if params.columns is None and current.columns.text is not None:
        before, now = _drawn.embeddings(subject, drawn)
    else:
        (before, now), unmeasured = _drawn.matrices(subject, params.columns, drawn)
    spread = float(np.sqrt(before.var(axis=0).sum()))
    if spread <= 0:
        msg = "every row of the reference is the same: there is no spread to tell a distance in"
        raise CannotMeasure(msg)
    members = (Member(OVERALL, mean_distance(before / spread, now / spread)),)
    return Evidence(
        members=members,
        unit="distance in spreads of the reference",
        rows=len(before) + len(now),
        unmeasured=unmeasured,
        notes=(*windows.change_notes(members), *_drawn.notes(drawn, (reference, current))),
    )


def _also_needs(columns: Columns, params: EmbeddingDriftParams) -> frozenset[Need]:
    """An encoder, where texts are compared."""
    return frozenset({"embeddings"} if columns.text is not None and params.columns is None else ())


def _sampled(subject: Subject, params: EmbeddingDriftParams) -> int:
    """Rows of both windows after drawing."""
    return _drawn.sampled(subject, params.max_rows)


CHECK = drift_check(
    measure=measure,
    question="Do the texts, as the model reads them, still lie where those of the test set lay?",
    remedy="Find what moved with drift/text_surface; label a sample of the new window, test on it, and fine-tune again if it fails.",
    unit="distance in spreads of the reference",
    also_needs=_also_needs,
    params=EmbeddingDriftParams,
    highest=float("inf"),
    expected_rows=_sampled,
)
