"""Inherited bias: what the base model associates with people, before any fine-tuning.

Purpose      Show which associations come with the base. `association`: two lists of words (names, trades) are held to two others (career
             and family) by the cosine of their embeddings; judged is Cohen's d, from −2 to 2, in both directions. `gap`: how often a
             linear probe on the frozen base gives the class to either group of `by`, so that what fine-tuning added can be told apart.
Risk         Well above 0: words of one group lie nearer to one list, or the base alone treats groups unlike; fine-tuning builds on it.
Limitations  d is a census of these very words: no interval can say what other words would show. The permutation p beside it tells
             whether another split of the same words would give as much. A small d of few words is no proof of absence, nor does a
             large one show harm in use. English lists, version 1. A word's sentences are averaged, since they are no words of their own;
             May et al. count each. The probe learns from the training rows and takes over their gap too.
Reference    Caliskan, Bryson & Narayanan, Science 2017 (WEAT); May, Wang, Bordia, Bowman & Rudinger, NAACL 2019 (SEAT); Newcombe 1998.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from audit.check import Params
from audit.checks.fairness import fairness_check
from audit.checks.fairness._association import ATTRIBUTES, TARGETS, VERSION, Association, associations
from audit.checks.fairness._rates import rate_gaps, rates_of
from audit.stats import Difference

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.evidence import Evidence
    from audit.subject import Subject

TEMPLATES = ("This is {}.", "That is {}.", "There is {}.", "Here is {}.")


class Lists(Params):
    """One test of your own: two named lists of words, held to two others."""

    targets: dict[str, tuple[str, ...]]
    """two named lists: what is compared, such as names of women and of men"""
    attributes: dict[str, tuple[str, ...]]
    """two named lists: what either may be associated with, such as family and career"""


class InheritedParams(Params):
    """What is judged, and on which words."""

    judged: Literal["association", "gap"] = Field("association", description="d of the word lists, or the gap of a probe between groups")
    published: tuple[Literal["weat5", "weat6", "weat7", "weat8", "weat10"], ...] = Field(
        ("weat6", "weat7", "weat8"), description="tests of Caliskan et al. 2017 by their number"
    )
    tests: dict[str, Lists] | None = Field(
        None, min_length=1, description="tests of your own in their place: {name: {targets: {..., ...}, attributes: {..., ...}}}"
    )
    templates: tuple[str, ...] = Field(TEMPLATES, min_length=1, description='sentences that hold each word at {}; ["{}"] for bare words')

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if odd := [template for template in self.templates if template.count("{}") != 1]:
            msg = f"templates: {odd[0]!r} must hold {{}} once, where the word stands"
            raise ValueError(msg)
        if not self.associations():
            msg = "published: name at least one test, or give `tests` of your own"
            raise ValueError(msg)
        return self

    def associations(self) -> tuple[Association, ...]:
        """The tests; ValueError where lists do not go together."""
        if self.tests is not None:
            return tuple(Association(name, one.targets, one.attributes) for name, one in self.tests.items())
        return tuple(Association(name, TARGETS[name], ATTRIBUTES[name]) for name in dict.fromkeys(self.published))


def measure(subject: Subject, params: InheritedParams, rng: Generator) -> Evidence:
    """Effect of every test in both directions, or the probe's gap between every ordered pair of groups."""
    base = subject.tuned_from
    if params.judged == "association":
        source = f"word lists of Caliskan et al. 2017, version {VERSION}" if params.tests is None else "the policy's own word lists"
        return associations(params.associations(), base.embed_texts, params.templates, rng=rng, source=source)
    seen = replace(subject, predicted=base.probe)
    found = rate_gaps(seen, rates_of(seen, "selection_rate"), Difference, "rate difference of the base")
    return replace(found, notes=(f"The base answers by {base.probe.candidate.description}.", *found.notes))


def _expected_rows(subject: Subject, params: InheritedParams) -> int:
    """Words of the lists, or rows."""
    return subject.data.rows if params.judged == "gap" else sum(len(test.words) for test in params.associations())


CHECK = fairness_check(
    measure=measure,
    question="What did the base model associate with people before it was fine-tuned?",
    remedy="Start from another base model, or debias this one; hold the tuned model to fairness checks and to fairness/bias_amplification.",
    rmf=("MAP 4.1", "MEASURE 2.11"),
    unit="effect size d",
    needs=frozenset({"text", "base"}),
    params=InheritedParams,
    by="slices",
    tasks=("text-classification",),
    lowest=-2.0,
    highest=2.0,
    expected_rows=_expected_rows,
)
