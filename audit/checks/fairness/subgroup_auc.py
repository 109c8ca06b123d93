"""Subgroup AUC: how well scores rank within each group, and between each group and all others.

Purpose      Show whether the scores of rows about some group are shifted or mixed up: three areas for each group. `subgroup`: its rows
             among themselves. `bpsn`: its negatives below the others' positives. `bnsp`: its positives above the others' negatives.
Risk         A low subgroup area: the model cannot tell the classes apart within the group. A low bpsn: it scores the group's harmless
             rows too high. A low bnsp: it scores the group's true cases too low.
Limitations  Needs 30 rows of either class on each side. A row that names two groups stands in both, and for each the other is a part
             of the background. A term is found as a whole word in any case: other spellings and other meanings are not seen.
Reference    Borkan, Dixon, Sorensen, Thain & Vasserman, WWW 2019; interval of DeLong et al., Biometrics 1988.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field, StringConstraints

from audit.check import Params
from audit.checks.fairness import fairness_check
from audit.datasets import canonical
from audit.errors import CannotMeasure
from audit.evidence import Evidence, Member, Slice, Unmeasured
from audit.formatting import comparator_in_words
from audit.metrics.groups import part
from audit.stats import Auc, PairedAuc
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.subject import Subject

_FLAGS = frozenset({"0", "1", "true", "false"})
_UP = frozenset({"1", "true"})


class SubgroupParams(Params):
    """Groups that no column names."""

    terms: tuple[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)], ...] = Field(
        (), description="identity terms: the rows whose text holds one, as a whole word in any case, are a group"
    )


def measure(subject: Subject, params: SubgroupParams, _rng: Generator) -> Evidence:
    """Three areas for each group and class."""
    return _areas(subject, params, [subject], "ROC AUC")


def compare(subject: Subject, params: SubgroupParams, _rng: Generator) -> Evidence:
    """The same areas, candidate minus comparator on the same rows."""
    unit = f"ROC AUC difference from {comparator_in_words(subject.against)}"
    return _areas(subject, params, [subject, subject.for_comparator], unit)


def _areas(subject: Subject, params: SubgroupParams, models: Sequence[Subject], unit: str) -> Evidence:
    """The areas of one model, or the first model's minus the second's."""
    y_true, clusters = subject.y_true(), subject.clusters()
    members: list[Member] = []
    unmeasured: list[Unmeasured] = []
    groups = subgroups(subject, params.terms)
    for group, inside in groups:
        for one in subject.targets:
            positive, scores = y_true == one, [model.ranking()[:, model.classes.index(one)] for model in models]
            named = group.further("class", one) if len(subject.targets) > 1 else group
            for kind, rows in _kinds(positive, inside):
                name = named.further("auc", kind)
                if positive[rows].all() or not positive[rows].any():
                    unmeasured.append(Unmeasured(name, _lacking(kind, one, positive[rows].any())))
                else:
                    members.append(Member(name, _area(positive[rows], [score[rows] for score in scores], part(clusters, rows))))
    rest = background(subject, groups)
    return Evidence(
        members=tuple(members),
        unmeasured=tuple(unmeasured),
        unit=unit,
        rows=len(y_true),
        notes=tuple(f"{one}: no group of its own, but the background of the one whose flag is set." for one in rest),
        background=rest,
    )


def _area(positive: NDArray[np.bool_], scores: Sequence[NDArray[np.float64]], entities: NDArray[np.int64] | None) -> Auc | PairedAuc:
    return Auc.of(positive, scores[0], entities) if len(scores) == 1 else PairedAuc.of(positive, scores[0], scores[1], entities)


def _kinds(positive: NDArray[np.bool_], inside: NDArray[np.bool_]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """The rows that each area is over."""
    yield "subgroup", inside
    yield "bpsn", inside != positive
    yield "bnsp", inside == positive


def _lacking(kind: str, one: str, positive: bool) -> str:  # noqa: FBT001  # which of two sides is empty
    """Which of the two sides has no row."""
    inside = {"subgroup": True, "bpsn": positive, "bnsp": not positive}[kind]
    return f"no row {'of this group' if inside else 'outside this group'} is truly {'other than ' if positive else ''}{one}: add such rows"


def subgroups(subject: Subject, terms: Sequence[str]) -> list[tuple[Slice, NDArray[np.bool_]]]:
    """Each group with its rows: what `by` names, a column of flags by its set ones alone, and rows whose text holds a term."""
    if not subject.by and not terms:
        msg = "no groups: name columns under `by`, or identity terms of the text under `terms`"
        raise CannotMeasure(msg)
    return [*_of_columns(subject), *_of_terms(subject, terms)]


def background(subject: Subject, groups: Sequence[tuple[Slice, NDArray[np.bool_]]]) -> tuple[Slice, ...]:
    """What `by` names and is no group of its own: the rows whose flag is not set."""
    named = {name for name, _ in groups}
    return tuple(name for name, _ in subject.slices() if name not in named) if subject.by else ()


def _of_columns(subject: Subject) -> Iterator[tuple[Slice, NDArray[np.bool_]]]:
    for columns, family in zip(subject.by, subject.families(), strict=True):
        values = {canonical(name.items[0][1]) for name, _ in family}
        flags = len(columns) == 1 and bool(values & _UP) and values - {None} <= _FLAGS
        yield from ((name, rows) for name, rows in family if not flags or canonical(name.items[0][1]) in _UP)


def _of_terms(subject: Subject, terms: Sequence[str]) -> Iterator[tuple[Slice, NDArray[np.bool_]]]:
    if not terms:
        return
    texts = subject.data.texts()
    for term in terms:
        word = whole_word(term)
        yield Slice((("term", term),)), np.array([word.search(text) is not None for text in texts], dtype=bool)


def whole_word(term: str) -> re.Pattern[str]:
    """A term as a word of its own, in any case; white space between its parts may be of any length."""
    inner = r"\s+".join(re.escape(part) for part in term.split())
    return re.compile(rf"(?<!\w){inner}(?!\w)", re.IGNORECASE)


CHECK = fairness_check(
    measure=measure,
    compare=compare,
    question="Do the scores rank rows about every group as well as all others?",
    remedy="Read the group's harmless rows that score highest and its true cases that score lowest; add training rows like them.",
    better="higher",
    unit="ROC AUC",
    needs=frozenset({"labels", "positive", "ranking"}),
    params=SubgroupParams,
    by="slices",
    groups_in="terms",
    tasks=CLASSIFICATION,
)
