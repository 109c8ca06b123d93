"""Base improvement: accuracy of the candidate minus accuracy of its base model, on the same rows.

Purpose      Show what fine-tuning has gained over what the base model already knows: with a linear probe on its frozen embeddings of
             the same training rows, or by its own head where it has one (`over: zero_shot`). The note says what a point cost.
Risk         Near 0 or below: fine-tuning was not worth its cost, its risk and its upkeep, or it harmed the model; a probe would do.
Limitations  A probe is a good comparator for embeddings that were trained to be compared, and a weak one for others. Says nothing of what
             was lost elsewhere: read it next to knowledge retention.
Reference    Alain & Bengio, ICLR workshop 2017; Kumar et al., Fine-tuning can distort pretrained features, ICLR 2022; interval of
             Tango, Statistics in Medicine 1998.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from audit.check import Params
from audit.checks.finetuning import finetuning_check
from audit.errors import CannotMeasure
from audit.formatting import number
from audit.metrics.comparison import Answers, shares_right, side_by_side
from audit.metrics.groups import share_members

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.candidates.predictions import Predictions
    from audit.evidence import Evidence, Member
    from audit.subject import Subject


ANSWERS = {
    "zero_shot": "by its own head, as it was before fine-tuning",
    "probe": "by a linear probe, fitted on its frozen embeddings of the rows that the candidate learned from",
}


class ImprovementParams(Params):
    """What it must be better than."""

    over: Literal["probe", "zero_shot"] = Field("probe", description="the base with a linear probe, or with its own head as it was")


def measure(subject: Subject, params: ImprovementParams, _rng: Generator) -> Evidence:
    """Difference of the shares of right rows in each slice."""
    base = subject.tuned_from
    before = {"base model, linear probe": base.probe}
    if base.zero_shot is not None:
        before = {"base model as it was": base.zero_shot} | before
    elif params.over == "zero_shot":
        msg = f"{base.folder.path.name} has no head that tells {', '.join(subject.classes)} apart: set over: probe"
        raise CannotMeasure(msg)
    comparator = before["base model as it was" if params.over == "zero_shot" else "base model, linear probe"]
    seen = replace(subject, comparator=comparator, against="base")
    stages = {name: _shares(subject, one) for name, one in before.items()} | {"after fine-tuning": _shares(subject, subject.predicted)}
    found = shares_right(seen, "accuracy")
    return replace(
        found,
        unit="accuracy gained over the base model",
        figures=(side_by_side("accuracy", stages), *found.figures),
        asides=(_cost(seen, base.record.seconds),),
        notes=(f"The base model answers {ANSWERS[params.over]}.", *found.notes),
    )


def _shares(subject: Subject, model: Predictions) -> tuple[Member, ...]:
    """Share of right rows in each slice by one model."""
    seen = replace(subject, predicted=model)
    return share_members(seen, seen.y_true() == seen.y_pred())


def _cost(subject: Subject, seconds: float) -> str:
    """What a point of gain over all rows cost."""
    first, second = Answers.of(subject).right
    points = 100 * float(first.mean() - second.mean())
    took = f"Fine-tuning took {number(seconds)} seconds"
    if points <= 0:
        return f"{took} and gained nothing over all rows: {number(points)} points."
    return f"{took}, {number(seconds / points)} for each of the {number(points)} points gained over all rows."


CHECK = finetuning_check(
    measure=measure,
    question="Is it better than its base model?",
    remedy="Use the base model with a probe instead, or give fine-tuning more or better rows; look first at the rows that it lost.",
    rmf=("MEASURE 2.3", "MANAGE 3.2"),
    better="higher",
    unit="accuracy gained over the base model",
    needs=frozenset({"labels", "predictions", "text", "base"}),
    params=ImprovementParams,
    by="slices",
    extra="sklearn",
    lowest=-1.0,
)
