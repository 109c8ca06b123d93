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

from audit.check import Params
from audit.checks.finetuning import finetuning_check
from audit.errors import CannotMeasure, MissingExtra
from audit.evidence import Bars, Evidence, Member, Unmeasured
from audit.formatting import number
from audit.metrics.comparison import side_by_side
from audit.metrics.groups import TAIL, part, share_members, slice_members
from audit.stats import Mean, PairedDifference, PairedMean

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.subject import Subject

_STAGES = ("before fine-tuning", "after fine-tuning")
FOLDS = 5
SAME = 1 - 1e-9
"""Cosine from which two vectors are one but for rounding."""
_CHUNK = 1000
"""Rows compared with all others at once: bounds the memory."""


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
    slices, clusters = [(name, rows & (words > 0)) for name, rows in subject.slices()], subject.clusters()
    known = [(name, rows, part(clusters, rows)) for name, rows in slices if rows.any()]
    stages = {
        stage: [Member(name, Mean.of(loss[rows], entities, low=0.0)) for name, rows, entities in known]
        for stage, loss in zip(_STAGES, (before, after), strict=True)
    }
    return Evidence(
        members=tuple(Member(name, PairedMean.of(after[rows], before[rows], ids, low=0.0)) for name, rows, ids in known),
        unmeasured=tuple(Unmeasured(name, "none of its texts holds a word to hide: add texts") for name, rows in slices if not rows.any()),
        unit="rise of the loss on hidden words, nats",
        rows=subject.data.rows,
        figures=(side_by_side("loss on hidden words, nats", stages),),
        notes=(f"{words.sum():,} words were hidden, the same before and after; {np.sum(words == 0):,} texts without a word are left out.",),
        table={"id": subject.data.ids, "before": before, "after": after, "hidden_words": words},
    )


def _probe(subject: Subject, params: RetentionParams, rng: Generator) -> Evidence:
    data, column = subject.data, params.label or subject.data.columns.label
    if column is None or column not in data.cells.names:
        msg = f"{data.role}: no column {column or 'of labels'}: name the column of the retention set's own labels under `label`"
        raise CannotMeasure(msg)
    truth, texts, clusters = data.labels(column), data.texts(), subject.clusters()
    fold = folds(data.rows, clusters, rng)
    before = knowing(truth, probed(subject.tuned_from.embed_texts(texts), truth, fold) == truth, clusters)
    after = probed(subject.predicted.embed_texts(texts), truth, fold) == truth
    stages = {stage: share_members(subject, right) for stage, right in zip(_STAGES, (before, after), strict=True)}
    return Evidence(
        members=slice_members(subject, lambda rows, entities: PairedDifference.of(before[rows], after[rows], entities)),
        unit="probe accuracy lost",
        rows=data.rows,
        figures=(side_by_side(f"accuracy of a probe for {column}", stages),),
        notes=("Each row is read by a probe that was fitted on the other folds, which are the same before and after.",),
        table={"id": data.ids, "label": truth.astype(str), "right_before": before, "right_after": after, "fold": fold},
    )


def _neighbours(subject: Subject, k: int) -> Evidence:
    texts = subject.data.texts()
    lost = neighbours_lost(subject.tuned_from.embed_texts(texts), subject.predicted.embed_texts(texts), k)
    kept = tuple(np.bincount(np.rint(k * (1 - lost)).astype(int), minlength=k + 1).tolist())
    return Evidence(
        members=slice_members(subject, lambda rows, entities: Mean.of(lost[rows], entities, low=0.0, high=1.0)),
        unit="share of neighbours lost",
        rows=subject.data.rows,
        figures=(Bars(f"Texts by how many of their {k} neighbours are kept", tuple(map(str, range(k + 1))), kept),),
        table={"id": subject.data.ids, "lost": lost},
    )


