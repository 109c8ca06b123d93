"""Discovered slices: how much worse the weakest parts of the data are served that nobody thought of naming.

Purpose      Look for rows that are told apart by a column, a range of numbers, a crossing of two of them, the length or the marks
             of a text, a word or a neighbourhood of the model's embedding, and that the model gets wrong more often than the rest.
Risk         Well above 0: a part of the data, and maybe the people in it, is served worse, and no requirement names it.
Limitations  Half of the rows are searched and the other half judge, so a slice must show itself in both. Only what the columns and
             texts say can be found, conditions of one or two parts, and slices of at least 32 rows and 1 % of either half. A named
             slice says where the model errs, not why. That none is named is no proof that there is none.
Reference    Search after Chung et al. (SliceFinder), ICDE 2019, and Sagadeeva & Boehm (SliceLine), SIGMOD 2021; clusters as in Eyuboglu
             et al. (Domino), ICLR 2022; interval of Newcombe, Statistics in Medicine 1998; test of Fisher, JRSS 1935; named by Benjamini
             & Hochberg, JRSS B 1995, with the false coverage rate of Benjamini & Yekutieli, JASA 2005.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from audit.check import CLASSIFICATION, Check, Params
from audit.errors import CannotMeasure
from audit.evidence import Evidence, Member
from audit.measures.masking import common_words
from audit.measures.weak import attributes, naming, search, telling, texts
from audit.measures.weak.halves import Halves

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.measures.weak.attributes import Attribute
    from audit.subject import Subject

_CLUSTERS = 20


class DiscoveredSlicesParams(Params):
    """What is searched, and how far."""

    k: int = Field(default=10, ge=1, le=50)
    """Slices that the search proposes, which are then judged."""
    columns: tuple[str, ...] | None = None
    """Columns to search; by default sensitive and feature columns and every other one without a role."""
    min_rows: int | None = Field(default=None, ge=10)
    """Rows (entities, where columns.group is set) of a slice in each half; by default 32, or 1 % of the half if that is more."""
    clusters: int | None = Field(default=None, ge=0, le=100)
    """Neighbourhoods of the candidate's embedding of the texts, half and a quarter as many beside them; by default 20 where it has
    an encoder; 0 for none."""


def measure(subject: Subject, params: DiscoveredSlicesParams, rng: Generator) -> Evidence:
    """Share right of the rest minus that of each slice which the search proposes, on rows that it did not see."""
    data, clusters = subject.data, subject.clusters()
    halves = Halves.of(subject.y_true() != subject.y_pred(), clusters, rng)
    least = params.min_rows or search.least_rows(halves)
    enough = 2 * least <= min(halves.search.sum(), (~halves.search).sum())
    known, unseen = _attributes(subject, params, halves, (least, rng)) if enough else ((), ())
    looking = search.Search(known, halves, least, clusters)
    found = looking.found(params.k)
    if not found:
        msg = f"{data.role}: nothing splits its {data.rows:,} rows into slices of at least {least} in each half: "
        raise CannotMeasure(msg + "add rows, name columns, or set min_rows lower")
    weak = naming.tested(found, halves, clusters)
    kinds = "columns" if data.columns.text is None else "columns, marks of the text and words"
    looked_at = f"{looking.count():,} conditions on {len(known):,} {kinds}, and their crossings, of at least {least} rows each"
    return Evidence(
        members=tuple(Member(one.name, one.gap) for one in weak),
        unit="accuracy gap",
        rows=data.rows,
        figures=(telling.figure(subject, weak, halves),),
        examples=telling.examples(subject, weak, halves),
        notes=(*telling.notes(weak, halves, looked_at), *unseen),
        table=telling.table(subject, weak, halves),
    )


def _attributes(
    subject: Subject, params: DiscoveredSlicesParams, halves: Halves, how: tuple[int, Generator]
) -> tuple[tuple[Attribute, ...], tuple[str, ...]]:
    """All that rows are told apart by, and what could not be looked at."""
    data, least = subject.data, how[0]
    names = attributes.default_columns(data) if params.columns is None else tuple(dict.fromkeys(params.columns))
    missing = [name for name in names if name not in data.frame.columns]
    if missing:
        msg = f"{data.role}: no column {', '.join(map(repr, missing))}: there are {', '.join(map(str, data.frame.columns))}"
        raise CannotMeasure(msg)
    columns = attributes.of_columns(data, names, halves.search, least)
    if data.columns.text is None:
        if params.clusters:
            msg = f"{data.role}: clusters are made of texts: name their column under columns.text, or leave clusters out"
            raise CannotMeasure(msg)
        return columns, ()
    said = data.texts()
    held = texts.tokens(said)
    found = (*columns, *texts.marks(said, halves.search), *texts.words(said, held, halves, least, entities=subject.clusters()))
    if params.clusters == 0:
        return found, ()
    try:
        points = subject.predicted.embed_texts(said)
    except CannotMeasure as error:
        if params.clusters is not None:
            raise
        return found, (f"Clusters of texts were not looked at: {error}",)
    k, allowed = params.clusters or _CLUSTERS, common_words(said, subject.clusters())
    return (*found, *texts.clusters(np.asarray(points, dtype=float), k, held, allowed, halves.search, how[1])), ()


CHECK = Check(
    measure=measure,
    question="Is any part of the data served worse that nobody named?",
    remedy="Read the wrong rows of the named slices; add or mend training rows like them, fine-tune again, and name the slices under `by`.",
    rmf=("MEASURE 2.11", "MEASURE 2.5"),
    better="lower",
    unit="accuracy gap",
    lowest=-1.0,
    needs=frozenset({"labels", "predictions"}),
    params=DiscoveredSlicesParams,
    tasks=CLASSIFICATION,
)
