"""How well `audit plan` predicts: the chance of a pass and of a fail by `audit.power`, against samples that the judge decides.

Run: python -m benchmarks.power [--fast] [--write docs/benchmarks.md]

In each case a pilot gives the estimates, and `deciding_interval` judges samples of the same population. `before` is the recorded
prediction of the plan when it enumerated pairs of proportions and drew calibration errors and distances. A line that predicts over
eight points more than the simulation, with three Monte Carlo errors allowed, is marked, and the exit code is then 1.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import ks_2samp, norm

from audit.decision.judge import deciding_interval
from audit.evidence import Member, Slice
from audit.power.analysis import end_probabilities
from audit.power.member import DecisionRule, PlannedMember
from audit.stats import (
    Auc,
    AveragePrecision,
    CalibrationError,
    Confusion,
    Difference,
    KolmogorovSmirnov,
    Mean,
    MeanDifference,
    MeanDiscrepancy,
    PairedDifference,
    Proportion,
    Ratio,
    SmoothCalibrationError,
    StabilityIndex,
)
from benchmarks.page import options, replace_table
from benchmarks.trials import Progress, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.random import Generator

    from audit.stats import Estimate

WITHIN = 0.08
ALPHA = 0.025


@dataclass(frozen=True, slots=True)
class Case:
    """One requirement on one population."""

    name: str
    bound: float
    floor: bool
    draw: Callable[[Generator], Sequence[Estimate]]
    """The members of one sample."""
    pilot: Callable[[], Sequence[Estimate]]
    """The members that a plan sees."""
    groups: tuple[tuple[int, int], ...] = ()
    """The groups of each member, of pairs."""
    truth: float | None = None
    """The stated true value, where one is stated; else the pilot's values count."""
    factor: float = 1.0
    """Rows of a sample over rows of the pilot."""
    trials: int = 1000


def rule(case: Case, count: int) -> DecisionRule:
    """As the judge decides."""
    return DecisionRule(case.bound, case.floor, ALPHA, count)


def predicted(case: Case) -> tuple[float, float]:
    """Pass and fail."""
    members = [PlannedMember(one, case.truth, case.groups[i] if case.groups else None) for i, one in enumerate(case.pilot())]
    return end_probabilities(members, rule(case, len(members)), case.factor)


def simulated(case: Case, trials: int, seed: int) -> tuple[float, float]:
    """Shares of samples that the judge's interval passes and fails."""
    rng, passed, failed = np.random.default_rng(seed), 0, 0
    for _ in range(trials):
        members = [Member(Slice((("part", i),)), one) for i, one in enumerate(case.draw(rng))]
        low, high = deciding_interval(members, ALPHA, floor=case.floor)
        passed += low >= case.bound if case.floor else high <= case.bound
        failed += high < case.bound if case.floor else low > case.bound
    return passed / trials, failed / trials


def shares(rates: Sequence[float], n: int) -> tuple[Callable[[Generator], list[Proportion]], Callable[[], list[Proportion]]]:
    """Slices of n rows."""
    return (
        lambda rng: [Proportion(int(rng.binomial(n, p)), n) for p in rates],
        lambda: [Proportion(round(p * n), n) for p in rates],
    )


def gaps(kind: type[Difference | Ratio], rates: Sequence[float], n: int) -> tuple[Callable, Callable, tuple[tuple[int, int], ...]]:  # type: ignore[type-arg]  # of members
    """Ordered pairs of groups of n rows."""
    pairs = tuple(permutations(range(len(rates)), 2))
    draw, pilot = shares(rates, n)

    def made(some: Sequence[Proportion]) -> list[Estimate]:
        return [kind(some[a], some[b]) for a, b in pairs]

    return (lambda rng: made(draw(rng))), (lambda: made(pilot())), pairs


def area(n: int, truth: float, kind: type[Auc | AveragePrecision] = Auc) -> tuple[Callable, Callable]:  # type: ignore[type-arg]  # of members
    """Four in ten rows are positive; the pilot had fifty times as many."""

    def made(rng: Generator, rows: int) -> list[Estimate]:
        positive = np.arange(rows) < 0.4 * rows
        return [kind.of(positive, rng.normal(positive * float(norm.ppf(truth)) * math.sqrt(2)))]

    return (lambda rng: made(rng, n)), (lambda: made(np.random.default_rng(1), 50 * n))