def neighbours_lost(before: NDArray[np.float64], after: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """(n,) share of each row's k nearest others, by cosine, that are not among its k nearest afterwards; from (n, d) embeddings.

    Rows that were one to the encoder before count as one neighbour: which of them is nearer is told by their order alone, and no
    encoder can lose it, so that they would flatter the candidate.
    """
    first, own = _told_apart(before := _unit(before))
    if len(first) <= k + 1:
        msg = f"{len(before):,} rows of which the base model tells {len(first):,} apart have no {k} neighbours to lose: "
        msg += "add texts that it knows, or set a smaller k"
        raise CannotMeasure(msg)
    before, after, found = before[first], _unit(after)[first], []
    for start in range(0, len(before), _CHUNK):
        nearest = zip(*(_nearest(unit, start, k) for unit in (before, after)), strict=True)
        found += [1 - np.isin(one, other).sum() / k for one, other in nearest]
    return np.array(found)[own]


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each row at length 1."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0, length, 1.0))


def _told_apart(unit: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(m,) the first row of each vector, and (n,) which of them each row is."""
    alike = [np.argmax(_likeness(unit, start) >= SAME, axis=1) for start in range(0, len(unit), _CHUNK)]
    first, own = np.unique(np.concatenate(alike), return_inverse=True)
    return first.astype(np.int64), own.astype(np.int64)


def _likeness(unit: NDArray[np.float64], start: int) -> NDArray[np.float64]:
    """(rows, n) cosines of one chunk of rows to all; each is wholly like itself."""
    found: NDArray[np.float64] = unit[start : start + _CHUNK] @ unit.T
    rows = np.arange(len(found))
    found[rows, start + rows] = 1.0
    return found


def _nearest(unit: NDArray[np.float64], start: int, k: int) -> NDArray[np.int64]:
    """(rows, k) numbers of the nearest other rows, for one chunk of rows."""
    likeness = _likeness(unit, start)
    rows = np.arange(len(likeness))
    likeness[rows, start + rows] = -np.inf  # no row is its own neighbour
    return np.argsort(-likeness, axis=1, kind="stable")[:, :k].astype(np.int64)


def folds(rows: int, clusters: NDArray[np.int64] | None, rng: Generator) -> NDArray[np.int64]:
    """(rows,) fold of each row; rows of one entity share it."""
    units = np.arange(rows) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    count = int(units.max(initial=-1)) + 1
    found: NDArray[np.int64] = (rng.permutation(count) % FOLDS)[units]
    return found


def knowing(truth: NDArray[np.object_], right: NDArray[np.bool_], clusters: NDArray[np.int64] | None) -> NDArray[np.bool_]:
    """(n,) `right` again, refused where the base shows no knowledge of the labels: it cannot lose that, and 0 lost proves nothing."""
    classes, counts = np.unique(truth.astype(str), return_counts=True)
    commonest = truth.astype(str) == classes[counts.argmax()]
    if PairedDifference.of(right, commonest, clusters).bounds(TAIL, TAIL)[0] <= 0:
        msg = f"a probe of the base is right in {number(float(right.mean()))} of the rows, not provably more than the commonest label "
        msg += f"({number(float(commonest.mean()))}), so that it has nothing to lose: name labels that the texts tell, or add rows"
        raise CannotMeasure(msg)
    return right


def probed(embeddings: NDArray[np.float64], labels: NDArray[np.object_], fold: NDArray[np.int64]) -> NDArray[np.object_]:
    """(n,) labels that logistic regression reads from embeddings, each row by a probe that was fitted without its fold."""
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import PredefinedSplit, cross_val_predict
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ImportError as error:
        raise MissingExtra("scikit-learn", "sklearn") from error
    if len(labels) < FOLDS * (classes := len(set(labels))):
        msg = f"{classes:,} labels in {len(labels):,} rows are too many for a probe: name a column of classes with {FOLDS} rows each"
        raise CannotMeasure(msg)
    if any(len(set(labels[fold != left_out])) < 2 for left_out in range(FOLDS)):  # noqa: PLR2004  # one class is no choice
        msg = f"{len(labels):,} rows of {classes} classes cannot be told apart without a fifth of them: add rows of each class"
        raise CannotMeasure(msg)
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    return np.asarray(cross_val_predict(probe, embeddings, labels.astype(str), cv=PredefinedSplit(fold)), dtype=object)


CHECK = finetuning_check(
    measure=measure,
    question="Does it still know what its base model knew?",
    remedy="Train for fewer epochs or at a lower learning rate, freeze the lower layers, or mix general texts into the training rows.",
    rmf=("MEASURE 2.5", "MANAGE 3.2"),
    unit="forgetting",
    needs=frozenset({"text", "base"}),
    params=RetentionParams,
    by="slices",
    lowest=-1.0,
)
