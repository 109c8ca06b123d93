"""Discovered slices: how much worse the weakest parts of the data are served that nobody thought of naming.

Purpose      Look for rows that are told apart by a column, a range of numbers, a crossing of two of them, the length or the marks
             of a text, a word or a neighbourhood of the model's embedding, and that the model gets wrong more often than the rest;
             where it predicts numbers, that it is farther off in (mean absolute error, in the target's own unit).
Risk         Well above 0: a part of the data, and maybe the people in it, is served worse, and no requirement names it.
Limitations  Half of the rows are searched and the other half judge, so a slice must show itself in both. Only what the columns and
             texts say can be found, conditions of one or two parts, and slices of at least 32 rows (100 where numbers are predicted)
             and 1 % of either half. A named slice says where the model errs, not why: numbers that spread more are harder to
             predict. That none is named is no proof that there is none.
Reference    Search after Chung et al. (SliceFinder), ICDE 2019, and Sagadeeva & Boehm (SliceLine), SIGMOD 2021; clusters as in Eyuboglu
             et al. (Domino), ICLR 2022; interval of Newcombe, Statistics in Medicine 1998, and of Zou & Donner, ibid. 2008, on the ends
             of Hall, JRSS B 1992; test of Fisher, JRSS 1935; named by Benjamini & Hochberg, JRSS B 1995, with the false coverage rate
             of Benjamini & Yekutieli, JASA 2005.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pydantic import Field

from audit.check import Check, Params
from audit.checks.fairness._slice_discovery import features, holdout_test, losses, presentation, search
from audit.checks.fairness._slice_discovery.split import Halves
from audit.errors import CannotMeasure
from audit.evidence import Evidence, Member
from audit.stats import MeanDifference
from audit.tasks import CLASSIFICATION, REGRESSION

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.subject import Subject


class DiscoveredSlicesParams(Params):
    """What is searched, and how far."""

    k: int = Field(default=10, ge=1, le=50)
    """Slices that the search proposes, which are then judged."""
    columns: tuple[str, ...] | None = None
    """Columns to search; by default sensitive and feature columns and every other one without a role."""
    min_rows: int | None = Field(default=None, ge=10)
    """Rows (entities, where columns.group is set) of a slice in each half; by default 32, of predicted numbers 100 and no fewer, or
    1 % of the half if that is more."""
    clusters: int | None = Field(default=None, ge=0, le=100)
    """Neighbourhoods of the candidate's embedding of the texts, half and a quarter as many beside them; by default 20 where it has
    an encoder; 0 for none."""


def measure(subject: Subject, params: DiscoveredSlicesParams, rng: Generator) -> Evidence:
    """How much worse each slice that the search proposes is served than the rest, on rows that the search did not see."""
    data, clusters = subject.data, subject.clusters()
    halves = Halves.of(losses.of(subject), clusters, rng)
    least = search.least_rows(halves, params.min_rows)
    enough = 2 * least <= min(halves.search.sum(), (~halves.search).sum())
    asked = features.Asked(params.columns, params.clusters, least)
    told_by = features.attributes_of(subject, asked, halves, rng) if enough else features.Known()
    looking = search.Search(told_by.attributes, halves, least, clusters)
    found = looking.found(params.k)
    entities = "" if clusters is None else " entities"
    if not found:
        msg = f"{data.role}: nothing splits its {data.rows:,} rows into slices of at least {least}{entities} in each half: "
        unused = ", ".join(str(one.name) for one in told_by.unmeasured)
        msg += f"of no use are {unused}; " if unused else ""
        lower = halves.flags or least > MeanDifference.least
        raise CannotMeasure(msg + ("add rows, name columns, or set min_rows lower" if lower else "add rows, or name columns"))
    weak = holdout_test.tested(found, halves, clusters)
    kinds = "columns" if data.columns.text is None else "columns, marks of the text and words"
    size = f"at least {least}{entities or ' rows'} each"
    looked_at = f"{looking.count():,} conditions on {len(told_by.attributes):,} {kinds}, and their crossings, of {size}"
    return Evidence(
        members=tuple(Member(one.name, one.gap) for one in weak),
        unit="accuracy gap" if halves.flags else "mean absolute error gap",
        rows=data.rows,
        unmeasured=told_by.unmeasured,
        figures=(presentation.figure(subject, weak, halves),),
        examples=presentation.examples(subject, weak, halves),
        notes=(*presentation.notes(subject, weak, halves, looked_at), *told_by.notes),
        table=presentation.table(subject, weak, halves),
    )


def _reach(subject: Subject, _params: DiscoveredSlicesParams) -> tuple[float, float]:
    """Shares are at most 1 apart, errors any distance."""
    return (-math.inf, math.inf) if "values" in subject.candidate.abilities else (-1.0, 1.0)


CHECK = Check(
    measure=measure,
    question="Is any part of the data served worse that nobody named?",
    remedy="Read the worst rows of the named slices; add or mend training rows like them, train again, and name the slices under `by`.",
    rmf=("MEASURE 2.11", "MEASURE 2.5"),
    better="lower",
    unit="accuracy or error gap",
    lowest=-math.inf,
    highest=math.inf,
    needs=frozenset({"labels", "predictions"}),
    params=DiscoveredSlicesParams,
    tasks=(*CLASSIFICATION, *REGRESSION),
    reach=_reach,
)