def calibration(kind: type[CalibrationError | SmoothCalibrationError], n: int, off: float, times: int) -> tuple[Callable, Callable]:  # type: ignore[type-arg]  # of members
    """Says p between .4 and .9 where p less the true error is true; the pilot is off by .2."""

    def made(rng: Generator, rows: int, error: float) -> list[Estimate]:
        said = rng.uniform(0.4, 0.9, rows)
        hit = rng.random(rows) < said - error
        return [CalibrationError.of(said, hit, rng) if kind is CalibrationError else SmoothCalibrationError.of(said, hit)]

    return (lambda rng: made(rng, n, off)), (lambda: made(np.random.default_rng(1), times * n, 0.2 if times > 1 else off))


def table_metric(metric: str) -> tuple[Callable, Callable]:  # type: ignore[type-arg]  # of members
    """800 rows, two classes."""
    cells = np.array([430, 70, 60, 240])

    def made(row: Sequence[int]) -> list[Estimate]:
        return [Confusion((tuple(row),), metric)]  # type: ignore[arg-type]  # a metric by its name

    return (lambda rng: made(rng.multinomial(800, cells / 800).tolist())), (lambda: made(cells.tolist()))


def losses(n: int, times: int) -> tuple[Callable, Callable]:  # type: ignore[type-arg]  # of members
    """Exponential, with a mean of 1."""
    return (
        lambda rng: [Mean.of(rng.exponential(size=n), low=0.0)],
        lambda: [Mean.of(np.random.default_rng(1).exponential(size=times * n), low=0.0)],
    )


def distance(shift: float, n: int, m: int) -> tuple[Callable, Callable]:  # type: ignore[type-arg]  # of members
    """Of two normal samples."""

    def made(rng: Generator) -> list[Estimate]:
        seen = ks_2samp(rng.normal(size=n), rng.normal(shift, size=m), method="asymp").statistic
        return [KolmogorovSmirnov(float(seen), n, m)]

    return made, lambda: [KolmogorovSmirnov(0.05, n, m)]


def index(n: int, bins: int, shift: float) -> tuple[Callable, Callable]:  # type: ignore[type-arg]  # of members
    """Two samples of n rows in bins of equal mass, the second moved by some of a standard deviation."""
    here = np.full(bins, 1 / bins)
    now = np.diff(np.concatenate([[0.0], norm.cdf(norm.ppf(np.arange(1, bins) / bins) - shift), [1.0]]))

    def made(rng: Generator) -> list[Estimate]:
        p, q = ((rng.multinomial(n, shares) + 0.5) / (n + 0.5 * bins) for shares in (here, now))
        return [StabilityIndex(float(((p - q) * np.log(p / q)).sum()), bins, n, n)]

    return made, lambda: [StabilityIndex(0.0, bins, n, n)]


def discrepancy(n: int, dims: int, far: float) -> tuple[Callable, Callable]:  # type: ignore[type-arg]  # of members
    """Of two means in some dimensions, of which the kernel's space is the plain one."""
    mean = np.zeros(dims)
    mean[0] = far
    step = 2 / n
    moments = (dims * step, dims * step**2, dims * step**3)

    def made(rng: Generator) -> list[Estimate]:
        gap = rng.normal(mean, math.sqrt(step))
        return [MeanDiscrepancy(float(gap @ gap) - moments[0], float(np.linalg.norm(gap)), moments, math.sqrt(step), n, n)]

    return made, lambda: made(np.random.default_rng(1))


def comparison(n: int, cells: Sequence[float]) -> tuple[Callable, Callable]:  # type: ignore[type-arg]  # of members
    """Two models on the same rows."""
    return (
        lambda rng: [PairedDifference(*rng.multinomial(n, cells).tolist())],
        lambda: [PairedDifference(*(round(n * one) for one in cells))],
    )


