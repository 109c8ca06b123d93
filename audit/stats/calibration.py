"""Expected calibration error."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

import numpy as np

from audit.stats.interface import folded, subtract_noise
from audit.stats.proportion import Proportion
from audit.stats.ranks import mid_ranks
from audit.stats.sample_size import scale_count

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

Binning: TypeAlias = Literal["equal_mass", "equal_width"]
DRAWS = 1000
"""Redrawn label sets behind the noise floor."""
BLOCK = 4_000_000
"""Numbers drawn at a time."""
STRATA = 16
"""Parts of a large bin whose labels are drawn from one probability each, the part's mean: the variance is that of the rows to 1 part
in 256 at most."""


@dataclass(frozen=True, slots=True)
class CalibrationError:
    """L1 calibration error over bins of equal width (Naeini et al., AAAI 2015) or equal mass (Nixon et al., CVPR-W 2019).

    Never a bootstrap: the plug-in value of a perfect model is far above 0. By the triangle inequality the observed error is
    within the noise's own L1 norm, the weighted sum of |share seen - true share|, of the true one; that norm is a sum of
    half-normals, whose law is close to the Gamma law of its mean and variance (Satterthwaite, Biometrics 1946). The lower end
    stays 0 unless the value is above the noise floor. The upper end needs less: the error seen is at least what the bins' distances,
    each with the sign of the true one, come to, and that sum's noise is normal. With entities the bins' noise may go together,
    and the norm counts there too. Rows of equal probability share a bin.
    """

    confidence: tuple[float, ...]
    """Mean predicted probability of each bin, rising."""
    observed: tuple[Proportion, ...]
    """Share of each bin's rows in which the event came to be."""
    noise_floor: float
    """95th percentile of the value when labels are drawn from the predicted probabilities."""
    binning: Binning = "equal_mass"
    min_support: ClassVar[int] = 100
    value_range: ClassVar[tuple[float, float]] = (0.0, 1.0)

    @classmethod
    def of(
        cls,
        probability: NDArray[np.float64],
        hit: NDArray[np.bool_],
        rng: Generator,
        *,
        bins: int = 15,
        binning: Binning = "equal_mass",
        clusters: NDArray[np.int64] | None = None,
    ) -> CalibrationError:
        """From the predicted probability of an event and whether it came to be, one a row."""
        if not len(probability):
            msg = "a calibration error needs at least one row"
            raise ValueError(msg)
        order = np.argsort(probability, kind="stable")
        starts = _starts((equal_mass if binning == "equal_mass" else equal_width)(probability[order], bins))
        parts = np.split(order, starts[1:])
        confidence = np.array([probability[part].mean() for part in parts])
        observed = tuple(Proportion.of(hit[part], None if clusters is None else clusters[part]) for part in parts)
        spread = np.sqrt([share.design_effect for share in observed])
        size = np.array([share.n for share in observed])
        noise = np.abs(_redrawn(probability[order], starts, rng) / size - confidence) * spread @ size / len(order)
        return cls(tuple(confidence.tolist()), observed, float(np.quantile(noise, 0.95)), binning)

    @property
    def value(self) -> float:
        """Plug-in error: mean over rows of |mean confidence - share of hits| of the row's bin."""
        bins = zip(self.confidence, self.observed, strict=True)
        return sum(abs(confidence - share.value) * share.n for confidence, share in bins) / self.n

    @property
    def n(self) -> int:
        """Rows."""
        return sum(share.n for share in self.observed)

    @property
    def support(self) -> float:
        """Rows, or what they are worth where rows are clustered."""
        return sum(min(share.support, share.n / share.design_effect) for share in self.observed)

    @property
    def method(self) -> str:
        """Name of the interval."""
        return f"triangle inequality, {self.binning.replace('_', '-')} bins: {len(self.observed)}, noise floor {self.noise_floor:.3f}"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        shares = np.array([[bin_.value for bin_ in self.observed]])
        low = self.value - float(self.noise(shares, lower_alpha)[0]) if self.value > self.noise_floor else 0.0
        high = self.value + float(self.signed_noise(shares, upper_alpha)[0])
        return max(0.0, low), min(1.0, max(high, self._too_sure(upper_alpha)))

    def with_sample_size(self, factor: float) -> CalibrationError:
        """The same shares of `factor` times the rows; bins keep their relative sizes: the rounded sums of their rows grow."""
        edges = [scale_count(sum(one.n for one in self.observed[:i]), factor) if i else 0 for i in range(len(self.observed) + 1)]
        sizes = [max(1, end - start) for start, end in pairwise(edges)]
        observed = tuple(one.with_sample_size(size / one.n) for one, size in zip(self.observed, sizes, strict=True))
        return replace(self, observed=observed, noise_floor=self.noise_floor / math.sqrt(factor))

    def with_value(self, value: float) -> CalibrationError:
        """The same stated probabilities, the bins off in the same ratio; all towards the middle where none is off."""
        off = [(share.value - stated) / self.value if self.value else math.copysign(1, 0.5 - stated) for stated, share in self._bins()]
        shares = [share.with_value(stated + value * by) for (stated, share), by in zip(self._bins(), off, strict=True)]
        return replace(self, observed=tuple(shares))

    def expected_value(self, truth: float) -> float:
        """Mean of the error seen where the true one is `truth`, nearly."""
        return folded(truth, self._bin_noise)[0]

    def expected_error(self, truth: float) -> float:
        """Its standard deviation, nearly."""
        return folded(truth, self._bin_noise)[1] * math.sqrt(sum(part**2 for part in self._stated_noise))

    @property
    def bias_corrected(self) -> float:
        """The error less what chance alone makes of it."""
        return subtract_noise(self.value, self.expected_value(0.0))

    @property
    def _bin_noise(self) -> float:
        """Mean standard deviation of a bin's share, were the stated probabilities true."""
        return sum(self._stated_noise)

    @property
    def _stated_noise(self) -> list[float]:
        """Standard deviations of the bins' weighted shares, were the stated probabilities true."""
        return [one.n / self.n * math.sqrt(stated * (1 - stated) * one.design_effect / one.n) for stated, one in self._bins()]

    def _bins(self) -> list[tuple[float, Proportion]]:
        return list(zip(self.confidence, self.observed, strict=True))

    def _too_sure(self, alpha: float) -> float:
        """Upper end of how much oftener the less likely outcome comes than stated, which the error is at least.

        Where few rows go against what is stated, as from a model that is always sure, their share is known less well than normals say.
        """
        stated = sum(min(confidence, 1 - confidence) * share.n for confidence, share in zip(self.confidence, self.observed, strict=True))
        against = sum(
            share.n - share.hits if confidence > 1 / 2 else share.hits
            for confidence, share in zip(self.confidence, self.observed, strict=True)
        )
        pooled = Proportion(against, self.n, design_effect=self.n / self.support)
        return pooled.bounds(alpha, alpha)[1] - stated / self.n

    def noise(self, shares: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
        """(some,) figures that the noise's L1 norm exceeds with chance `alpha`, where (some, bins) shares were seen in these bins."""
        from scipy.special import gdtrix

        deviation = self._deviations(shares, alpha)
        mean, variance = math.sqrt(2 / math.pi) * deviation.sum(axis=1), (1 - 2 / math.pi) * (deviation**2).sum(axis=1)
        found: NDArray[np.float64] = gdtrix(mean / variance, mean**2 / variance, 1 - alpha)
        return found

    def signed_noise(self, shares: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
        """(some,) figures that the noise of the bins, each with the sign of its true distance, exceeds with chance `alpha`."""
        from scipy.special import ndtri

        if any(bin_.entities is not None for bin_ in self.observed):
            return self.noise(shares, alpha)
        found: NDArray[np.float64] = -float(ndtri(alpha)) * np.sqrt((self._deviations(shares, alpha) ** 2).sum(axis=1))
        return found

    def _deviations(self, shares: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
        """(some, bins) standard deviations of the bins' weighted shares."""
        rows = np.array([bin_.effective(alpha) for bin_ in self.observed])
        share = (shares * rows + 0.5) / (rows + 1)
        weight = np.array([bin_.n for bin_ in self.observed]) / self.n
        found: NDArray[np.float64] = weight * np.sqrt(share * (1 - share) / rows)
        return found


def equal_mass(probability: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """(n,) bin of each row, 0 upwards: it follows from the row's mean rank, so that rows of equal probability share one."""
    n = len(probability)
    return _without_empty(np.floor((mid_ranks(probability) - 1) * min(bins, n) / n).astype(np.int64))


def equal_width(probability: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """(n,) bin of each row, 0 upwards, empty ones left out: each holds its upper edge, the first its lower one too."""
    return _without_empty(np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], probability))


def _without_empty(of_row: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) the bins of the rows, numbered anew where some hold none."""
    found: NDArray[np.int64] = (np.cumsum(np.bincount(of_row) > 0) - 1)[of_row]
    return found


def _starts(of_row: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each bin begins, given the rising bins of the rows."""
    return np.flatnonzero(np.diff(of_row, prepend=-1)).astype(np.int64)


def _redrawn(ascending: NDArray[np.float64], starts: NDArray[np.int64], rng: Generator) -> NDArray[np.int64]:
    """(DRAWS, bins) hits when labels are drawn from the probabilities: those of small bins row by row, of large ones in strata."""
    sizes = np.diff(starts, append=len(ascending))
    large = sizes > STRATA**2
    found = np.empty((DRAWS, len(starts)), dtype=np.int64)
    if not large.all():
        first = np.cumsum(sizes[~large]) - sizes[~large]
        found[:, ~large] = _row_by_row(ascending[np.repeat(~large, sizes)], first, rng)
    for place in np.flatnonzero(large).tolist():
        found[:, place] = _in_strata(ascending[starts[place] : starts[place] + sizes[place]], rng)
    return found


def _row_by_row(probability: NDArray[np.float64], starts: NDArray[np.int64], rng: Generator) -> NDArray[np.int64]:
    """(DRAWS, bins) hits, a number drawn for every row."""
    n = len(probability)
    step = max(1, BLOCK // n)
    sizes = [min(step, DRAWS - start) for start in range(0, DRAWS, step)]
    return np.concatenate([np.add.reduceat(rng.random((size, n)) < probability, starts, axis=1, dtype=np.int64) for size in sizes])


def _in_strata(ascending: NDArray[np.float64], rng: Generator) -> NDArray[np.int64]:
    """(DRAWS,) hits, a number drawn for every stratum."""
    edges = np.linspace(0, len(ascending), STRATA + 1).astype(np.int64)
    rows = np.diff(edges)
    means = np.clip(np.add.reduceat(ascending, edges[:-1]) / rows, 0.0, 1.0)
    found: NDArray[np.int64] = rng.binomial(rows, means, size=(DRAWS, STRATA)).sum(axis=1)
    return found
