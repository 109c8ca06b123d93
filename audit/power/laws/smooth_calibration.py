"""Smooth calibration errors: the norm of signal and noise is drawn at every bandwidth, and each draw has its own ends."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from audit.power.laws.end_probabilities import SAMPLES, SEED, chances, drawn_ends
from audit.power.laws.truth import likely, without
from audit.stats.scaling import grown
from audit.stats.smooth_calibration import COARSE, HALF, WIDTHS, SmoothCalibrationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audit.power.laws.decision_rule import Asked, Chances
    from audit.power.laws.end_probabilities import Ends

TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Curve:
    """What the error is found from, at bandwidths down to what chance alone makes of it."""

    widths: NDArray[np.float64]
    means: NDArray[np.float64]
    """Of the noise's norm."""
    variances: NDArray[np.float64]
    signal: NDArray[np.float64]
    """Norm of the true residuals."""

    @property
    def whole(self) -> float:
        """Standard error of the mean residual: at the widest bandwidth nothing but it is left."""
        return float(self.means[-1]) / HALF


def curve(seen: SmoothCalibrationError, truth: float) -> Curve:
    """Residuals of the pilot's shape, as large as make the true error `truth`; all of one sign where the pilot shows none."""
    widths = np.geomspace(1 / COARSE, 1.0, WIDTHS)
    means, variances = (_at(widths, seen.widths, each) for each in (seen.means, seen.variances))
    start = max(0, int(np.searchsorted(widths, crossings(widths, (means - widths)[None])[0], side="right")) - 1)
    shape = np.ones(len(widths)) if seen.error <= seen.noise_floor else _falling(_at(widths, seen.widths, seen.norms), means)
    there = float(np.exp(np.interp(math.log(max(truth, TINY)), np.log(widths), np.log(shape))))
    return Curve(*(each[start:] for each in (widths, means, variances, shape * (truth / there))))


def _falling(norms: NDArray[np.float64], noise: NDArray[np.float64]) -> NDArray[np.float64]:
    """Norms less what noise makes of them; the true one falls with the bandwidth."""
    left = np.sqrt(np.maximum(0.0, norms**2 - noise**2))
    if not left.any():
        return np.ones(len(norms))  # more rows let some noise stand out of what these few showed, and it has no shape
    found: NDArray[np.float64] = np.minimum.accumulate(np.where(left > 0, left, left[left > 0].min()))
    return found


def _at(widths: NDArray[np.float64], known: object, values: object) -> NDArray[np.float64]:
    """Figures at these bandwidths; below the finest that is known they rise as they did there."""
    x, y = np.log(np.asarray(known, dtype=float)), np.log(np.maximum(np.asarray(values, dtype=float), TINY**2))
    if len(x) == 1:
        return np.full(len(widths), float(np.exp(y[0])))
    slope = (y[1] - y[0]) / (x[1] - x[0])
    at = np.log(widths)
    found: NDArray[np.float64] = np.exp(np.where(at < x[0], y[0] + slope * (at - x[0]), np.interp(at, x, y)))
    return found


def drawn(there: Curve) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(draws, widths) norms of signal and noise together, and (draws,) mean residuals.

    Where the signal is small against the noise the norm is the noise's, of the Gamma law of its mean and variance; where it is
    large the norm is the signal's, moved by the noise with the signal's sign. In between each point is a folded normal number.
    Gamma draws are cubes of normal ones (Wilson & Hilferty, PNAS 1931).
    """
    from scipy.special import ndtr

    normal, moved = np.random.default_rng(SEED).standard_normal((2, SAMPLES, 1))
    sigma = there.means / HALF
    ratio = there.signal / sigma
    folded = sigma * HALF * np.exp(-(ratio**2) / 2) + there.signal * (2 * ndtr(ratio) - 1)
    sided = 2 * ndtr(ratio) - 1
    ninth = there.variances / (9 * there.means**2)
    noise = there.means * (np.maximum(0.0, 1 - ninth + normal * np.sqrt(ninth)) ** 3 - 1)
    norms = folded + np.sqrt(1 - sided**2) * noise + sided * there.whole * moved
    return np.maximum(norms, 0.0), there.signal[-1] + there.whole * moved[:, 0]


def crossings(widths: NDArray[np.float64], left: NDArray[np.float64]) -> NDArray[np.float64]:
    """(draws,) the last bandwidth at which (draws, widths) what is left is not below 0; the first where it always is."""
    k = left.shape[1] - np.argmax(left[:, ::-1] >= 0, axis=1)
    none, whole = ~(left >= 0).any(axis=1), left[:, -1] >= 0
    at = np.clip(k, 1, left.shape[1] - 1)
    rows = np.arange(len(left))
    above, below = left[rows, at - 1], left[rows, at]
    share = np.where(above > below, above / np.where(above > below, above - below, 1.0), 0.0)
    found: NDArray[np.float64] = widths[at - 1] + share * (widths[at] - widths[at - 1])
    return np.where(none, widths[0], np.where(whole, 1.0, found))


@drawn_ends.register(SmoothCalibrationError)
def ends(estimate: SmoothCalibrationError, truth: float, levels: tuple[float, float]) -> Ends:
    """The estimate's own ends at every draw."""
    from scipy.special import gdtrix

    there = curve(estimate, truth)
    norms, residual = drawn(there)
    small, far = (gdtrix(there.means / there.variances, there.means**2 / there.variances, 1 - level) for level in levels)
    if estimate.observed.entities is None:
        far = np.full_like(far, estimate.signed_noise(levels[1]))
    error = crossings(there.widths, norms - there.widths)
    lower = norms - small
    crossed = crossings(there.widths, np.minimum.accumulate(lower - there.widths, axis=1))
    low = np.where(lower[:, 0] > there.widths[0], crossed, np.maximum(0.0, lower[:, 0]))
    down, up = estimate.observed.bounds(levels[1], levels[1])
    mean = np.maximum(residual + (up - estimate.observed.value), (estimate.observed.value - down) - residual)
    high = np.maximum(np.maximum(crossings(there.widths, norms + far - there.widths), error), mean)
    return np.where(error > estimate.noise_floor, np.minimum(low, error), 0.0), np.minimum(1.0, high)


@grown.register(SmoothCalibrationError)
def _(estimate: SmoothCalibrationError, growth: float) -> SmoothCalibrationError:
    """The norms seen shrink as the noise in them does."""
    signal = [max(0.0, norm**2 - mean**2) for norm, mean in zip(estimate.norms, estimate.means, strict=True)]
    return replace(
        estimate,
        norms=tuple(math.sqrt(one + mean**2 / growth) for one, mean in zip(signal, estimate.means, strict=True)),
        means=tuple(mean / math.sqrt(growth) for mean in estimate.means),
        variances=tuple(variance / growth for variance in estimate.variances),
        noise_floor=estimate.noise_floor / growth**0.4,
        observed=grown(estimate.observed, growth),
    )


@chances.register(SmoothCalibrationError)
def _(estimate: SmoothCalibrationError, truth: float, growth: float, asked: Asked) -> Chances:
    """From drawn ends: of a calibrated model as simulated, of others to within 15 audits in a hundred."""
    return asked.of_ends(*ends(grown(estimate, growth), truth, asked.levels))


@likely.register(SmoothCalibrationError)
def _(estimate: SmoothCalibrationError) -> float:
    """Less what chance alone makes of it."""
    widths = np.array(estimate.widths)
    return without(estimate.error, float(crossings(widths, (np.array(estimate.means) - widths)[None])[0]))
