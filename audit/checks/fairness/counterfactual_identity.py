"""Counterfactual identity: share of texts that get another label when nothing but the identity they name is swapped.

Purpose      Show whether the model's answer hangs on who is spoken of: for each attribute (gender, religion, nationality, orientation,
             race) every term of a text is replaced by the same word of another identity, each identity in turn. Beside the share, the mean
             shift of the score towards each identity and the mean of the largest shift of each row.
Risk         Above 0: a person's gender, religion or origin alone turns the decision on the same words.
Limitations  English; a documented list of terms (version 1), whole words in any case, or the policy's own. Rows in which no term stands
             do not count. Names are not swapped, nor ambiguous words. `her` and `his` are told apart by the next word, `a` and `an` are
             mended; a text may still end up clumsy or untrue (a pregnant man), and such a swap should sometimes change the answer.
             Says nothing of texts that tell an identity without naming it. More identities are more chances to flip.
Reference    Garg, Perot, Limtiaco, Taly, Chi & Beutel, Counterfactual fairness in text classification through robustness, AIES 2019
             (counterfactual token fairness); intervals of Wilson, JASA 1927, and Hall, JRSS B 1992.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from audit.candidates.capabilities import Scores
from audit.check import Params
from audit.checks.fairness import fairness_check
from audit.checks.fairness._identity_terms import TERMS, VERSION, Swap
from audit.datasets.column_store import Texts
from audit.errors import CannotMeasure
from audit.evidence import Evidence, Example, Member, Slice, Unmeasured
from audit.metrics import excerpts
from audit.metrics.groups import part
from audit.redaction.masking import common_words
from audit.stats import Mean, PairedMean, Proportion

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.candidates import Outputs
    from audit.subject import Subject

SHOWN = 3
"""Flipped rows of each attribute that the report shows."""
ABSENT = "no text names one: leave it out, or add texts that do"


class IdentityParams(Params):
    """Which identities, in which words."""

    attributes: tuple[Literal["gender", "religion", "nationality", "orientation", "race"], ...] | None = Field(
        None, min_length=1, description="attributes of the built-in list that are swapped; all where absent"
    )
    terms: dict[str, dict[str, tuple[str, ...]]] | None = Field(
        None, min_length=1, description="your own words in place of the built-in list: {region: {north: [northerner], south: [southerner]}}"
    )

    @model_validator(mode="after")
    def _one_list(self) -> Self:
        if self.terms is not None and self.attributes is not None:
            msg = "`attributes` chooses from the built-in list, which `terms` replaces: leave one of the two out"
            raise ValueError(msg)
        self.swaps()
        return self

    def swaps(self) -> tuple[Swap, ...]:
        """One for each attribute; ValueError where its words do not go together."""
        if self.terms is not None:
            return tuple(Swap(name, groups) for name, groups in self.terms.items())
        return tuple(Swap(name, TERMS[name], listed=True) for name in dict.fromkeys(self.attributes or TERMS))


def measure(subject: Subject, params: IdentityParams, _rng: Generator) -> Evidence:
    """Share of flipped rows among those with a term, for each attribute."""
    found = answers(subject, params.swaps())
    clusters = subject.clusters()
    followed = followed_class(subject)
    source = f"the built-in list of terms, version {VERSION}" if params.terms is None else "the policy's own terms"
    return Evidence(
        members=tuple(Member(one.name, one.share(clusters)) for one in found if len(one.rows)),
        unmeasured=tuple(Unmeasured(one.name, ABSENT) for one in found if not len(one.rows)),
        context=tuple(member for one in found if len(one.rows) for member in one.shifts(clusters)),
        unit="share of labels flipped",
        rows=subject.data.rows,
        examples=tuple(example for one in found for example in _examples(subject, one)),
        notes=(
            f"Swapped by {source}.",
            f"Shifts are of the probability of {followed or 'the class given before the swap'}, after the swap minus before."
            if subject.candidate.get(Scores) is not None
            else "The model gives labels alone, so that no shift of its score is shown.",
        ),
        table=table(found, subject.data.ids),
    )


def _examples(subject: Subject, one: Answers) -> list[Example]:
    """The first text of each of the first rows that flip."""
    texts, common = subject.data.texts(), common_words(subject.data.texts(), subject.clusters())
    flips = np.flatnonzero(one.before != one.after)
    first = flips[np.unique(one.rows[flips], return_index=True)[1]][:SHOWN].tolist()
    found = []
    for row, place in zip(one.rows[first].tolist(), first, strict=True):
        changed = excerpts.changes(texts[row], one.texts[place], common, listed=one.swap.words)
        note = f"{one.swap.attribute}, {one.groups[place]}: {one.before[place]} before, {one.after[place]} after"
        found.append(Example(subject.data.shown(row), changed, note))
    return found


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
    def rows_with_term(self) -> NDArray[np.int64]:
        """The rows in whose text a term of the attribute stands."""
        return np.unique(self.rows)

    @property
    def flipped(self) -> NDArray[np.bool_]:
        """For each of these rows whether any of its texts gets another label."""
        return np.bincount(self.rows, self.before != self.after)[self.rows_with_term] > 0

    def furthest(self, before: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float64]:
        """For each of these rows the largest distance that its score moves."""
        found = np.zeros(int(self.rows.max(initial=-1)) + 1)
        np.maximum.at(found, self.rows, np.abs(after - before))
        return found[self.rows_with_term]

    @property
    def name(self) -> Slice:
        """Under which the attribute is judged."""
        return _name(self.swap)

    def share(self, clusters: NDArray[np.int64] | None) -> Proportion:
        """Of flipped rows among those with a term."""
        return Proportion.of(self.flipped, part(clusters, self.rows_with_term))

    def shifts(self, clusters: NDArray[np.int64] | None) -> list[Member]:
        """Mean shift of the score towards each identity, and the mean of each row's largest shift."""
        if self.scores is None:
            return []
        before, after = self.scores
        groups, found = np.array(self.groups), []
        for group in dict.fromkeys(self.groups):
            at = groups == group
            shift = PairedMean.of(after[at], before[at], part(clusters, self.rows[at]), low=0.0, high=1.0)
            found.append(Member(self.name.further("score shift to", group), shift))
        largest = Mean.of(self.furthest(before, after), part(clusters, self.rows_with_term), low=0.0, high=1.0)
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
    outputs, places = subject.predicted.answer(Texts.of(asked)), {text: place for place, text in enumerate(asked)}
    return tuple(_answers_for(subject, swap, each, outputs, places) for swap, each in zip(swaps, written, strict=True))


