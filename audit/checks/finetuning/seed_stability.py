"""Seed stability: share of rows whose answer hangs on the seed of the fine-tuning.

Purpose      Train the candidate again under other seeds, on the same rows with the same settings, and count the rows that any of these
             models answers otherwise than the candidate. The note tells the spread of accuracy.
Risk         High: for that share of people the answer is the luck of the draw: of the order of rows, of dropout, of the new head.
             A retraining without any cause would change their decisions.
Limitations  Of the seeds that were drawn, which the interval takes as given: more seeds find more rows, never fewer. Costs as many
             trainings as `seeds` says; they are kept, so that a second run takes none.
Reference    Dodge et al., Fine-tuning pretrained language models, 2020; D'Amour et al., Underspecification, JMLR 2022; Milani Fard et
             al., Launch and iterate: reducing prediction churn, NeurIPS 2016; interval of Wilson, JASA 1927.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from audit import seeds
from audit.check import Params
from audit.checks.finetuning import finetuning_check
from audit.evidence import Evidence, Example, Member, Slice
from audit.formatting import number
from audit.metrics.comparison import side_by_side
from audit.metrics.groups import share_members
from audit.redaction.masking import beginning, common_words
from audit.stats import Proportion

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.evidence import Intervals
    from audit.subject import Subject

_SHOWN = 5


class StabilityParams(Params):
    """How often it is trained again."""

    seeds: int = Field(3, ge=2, le=20, description="further trainings, each under a seed of its own; each costs as much as the first")


def measure(subject: Subject, params: StabilityParams, _rng: Generator) -> Evidence:
    """Share of rows that change in each slice."""
    drawn = [seeds.words(subject.seed, f"seed-stability/{i}")[0] for i in range(params.seeds)]
    answers = np.array([subject.retrained(seed).of(subject.data).labels for seed in drawn], dtype=object)  # (k, n)
    own, clusters = subject.y_pred(), subject.clusters()
    differs = answers != own
    changed = differs.any(axis=0)
    figures, spread = ((), ()) if subject.data.columns.label is None else _accuracies(subject, drawn, answers)
    return Evidence(
        members=share_members(subject, changed),
        context=tuple(Member(Slice((("seed", seed),)), Proportion.of(one, clusters)) for seed, one in zip(drawn, differs, strict=True)),
        unit="share of rows that change",
        rows=len(own),
        figures=figures,
        examples=_examples(subject, changed, answers),
        notes=(*spread, f"Trained {params.seeds} times more, on the same rows with the same settings."),
        table={"id": subject.data.ids, "prediction": own.astype(str)}
        | {f"prediction:seed-{seed}": one.astype(str) for seed, one in zip(drawn, answers, strict=True)},
    )


def _accuracies(subject: Subject, drawn: list[int], answers: NDArray[np.object_]) -> tuple[tuple[Intervals], tuple[str]]:
    """The accuracy of every training, over all rows: as a figure, and its spread in words."""
    truth, clusters = subject.y_true(), subject.clusters()
    models = {"candidate": subject.y_pred()} | {f"seed {seed}": one for seed, one in zip(drawn, answers, strict=True)}
    shares = [Member(Slice((("training", name),)), Proportion.of(one == truth, clusters)) for name, one in models.items()]
    rates = [share.estimate.value for share in shares]
    said = f"Accuracy lies between {number(min(rates))} and {number(max(rates))} over the {len(rates)} trainings, "
    said += f"with a standard deviation of {number(float(np.std(rates, ddof=1)))}; the candidate's is {number(rates[0])}."
    return (side_by_side("accuracy", {"each training": shares}),), (said,)


def _examples(subject: Subject, changed: NDArray[np.bool_], answers: NDArray[np.object_]) -> tuple[Example, ...]:
    """The first rows that change, with what each training says of them."""
    data, texts, own = subject.data, subject.data.texts(), subject.y_pred()
    common, rows = common_words(texts, subject.clusters()), [int(row) for row in np.flatnonzero(changed)[:_SHOWN]]
    said = [f"the candidate says {own[row]}, the others {', '.join(answers[:, row])}" for row in rows]
    return tuple(Example(data.shown(row), beginning(texts[row], common), note) for row, note in zip(rows, said, strict=True))


CHECK = finetuning_check(
    measure=measure,
    question="Would training it again give the same answers?",
    remedy="Average the models of several seeds, train on more rows or for longer at a lower rate, or send rows that change to a person.",
    rmf=("MEASURE 2.5",),
    unit="share of rows that change",
    needs=frozenset({"predictions", "text", "base"}),
    params=StabilityParams,
    by="slices",
    limit=86_400.0,
    trainings=lambda params: int(params.seeds),
)
