"""Estimated performance: the accuracy, F1, precision, recall or area that rows without labels are expected to have.

Purpose      Say how good the answers to a window are before its labels come in. The probabilities are calibrated on the labelled
             reference, whose rows are weighted as if they came from the window; every score is then the one that they expect. The
             interval carries both samples: the rows of the window, and the labels that calibrate.
Risk         Low: the window holds more cases that the model finds hard than it was tested on, whatever their labels say later.
Limitations  It is no substitute for labels and cannot see concept drift: where the right answer for the same case has changed, it
             goes on telling what used to be true, and is confidently wrong. Pair it with performance/accuracy on late labels. It
             rests on three assumptions. Probabilities, once calibrated, are right on labelled rows held out, the latest ones by
             `columns.time` among them; the window's rows are like rows of the reference, by their features or texts; labels of the
             window, where some are there, agree. Where the first or the last fails, nothing is judged and the number is only shown.
             Rows like none of the reference count as all wrong at the one end and as all right at the other. Features that the
             tables lack cannot be compared: `columns: []` rests on the scores alone, and then a shift that the scores do not show
             goes unseen. Each slice is calibrated on the same slice of the reference.
Reference    Bialek, Kuberski, Perrakis & Bifet, Estimating model performance under covariate shift without labels, 2024 (PAPE; with
             `columns: []` its CBPE, as in NannyML), calibrated in bins with the line of Cox, Biometrika 1958, in place of isotonic
             regression, which is too sharp on its own rows. Interval: Korn & Graubard, Survey Methodology 1998; Fay & Feuer,
             Statistics in Medicine 1997; Manski, American Economic Review 1990.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from audit.check import Check
from audit.checks.performance._expected_scores import Calibration, Metric, Rows, Undefined, expected_score, realised, value
from audit.checks.performance._without_labels import FAR, FOLDS, ColumnsParams, Samples, judged, slices_of_both
from audit.errors import CannotMeasure
from audit.evidence import Curve, Evidence, Lines, Member, Unmeasured
from audit.formatting import number
from audit.metrics import windows
from audit.metrics.groups import TAIL
from audit.stats import Proportion, SmoothCalibrationError
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.stats import Estimate
    from audit.subject import Subject

TOLERANCE = 0.02
"""Calibration error on labelled rows held out, proven at 97.5 %, from which on probabilities are not calibrated."""
_PICTURED, _LEAST = 12, 50
"""Points of the calibration figure at most, and rows in each at least."""
UNITS: dict[Metric, str] = {"accuracy": "accuracy", "f1": "F1", "precision": "precision", "recall": "recall"}
UNITS |= {"roc_auc": "area under the curve"}


class EstimatedParams(ColumnsParams):
    """What is estimated."""

    metric: Metric = Field("accuracy", description="the score whose value on the window is estimated")
    average: Literal["binary", "macro"] | None = Field(
        None,
        description="binary: of the positive class; macro: every class counts alike. Absent: binary where there are two classes and one"
        " is positive, else macro",
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Labelled:
    """Both samples as the scores see them."""

    classes: tuple[str, ...]
    reference: Rows
    label: NDArray[np.bool_]
    """(m, k) whether each row of the reference is of the class."""
    window: Rows
    weight: NDArray[np.float64] | None
    unlike: NDArray[np.bool_] | None

    @classmethod
    def of(cls, subject: Subject, samples: Samples, params: EstimatedParams) -> _Labelled:
        """Of the positive class where there is one, else of every class."""
        average = params.average or ("binary" if subject.binary else "macro")
        classes = (subject.positive,) if average == "binary" else subject.classes
        reference, window = (
            _rows(subject, data, classes, codes) for data, codes in zip((samples.reference, samples.window), samples.clusters, strict=True)
        )
        if np.all(np.ptp(reference.score, axis=0) == 0):
            msg = f"every row of {samples.reference.role} has the same score, which calibrates nothing: use a candidate whose scores differ"
            raise CannotMeasure(msg)
        y_true = subject.y_true(samples.reference)
        label = np.stack([y_true == name for name in classes], axis=1).astype(bool)
        for name, hit in zip(classes, label.T, strict=True):
            if hit.all() or not hit.any():
                msg = f"{samples.reference.role}: {'every' if hit.all() else 'no'} row is truly {name}, so that its probability cannot be "
                raise CannotMeasure(msg + "calibrated: add labelled rows of the other kind")
        alike = samples.alike
        return cls(classes, reference, label, window, *((None, None) if alike is None else (alike.weight, alike.unlike)))

    def slice(self, before: NDArray[np.bool_], now: NDArray[np.bool_]) -> _Labelled:
        """Of some rows of each sample."""
        return replace(
            self,
            reference=self.reference.part(before),
            label=self.label[before],
            window=self.window.part(now),
            weight=None if self.weight is None else self.weight[before],
            unlike=None if self.unlike is None else self.unlike[now],
        )

    def estimate(self, metric: Metric) -> Estimate:
        """Of the window."""
        return expected_score(metric, self.reference, self.label, self.window, weight=self.weight, unlike=self.unlike)


def measure(subject: Subject, params: EstimatedParams, rng: Generator) -> Evidence:
    """The expected score of each slice of the window."""
    samples = Samples.of(subject, params, rng)
    both, metric = _Labelled.of(subject, samples, params), params.metric
    members, unmeasured = [], []
    for name, before, now in slices_of_both(subject, samples):
        try:
            members.append(Member(name, both.slice(before, now).estimate(metric)))
        except Undefined as error:
            unmeasured.append(Unmeasured(name, f"{error}: add rows to this slice"))
    if not members:
        raise CannotMeasure("; ".join(dict.fromkeys(one.reason for one in unmeasured)))
    calibration = _held_out(both, samples)
    seen = _realised(subject, both, samples, metric)
    said = value(metric, both.label.astype(float), both.reference)
    kind = f"of the class {both.classes[0]}" if len(both.classes) == 1 else f"over {', '.join(both.classes)}"
    told = f"{UNITS[metric]} {kind}, realised on the {samples.reference.rows:,} labelled rows of {samples.reference.role}: {number(said)}."
    found = Evidence(
        members=tuple(members),
        unmeasured=tuple(unmeasured),
        unit=f"estimated {UNITS[metric]}",
        rows=samples.reference.rows + samples.window.rows,
        figures=(_figure(both, samples),) if len(both.classes) == 1 else (),
        notes=(told[:1].upper() + told[1:], *calibration.notes, *seen.notes),
        table=_table(both, samples),
    )
    return judged(samples, found, [*calibration.broken, *seen.broken])


@dataclass(frozen=True, slots=True)
class _Assumption:
    """What was found of it."""

    notes: tuple[str, ...]
    broken: tuple[str, ...] = ()


def _held_out(both: _Labelled, samples: Samples) -> _Assumption:
    """Whether probabilities calibrated on some labelled rows are right on the others."""
    parts = samples.folds(*both.reference.score.T, *both.label.T)
    if len(np.unique(parts)) < 2:  # noqa: PLR2004  # nothing can be held out
        return _Assumption(("All labelled rows are of one entity, so that the calibration was not tested on others.",))
    p = np.zeros(both.label.shape)
    for part in np.unique(parts):
        calibration = Calibration.of(both.reference.part(parts != part), both.label[parts != part])
        p[parts == part] = calibration.probabilities(both.reference.part(parts == part))
    errors = [SmoothCalibrationError.of(p[:, k], both.label[:, k], samples.clusters[0]) for k in range(len(both.classes))]
    how = "by the order of time" if samples.reference.columns.time is not None else "dealt out evenly"
    notes, broken = [], []
    for name, error in zip(both.classes, errors, strict=True):
        low = error.bounds(TAIL / len(errors), TAIL / len(errors))[0]
        told = f"Smooth calibration error of {name} on labelled rows held out ({FOLDS} parts, {how}): {number(error.value)}"
        notes.append(f"{told}, noise floor {number(error.noise_floor)}.")
        if low > TOLERANCE:
            broken.append(f"calibrated probabilities of {name} are off by {number(low)} or more on labelled rows held out")
    return _Assumption(tuple(notes), tuple(broken))


def _realised(subject: Subject, both: _Labelled, samples: Samples, metric: Metric) -> _Assumption:
    """Whether labels of the window, where some are there, agree with the estimate of the same rows."""
    known = samples.labelled()
    if not known.any():
        return _Assumption(())
    data = samples.window if known.all() else samples.window.where(known)
    y_true = subject.y_true(data)
    truth = np.stack([y_true == name for name in both.classes], axis=1).astype(bool)
    try:
        found = realised(metric, both.reference, both.label, both.window.part(known), truth, weight=both.weight)
    except Undefined as error:
        return _Assumption((f"{np.count_nonzero(known):,} rows of {data.role} have labels, which show no {UNITS[metric]}: {error}.",))
    told = f"{np.count_nonzero(known):,} of the {samples.window.rows:,} rows of {data.role} have labels: realised {number(found.value)}, "
    told += f"estimated {number(found.expected)} for the same rows, {abs(found.deviation):.1f} standard errors apart"
    better = ". Every row has one: the check of the metric itself measures it" if known.all() else ""
    return _Assumption((f"{told}{better}.",), (f"labels disagree: {told}",) if abs(found.deviation) > FAR else ())


def _rows(subject: Subject, data: Dataset, classes: tuple[str, ...], clusters: NDArray[np.int64] | None) -> Rows:
    y_pred, probabilities = subject.y_pred(data), subject.probabilities(data)
    score = np.stack([probabilities[:, subject.classes.index(name)] for name in classes], axis=1)
    return Rows(score, np.stack([y_pred == name for name in classes], axis=1).astype(bool), clusters)


def _figure(both: _Labelled, samples: Samples) -> Lines:
    """How often the class came true at each stated probability of the reference, and where the window's rows lie."""
    stated, hit = both.reference.score[:, 0], both.label[:, 0]
    groups = np.array_split(np.argsort(stated, kind="stable"), max(1, min(_PICTURED, len(stated) // _LEAST)))
    ends = [Proportion.of(hit[rows]).bounds(TAIL, TAIL) for rows in groups]
    at, seen = (tuple(float(one[rows].mean()) for rows in groups) for one in (stated, hit))
    lower, upper = zip(*ends, strict=True)
    now, edges = np.histogram(both.window.score[:, 0], _PICTURED, (0.0, 1.0))
    middles = (edges[:-1] + edges[1:]) / 2
    return Lines(
        f"calibration on {samples.reference.role}, and where the rows of {samples.window.role} lie",
        f"stated probability of {both.classes[0]}",
        "share that came true",
        (Curve("as stated", (0.0, 1.0), (0.0, 1.0), style="expected"), Curve(samples.reference.role, at, seen, lower, upper, "points")),
        rows_at=tuple(zip(middles.tolist(), now.tolist(), strict=True)),
    )


def _table(both: _Labelled, samples: Samples) -> dict[str, NDArray[np.generic]]:
    """One entry a row of either sample: what was stated, what it was calibrated to, and the weight of a row of the reference."""
    calibration = Calibration.of(both.reference, both.label, both.weight)
    p = np.vstack([calibration.probabilities(rows) for rows in (both.reference, both.window)])
    score = np.vstack([both.reference.score, both.window.score])
    weight = np.ones(samples.reference.rows) if both.weight is None else both.weight
    found: dict[str, NDArray[np.generic]] = {
        "rows": np.repeat([samples.reference.role, samples.window.role], [samples.reference.rows, samples.window.rows]),
        "id": np.concatenate([samples.reference.ids, samples.window.ids]),
        "weight": np.concatenate([weight, np.ones(samples.window.rows)]),
    }
    for k, name in enumerate(both.classes):
        found |= {f"stated {name}": score[:, k], f"calibrated {name}": p[:, k]}
    return found


CHECK = Check(
    measure=measure,
    question="How good are its answers to these rows likely to be, before their labels are in?",
    remedy="Label a sample of the window and measure it; if it is as bad as estimated, find out which cases have become more frequent.",
    measures="model",
    characteristics=("valid_reliable",),
    rmf=("MEASURE 2.4", "MEASURE 3.1"),
    better="higher",
    unit="estimated accuracy",
    needs=frozenset({"reference", "scores", "predictions"}),
    params=EstimatedParams,
    by="slices",
    tasks=CLASSIFICATION,
    extra="sklearn",
    expected_rows=windows.rows_of_both,
)
