"""Squared maximum mean discrepancy: the distance between two windows as wholes.

Purpose      Show whether texts, or whole rows of a table, come from another distribution than the reference window's, in any
             way that the kernel sees: topics, wording, features and how they go together.
Risk         High: the model answers for cases unlike those it was tested on, and its measured quality no longer speaks for them.
Limitations  Tells that something moved, not what: drift/ks and drift/psi name features. Texts are compared as the candidate's
             encoder sees them, so a change that it is blind to is not found. Change is not harm. At most `max_rows` rows a side.
Reference    Gretton et al., A kernel two-sample test, JMLR 2012. Gaussian kernel, median heuristic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import numpy as np
from pydantic import Field

from audit.check import Check, Params
from audit.checks.drift import _alibi, _kernel
from audit.errors import CannotMeasure
from audit.evidence import OVERALL, Evidence, Member
from audit.metrics import encoding, usable_features, windows
from audit.stats import MeanDiscrepancy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.check import Need
    from audit.datasets import Columns, Dataset
    from audit.evidence import Unmeasured
    from audit.subject import Subject


Matrices: TypeAlias = "tuple[NDArray[np.float64], NDArray[np.float64]]"
"""Of the reference and the current window, one row a row."""


class MmdParams(Params):
    """What is compared, on how many rows, by which part."""

    columns: tuple[str, ...] | None = None
    """Columns of a table; for texts the text as a whole is compared where absent."""
    max_rows: Annotated[int, Field(ge=50, le=10_000)] = 2000
    """Rows of each window, drawn at random where there are more."""
    resamples: Annotated[int, Field(ge=1000, le=100_000)] = 4000
    """Bootstrap draws of the error."""
    backend: _alibi.Backend = "audit"
    """Whose code measures; alibi-detect comes with the extra `drift`, and its licence limits production use."""


def measure(subject: Subject, params: MmdParams, rng: Generator) -> Evidence:
    """The unbiased estimate, with an interval of our own bootstrap whichever part measured it."""
    reference, current = windows.both(subject)
    drawn = [_drawn(subject, data, params, rng) for data in (reference, current)]
    (before, now), unmeasured = _matrices(subject, params, drawn)
    seen = _kernel.gaussian(before, now)
    squared, notes = seen.squared(), [f"Gaussian kernel, bandwidth {seen.bandwidth:.4g} (median heuristic)."]
    if params.backend == "alibi-detect":
        squared, p = _alibi.squared_discrepancy(before, now, seen.bandwidth, rng)
        notes += [_alibi.licence(), f"Its test of {_alibi.PERMUTATIONS} permutations gives p = {p:.3g}; the interval is ours."]
    norms = tuple(float(norm) for norm in seen.error_norms(params.resamples, rng))
    members = (Member(OVERALL, MeanDiscrepancy(squared, seen.distance(), norms, len(before), len(now), seen.leading_error())),)
    return Evidence(
        members=members,
        unit="squared MMD",
        rows=len(before) + len(now),
        unmeasured=unmeasured,
        notes=(*windows.changed(members), *notes, *_left_out(drawn, (reference, current))),
        backend=_alibi.name() if params.backend == "alibi-detect" else "audit",
    )


def _eligible(subject: Subject, data: Dataset, params: MmdParams) -> int:
    """Rows to be drawn: at most `max_rows`, at most one an entity."""
    clusters = subject.clusters(data)
    return min(params.max_rows, data.rows if clusters is None else len(np.unique(clusters)))


def _drawn(subject: Subject, data: Dataset, params: MmdParams, rng: Generator) -> NDArray[np.int64]:
    """Rows of one window, drawn at random; one row of each entity, since rows of one move together."""
    clusters, order = subject.clusters(data), rng.permutation(data.rows)
    if clusters is not None:
        order = rng.permutation(order[np.unique(clusters[order], return_index=True)[1]])
    return np.sort(order[: params.max_rows])


def _matrices(subject: Subject, params: MmdParams, drawn: Sequence[NDArray[np.int64]]) -> tuple[Matrices, tuple[Unmeasured, ...]]:
    """The drawn rows as vectors: the candidate's embedding of the text, else the encoded columns; and columns that cannot be used."""
    reference, current = windows.both(subject)
    if params.columns is None and current.columns.text is not None:
        sides = [np.array(data.texts(), dtype=object)[rows].tolist() for data, rows in zip((reference, current), drawn, strict=True)]
        before, now = (np.asarray(subject.predicted.embed_texts(texts), dtype=float) for texts in sides)
        return (before, now), ()
    found, lacking = windows.features(reference, current, params.columns)
    rules = () if params.columns else (usable_features.timed, usable_features.called_identifier(reference, current))
    compared, unmeasured = usable_features.divide(found, usable_features.scattered, *rules)
    if lacking or not compared:
        reasons = [*(gone.reason for gone in lacking), *(f"{gone.name}: {gone.reason}" for gone in unmeasured)]
        reason = "; ".join(reasons) or f"{current.role} has no feature column and no text"
        msg = f"{reason}: name the columns that both have under `columns`"
        raise CannotMeasure(msg)
    return encoding.encode([feature.rows(*drawn) for feature in compared]), unmeasured


def _also_needs(columns: Columns, params: MmdParams) -> frozenset[Need]:
    """An encoder, where texts are compared."""
    return frozenset({"embeddings"} if columns.text is not None and params.columns is None else ())


def _left_out(drawn: Sequence[NDArray[np.int64]], windows_seen: Sequence[Dataset]) -> Iterator[str]:
    for rows, data in zip(drawn, windows_seen, strict=True):
        if len(rows) < data.rows:
            yield f"{len(rows):,} of the {data.rows:,} rows of {data.role} were drawn at random and compared."


def _sampled(subject: Subject, params: MmdParams) -> int:
    """Rows of both windows after drawing."""
    return sum(_eligible(subject, data, params) for data in (subject.data, subject.reference) if data is not None)


CHECK = Check(
    measure=measure,
    question="Do today's cases still look like the ones it was tested on?",
    remedy="Find what moved with drift/psi and drift/ks; label a sample of the new window, test on it, and fine-tune again if it fails.",
    rmf=("MEASURE 2.4", "MEASURE 3.1"),
    better="lower",
    unit="squared MMD",
    needs=frozenset({"reference"}),
    also_needs=_also_needs,
    params=MmdParams,
    highest=2.0,
    expected_rows=_sampled,
)
