"""Smooth calibration error."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from audit.stats.clustering import small_sample
from audit.stats.interface import folded, subtract_noise
from audit.stats.proportion import Proportion
from audit.stats.sample_size import by_entities, freedom

if TYPE_CHECKING:
    from numpy.typing import NDArray

FINE, COARSE = 2048, 128
"""Cells of the probability axis for the error, and for the law of its noise."""
WIDTHS = 24
"""Bandwidths at which both are computed, up to 1."""
HALVINGS = 40
HALF = math.sqrt(2 / math.pi)
"""Mean of the size of a standard normal number."""
TINY = 1e-300


@dataclass(frozen=True, slots=True)
class SmoothCalibrationError:
    """Smooth calibration error, SmoothECE (Błasiok & Nakkiran, ICLR 2024): no bins, and continuous in the probabilities.

    Residuals are smoothed along the stated probability by a Gaussian kernel reflected at 0 and 1; the error is the L1 norm of what
    is left, at the bandwidth that equals it. The true error is the bandwidth at which the true norm, which falls with the
    bandwidth, equals it, so an end is the farthest bandwidth at which the norm seen and its noise allow that. The noise's norm
    is within the triangle inequality; it is that of a Gaussian process, and follows the Gamma law of its mean and variance
    (Satterthwaite, Biometrics 1946). The upper end needs the noise of one sum alone, in which each place has the sign of the true
    residual. No bandwidth is looked at that is less than chance alone makes the error. The upper end
    is at least as far as the mean error's own; the lower one is 0 unless the value is above the noise floor.
    """

    error: float
    widths: tuple[float, ...]
    """Bandwidths, rising."""
    norms: tuple[float, ...]
    """L1 norm of the smoothed residuals at each."""
    means: tuple[float, ...]
    """Mean norm of their noise at each."""
    variances: tuple[float, ...]
    """Variance of that."""
    noise_floor: float
    """95th percentile of the value under a perfectly calibrated model."""
    stated: float
    """Mean stated probability."""
    observed: Proportion
    """Rows in which the event came to be."""
    min_support: ClassVar[int] = 100
    value_range: ClassVar[tuple[float, float]] = (0.0, 1.0)

    @classmethod
    def of(
        cls, probability: NDArray[np.float64], hit: NDArray[np.bool_], clusters: NDArray[np.int64] | None = None
    ) -> SmoothCalibrationError:
        """From the stated probability of an event and whether it came to be, one a row."""
        if not len(hit):
            msg = "a smooth calibration error needs at least one row"
            raise ValueError(msg)
        residual, widths = (hit - probability) / len(hit), np.geomspace(1 / COARSE, 1.0, WIDTHS)
        masses, moments = _binned(probability, residual, FINE), _moments(probability, residual, clusters)
        stated = float(probability @ (1 - probability)) / len(hit) ** 2
        moments *= max(1.0, stated / max(float(residual @ residual), stated * TINY, TINY))  # rows that are all right show no spread
        laws = np.array([_noise(moments, width) for width in widths])
        norms = np.array([norm(masses, width) for width in widths])
        start = max(0, int(np.searchsorted(widths, _meeting(widths, laws[:, 0] - widths), side="right")) - 1)
        floor = _meeting(widths, np.array([_quantile(mean, variance, 0.05) for mean, variance in laws]) - widths)
        return cls(
            error=crossing(probability, residual),
            widths=tuple(widths[start:].tolist()),
            norms=tuple(norms[start:].tolist()),
            means=tuple(laws[start:, 0].tolist()),
            variances=tuple(laws[start:, 1].tolist()),
            noise_floor=floor,
            stated=float(probability.mean()),
            observed=Proportion.of(hit, clusters),
        )

    @property
    def value(self) -> float:
        """The error seen."""
        return self.error

    @property
    def n(self) -> int:
        """Rows."""
        return self.observed.n

    @property
    def support(self) -> float:
        """Rows, or entities."""
        return self.observed.support

    @property
    def method(self) -> str:
        """Name of the interval."""
        name = f"triangle inequality over bandwidths, noise floor {self.noise_floor:.3f}"
        return by_entities(name, self.observed.entities)

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        widths, norms = np.array(self.widths), np.array(self.norms)
        lower = norms - self._noise(lower_alpha)
        low = _meeting(widths, np.minimum.accumulate(lower - widths)) if lower[0] > widths[0] else max(0.0, float(lower[0]))
        high = _meeting(widths, norms + self._signed_noise(upper_alpha) - widths)
        down, up = self.observed.bounds(upper_alpha, upper_alpha)
        low = low if self.error > self.noise_floor else 0.0
        return min(low, self.error), min(1.0, max(high, self.error, self.stated - down, up - self.stated))

    def with_sample_size(self, factor: float) -> SmoothCalibrationError:
        """The same residuals of `factor` times the rows: the norms seen shrink as the noise in them does."""
        signal = [max(0.0, norm**2 - mean**2) for norm, mean in zip(self.norms, self.means, strict=True)]
        norms = tuple(math.sqrt(one + mean**2 / factor) for one, mean in zip(signal, self.means, strict=True))
        means, variances = (tuple(one / by for one in some) for some, by in ((self.means, math.sqrt(factor)), (self.variances, factor)))
        floor, observed = self.noise_floor / factor**0.4, self.observed.with_sample_size(factor)
        return replace(self, norms=norms, means=means, variances=variances, noise_floor=floor, observed=observed)

    def with_value(self, value: float) -> SmoothCalibrationError:
        """Residuals of the same shape, as large as make the error `value`; of one sign where none stand out from the noise."""
        widths, norms, means = (np.array(some) for some in (self.widths, self.norms, self.means))
        shape = np.sqrt(np.maximum(0.0, norms**2 - means**2)) if self.error > self.noise_floor else np.zeros(len(norms))
        shape = shape / shape.max() if shape.any() else np.ones(len(norms))
        low, high = 0.0, 2.0
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            below = _meeting(widths, np.hypot(middle * shape, means) - widths) < value
            low, high = (middle, high) if below else (low, middle)
        least = min(1.0, max(0.0, value) / self._mean_noise)  # below what chance alone makes of it, the noise itself is smaller
        off = math.copysign(high * float(shape[-1]), self.stated - self.observed.value)
        found = tuple((least * np.hypot(high * shape, means)).tolist())
        return replace(self, error=value, norms=found, stated=min(1.0, max(0.0, self.observed.value + off)))

    def expected_value(self, truth: float) -> float:
        """Mean of the error seen where the true one is `truth`, nearly."""
        return folded(truth, self._mean_noise / HALF)[0]

    def expected_error(self, truth: float) -> float:
        """Its standard deviation: from that of the noise's norm to that of the mean residual."""
        law = np.interp(self._mean_noise, self.widths, self.variances)
        share = (truth / self.expected_value(truth)) ** 2
        return math.sqrt(share * (self.means[-1] / HALF) ** 2 + (1 - share) * float(law))

    @property
    def bias_corrected(self) -> float:
        """The error less what chance alone makes of it."""
        return subtract_noise(self.error, self._mean_noise)

    @property
    def _mean_noise(self) -> float:
        """Mean error of a calibrated model."""
        widths = np.array(self.widths)
        return _meeting(widths, np.array(self.means) - widths)

    def _signed_noise(self, alpha: float) -> NDArray[np.float64]:
        """(widths,) figures that the noise exceeds with this chance where each place counts with the sign of the true residual there."""
        return self._noise(alpha) if self.observed.entities is not None else np.full(len(self.widths), self.signed_noise(alpha))

    def signed_noise(self, alpha: float) -> float:
        """Of independent rows: a kernel's weights sum to 1, so that no signs spread more than all alike do, the noise of the mean."""
        from scipy.special import ndtri

        return max(0.0, -float(ndtri(alpha))) * self.means[-1] / HALF

    def _noise(self, alpha: float) -> NDArray[np.float64]:
        """(widths,) figures that the noise's norm exceeds with this chance."""
        found = np.array([_quantile(mean, variance, alpha) for mean, variance in zip(self.means, self.variances, strict=True)])
        return found if self.observed.entities is None else found / math.sqrt(small_sample(freedom(self.observed), alpha))


