"""Temperature scaling as a suggested remedy: fitted on one half of the rows, its gain measured on the other (Guo et al., ICML 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audit.checks.calibration._stated_probabilities import TargetParams, diagram, events
from audit.formatting import number
from audit.metrics.groups import TAIL, part
from audit.seeds import stream
from audit.stats import PairedMean

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.evidence import Lines
    from audit.stats import CalibrationError
    from audit.stats.calibration import Binning
    from audit.subject import Subject

LEAST = 200
"""Rows, or entities, under which nothing is suggested: a hundred to fit it on, a hundred to measure it."""
SMALLEST = 1e-12
"""Probabilities are kept this far from 0."""
RANGE = 3.0
"""Natural logarithm of the farthest temperature, either way."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a finding says of the remedy. It decides nothing and changes no prediction."""

    notes: tuple[str, ...] = ()
    figures: tuple[Lines, ...] = ()


def fitted(probabilities: NDArray[np.float64], codes: NDArray[np.int64]) -> float:
    """The temperature at which the log loss of the true classes is least."""
    from scipy.optimize import minimize_scalar

    logs = np.log(np.maximum(probabilities, SMALLEST))
    found = minimize_scalar(
        lambda log: _losses(_softened(logs, float(np.exp(log))), codes).mean(), bounds=(-RANGE, RANGE), method="bounded"
    )
    return float(np.exp(found.x))


def scaled(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """(n, k) each to the power of one over the temperature, made to sum to 1."""
    return _softened(np.log(np.maximum(probabilities, SMALLEST)), temperature)


def _softened(logs: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    logs = logs / temperature
    weight = np.exp(logs - logs.max(axis=1, keepdims=True))
    found: NDArray[np.float64] = weight / weight.sum(axis=1, keepdims=True)
    return found


def suggestion(subject: Subject, params: TargetParams, rng: Generator, *, bins: int = 15, binning: Binning = "equal_mass") -> Suggestion:
    """The rows are halved by the policy's seed alone, so that all checks on them suggest one temperature.

    Noise floors are drawn with the check's own generator, last of all, so that no judged number moves with them.
    """
    import pandas as pd

    clusters = subject.clusters()
    units = np.arange(subject.data.rows) if clusters is None else clusters
    different = units if clusters is None else np.unique(units)
    of_row, found = pd.factorize(subject.y_true())
    if len(different) < LEAST or not set(found) <= set(subject.classes):
        return Suggestion()
    codes = np.array([subject.classes.index(name) for name in found], dtype=np.int64)[of_row]
    chosen = stream(subject.seed, "temperature scaling").permutation(different)
    fit = np.isin(units, chosen[: len(chosen) // 2])
    probabilities = subject.probabilities()
    temperature = fitted(probabilities[fit], codes[fit])
    better = scaled(probabilities, temperature)

    def errors(scored: NDArray[np.float64]) -> tuple[CalibrationError, ...]:
        return tuple(event.part(~fit).error(rng, bins=bins, binning=binning) for event in events(subject, params, scored))

    before, after = errors(probabilities), errors(better)
    was, now = (_losses(one[~fit], codes[~fit]) for one in (probabilities, better))
    gain = PairedMean.of(was, now, part(clusters, ~fit))
    title = f"At temperature {number(temperature)}, on the rows it was not fitted on"
    figures = (diagram(after[0], title),) if len(after) == 1 else ()
    return Suggestion((_describe(temperature, fit, (before, after), gain),), figures)


def _losses(probabilities: NDArray[np.float64], codes: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n,) nats."""
    found: NDArray[np.float64] = -np.log(np.maximum(probabilities[np.arange(len(codes)), codes], SMALLEST))
    return found


def _describe(
    temperature: float, fit: NDArray[np.bool_], errors: tuple[tuple[CalibrationError, ...], tuple[CalibrationError, ...]], gain: PairedMean
) -> str:
    was, now = (number(float(np.mean([one.value for one in side]))) for side in errors)
    low, high = gain.bounds(TAIL, TAIL)
    falls = gain.value >= 0
    ends = (low, high) if falls else (-high, -low)
    floor = number(float(np.mean([one.noise_floor for one in errors[1]])))
    split = f"fitted on {int(fit.sum()):,} of these rows, drawn at random. On the other {int((~fit).sum()):,}"
    told = f"the calibration error goes from {was} to {now} (noise floor {floor}), and the log loss "
    told += f"{'falls' if falls else 'rises'} by {number(abs(gain.value))} [{number(ends[0])}, {number(ends[1])}]"
    worth = "a gain beyond chance" if low > 0 else "a loss beyond chance" if high < 0 else "which may be chance"
    again = "It decides nothing here and changes no prediction: fit it on rows kept apart from the test set before you use it."
    return f"Suggested remedy: temperature {number(temperature)} (Guo et al. 2017), {split} {told}, {worth}. {again}"
