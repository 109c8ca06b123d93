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
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from audit.candidates.capabilities import Values
from audit.check import Params
from audit.checks.fairness import fairness_check
from audit.checks.fairness._slice_discovery import attributes, presentation, texts
from audit.checks.fairness._slice_discovery.holdout import Halves, losses, tested
from audit.checks.fairness._slice_discovery.search import Search, least_rows
from audit.errors import CannotMeasure
from audit.evidence import Evidence, Member
from audit.metrics import usable_features, windows
from audit.redaction.masking import common_words
from audit.stats import MeanDifference
from audit.tasks import CLASSIFICATION, REGRESSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator

    from audit.check import Need
    from audit.checks.fairness._slice_discovery.attributes import Attribute
    from audit.datasets import Columns, Dataset
    from audit.evidence import Unmeasured
    from audit.subject import Subject

CLUSTERS = 20
"""Neighbourhoods of the embedding by default."""


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


@dataclass(frozen=True, slots=True)
class AttributeSet:
    """The attributes that distinguish rows."""

    attributes: tuple[Attribute, ...] = ()
    unmeasured: tuple[Unmeasured, ...] = ()
    """Columns that no condition can be made of."""
    notes: tuple[str, ...] = ()
    """Sentences on the columns, and on what could not be looked at."""


def measure(subject: Subject, params: DiscoveredSlicesParams, rng: Generator) -> Evidence:
    """How much worse each slice that the search proposes is served than the rest, on rows that the search did not see."""
    data, clusters = subject.data, subject.clusters()
    halves = Halves.of(losses(subject), clusters, rng)
    least = least_rows(halves, params.min_rows)
    enough = 2 * least <= min(halves.search.sum(), (~halves.search).sum())
    found_by = attributes_of(subject, params, halves, least, rng) if enough else AttributeSet()
    search = Search(found_by.attributes, halves, least, clusters)
    found = search.propose(params.k)
    entities = "" if clusters is None else " entities"
    if not found:
        msg = f"{data.role}: nothing splits its {data.rows:,} rows into slices of at least {least}{entities} in each half: "
        unused = ", ".join(str(one.name) for one in found_by.unmeasured)
        msg += f"of no use are {unused}; " if unused else ""
        lower = halves.flags or least > MeanDifference.min_support
        raise CannotMeasure(msg + ("add rows, name columns, or set min_rows lower" if lower else "add rows, or name columns"))
    weak = tested(found, halves, clusters)
    kinds = "columns" if data.columns.text is None else "columns, marks of the text and words"
    size = f"at least {least}{entities or ' rows'} each"
    looked_at = f"{search.count():,} conditions on {len(found_by.attributes):,} {kinds}, and their crossings, of {size}"
    return Evidence(
        members=tuple(Member(one.name, one.gap) for one in weak),
        unit="accuracy gap" if halves.flags else "mean absolute error gap",
        rows=data.rows,
        unmeasured=found_by.unmeasured,
        figures=(presentation.figure(subject, weak, halves),),
        examples=presentation.examples(subject, weak, halves),
        notes=(*presentation.notes(subject, weak, halves, looked_at), *found_by.notes),
        table=presentation.table(subject, weak, halves),
    )


def attributes_of(subject: Subject, params: DiscoveredSlicesParams, halves: Halves, least: int, rng: Generator) -> AttributeSet:
    """Attributes of the columns that can be used, and of the texts."""
    data = subject.data
    features, unmeasured, left_out = usable_features.of_one_table(data, windows.features(data, data, _names(data, params.columns))[0])
    columns = attributes.of_columns(features, halves.search, least)
    looked_at = (f"Columns: {', '.join(feature.name for feature in features)}.",) if features else ()
    if data.columns.text is None:
        if params.clusters:
            msg = f"{data.role}: clusters are made of texts: name their column under columns.text, or leave clusters out"
            raise CannotMeasure(msg)
        return AttributeSet(columns, unmeasured, (*looked_at, *left_out))
    found, unseen = _of_texts(subject, params.clusters, halves, least, rng)
    return AttributeSet((*columns, *found), unmeasured, (*looked_at, *left_out, *unseen))


def _of_texts(
    subject: Subject, clusters: int | None, halves: Halves, least: int, rng: Generator
) -> tuple[tuple[Attribute, ...], tuple[str, ...]]:
    """Marks, words and neighbourhoods of the texts, and sentences on what could not be looked at."""
    said = subject.data.texts()
    held = texts.tokens(said)
    words = texts.words(said, held, halves, least, entities=subject.clusters())
    found = (*texts.marks(said, halves.search), *words)
    if clusters == 0:
        return found, ()
    try:
        points = subject.predicted.embed_texts(said)
    except CannotMeasure as error:
        if clusters is not None:
            raise
        return found, (f"Clusters of texts were not looked at: {error}",)
    k, allowed = clusters or CLUSTERS, common_words(said, subject.clusters())
    return (*found, *texts.clusters(np.asarray(points, dtype=float), k, held, allowed, halves.search, rng)), ()


def _names(data: Dataset, columns: Sequence[str] | None) -> tuple[str, ...]:
    names = attributes.default_columns(data) if columns is None else tuple(dict.fromkeys(columns))
    missing = [name for name in names if name not in data.cells.names]
    if missing:
        msg = f"{data.role}: no column {', '.join(map(repr, missing))}: there are {', '.join(data.cells.names)}"
        raise CannotMeasure(msg)
    return names


def _range_on(subject: Subject, _params: DiscoveredSlicesParams) -> tuple[float, float]:
    """Shares are at most 1 apart, errors any distance."""
    return (-math.inf, math.inf) if subject.candidate.get(Values) is not None else (-1.0, 1.0)


def _also_needs(columns: Columns, params: DiscoveredSlicesParams) -> frozenset[Need]:
    """An encoder, where clusters of texts are asked for."""
    return frozenset({"embeddings"} if columns.text is not None and params.clusters else ())


CHECK = fairness_check(
    measure=measure,
    question="Does it serve any part of the data worse that the policy does not name?",
    remedy="Read the worst rows of the named slices; add or mend training rows like them, train again, and name the slices under `by`.",
    rmf=("MEASURE 2.11", "MEASURE 2.5"),
    unit="accuracy or error gap",
    lowest=-math.inf,
    highest=math.inf,
    needs=frozenset({"labels", "predictions"}),
    also_needs=_also_needs,
    params=DiscoveredSlicesParams,
    tasks=(*CLASSIFICATION, *REGRESSION),
    range_on=_range_on,
)
