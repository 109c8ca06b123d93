"""Squared maximum mean discrepancy: the distance between two windows as wholes.

Purpose      Show whether texts, or whole rows of a table, come from another distribution than the reference window's, in any
             way that the kernel sees: topics, wording, features and how they go together.
Risk         High: the model answers for cases unlike those it was tested on, and its measured quality no longer speaks for them.
Limitations  Tells that something moved, not what: drift/ks and drift/psi name features. Texts are compared as the candidate's
             encoder sees them, so a change that it is blind to is not found. Change is not harm. At most `max_rows` rows a side.
Reference    Gretton et al., A kernel two-sample test, JMLR 2012. Gaussian kernel, median heuristic.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from audit.check import Params
from audit.checks.drift import _alibi, _contexts, _drawn, _kernel, drift_check
from audit.evidence import OVERALL, Curve, Evidence, Lines, Member, points
from audit.metrics import windows
from audit.metrics.usable_features import RARE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.check import Need
    from audit.checks.drift._contexts import Matched
    from audit.checks.drift._drawn import Matrices
    from audit.checks.drift._kernel import Kernel
    from audit.datasets import Columns
    from audit.evidence import Unmeasured
    from audit.stats import MeanDiscrepancy
    from audit.subject import Subject

_LEAST = 2
"""Current rows of a context, for a variance."""
_ROUNDING = 1e-6
"""Part of a squared distance by which equal ones may differ."""
_SMALL = 0.05
"""p-value up to which the windows' mark stands out in the figure."""
_CURVE = 60
"""Points of the curve of permutations."""


class MmdParams(Params):
    """What is compared, on how many rows, by which part."""

    columns: tuple[str, ...] | None = None
    """Columns of a table; for texts the text as a whole is compared where absent."""
    max_rows: Annotated[int, Field(ge=50, le=10_000)] = 2000
    """Rows of each window, drawn at random where there are more."""
    permutations: Annotated[int, Field(ge=99, le=10_000)] = 999
    """Of the rows among the windows, for the p-value of no change."""
    context: tuple[str, ...] = ()
    """Columns, such as [store], given which windows are compared: a change of their mix alone is no drift."""
    backend: _alibi.Backend = "audit"
    """Whose code measures; alibi-detect comes with the extra `drift`, and its licence limits production use."""


def measure(subject: Subject, params: MmdParams, rng: Generator) -> Evidence:
    """The unbiased estimate, with an interval of our own whichever part measured it, and a permutation test."""
    reference, current = windows.pair(subject)
    drawn = [_drawn.rows(subject, data, params.max_rows, rng) for data in (reference, current)]
    matched = _matched(subject, params, drawn)
    rows = [side[kept] for side, kept in zip(drawn, matched.rows, strict=True)] if matched else drawn
    (before, now), unmeasured = _matrices(subject, params, rows)
    contexts = np.unique(np.concatenate(matched.codes), return_inverse=True)[1] if matched else None
    seen = _kernel.gaussian(before, now, contexts)
    found, permuted = seen.estimate(rng), seen.permuted(params.permutations, rng)
    p = _p_value(seen.squared_distance, permuted)
    notes = [
        f"Is there a change: p = {p:.3g}, by {params.permutations:,} permutations. Is it big: the interval says so.",
        f"Gaussian kernel, bandwidth {seen.bandwidth:.4g} (median heuristic).",
        *(matched.notes if matched else ()),
    ]
    if params.backend == "alibi-detect":
        found, their_p = _other_backend(seen, found, (before, now), rng)
        notes += [_alibi.licence(), f"Its test of {_alibi.PERMUTATIONS} permutations gives p = {their_p:.3g}; the interval is ours."]
    members = (Member(OVERALL, found),)
    return Evidence(
        members=members,
        unit="squared MMD",
        rows=len(before) + len(now),
        unmeasured=(*unmeasured, *(matched.unmeasured if matched else ())),
        figures=(_figure(seen.squared_distance, permuted, p),),
        notes=(*windows.change_notes(members), *notes, *_drawn.notes(drawn, (reference, current))),
        backend=_alibi.name(params.backend),
    )


def _matched(subject: Subject, params: MmdParams, drawn: Sequence[NDArray[np.int64]]) -> Matched | None:
    """The drawn rows that can be compared given their context, where the policy names any."""
    if not params.context:
        return None
    _contexts.refuse_named(params.context, params.columns)
    reference, current = windows.pair(subject)
    codes, names = _contexts.codes_of(subject, params.context)
    some = codes[0][drawn[0]], codes[1][drawn[1]]
    return _contexts.match(some, names, params.context, (reference.role, current.role), (RARE, _LEAST))


def _other_backend(seen: Kernel, found: MeanDiscrepancy, rows: Matrices, rng: Generator) -> tuple[MeanDiscrepancy, float]:
    """The estimate and the p-value of alibi-detect; given a context its statistic is another one, so the estimate stays ours."""
    if seen.contexts.any():
        return found, _alibi.conditional_p_value(*rows, seen.contexts, rng)
    squared, p = _alibi.squared_discrepancy(*rows, seen.bandwidth, rng)
    return replace(found, squared=squared), p


def _p_value(squared: float, permuted: NDArray[np.float64]) -> float:
    """Share of the permutations, the observed order among them, that set the windows as far apart (Phipson & Smyth, SAGMB 2010)."""
    return (1 + int((permuted >= squared * (1 - _ROUNDING)).sum())) / (1 + len(permuted))


def _figure(squared: float, permuted: NDArray[np.float64], p: float) -> Lines:
    """How far apart permutations set the windows, and how far apart they are."""
    shares = np.linspace(0, 1, min(_CURVE, len(permuted)))
    distances = np.sqrt(np.maximum(0.0, np.quantile(permuted, 1 - shares)))[::-1]
    curves = (
        Curve("without a change (permutations)", tuple(distances.tolist()), tuple(shares[::-1].tolist()), style="expected"),
        *points(("the two windows", "the two windows"), [float(np.sqrt(squared))], [p], [(p, p)], [p <= _SMALL]),
    )
    return Lines("Is there a change?", "distance of mean embeddings", "share of permutations as far apart", curves)


def _matrices(subject: Subject, params: MmdParams, drawn: Sequence[NDArray[np.int64]]) -> tuple[Matrices, tuple[Unmeasured, ...]]:
    """The drawn rows as vectors: the candidate's embedding of the text, else the encoded columns; and columns that cannot be used."""
    if params.columns is None and subject.data.columns.text is not None:
        return _drawn.embeddings(subject, drawn), ()
    return _drawn.matrices(subject, params.columns, drawn, params.context)


def _also_needs(columns: Columns, params: MmdParams) -> frozenset[Need]:
    """An encoder, where texts are compared."""
    return frozenset({"embeddings"} if columns.text is not None and params.columns is None else ())


def _sampled(subject: Subject, params: MmdParams) -> int:
    """Rows of both windows after drawing."""
    return _drawn.sampled(subject, params.max_rows)


CHECK = drift_check(
    measure=measure,
    question="Do today's cases still look like those of the test set?",
    remedy="Find what moved with drift/psi and drift/ks; label a sample of the new window, test on it, and fine-tune again if it fails.",
    unit="squared MMD",
    also_needs=_also_needs,
    params=MmdParams,
    highest=2.0,
    expected_rows=_sampled,
)