def mean_gaps(sizes: Sequence[int], times: int) -> tuple[Callable, Callable, tuple[tuple[int, int], ...]]:  # type: ignore[type-arg]  # of members
    """Absolute normal errors of groups that are served equally."""
    pairs = tuple(permutations(range(len(sizes)), 2))

    def made(rng: Generator, by: int) -> list[Estimate]:
        groups = [Mean.of(np.abs(rng.normal(size=by * n)), low=0.0) for n in sizes]
        return [MeanDifference(groups[a], groups[b]) for a, b in pairs]

    return (lambda rng: made(rng, 1)), (lambda: made(np.random.default_rng(1), times)), pairs


def cases() -> list[Case]:
    """One population each."""
    ks = {shift: float(2 * norm.cdf(shift / 2) - 1) for shift in (0.0, 0.2, 0.5)}
    psi_far = 0.25
    psi = index(600, 10, psi_far)
    truth_psi = float(np.mean([psi[0](np.random.default_rng(i))[0].value for i in range(400)])) - 9 * 2 / 600
    near, far, one_bad = (0.88,) * 12, (0.974,) * 50, (*(0.88,) * 11, 0.55)
    return [
        Case("accuracy .91, min .90, 2,000 rows", 0.9, True, *shares([0.91], 2000)),
        Case("accuracy .93, min .90, 500 rows", 0.9, True, *shares([0.93], 500)),
        Case("12 slices at .88, min .75, 100 rows each", 0.75, True, *shares(near, 100)),
        Case("12 slices, one at .55, min .75, 100 rows each", 0.75, True, *shares(one_bad, 100)),
        Case("50 slices at .974, min .90, 200 rows each", 0.9, True, *shares(far, 200), trials=400),
        Case("parity of 2 groups, max .10, 450 rows each", 0.1, False, *gaps(Difference, [0.3, 0.3], 450)),
        Case("parity of 6 groups, max .10, 200 rows each", 0.1, False, *gaps(Difference, [0.1] * 6, 200)),
        Case("parity of 6 groups, max .10, 400 rows each", 0.1, False, *gaps(Difference, [0.1] * 6, 400)),
        Case(
            "parity of 6 groups, rates .25 to .35, max .15, 500 rows each",
            0.15,
            False,
            *gaps(Difference, np.linspace(0.25, 0.35, 6).tolist(), 500),
        ),
        Case("parity of 2 groups, gap .2, max .10, 500 rows each", 0.1, False, *gaps(Difference, [0.4, 0.2], 500)),
        Case("ratio of 2 groups, min .80, 1,000 rows each", 0.8, True, *gaps(Ratio, [0.3, 0.3], 1000)),
        Case("ratio of 6 groups, min .80, 1,000 rows each", 0.8, True, *gaps(Ratio, [0.3] * 6, 1000), trials=300),
        Case("ratio of 6 groups, min .80, 2,000 rows each", 0.8, True, *gaps(Ratio, [0.3] * 6, 2000), trials=300),
        Case(
            "ratio of 12 groups, rates .27 to .33, min .70, 2,000 rows each",
            0.7,
            True,
            *gaps(Ratio, np.linspace(0.27, 0.33, 12).tolist(), 2000),
            trials=100,
        ),
        Case(
            "mean error of 3 groups, max .18, 200 to 400 rows",
            0.18,
            False,
            *mean_gaps((400, 300, 200), 10),
            factor=0.1,
            truth=0.0,
            trials=400,
        ),
        Case("AUC .921, min .85, 200 rows", 0.85, True, *area(200, 0.921), truth=0.921, factor=0.02),
        Case("AUC .763, min .85, 200 rows", 0.85, True, *area(200, 0.763), truth=0.763, factor=0.02),
        Case("AUC .872, min .85, 2,000 rows", 0.85, True, *area(2000, 0.872), truth=0.872, factor=0.02),
        Case("AUC .98, min .95, 300 rows", 0.95, True, *area(300, 0.98), truth=0.98, factor=0.02),
        Case("F1, min .80, 800 rows", 0.8, True, *table_metric("f1"), trials=300),
        Case("balanced accuracy, min .80, 800 rows", 0.80, True, *table_metric("balanced_accuracy"), trials=300),
        Case("MCC, min .60, 800 rows", 0.60, True, *table_metric("mcc"), trials=200),
        Case("mean loss 1, max 1.2, 300 rows", 1.2, False, *losses(300, 60), truth=1.0, factor=1 / 60),
        Case("mean loss 1, max 1.07, 2,000 rows", 1.07, False, *losses(2000, 10), truth=1.0, factor=0.1, trials=500),
        Case("ECE 0, max .15, 200 rows", 0.15, False, *calibration(CalibrationError, 200, 0.0, 50), truth=0.0, factor=0.02, trials=400),
        Case("ECE .38, max .25, 200 rows", 0.25, False, *calibration(CalibrationError, 200, 0.38, 50), truth=0.38, factor=0.02, trials=400),
        Case("ECE 0, max .05, 2,000 rows", 0.05, False, *calibration(CalibrationError, 2000, 0.0, 10), truth=0.0, factor=0.1, trials=400),
        Case(
            "ECE .05, max .08, 2,000 rows", 0.08, False, *calibration(CalibrationError, 2000, 0.05, 10), truth=0.05, factor=0.1, trials=400
        ),
        Case(
            "ECE .13, max .08, 2,000 rows", 0.08, False, *calibration(CalibrationError, 2000, 0.13, 10), truth=0.13, factor=0.1, trials=400
        ),
        Case(
            "smooth ECE 0, max .06, 1,000 rows",
            0.06,
            False,
            *calibration(SmoothCalibrationError, 1000, 0.0, 10),
            truth=0.0,
            factor=0.1,
            trials=150,
        ),
        Case(
            "smooth ECE .05, max .09, 1,000 rows", 0.09, False, *calibration(SmoothCalibrationError, 1000, 0.05, 1), truth=0.05, trials=150
        ),
        Case("KS 0, max .10, 700 and 900 rows", 0.1, False, *distance(0.0, 700, 900), truth=ks[0.0]),
        Case("KS .08, max .17, 700 and 900 rows", 0.17, False, *distance(0.2, 700, 900), truth=ks[0.2]),
        Case("KS .20, max .12, 700 and 900 rows", 0.12, False, *distance(0.5, 700, 900), truth=ks[0.5]),
        Case("PSI 0, max .10, 200 rows each", 0.1, False, *index(200, 10, 0.0), truth=0.0),
        Case("PSI 0, max .10, 500 rows each", 0.1, False, *index(500, 10, 0.0), truth=0.0),
        Case("PSI .06, max .15, 600 rows each", 0.15, False, *psi, truth=truth_psi),
        Case("MMD .09, max .35, 200 rows each", 0.35, False, *discrepancy(200, 20, 0.3), truth=0.09, trials=400),
        Case("accuracy against the champion's, margin .02, 1,000 rows", -0.02, True, *comparison(1000, (0.88, 0.03, 0.025, 0.065))),
        Case("average precision .93, min .88, 400 rows", 0.88, True, *area(400, 0.95, AveragePrecision), factor=0.02, trials=400),
    ]


