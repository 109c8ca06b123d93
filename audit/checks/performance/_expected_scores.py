"""Scores that calibrated probabilities expect: accuracy, F1, precision, recall and the area under the curve, with their derivatives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import numpy as np

from audit.stats.binned_calibration import MOST_LEVERAGE, BinnedCalibration
from audit.stats.clustering import by_entity, effective_entities, effective_number
from audit.stats.expected_score import ExpectedScore, satterthwaite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Numbers: TypeAlias = NDArray[np.float64]
    Flags: TypeAlias = NDArray[np.bool_]

Metric: TypeAlias = Literal["accuracy", "f1", "precision", "recall", "roc_auc"]

_MANY = 1e9
"""Degrees of freedom of what hardly varies."""
_CUTS = np.linspace(0, 1, 11)
"""Shares of the rows below the scores that are tried as cuts."""


class Undefined(ValueError):
    """Why the rows have no such score."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows with what the model says of them."""

    score: Numbers
    """(n, k) score of each class; of two classes the positive one's alone."""
    called: Flags
    """(n, k) whether it is predicted."""
    clusters: NDArray[np.int64] | None = None
    """(n,) entity of each row; the same code in both samples where one has rows in both."""

    def part(self, rows: Flags | NDArray[np.int64]) -> Rows:
        """Some of the rows."""
        return Rows(self.score[rows], self.called[rows], None if self.clusters is None else self.clusters[rows])


class Score(Protocol):
    """One class's score of the rows without labels, where each is of the class with a probability."""

    @property
    def value(self) -> float:
        """Of all rows."""

    @property
    def gradient(self) -> Numbers:
        """(n,) derivative by each row's probability."""

    def influence(self, probability: Numbers, called: Flags, score: Numbers) -> Numbers:
        """(some,) how much each of any rows would move the score if there were one more like it."""


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """A ratio of two sums over the rows."""

    value: float
    gradient: Numbers
    metric: Metric | Literal["hits"]
    total: float
    """Of the denominator."""

    @classmethod
    def of(cls, metric: Metric | Literal["hits"], probability: Numbers, called: Flags) -> Share:
        """Expected hits over what they are counted among."""
        above, below, slope_above, slope_below = _terms(metric, probability, called)
        total = float(below.sum())
        if total <= 0:
            msg = "no row is predicted to be of it" if metric == "precision" else "no row is expected to be of it"
            raise Undefined(msg)
        value = float(above.sum()) / total
        return cls(value, (slope_above - value * slope_below) / total, metric, total)

    def influence(self, probability: Numbers, called: Flags, score: Numbers) -> Numbers:
        """As `Score` says."""
        del score
        above, below, _, _ = _terms(self.metric, probability, called)
        return (above - self.value * below) / self.total


def _terms(metric: Metric | Literal["hits"], p: Numbers, called: Flags) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """(n,) numerator and denominator of each row, and the derivatives of both by its probability."""
    c: Numbers = called.astype(np.float64)
    one, none = np.ones(len(p)), np.zeros(len(p))
    if metric == "accuracy":
        signs: Numbers = 2 * c - 1
        return c * p + (1 - c) * (1 - p), one, signs, none
    if metric == "hits":
        return c * p, one, c, none
    if metric == "f1":
        twice: Numbers = 2 * c
        return twice * p, c + p, twice, one
    if metric == "precision":
        return c * p, c, c, none
    return c * p, p, c, one


