"""Knowledge retention: what the base model knew and the candidate has lost, on a retention set of general texts.

Purpose      Show what fine-tuning cost elsewhere, by slice. `measure: masked_lm`, the rise of the loss in filling in hidden words, by
             the base's own head; `probe`, accuracy lost by a linear probe of the labels under `label`, another task's; `neighbours`, the
             share of each text's k nearest, of those that the base tells apart, that are no longer among them.
Risk         High: it has forgotten language that its new task did not need, and fails on texts a little out of the way.
Limitations  As good as the retention set. Neighbours change a little in any fine-tuning; their interval is that of the texts, the others
             held fixed, as is that of probes, cross-fitted in five folds. Labels that the base's probe does not provably tell are
             refused, and so is a bound of a rise by 1 nat or more.
Reference    McCloskey & Cohen, Catastrophic interference, 1989; Devlin et al., BERT, NAACL 2019; Alain & Bengio, ICLR workshop 2017;
             intervals of Hall, JRSS B 1992, and Tango, Statistics in Medicine 1998.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from audit.check import Check, Params
from audit.checks.finetuning._retention import folds, knowing, neighbours_lost, probed
from audit.errors import CannotMeasure
from audit.evidence import Bars, Evidence, Member, Unmeasured
from audit.metrics.groups import part
from audit.metrics.stages import side_by_side
from audit.stats import Mean, PairedDifference, PairedMean, Proportion

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.subject import Subject

_STAGES = ("before fine-tuning", "after fine-tuning")


class RetentionParams(Params):
    """What is measured of the retention set."""

    measure: Literal["masked_lm", "probe", "neighbours"] = Field("neighbours", description="loss on hidden words, a probe, or neighbours")
    label: str | None = Field(None, description="column of the retention set's own labels, for probe; columns.label where absent")
    k: int = Field(10, ge=1, le=100, description="neighbours of each text")


def measure(subject: Subject, params: RetentionParams, rng: Generator) -> Evidence:
    """Forgetting in each slice."""
    if params.measure == "probe":
        return _probe(subject, params, rng)
    return _masked(subject) if params.measure == "masked_lm" else _neighbours(subject, params.k)


def _masked(subject: Subject) -> Evidence:
    (before, words), (after, _) = (subject.tuned_from.masked_losses(subject.data.texts(), stage) for stage in ("before", "after"))
    slices, clusters = {name: rows & (words > 0) for name, rows in subject.slices()}, subject.clusters()
    held = {name: (rows, part(clusters, rows)) for name, rows in slices.items() if rows.any()}
    stages = {
        stage: {name: Mean.of(loss[rows], entities, low=0.0) for name, (rows, entities) in held.items()}
        for stage, loss in zip(_STAGES, (before, after), strict=True)
    }
    return Evidence(
        members=tuple(Member(name, PairedMean.of(after[rows], before[rows], ids, low=0.0)) for name, (rows, ids) in held.items()),
        unmeasured=tuple(Unmeasured(name, "none of its texts holds a word to hide: add texts") for name in slices if name not in held),
        unit="rise of the loss on hidden words, nats",
        rows=subject.data.rows,
        figures=(side_by_side("loss on hidden words, nats", stages),),
        notes=(f"{words.sum():,} words were hidden, the same before and after; {np.sum(words == 0):,} texts without a word are left out.",),
        table={"id": subject.data.ids, "before": before, "after": after, "hidden_words": words},
    )


def _probe(subject: Subject, params: RetentionParams, rng: Generator) -> Evidence:
    data, column = subject.data, params.label or subject.data.columns.label
    if column is None or column not in data.frame.columns:
        msg = f"{data.role}: no column {column or 'of labels'}: name the column of the retention set's own labels under `label`"
        raise CannotMeasure(msg)
    truth, texts, clusters = data.labels(column), data.texts(), subject.clusters()
    fold = folds(data.rows, clusters, rng)
    before = knowing(truth, probed(subject.tuned_from.embed_texts(texts), truth, fold) == truth, clusters)
    after = probed(subject.predicted.embed_texts(texts), truth, fold) == truth
    slices = [(name, rows, part(clusters, rows)) for name, rows in subject.slices()]
    stages = {
        stage: {name: Proportion.of(right[rows], ids) for name, rows, ids in slices}
        for stage, right in zip(_STAGES, (before, after), strict=True)
    }
    return Evidence(
        members=tuple(Member(name, PairedDifference.of(before[rows], after[rows], ids)) for name, rows, ids in slices),
        unit="probe accuracy lost",
        rows=data.rows,
        figures=(side_by_side(f"accuracy of a probe for {column}", stages),),
        notes=("Each row is read by a probe that was fitted on the other folds, which are the same before and after.",),
        table={"id": data.ids, "label": truth.astype(str), "right_before": before, "right_after": after, "fold": fold},
    )


def _neighbours(subject: Subject, k: int) -> Evidence:
    clusters, texts = subject.clusters(), subject.data.texts()
    lost = neighbours_lost(subject.tuned_from.embed_texts(texts), subject.predicted.embed_texts(texts), k)
    kept = tuple(np.bincount(np.rint(k * (1 - lost)).astype(int), minlength=k + 1).tolist())
    return Evidence(
        members=tuple(Member(name, Mean.of(lost[rows], part(clusters, rows), low=0.0, high=1.0)) for name, rows in subject.slices()),
        unit="share of neighbours lost",
        rows=subject.data.rows,
        figures=(Bars(f"Texts by how many of their {k} neighbours are kept", tuple(map(str, range(k + 1))), kept),),
        table={"id": subject.data.ids, "lost": lost},
    )


CHECK = Check(
    measure=measure,
    question="Does it still know what its base model knew?",
    remedy="Train for fewer epochs or at a lower learning rate, freeze the lower layers, or mix general texts into the training rows.",
    rmf=("MEASURE 2.5", "MANAGE 3.2"),
    better="lower",
    unit="forgetting",
    needs=frozenset({"text", "base"}),
    params=RetentionParams,
    by="slices",
    tasks=("text-classification",),
    lowest=-1.0,
)
