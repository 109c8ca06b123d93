"""Expected calibration error: how far stated probabilities lie from how often they come true.

Purpose      Show whether a probability can be taken at its word: of the rows given 90 %, nine in ten should be right.
Risk         High: whoever sets a threshold or a price by its probabilities is misled.
Limitations  Depends on the bins. A well calibrated model has a value above 0 by chance; the noise floor says how far. Binary:
             probability of the positive class; more classes, or none positive: the top class alone (`of` chooses).
Reference    Naeini, Cooper & Hauskrecht, AAAI 2015; Nixon et al., CVPR-W 2019; Roelofs et al., AISTATS 2022.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from audit.check import CLASSIFICATION, Check, Params
from audit.evidence import Evidence, Member, Reliability
from audit.stats import CalibrationError

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.subject import Subject

TAIL = 0.025


class CalibrationParams(Params):
    """Which probability is looked at, in how many bins."""

    of: Literal["positive", "top_class"] | None = Field(
        None,
        description="positive: the positive class's probability; top_class: the most probable class's. Absent: positive where there are"
        " two classes and one is positive, else top_class",
    )
    bins: int = Field(15, ge=2, le=100, description="bins of equal mass; rows of equal probability share one")


def measure(subject: Subject, params: CalibrationParams, rng: Generator) -> Evidence:
    """Calibration error of each slice, and the reliability diagram of all rows."""
    of = params.of or ("positive" if subject.binary else "top_class")
    probability, hit = _events(subject, of)
    clusters = subject.clusters()

    def error(rows: NDArray[np.bool_]) -> CalibrationError:
        entities = None if clusters is None else clusters[rows]
        return CalibrationError.of(probability[rows], hit[rows], rng, bins=params.bins, clusters=entities)

    whole = error(np.ones(len(hit), dtype=bool))
    members = tuple(Member(name, whole if rows.all() else error(rows)) for name, rows in subject.slices())
    said = f"of {subject.positive}" if of == "positive" else "of the most probable class"
    note = f"Probability {said}. A perfectly calibrated model stays under {whole.noise_floor:.3f} in 95 of 100 samples of {whole.n:,} rows."
    return Evidence(members=members, unit="calibration error", rows=len(hit), figures=(_diagram(whole),), notes=(note,))


def _events(subject: Subject, of: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(n,) stated probability and (n,) whether the event came to be."""
    probabilities, y_true = subject.probabilities(), subject.y_true()
    if of == "positive":
        return subject.y_score(), y_true == subject.positive
    top = probabilities.argmax(axis=1)
    return probabilities.max(axis=1), y_true == np.array(subject.classes, dtype=object)[top]


def _diagram(whole: CalibrationError) -> Reliability:
    from scipy.stats import binom

    shares, counts = whole.observed, [share.n for share in whole.observed]
    ends = [share.bounds(TAIL, TAIL) for share in shares]
    band = [binom.ppf([TAIL, 1 - TAIL], count, stated) / count for count, stated in zip(counts, whole.confidence, strict=True)]
    return Reliability(
        confidence=whole.confidence,
        observed=tuple(share.value for share in shares),
        lower=tuple(low for low, _ in ends),
        upper=tuple(high for _, high in ends),
        band_lower=tuple(float(low) for low, _ in band),
        band_upper=tuple(float(high) for _, high in band),
        counts=tuple(counts),
        noise_floor=whole.noise_floor,
    )


CHECK = Check(
    measure=measure,
    question="When it says it is 90 % sure, is it right nine times in ten?",
    remedy="Fit a calibration map (temperature, isotonic) on rows kept apart from training and test, and audit again.",
    rmf=("MEASURE 2.3", "MEASURE 2.5"),
    better="lower",
    unit="calibration error",
    needs=frozenset({"labels", "scores"}),
    params=CalibrationParams,
    by="slices",
    tasks=CLASSIFICATION,
)
