"""Scores and losses that rows without labels are expected to have, from the labels of other rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from audit.stats.clustering import small_sample
from audit.stats.mean import Mean
from audit.stats.sample_size import OfPart, OfRows, by_entities, scale

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ExpectedScore(OfRows):
    """Accuracy, F1, precision, recall or area that calibrated probabilities expect.

    Its variance is that of the sampled rows and that of the calibration, by the delta method. Each end is the exact one of as many
    independent rows as the variance is worth (Clopper & Pearson, Biometrika 1934; Korn & Graubard, Survey Methodology 1998), after
    one unseen event more against it (as Fay & Feuer, Statistics in Medicine 1997, count it for standardised rates): one label of
    the calibrating rows that turns out otherwise, and one sampled row of the kind that moves the score most. So a calibration
    without an error among its rows still has an honest interval. Rows unlike any calibrating row count as all wrong at the lower
    end and as all right at the upper one (Manski, American Economic Review 1990). With entities the quantile is Student's.
    """

    score: float
    lowest: float
    """The score if rows unlike any calibrating row are all wrong."""
    highest: float
    """The same if they are all right."""
    variance: float
    calibration: float
    """Part of the variance that is the calibration's, and so no smaller on more rows without labels."""
    fall: float
    """How far one unseen event may lower the score."""
    rise: float
    """How far it may raise it."""
    rows: int
    """Rows without labels."""
    calibrating: float
    """Independent calibrating rows, or entities, of equal weight that tell as much; of the rarer outcome where that decides."""
    units: float
    """Independent rows without labels, or effective entities."""
    freedom: float | None = None
    """Degrees of freedom of the variance; None where rows are independent."""
    min_support: ClassVar[int] = 30
    value_range: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def __post_init__(self) -> None:
        if not (0 <= self.lowest <= self.score <= self.highest <= 1) or min(self.variance, self.calibration, self.fall, self.rise) < 0:
            msg = f"an expected score lies between 0 and 1 and its own ends, got {self.lowest}, {self.score}, {self.highest}"
            raise ValueError(msg)

    @property
    def value(self) -> float:
        """The expected score."""
        return self.score

    @property
    def support(self) -> float:
        """The smaller of both samples, in independent rows of equal weight."""
        return min(self.units, self.calibrating)

    @property
    def method(self) -> str:
        """Name of the interval."""
        name = f"delta method of sample and calibration, exact ends; calibrating rows worth {self.calibrating:,.0f}"
        return by_entities(name, None if self.freedom is None else round(self.freedom) + 1)

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        return 1 - self._upper(1 - self.lowest, self.fall, lower_alpha), self._upper(self.highest, self.rise, upper_alpha)

    def with_sample_size(self, factor: float) -> ExpectedScore:
        """The same scores on `factor` times the rows without labels, calibrated on the same rows."""
        calibration = min(self.calibration, self.variance)
        variance = calibration + (self.variance - calibration) / factor
        return replace(scale(self, factor, "rows", "units"), variance=variance)

    def _upper(self, share: float, step: float, alpha: float) -> float:
        from scipy.special import betaincinv

        spread = self.variance + step**2
        if spread <= 0 or share >= 1:
            return min(1.0, share)
        n = (share * (1 - share) + step) / spread
        if self.freedom is not None:
            n *= small_sample(self.freedom + 1, alpha)
        mean = (share + step) / (1 + step)
        return max(share, float(betaincinv(mean * (n + 1), (1 - mean) * (n + 1), 1 - alpha)))


def satterthwaite(parts: tuple[tuple[float, float], ...]) -> float:
    """Degrees of freedom of a sum of variances, from each one and its own (Biometrics 1946)."""
    total = sum(variance for variance, _ in parts)
    below = sum(variance**2 / max(freedom, 0.5) for variance, freedom in parts)
    return total**2 / below if below > 0 else math.inf


@dataclass(frozen=True, slots=True)
class ExpectedLoss(OfPart):
    """Mean loss that rows without labels are expected to have, or its root, from labelled rows that are like them.

    The ends are Hall's (`Mean`), of what each row of both samples moves the mean by, in as many units as the variance has degrees of
    freedom (Satterthwaite, Biometrics 1946). Rows unlike any labelled one count as without loss at the lower end and with the largest
    loss seen at the upper one.
    """

    mean: Mean
    fall: float
    """How far the mean falls where rows unlike any labelled one have no loss."""
    rise: float
    """How far it rises where they have the largest loss seen."""
    root: bool
    units: float
    """Independent rows, or effective entities, of the smaller sample."""
    min_support: ClassVar[int] = 50
    value_range: ClassVar[tuple[float, float]] = (0.0, math.inf)

    @classmethod
    def of(cls, value: float, parts: tuple[NDArray[np.float64], float], sizes: tuple[int, float], *, root: bool) -> ExpectedLoss:
        """From the mean, what each independent row or entity moves it by with the degrees of freedom of their squares, and the sizes."""
        moved, freedom = parts
        rows, units = sizes
        error, worth = math.sqrt(float(moved @ moved)), max(2.0, freedom + 1)
        skewness = float(np.sum((moved / error) ** 3)) * math.sqrt(worth) if error > 0 else 0.0
        return cls(Mean(value, error * math.sqrt(worth), skewness, worth, rows, low=0.0), 0.0, 0.0, root, units)

    @property
    def value(self) -> float:
        """The mean, or its root."""
        return math.sqrt(max(0.0, self.mean.value)) if self.root else self.mean.value

    @property
    def support(self) -> float:
        """Of the smaller sample."""
        return self.units

    @property
    def method(self) -> str:
        """Name of the interval."""
        return f"{'root of ' if self.root else ''}delta method of sample and loss model, {self.mean.method}"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        low, high = self.mean.bounds(lower_alpha, upper_alpha)
        low, high = max(0.0, low - self.fall), high + self.rise
        return (math.sqrt(low), math.sqrt(high)) if self.root else (low, high)