def norm(masses: NDArray[np.float64], width: float) -> float:
    """L1 norm of (cells,) masses of residuals, smoothed."""
    return float(np.abs(_smoothed(masses, width)).sum())


def _smoothed(masses: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """(cells, ...) masses after a Gaussian kernel reflected at both ends, which cosines diagonalise."""
    from scipy.fft import dct, idct

    fall = np.exp(-0.5 * (np.pi * width * np.arange(len(masses))) ** 2)
    waves = dct(masses, axis=0, norm="ortho")
    found: NDArray[np.float64] = idct((waves.T * fall).T, axis=0, norm="ortho")
    return found


def _places(probability: NDArray[np.float64], cells: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(n,) the cell whose centre lies at or below each row, and the part of the row that goes to the next one."""
    at = np.clip(probability * cells - 0.5, 0.0, cells - 1.0)
    below = np.minimum(np.floor(at).astype(np.int64), cells - 2)
    return below, at - below


def _binned(probability: NDArray[np.float64], mass: NDArray[np.float64], cells: int) -> NDArray[np.float64]:
    below, part = _places(probability, cells)
    found: NDArray[np.float64] = np.zeros(cells) + np.bincount(below, mass * (1 - part), cells) + np.bincount(below + 1, mass * part, cells)
    return found


def _moments(probability: NDArray[np.float64], mass: NDArray[np.float64], clusters: NDArray[np.int64] | None) -> NDArray[np.float64]:
    """(cells, cells) sum over units of the products of their masses."""
    from scipy.sparse import coo_array

    below, part = _places(probability, COARSE)
    codes = np.arange(len(mass)) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    units = int(codes.max()) + 1
    values, places = np.concatenate([mass * (1 - part), mass * part]), (np.tile(codes, 2), np.concatenate([below, below + 1]))
    totals = coo_array((values, places), shape=(units, COARSE)).tocsr()
    found: NDArray[np.float64] = (totals.T @ totals).toarray() * (1.0 if clusters is None else units / max(1, units - 1))
    return found


def _noise(moments: NDArray[np.float64], width: float) -> tuple[float, float]:
    """Mean and variance of the L1 norm of a Gaussian process with these moments, smoothed."""
    covariance = _smoothed(_smoothed(moments, width).T, width)
    error = np.sqrt(np.maximum(0.0, np.diag(covariance)))
    products = np.outer(error, error)
    alike = np.clip(np.divide(covariance, products, out=np.zeros_like(covariance), where=products > 0), -1.0, 1.0)
    together = np.sqrt(1 - alike**2) + alike * np.arcsin(alike) - 1
    return HALF * float(error.sum()), 2 / math.pi * float((products * together).sum())


def _quantile(mean: float, variance: float, alpha: float) -> float:
    """What the Gamma law of this mean and variance exceeds with chance `alpha`."""
    from scipy.special import gdtrix

    return float(gdtrix(mean / variance, mean**2 / variance, 1 - alpha)) if mean > 0 < variance else mean


def crossing(probability: NDArray[np.float64], residual: NDArray[np.float64]) -> float:
    """The bandwidth that equals the norm of the residuals, each over the number of rows."""
    masses, low, high = _binned(probability, residual, FINE), 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if norm(masses, middle) > middle else (low, middle)
    return high


def _meeting(widths: NDArray[np.float64], left: NDArray[np.float64]) -> float:
    """The last bandwidth at which what is left, falling, is not below 0; the first where it always is, 1 where it never is."""
    k = int(np.flatnonzero(left >= 0)[-1]) + 1 if (left >= 0).any() else 0
    if k in {0, len(widths)}:
        return float(widths[0]) if k == 0 else 1.0
    share = left[k - 1] / (left[k - 1] - left[k])
    return float(widths[k - 1] + share * (widths[k] - widths[k - 1]))
