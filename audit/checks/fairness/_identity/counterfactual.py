"""How a model answers texts in which nothing but the named identity changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audit.errors import CannotMeasure
from audit.evidence import Member, Slice
from audit.stats import Mean, PairedMean, Proportion

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from audit.candidates import Outputs
    from audit.checks.fairness._identity.swapping import Swap
    from audit.subject import Subject


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """All rewritten texts of one attribute: one entry a text in each array, those of one row side by side."""

    swap: Swap
    rows: NDArray[np.int64]
    groups: tuple[str, ...]
    """The identity that each text names instead."""
    texts: tuple[str, ...]
    before: NDArray[np.str_]
    """Label of the row as it stands."""
    after: NDArray[np.str_]
    scores: tuple[NDArray[np.float64], NDArray[np.float64]] | None
    """Before and after, of the class that is looked at; None where the model gives labels alone."""

    @property
    def named(self) -> NDArray[np.int64]:
        """The rows in whose text a term of the attribute stands."""
        return np.unique(self.rows)

    @property
    def flipped(self) -> NDArray[np.bool_]:
        """For each of these rows whether any of its texts gets another label."""
        return np.bincount(self.rows, self.before != self.after)[self.named] > 0

    def furthest(self, before: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float64]:
        """For each of these rows the largest distance that its score moves."""
        found = np.zeros(int(self.rows.max(initial=-1)) + 1)
        np.maximum.at(found, self.rows, np.abs(after - before))
        return found[self.named]

    @property
    def name(self) -> Slice:
        """Under which the attribute is judged."""
        return _name(self.swap)

    def share(self, clusters: NDArray[np.int64] | None) -> Proportion:
        """Of flipped rows among those with a term."""
        return Proportion.of(self.flipped, _of(clusters, self.named))

    def shifts(self, clusters: NDArray[np.int64] | None) -> list[Member]:
        """Mean shift of the score towards each identity, and the mean of each row's largest shift."""
        if self.scores is None:
            return []
        before, after = self.scores
        groups, found = np.array(self.groups), []
        for group in dict.fromkeys(self.groups):
            at = groups == group
            shift = PairedMean.of(after[at], before[at], _of(clusters, self.rows[at]), low=0.0, high=1.0)
            found.append(Member(self.name.further("score shift to", group), shift))
        largest = Mean.of(self.furthest(before, after), _of(clusters, self.named), low=0.0, high=1.0)
        return [*found, Member(self.name.further("score shift", "largest of each row"), largest)]


def answers(subject: Subject, swaps: Sequence[Swap]) -> tuple[Answers, ...]:
    """The answers for each attribute. Every text is put to the model once, and all in one call."""
    texts = subject.data.texts()
    written = [tuple(_rewritten(texts, swap)) for swap in swaps]
    asked = sorted({new for each in written for _, _, new in each} | {texts[row] for each in written for row, _, _ in each})
    if not asked:
        named = ", ".join(swap.attribute for swap in swaps)
        msg = f"{subject.data.role}: no text names an identity ({named}): give words of your own as `terms`, or add texts that do"
        raise CannotMeasure(msg)
    answers, places = subject.predicted.answer_texts(asked), {text: place for place, text in enumerate(asked)}
    return tuple(_answers(subject, swap, each, answers, places) for swap, each in zip(swaps, written, strict=True))


def named(subject: Subject, swaps: Sequence[Swap]) -> list[tuple[Slice, NDArray[np.bool_]]]:
    """(n,) rows of each attribute in whose text a term stands that can be swapped."""
    texts = subject.data.texts()
    rows = np.arange(len(texts))
    return [(_name(swap), np.isin(rows, [row for row, _, _ in _rewritten(texts, swap)])) for swap in swaps]


def looked_at(subject: Subject) -> str | None:
    """The class whose score is followed: the positive one; None for the class that the row as it stands is given."""
    return subject.positive if subject.binary or subject.data.columns.positive is not None else None


def table(found: Sequence[Answers], ids: NDArray[np.generic]) -> dict[str, NDArray[np.generic]]:
    """One entry a rewritten text."""
    scores = [one.scores for one in found if one.scores is not None]
    scored = {name: np.concatenate(each) for name, each in zip(("score", "score_swapped"), zip(*scores, strict=True), strict=False)}
    return {
        "id": np.concatenate([ids[one.rows] for one in found]),
        "attribute": np.concatenate([np.full(len(one.rows), one.swap.attribute) for one in found]),
        "identity": np.array([group for one in found for group in one.groups], dtype=str),
        "prediction": np.concatenate([one.before for one in found]),
        "prediction_swapped": np.concatenate([one.after for one in found]),
        **scored,
    }


def _name(swap: Swap) -> Slice:
    return Slice((("attribute", swap.attribute),))


def _of(clusters: NDArray[np.int64] | None, rows: NDArray[np.int64]) -> NDArray[np.int64] | None:
    return None if clusters is None else clusters[rows]


def _rewritten(texts: Sequence[str], swap: Swap) -> Iterator[tuple[int, str, str]]:
    """Row, identity and new text, wherever that differs."""
    for row, text in enumerate(texts):
        if swap.terms(text):
            new = ((row, group, swap.to(text, group)) for group in swap.groups)
            yield from (one for one in new if one[2] != text)


def _answers(subject: Subject, swap: Swap, written: Sequence[tuple[int, str, str]], said: Outputs, places: dict[str, int]) -> Answers:
    if said.labels is None:
        msg = "the candidate gives no labels of new texts"
        raise CannotMeasure(msg)
    texts, labels = subject.data.texts(), said.labels.astype(str)
    rows = np.array([row for row, _, _ in written], dtype=np.int64)
    old = np.array([places[texts[row]] for row in rows.tolist()], dtype=np.int64)
    new = np.array([places[text] for _, _, text in written], dtype=np.int64)
    return Answers(
        swap=swap,
        rows=rows,
        groups=tuple(group for _, group, _ in written),
        texts=tuple(text for _, _, text in written),
        before=labels[old],
        after=labels[new],
        scores=_followed(subject, said, old, new),
    )


def _followed(
    subject: Subject, said: Outputs, old: NDArray[np.int64], new: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Scores before and after of the class that is looked at."""
    if said.probabilities is None or said.labels is None:
        return None
    one = looked_at(subject)
    classes = {name: place for place, name in enumerate(subject.classes)}
    followed = np.array([classes[label if one is None else one] for label in said.labels[old]], dtype=np.int64)
    return said.probabilities[old, followed], said.probabilities[new, followed]