@dataclass(frozen=True, slots=True, eq=False)
class Area:
    """Expected area under the curve: pairs of two rows in order over pairs of one row of the class and one that is not."""

    value: float
    gradient: Numbers
    order: Numbers
    """(n,) scores, rising."""
    high: Numbers
    """(n + 1,) expected rows of the class among the first."""
    low: Numbers
    """(n + 1,) expected rows of the others."""
    pairs: float

    @classmethod
    def of(cls, probability: Numbers, score: Numbers) -> Area:
        """A row makes no pair with itself."""
        at = np.argsort(score, kind="stable")
        p = probability[at]
        high, low = (np.concatenate([[0.0], np.cumsum(one)]) for one in (p, 1 - p))
        pairs = float(high[-1] * low[-1] - p @ (1 - p))
        if pairs <= 0:
            msg = "no two rows are expected to differ in their class"
            raise Undefined(msg)
        found = cls(0.0, probability, score[at], high, low, pairs)
        below, above = found._beside(score, probability, own=True)
        value = float(probability @ below) / pairs
        slope = (low[-1] - (1 - probability)) - (high[-1] - probability)
        return cls(value, (below - above - value * slope) / pairs, score[at], high, low, pairs)

    def influence(self, probability: Numbers, called: Flags, score: Numbers) -> Numbers:
        """As `Score` says."""
        del called
        below, above = self._beside(score, probability, own=False)
        in_order = probability * below + (1 - probability) * above
        found: Numbers = (in_order - self.value * (probability * self.low[-1] + (1 - probability) * self.high[-1])) / self.pairs
        return found

    def _beside(self, score: Numbers, probability: Numbers, *, own: bool) -> tuple[Numbers, Numbers]:
        """(some,) expected rows of the others below each score, and of the class above it, ties as halves; without the row itself."""
        left, right = np.searchsorted(self.order, score, "left"), np.searchsorted(self.order, score, "right")
        below = (self.low[left] + self.low[right]) / 2 - (1 - probability) / 2 * own
        above = self.high[-1] - (self.high[left] + self.high[right]) / 2 - probability / 2 * own
        return below, above


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Each class's probabilities calibrated on labelled rows, the class against the rest.

    They need not sum to 1: every score adds up hits and rows of one class, and scaling them would bias it.
    """

    fits: tuple[BinnedCalibration, ...]
    residuals: Numbers
    """(m, k) labels minus calibrated probabilities of the labelled rows."""

    @classmethod
    def of(cls, rows: Rows, label: Flags, weight: Numbers | None = None) -> Calibration:
        """From labelled rows, (m, k) flags whether each is of the class, and the weight of each where they have some."""
        columns = range(label.shape[1])
        fits = tuple(BinnedCalibration.of(rows.score[:, k], rows.called[:, k], label[:, k], weight) for k in columns)
        return cls(fits, label - _each(fits, rows))

    def probabilities(self, rows: Rows) -> Numbers:
        """(n, k) calibrated."""
        return _each(self.fits, rows)

    def by_bin(self, rows: Rows, gradient: Numbers) -> tuple[Numbers, ...]:
        """For each class (b,) derivative of the result by the share of each bin, from (n, k) that by the probabilities."""
        return tuple(fit.weights(rows.score[:, k], rows.called[:, k], gradient[:, k]) for k, fit in enumerate(self.fits))


def _each(fits: tuple[BinnedCalibration, ...], rows: Rows) -> Numbers:
    return np.stack([fit.predict(rows.score[:, k], rows.called[:, k]) for k, fit in enumerate(fits)], axis=1)


def _scores(metric: Metric, probability: Numbers, rows: Rows) -> tuple[tuple[Score, ...], float]:
    """Of each class, and the weight of each in the result: their mean, or of more classes' hits the sum."""
    k = probability.shape[1]
    if metric == "roc_auc":
        return tuple(Area.of(probability[:, i], rows.score[:, i]) for i in range(k)), 1 / k
    hits = metric == "accuracy" and k > 1
    return tuple(Share.of("hits" if hits else metric, probability[:, i], rows.called[:, i]) for i in range(k)), 1.0 if hits else 1 / k


def value(metric: Metric, probability: Numbers, rows: Rows) -> float:
    """The score of rows with these probabilities; of 0 and 1 the realised score."""
    scores, by = _scores(metric, probability, rows)
    return by * sum(score.value for score in scores)