def rows_with_terms(subject: Subject, swaps: Sequence[Swap]) -> list[tuple[Slice, NDArray[np.bool_]]]:
    """(n,) rows of each attribute in whose text a term stands that can be swapped."""
    texts = subject.data.texts()
    rows = np.arange(len(texts))
    return [(_name(swap), np.isin(rows, [row for row, _, _ in _rewritten(texts, swap)])) for swap in swaps]


def followed_class(subject: Subject) -> str | None:
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


def _rewritten(texts: Sequence[str], swap: Swap) -> Iterator[tuple[int, str, str]]:
    """Row, identity and new text, wherever that differs."""
    for row, text in enumerate(texts):
        if swap.terms(text):
            new = ((row, group, swap.to(text, group)) for group in swap.groups)
            yield from (one for one in new if one[2] != text)


def _answers_for(subject: Subject, swap: Swap, written: Sequence[tuple[int, str, str]], said: Outputs, places: dict[str, int]) -> Answers:
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
    one = followed_class(subject)
    classes = {name: place for place, name in enumerate(subject.classes)}
    followed = np.array([classes[label if one is None else one] for label in said.labels[old]], dtype=np.int64)
    return said.probabilities[old, followed], said.probabilities[new, followed]


CHECK = fairness_check(
    measure=measure,
    question="Does its answer stay the same when the text names another identity?",
    remedy="Fine-tune with copies of the training rows in which the identities are swapped, or mask the terms before the model reads them.",
    unit="share of labels flipped",
    needs=frozenset({"predictions", "text", "model"}),
    params=IdentityParams,
    tasks=("text-classification",),
    limit=3600.0,
    member_rows=lambda subject, params: rows_with_terms(subject, params.swaps()),
)
