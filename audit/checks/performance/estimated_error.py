"""Estimated error: the mean absolute, mean squared or root mean squared error that rows without labels are expected to have.

Purpose      Say how far off the predicted numbers of a window are likely to be before the true ones come in. A model of the loss,
             trained on the labelled reference from its features and predictions, sorts the window's rows by the loss that it
             expects; the reference's own losses, on rows held out and weighted as if they came from the window, then say what
             rows of each sort lose. The interval carries both samples.
Risk         High: the window holds more cases on which the model is far off than it was tested on.
Limitations  It is no substitute for labels and cannot see concept drift: where the true number for the same case has changed, it
             goes on telling what used to be true. Pair it with performance/mean_absolute_error on late labels. Losses of the
             reference must be the same at all times, and those of labelled rows of the window as estimated: where they are not,
             nothing is judged. Rows like none of the reference count with no loss at the lower end and with the largest loss of
             the reference at the upper one, which a new kind of case may exceed. Where few rows carry the loss, the upper end errs more
             often than nominal: in 4 to 8 of 100 simulated windows whose errors differed widely in size.
Reference    Direct loss estimation of NannyML (Kuberski et al., 2022), its bias taken out by the losses of held-out rows as a
             generalised regression estimator does (Särndal, Swensson & Wretman, Model assisted survey sampling, 1992); weights of
             Bickel, Brueckner & Scheffer, JMLR 2009; interval of Hall, JRSS B 1992.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from pydantic import Field

from audit.check import Check
from audit.checks.performance._without_labels import FAR, FOLDS, ColumnsParams, Samples, judged, slices_of_both
from audit.errors import CannotMeasure, MissingExtra
from audit.evidence import Evidence, Member, Unmeasured
from audit.formatting import number
from audit.metrics import bins, resemblance, windows
from audit.stats import ExpectedLoss
from audit.stats.binned_calibration import MOST_LEVERAGE
from audit.stats.clustering import by_entity, effective_number
from audit.stats.expected_score import satterthwaite
from audit.stats.mean import half_of_sum
from audit.tasks import REGRESSION

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.subject import Subject

Metric: TypeAlias = Literal["mean_absolute_error", "mean_squared_error", "root_mean_squared_error"]
BINS, LEAST_ROWS = 20, 20
"""Sorts of rows by their expected loss at most, and labelled rows in each at least."""
UNSTEADY = 4.0
"""Standard errors by which the loss of a held-out part may be off."""
_LEAST = 100
"""Labelled rows from which a loss model is trained."""


class EstimatedErrorParams(ColumnsParams):
    """What is estimated."""

    metric: Metric = Field("mean_absolute_error", description="the error whose value on the window is estimated")


@dataclass(frozen=True, slots=True, eq=False)
class _Losses:
    """Losses of the reference, and what the loss model expects of every row."""

    loss: NDArray[np.float64]
    """(m,)"""
    held_out: NDArray[np.float64]
    """(m,) expected by the model that was trained on the other parts."""
    window: NDArray[np.float64]
    """(n, parts) expected by each of the models."""
    part: NDArray[np.int64]
    """(m,)"""
    weight: NDArray[np.float64]
    """(m,)"""
    unlike: NDArray[np.bool_]
    """(n,)"""
    clusters: tuple[NDArray[np.int64] | None, NDArray[np.int64] | None]

    def some(self, before: NDArray[np.bool_], now: NDArray[np.bool_]) -> _Losses:
        """Of some rows of each sample."""
        first, second = self.clusters
        return _Losses(
            self.loss[before],
            self.held_out[before],
            self.window[now],
            self.part[before],
            self.weight[before],
            self.unlike[now],
            (None if first is None else first[before], None if second is None else second[now]),
        )

    def expected(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """(n,) loss of each row of the window; (m,) residual of each of the reference, without its own pull; (m,) its share in the mean."""
        count = max(1, min(BINS, len(self.loss) // LEAST_ROWS))
        edges = np.unique(np.quantile(self.held_out, np.arange(1, count) / count, method="higher"))
        edges = edges[edges > self.held_out.min()]
        place, of_window = (np.searchsorted(edges, one, side="right") for one in (self.held_out, self.window))
        share = self.weight / np.bincount(place, weights=self.weight)[place]
        gap = self.loss - self.held_out
        shift = np.bincount(place, weights=share * gap)
        expected = np.asarray((self.window + shift[of_window]).mean(axis=1), dtype=np.float64)
        pull = np.bincount(of_window.ravel(), minlength=len(shift))[place] / of_window.size * share
        leverage = share
        if self.clusters[0] is not None:
            cell = np.unique(place * (int(self.clusters[0].max()) + 1) + self.clusters[0], return_inverse=True)[1]
            leverage = np.bincount(cell, weights=share)[cell]
        alone = 1 - np.minimum(leverage, MOST_LEVERAGE)
        residual = (gap - shift[place]) / (np.sqrt(alone) if self.clusters[0] is None else alone)
        return expected, np.asarray(residual, dtype=np.float64), np.asarray(pull, dtype=np.float64)

    def estimate(self, *, root: bool) -> ExpectedLoss:
        """Mean loss of the window."""
        expected, residual, pull = self.expected()
        value, n = max(0.0, float(expected.mean())), len(expected)
        first, second = self.clusters
        of_window, of_reference, weights, units = (expected - expected.mean()) / n, pull * residual, pull, float(n)
        if first is None or second is None:
            moved = np.concatenate([of_window, of_reference])
        else:
            size = int(max(first.max(), second.max())) + 1
            held = np.bincount(second, minlength=size) / n
            of_window = np.bincount(second, weights=of_window, minlength=size).astype(np.float64) / np.maximum(1 - held, 1 - MOST_LEVERAGE)
            of_reference = np.bincount(first, weights=of_reference, minlength=size).astype(np.float64)
            moved, weights, units = of_window + of_reference, by_entity(pull, first), effective_number(second)
        worth = float(weights.sum() ** 2 / max(float(weights @ weights), 1e-300))
        freedom = satterthwaite(((float(of_window @ of_window), units - 1), (float(of_reference @ of_reference), worth - 1)))
        found = ExpectedLoss.of(value, (moved, min(freedom, 1e9)), (n, min(units, worth)), root=root)
        mean = replace(found.mean, half=half_of_sum(self.loss))
        strange = self.unlike
        fall = min(value, float(expected[strange].sum()) / n)
        return replace(found, mean=mean, fall=max(0.0, fall), rise=float(np.sum(self.loss.max() - expected[strange])) / n)


def measure(subject: Subject, params: EstimatedErrorParams, rng: Generator) -> Evidence:
    """The expected error of each slice of the window."""
    if params.columns == ():
        msg = "a model of the loss needs features: name some under `columns`, or leave it out for all of them"
        raise CannotMeasure(msg)
    samples = Samples.of(subject, params, rng)
    residual = subject.target(samples.reference) - subject.predicted_values(samples.reference)
    root = params.metric == "root_mean_squared_error"
    loss = np.abs(residual) if params.metric == "mean_absolute_error" else np.square(residual)
    losses, unit = _model(subject, samples, params, loss, rng), params.metric.replace("_", " ")
    members, unmeasured = [], []
    for name, before, now in slices_of_both(subject, samples):
        if before.any():
            members.append(Member(name, losses.some(before, now).estimate(root=root)))
        else:
            unmeasured.append(Unmeasured(name, "no labelled row is in it: add rows to this slice"))
    if not members:
        raise CannotMeasure("; ".join(dict.fromkeys(one.reason for one in unmeasured)))
    steady, unsteady = _steady(losses)
    seen, disagree = _realised(subject, losses, samples, params.metric)
    mean = float(loss.mean())
    told = f"{unit[:1].upper()}{unit[1:]} realised on the {samples.reference.rows:,} labelled rows of {samples.reference.role}: "
    found = Evidence(
        members=tuple(members),
        unmeasured=tuple(unmeasured),
        unit=f"estimated {unit}",
        rows=samples.reference.rows + samples.window.rows,
        notes=(f"{told}{number(math.sqrt(mean) if root else mean)}.", *steady, *seen),
        table={
            "rows": np.repeat([samples.reference.role, samples.window.role], [samples.reference.rows, samples.window.rows]),
            "id": np.concatenate([samples.reference.ids, samples.window.ids]),
            "weight": np.concatenate([losses.weight, np.ones(samples.window.rows)]),
            "expected_loss": np.concatenate([losses.held_out, losses.expected()[0]]),
        },
    )
    return judged(samples, found, [*unsteady, *disagree])


def _model(subject: Subject, samples: Samples, params: EstimatedErrorParams, loss: NDArray[np.float64], rng: Generator) -> _Losses:
    """Loss models, each trained without one part of the reference."""
    try:
        from sklearn.ensemble import HistGradientBoostingRegressor
    except ImportError as error:
        raise MissingExtra("scikit-learn", "sklearn") from error
    if len(loss) < _LEAST:
        msg = f"{samples.reference.role}: {len(loss)} labelled rows, and {_LEAST} are needed to train a model of the loss: add rows"
        raise CannotMeasure(msg)
    answers = [subject.predicted_values(data) for data in (samples.reference, samples.window)]
    features = resemblance.features_of_both(samples.reference, samples.window, params.columns)[0]
    sides = [np.column_stack(pair) for pair in zip(answers, bins.encode(features), strict=True)]
    part, seed = samples.folds(loss, answers[0]), int(rng.integers(2**31))
    held_out, of_window = np.zeros(len(loss)), []
    for one in (parts := np.unique(part)):
        model = HistGradientBoostingRegressor(max_iter=100, max_leaf_nodes=15, early_stopping=False, random_state=seed)
        kept = part != one if len(parts) > 1 else part == one
        model.fit(sides[0][kept], loss[kept])
        held_out[part == one] = model.predict(sides[0][part == one])
        of_window.append(model.predict(sides[1]))
    alike = samples.alike
    weight = np.ones(len(loss)) if alike is None else alike.weight
    unlike = np.zeros(samples.window.rows, dtype=bool) if alike is None else alike.unlike
    return _Losses(loss, held_out, np.stack(of_window, axis=1), part, weight, unlike, samples.clusters)


def _steady(losses: _Losses) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Whether each part of the reference loses what the others make it expect: a sentence, and another where one does not."""
    _, residual, _ = losses.expected()
    found = []
    for one in np.unique(losses.part):
        rows = losses.part == one
        each = by_entity(residual[rows], None if losses.clusters[0] is None else losses.clusters[0][rows])
        error = math.sqrt(float(each @ each))
        found.append(float(residual[rows].sum()) / error if error > 0 else 0.0)
    worst = max(found, key=abs)
    told = (
        f"Of {FOLDS} parts of the labelled rows, each held out once, the one that is farthest off loses {abs(worst):.1f} standard errors "
    )
    told += f"{'more' if worst > 0 else 'less'} than expected."
    off = f"one part of the labelled rows loses {abs(worst):.1f} standard errors {'more' if worst > 0 else 'less'} than the others make it"
    return (told,), (off,) if abs(worst) > UNSTEADY else ()