@dataclass(frozen=True, slots=True)
class Realised:
    """The score that labels of some rows show, beside the one that was expected of these rows."""

    value: float
    expected: float
    deviation: float
    """Standard errors between the two."""


def realised(metric: Metric, reference: Rows, label: Flags, window: Rows, truth: Flags, *, weight: Numbers | None = None) -> Realised:
    """Of rows whose (n, k) true classes are known, and what the calibration expects of the very same rows."""
    expected = expected_score(metric, reference, label, window, weight=weight)
    probability = Calibration.of(reference, label, weight).probabilities(window)
    scores, by = _scores(metric, probability, window)
    gradient = by * np.stack([score.gradient for score in scores], axis=1)
    seen = value(metric, truth.astype(float), window)
    chance = float(np.sum((gradient * np.sqrt(probability * (1 - probability))) ** 2))
    noise = by_entity(np.sum(gradient * (truth - probability), axis=1), window.clusters)
    error = math.sqrt(expected.calibration + max(chance, float(noise @ noise)))
    return Realised(seen, expected.value, (seen - expected.value) / error if error > 0 else 0.0)


def expected_score(
    metric: Metric, reference: Rows, label: Flags, window: Rows, *, weight: Numbers | None = None, unlike: Flags | None = None
) -> ExpectedScore:
    """The score of the window that its scores expect once the reference's labels, (m, k) flags of each class, calibrate them.

    `weight` says how many times likelier each row of the reference is in the window; `unlike` marks rows of the window that no row of
    the reference is like.
    """
    if not len(label):
        msg = "no labelled row is in it to calibrate on"
        raise Undefined(msg)
    calibration = Calibration.of(reference, label, weight)
    probability = calibration.probabilities(window)
    scores, by = _scores(metric, probability, window)
    found = by * sum(score.value for score in scores)
    gradient = by * np.stack([score.gradient for score in scores], axis=1)
    pull = _Pull.of(calibration, calibration.by_bin(window, gradient), reference.clusters)
    known = calibration.probabilities(reference)
    moved, might = (
        by * np.sum([one.influence(p[:, i], rows.called[:, i], rows.score[:, i]) for i, one in enumerate(scores)], axis=0)
        for p, rows in ((probability, window), (known, reference))
    )
    wrong, right = _ends(metric, probability, window, found, unlike)
    variance, of_labels, freedom, units = _variance(pull, moved, (reference, window))
    unseen = [by * end for end in _unseen(scores, window)]
    one_in = len(window.score) / max(units, pull.worth)  # a kind of row that neither sample holds is no more frequent than one in so many
    return ExpectedScore(
        score=found,
        lowest=wrong,
        highest=right,
        variance=variance,
        calibration=of_labels,
        fall=pull.step + max(0.0, -float(might.min()), -unseen[0] * one_in),
        rise=pull.step + max(0.0, float(might.max()), unseen[1] * one_in),
        rows=len(window.score),
        calibrating=min(pull.worth, pull.worth if metric == "accuracy" else _rarer(label, reference.clusters, both=metric == "roc_auc")),
        units=units,
        freedom=freedom,
    )


def _unseen(scores: Sequence[Score], window: Rows) -> tuple[float, float]:
    """How far one more row that is surely wrong may lower a class's score, and one that is surely right may raise it."""
    falls, rises = [0.0], [0.0]
    for k, score in enumerate(scores):
        ends = np.array([window.score[:, k].min(), window.score[:, k].max()])
        falls += score.influence(np.array([1.0, 0.0]), np.array([False, True]), ends).tolist()
        rises += score.influence(np.array([0.0, 1.0]), np.array([False, True]), ends).tolist()
    return min(falls), max(rises)


