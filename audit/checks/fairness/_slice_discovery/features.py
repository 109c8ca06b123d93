"""All that the rows of a subject are told apart by: its columns, and of its texts the marks, the words and the neighbourhoods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audit.checks.fairness._slice_discovery import attributes, texts
from audit.errors import CannotMeasure
from audit.metrics import usable_features, windows
from audit.redaction.masking import common_words

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.checks.fairness._slice_discovery.attributes import Attribute
    from audit.checks.fairness._slice_discovery.split import Halves
    from audit.evidence import Unmeasured
    from audit.subject import Subject

CLUSTERS = 20
"""Neighbourhoods where nothing is said."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be looked at."""

    columns: tuple[str, ...] | None
    """None for all that may be."""
    clusters: int | None
    """None for as many as by default, where there is an encoder."""
    least: int
    """Searched rows of a value or a word."""


@dataclass(frozen=True, slots=True)
class Known:
    """What rows are told apart by."""

    attributes: tuple[Attribute, ...] = ()
    unmeasured: tuple[Unmeasured, ...] = ()
    """Columns that no condition can be made of."""
    notes: tuple[str, ...] = ()
    """Sentences on the columns, and on what could not be looked at."""


def attributes_of(subject: Subject, asked: Asked, halves: Halves, rng: Generator) -> Known:
    """Of the columns that can be used, and of the texts."""
    data = subject.data
    features, unmeasured, left_out = usable_features.of_one_table(data, windows.features(data, data, _names(subject, asked))[0])
    columns = attributes.of_columns(features, halves.search, asked.least)
    looked_at = (f"Columns: {', '.join(feature.name for feature in features)}.",) if features else ()
    if data.columns.text is None:
        if asked.clusters:
            msg = f"{data.role}: clusters are made of texts: name their column under columns.text, or leave clusters out"
            raise CannotMeasure(msg)
        return Known(columns, unmeasured, (*looked_at, *left_out))
    found, unseen = _of_texts(subject, asked, halves, rng)
    return Known((*columns, *found), unmeasured, (*looked_at, *left_out, *unseen))


def _of_texts(subject: Subject, asked: Asked, halves: Halves, rng: Generator) -> tuple[tuple[Attribute, ...], tuple[str, ...]]:
    """Marks, words and neighbourhoods of the texts, and sentences on what could not be looked at."""
    said = subject.data.texts()
    held = texts.tokens(said)
    words = texts.words(said, held, halves, asked.least, entities=subject.clusters())
    found = (*texts.marks(said, halves.search), *words)
    if asked.clusters == 0:
        return found, ()
    try:
        points = subject.predicted.embed_texts(said)
    except CannotMeasure as error:
        if asked.clusters is not None:
            raise
        return found, (f"Clusters of texts were not looked at: {error}",)
    k, allowed = asked.clusters or CLUSTERS, common_words(said, subject.clusters())
    return (*found, *texts.clusters(np.asarray(points, dtype=float), k, held, allowed, halves.search, rng)), ()


def _names(subject: Subject, asked: Asked) -> tuple[str, ...]:
    data = subject.data
    names = attributes.default_columns(data) if asked.columns is None else tuple(dict.fromkeys(asked.columns))
    missing = [name for name in names if name not in data.frame.columns]
    if missing:
        msg = f"{data.role}: no column {', '.join(map(repr, missing))}: there are {', '.join(map(str, data.frame.columns))}"
        raise CannotMeasure(msg)
    return names