def _realised(subject: Subject, losses: _Losses, samples: Samples, metric: Metric) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Whether labels of the window, where some are there, agree with the estimate of the same rows."""
    known = samples.labelled()
    if not known.any():
        return (), ()
    data = samples.window if known.all() else samples.window.where(known)
    residual = subject.target(data) - subject.predicted_values(samples.window)[known]
    seen = np.abs(residual) if metric == "mean_absolute_error" else np.square(residual)
    some = losses.some(np.ones(len(losses.loss), dtype=bool), known)
    expected, left, pull = some.expected()
    off = by_entity(seen - expected, some.clusters[1])
    error = math.sqrt(float(off @ off) / len(seen) ** 2 + float(np.sum((pull * left) ** 2)))
    deviation = float((seen - expected).mean()) / error if error > 0 else 0.0
    told = (
        f"{len(seen):,} of the {samples.window.rows:,} rows of {data.role} have labels: mean loss {number(float(seen.mean()))}, estimated "
    )
    told += f"{number(float(expected.mean()))} for the same rows, {abs(deviation):.1f} standard errors apart"
    return (f"{told}.",), (f"labels disagree: {told}",) if abs(deviation) > FAR else ()


CHECK = Check(
    measure=measure,
    question="How far off are its numbers for these rows likely to be, before the true ones are in?",
    remedy="Label a sample of the window and measure it; if it is as bad as estimated, find out which cases have become more frequent.",
    measures="model",
    characteristics=("valid_reliable",),
    rmf=("MEASURE 2.4", "MEASURE 3.1"),
    better="lower",
    unit="estimated mean absolute error",
    needs=frozenset({"reference", "values"}),
    params=EstimatedErrorParams,
    by="slices",
    tasks=REGRESSION,
    highest=math.inf,
    extra="sklearn",
    expected_rows=windows.rows_of_both,
)