@dataclass(frozen=True, slots=True, eq=False)
class _Pull:
    """What the labels of the reference do to the result."""

    moved: Numbers
    """(m,) by how much each row moves it, without its own pull on the calibration."""
    hidden: float
    """Variance that bins of one label do not show."""
    step: float
    """What a label more would move it."""
    worth: float
    """Rows, or entities, of equal weight that tell as much."""

    @classmethod
    def of(cls, calibration: Calibration, by_bin: tuple[Numbers, ...], clusters: NDArray[np.int64] | None) -> _Pull:
        moved, weights, hidden = np.zeros(len(calibration.residuals)), np.zeros(len(calibration.residuals)), 0.0
        for k, (fit, of_bin) in enumerate(zip(calibration.fits, by_bin, strict=True)):
            each, left, worth, share = of_bin[fit.bin] * fit.part, 1 - fit.leverage(clusters), fit.worth, fit.share
            moved += each * calibration.residuals[:, k] / (np.sqrt(left) if clusters is None else left)
            weights += np.abs(each)
            likely = (share * worth + 0.5) / (worth + 1)
            hidden += float(of_bin**2 / worth @ np.maximum(0.0, likely * (1 - likely) - share * (1 - share)))
        if clusters is not None:
            weights = np.bincount(clusters, weights=weights).astype(np.float64)
        total, squares = float(weights.sum()), float(weights @ weights)
        return cls(moved, hidden, squares / total if total > 0 else 0.0, total**2 / squares if squares > 0 else float(len(moved)))


def _ends(metric: Metric, probability: Numbers, window: Rows, found: float, unlike: Flags | None) -> tuple[float, float]:
    """The score if the rows that are like none of the reference are all wrong, and if they are all right.

    An area is at its least where, of these rows, the ones below some score are of the class and the ones above it are not.
    """
    if unlike is None or not unlike.any():
        return found, found
    called = [window.called]
    if metric == "roc_auc":
        called = [window.score >= cut for cut in np.quantile(window.score[unlike], _CUTS, axis=0)]
    ends = [0.0, 1.0] if unlike.all() else []
    for flags in (*called, *(~one for one in called)):
        try:
            ends.append(value(metric, np.where(unlike[:, None], flags.astype(float), probability), window))
        except Undefined:
            ends.append(0.0)
    return min(found, *ends), max(found, *ends)


def _variance(pull: _Pull, moved: Numbers, samples: tuple[Rows, Rows]) -> tuple[float, float, float | None, float]:
    """Of the result, and the calibration's part; degrees of freedom where rows belong to entities; independent rows without labels."""
    reference, window = samples
    n = len(moved)
    if reference.clusters is None or window.clusters is None:
        of_labels = float(pull.moved @ pull.moved) + pull.hidden
        return of_labels + float(moved @ moved) * n / max(1, n - 1), of_labels, None, float(n)
    size = int(max(reference.clusters.max(), window.clusters.max())) + 1
    share = np.bincount(window.clusters, minlength=size) / n
    of_window = np.bincount(window.clusters, weights=moved, minlength=size).astype(np.float64) / np.maximum(1 - share, 1 - MOST_LEVERAGE)
    of_reference = np.bincount(reference.clusters, weights=pull.moved, minlength=size).astype(np.float64)
    of_labels = float(of_reference @ of_reference) + pull.hidden
    whole = float(np.sum((of_window + of_reference) ** 2)) + pull.hidden  # entities in both samples move both
    units = effective_number(window.clusters)
    freedom = satterthwaite(((float(of_window @ of_window), units - 1), (of_labels, pull.worth - 1)))
    return max(whole, float(moved @ moved)), of_labels, min(freedom, _MANY), units


def _rarer(label: Flags, clusters: NDArray[np.int64] | None, *, both: bool) -> float:
    """Rows of the class of the reference that has fewest, or the effective entities that hold one."""
    columns = [*label.T, *(~label.T if both else ())]
    if clusters is None:
        return float(min(int(np.count_nonzero(one)) for one in columns))
    return min(effective_entities(np.bincount(clusters[one]).astype(float)) if one.any() else 0.0 for one in columns)