BEFORE: dict[str, tuple[float, float]] = {
    "accuracy .91, min .90, 2,000 rows": (30.9, 0.0),
    "accuracy .93, min .90, 500 rows": (61.3, 0.0),
    "12 slices at .88, min .75, 100 rows each": (33.4, 0.0),
    "12 slices, one at .55, min .75, 100 rows each": (0.0, 90.5),
    "50 slices at .974, min .90, 200 rows each": (78.4, 0.0),
    "parity of 2 groups, max .10, 450 rows each": (81.0, 0.0),
    "parity of 6 groups, max .10, 200 rows each": (23.3, 0.0),
    "parity of 6 groups, max .10, 400 rows each": (92.8, 0.0),
    "parity of 6 groups, rates .25 to .35, max .15, 500 rows each": (26.6, 0.0),
    "parity of 2 groups, gap .2, max .10, 500 rows each": (0.0, 88.8),
    "ratio of 2 groups, min .80, 1,000 rows each": (80.2, 0.0),
    "ratio of 6 groups, min .80, 1,000 rows each": (21.6, 0.0),
    "ratio of 6 groups, min .80, 2,000 rows each": (91.3, 0.0),
    "ratio of 12 groups, rates .27 to .33, min .70, 2,000 rows each": (78.3, 0.0),
    "mean error of 3 groups, max .18, 200 to 400 rows": (71.1, 0.0),
    "AUC .921, min .85, 200 rows": (80.7, 0.0),
    "AUC .763, min .85, 200 rows": (0.0, 82.1),
    "AUC .872, min .85, 2,000 rows": (76.2, 0.0),
    "AUC .98, min .95, 300 rows": (75.0, 0.0),
    "F1, min .80, 800 rows": (46.3, 0.0),
    "balanced accuracy, min .80, 800 rows": (49.9, 0.0),
    "MCC, min .60, 800 rows": (44.7, 0.0),
    "mean loss 1, max 1.2, 300 rows": (90.2, 0.0),
    "mean loss 1, max 1.07, 2,000 rows": (86.8, 0.0),
    "ECE 0, max .15, 200 rows": (29.9, 0.0),
    "ECE .38, max .25, 200 rows": (0.0, 54.0),
    "ECE 0, max .05, 2,000 rows": (44.3, 0.0),
    "ECE .05, max .08, 2,000 rows": (72.9, 0.0),
    "ECE .13, max .08, 2,000 rows": (0.0, 62.6),
    "smooth ECE 0, max .06, 1,000 rows": (74.4, 0.0),
    "smooth ECE .05, max .09, 1,000 rows": (74.7, 0.0),
    "KS 0, max .10, 700 and 900 rows": (80.6, 0.0),
    "KS .08, max .17, 700 and 900 rows": (87.7, 0.0),
    "KS .20, max .12, 700 and 900 rows": (0.0, 73.7),
    "PSI 0, max .10, 200 rows each": (34.4, 0.0),
    "PSI 0, max .10, 500 rows each": (92.4, 0.0),
    "PSI .06, max .15, 600 rows each": (64.1, 0.0),
    "MMD .09, max .35, 200 rows each": (1.9, 0.0),
    "accuracy against the champion's, margin .02, 1,000 rows": (91.3, 0.0),
    "average precision .93, min .88, 400 rows": (58.3, 0.0),
}
"""Pass and fail in percent, by case: predictions of the plan before it was simplified."""


