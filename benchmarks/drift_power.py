"""Size and power of the drift checks, beside alibi-detect on the same draws.

Run: python -m benchmarks.drift_power [--fast] [--trials N] [--write docs/drift.md]

Two windows of 200 rows. `none` is no change, so its share is the size (nominally 2.5 %); `shift` moves one of five features by .4 standard
deviations, `scale` spreads it by 1.5, `correlation` makes two of five go together at .7, `1 of 50` moves one of fifty by .5. chi_squared
compares the features cut into four categories. Texts are 100 a window of the generated complaints, embedded by
MiniLM; under `topic` three in ten of the current ones come from a later month, which speaks of a storm, a new app and a tariff reform.
With a context, two stores of unlike customers have 70 % and 30 % of the reference's rows and 30 % and 70 % of the current ones: under
`mix` that is all, under `and shift` one of five features moves by .8 standard deviations in the second store; `mix, blind` is the mix
where the check is not told of the store. A check detects a change where
the end of an interval that faces a failure, corrected over features, lies above no change, and so where it would fail with a bound of none;
`p` is the permutation p-value of drift/mmd, and of alibi-detect p, corrected over features: at most .025. The seed is fixed.
"""

from __future__ import annotations

import argparse
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from audit.testing import subject
from benchmarks import drift_power_cases
from benchmarks.drift_power_cases import ALPHA, ROWS, alibi_finds, finds, p_value, show
from benchmarks.page import options, replace_table
from benchmarks.trials import Progress, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

CUTS = (-0.67, 0.0, 0.67)
PARTS = {"mmd": 0.5, "classifier": 0.16, "texts": 0.24, "contexts": 0.4}
"""Trials of slow parts, in those of the quick ones."""
CHANGES = ("none", "shift", "scale", "correlation", "1 of 50")
CHECKS: dict[str, tuple[str, dict[str, Any], float, str | None]] = {
    "ks": ("drift/distance", {"statistic": "ks"}, 0.0, "KSDrift"),
    "cramer_von_mises": ("drift/distance", {"statistic": "cramer_von_mises"}, 0.0, "CVMDrift"),
    "wasserstein": ("drift/distance", {"statistic": "wasserstein"}, 0.0, None),
    "chi_squared": ("drift/distance", {"statistic": "chi_squared"}, 0.0, "ChiSquareDrift"),
    "jensen_shannon": ("drift/distance", {"statistic": "jensen_shannon"}, 0.0, None),
    "hellinger": ("drift/distance", {"statistic": "hellinger"}, 0.0, None),
    "psi": ("drift/psi", {}, 0.0, None),
    "mmd": ("drift/mmd", {}, 0.0, "MMDDrift"),
    "embedding_drift": ("drift/embedding_drift", {}, 0.0, None),
    "classifier": ("drift/classifier_two_sample", {}, 0.5, "ClassifierDrift"),
}
"""By name: the check, its parameters, its value without a change, and alibi-detect's detector."""


def windows(change: str, rng: Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The reference and the current rows."""
    features = 50 if change == "1 of 50" else 5
    before, now = rng.normal(size=(ROWS, features)), rng.normal(size=(ROWS, features))
    if change == "scale":
        now[:, 0] *= 1.5
    elif change == "correlation":
        now[:, 1] = 0.7 * now[:, 0] + np.sqrt(1 - 0.7**2) * now[:, 1]
    elif change != "none":
        now[:, 0] += 0.4 if change == "shift" else 0.5
    return before, now


def ours(name: str, before: NDArray[Any], now: NDArray[Any], seed: int) -> bool:
    """Whether the corrected lower end of some member lies above no change."""
    check, params, null, _ = CHECKS[name]
    frames = [pd.DataFrame(rows).add_prefix("x").assign(prediction="a") for rows in (before, now)]
    if name == "chi_squared":
        frames = [frame.map(lambda cell: cell if isinstance(cell, str) else f"c{int(cell)}") for frame in frames]
    return finds(check, subject(frames[1], reference=frames[0]), null, seed, **params)


def theirs(detector: str, before: NDArray[Any], now: NDArray[Any], seed: int) -> bool:
    """Whether alibi-detect says drift."""
    from audit.checks.drift.classifier_two_sample import of_tables

    more = {"model": of_tables(seed)} if detector == "ClassifierDrift" else {}
    return alibi_finds(detector, before, now, seed, **more)


def detected(name: str, change: str, trials: int) -> tuple[float, float | None]:
    """Shares of trials in which we, and alibi-detect, find a change."""
    rng = np.random.default_rng(CHANGES.index(change))
    detector, hits = CHECKS[name][3], np.zeros(2)
    for trial in range(trials):
        before, now = windows(change, rng)
        if name == "chi_squared":
            before, now = (np.digitize(side, CUTS).astype(float) for side in (before, now))
        hits[0] += ours(name, before, now, trial)
        hits[1] += theirs(detector, before, now, trial) if detector else 0
    return hits[0] / trials, hits[1] / trials if detector else None


def by_permutations(change: str, trials: int) -> float:
    """Share of trials, of the same draws as in `detected`, in which the permutation test of drift/mmd finds a change."""
    rng, hits = np.random.default_rng(CHANGES.index(change)), 0
    for trial in range(trials):
        frames = [pd.DataFrame(rows).add_prefix("x").assign(prediction="a") for rows in windows(change, rng)]
        hits += p_value("drift/mmd", subject(frames[1], reference=frames[0]), trial) <= ALPHA
    return hits / trials


def features(names: Sequence[str], trials: Callable[[str], int], progress: Progress) -> list[tuple[str, ...]]:
    """Lines of the table of features of numbers and categories."""
    lines: list[tuple[str, ...]] = []
    for name in names:
        progress.step(name)
        found = [detected(name, change, trials(name)) for change in CHANGES]
        lines.append((name, "audit", str(trials(name)), *(show(one) for one, _ in found)))
        if name == "mmd":
            lines.append(("", "audit, p", str(trials(name)), *(show(by_permutations(change, trials(name))) for change in CHANGES)))
        if CHECKS[name][3]:
            lines.append(("", f"alibi-detect {CHECKS[name][3]}", str(trials(name)), *(show(other) for _, other in found)))
    return lines


def main() -> None:
    """Three tables of shares in percent."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=CHECKS, action="append", help="these detectors, without texts and contexts")
    parser.add_argument(
        "--trials",
        type=int,
        default=200,
        help="of the quick detectors; slow ones have a part of them",
    )
    given = options(parser, "drift_power", fast="4 trials each")
    names = given.only or list(CHECKS)
    progress = Progress(len(names) + (0 if given.only else 2))

    def trials(part: str) -> int:
        return 4 if given.fast else max(1, round(PARTS.get(part, 1.0) * given.trials))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # alibi-detect's imports use what numba and TensorFlow have deprecated
        lines = features(names, trials, progress)
        text = f"{ROWS} rows a window, detected in % of trials\n\n{table(('detector', 'by', 'trials', *CHANGES), lines)}"
        if not given.only:
            progress.step("texts")
            text += f"\n\n100 texts a window, detected in % of trials\n\n{drift_power_cases.texts(trials('texts'))}"
            progress.step("contexts")
            text += f"\n\n{ROWS} rows a window and two stores, detected in % of trials\n\n{drift_power_cases.contexts(trials('contexts'))}"
    text += f"\n\n{progress.seconds():.0f} s"
    print(text)
    if given.write:
        replace_table(given.write, "drift_power", text)


if __name__ == "__main__":
    main()
