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

from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from audit.check import Check, Params
from audit.checks.fairness._identity.counterfactual import Answers, answers, looked_at, named, table
from audit.checks.fairness._identity.swapping import Swap
from audit.checks.fairness._identity.terms import TERMS, VERSION
from audit.evidence import Evidence, Example, Member, Unmeasured
from audit.metrics import changed_words
from audit.redaction.masking import common_words

if TYPE_CHECKING:
    from numpy.random import Generator

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
    followed = looked_at(subject)
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
            if "scores" in subject.candidate.abilities
            else "The model gives labels alone, so that no shift of its score is shown.",
        ),
        table=table(found, subject.data.ids),
    )


def _examples(subject: Subject, one: Answers) -> list[Example]:
    """The first text of each of the first rows that flip."""
    texts, common = subject.data.texts(), common_words(subject.data.texts(), subject.clusters())
    flips = np.flatnonzero(one.before != one.after)
    first = flips[np.unique(one.rows[flips], return_index=True)[1]][:SHOWN].tolist()
    return [
        Example(
            subject.data.shown(int(one.rows[place])),
            changed_words.changes(texts[int(one.rows[place])], one.texts[place], common, listed=one.swap.words),
            f"{one.swap.attribute}, {one.groups[place]}: {one.before[place]} before, {one.after[place]} after",
        )
        for place in first
    ]


CHECK = Check(
    measure=measure,
    question="Does its answer stay the same when the text names another identity?",
    remedy="Fine-tune with copies of the training rows in which the identities are swapped, or mask the terms before the model reads them.",
    rmf=("MEASURE 2.11",),
    better="lower",
    unit="share of labels flipped",
    needs=frozenset({"predictions", "text", "model"}),
    params=IdentityParams,
    tasks=("text-classification",),
    limit=3600.0,
    asked_of=lambda subject, params: named(subject, params.swaps()),
)