def main() -> None:
    """One line a case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given = options(parser, "power", fast="a tenth of the samples")
    found = cases()
    progress, lines, broken, off = Progress(len(found)), [], 0, []
    for seed, case in enumerate(found, start=1):
        progress.step(case.name)
        trials = max(30, case.trials // 10) if given.fast else case.trials
        seen, said = simulated(case, trials, seed), predicted(case)
        allowed = [WITHIN + 3 * math.sqrt(max(share * (1 - share), 1 / trials) / trials) for share in seen]
        holds = all(a - b <= most for a, b, most in zip(said, seen, allowed, strict=True))
        broken += not holds
        off.append(max(abs(a - b) for a, b in zip(said, seen, strict=True)))
        before = BEFORE.get(case.name)
        columns = [[f"{100 * x:.1f}" for x in pair] for pair in (said, seen)]
        old = ["", ""] if before is None else [f"{x:.1f}" for x in before]
        lines.append((case.name, old[0], columns[0][0], columns[1][0], old[1], columns[0][1], columns[1][1], "" if holds else "TOO HIGH"))
    head = ("requirement", "pass: before", "now", "simulated", "fail: before", "now", "simulated", "")
    text = f"""In percent; at most {max(case.trials for case in found):,} samples each

{table(head, lines)}

Mean distance of the prediction from the simulation: {100 * float(np.mean(off)):.1f} points; {broken} lines claim too much.
{progress.seconds():.0f} s"""
    print(text)
    if given.write:
        replace_table(given.write, "power", text)
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
