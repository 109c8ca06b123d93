"""Size and power of the drift checks, beside alibi-detect on the same draws.

Run: python -m benchmarks.drift_power [--fast]

Two windows of 200 rows. `none` is no change, so its share is the size (nominally 2.5 %); `shift` moves one of five features by .4 standard
deviations, `scale` spreads it by 1.5, `correlation` makes two of five go together at .7, `1 of 50` moves one of fifty by .5. A check
detects a change where the end of an interval that faces a failure, corrected over features, lies above no change; alibi-detect where its p,
corrected over features, is below .025. chi_squared compares the features cut into four categories. The seed is fixed.
"""

from __future__ import annotations

import argparse
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from audit.testing import measure, subject
from benchmarks.trials import Progress, percent, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

ROWS, ALPHA = 200, 0.025
CUTS = (-0.67, 0.0, 0.67)
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
    members = measure(check, subject(frames[1], reference=frames[0]), seed, **params).members
    return any(member.estimate.bounds(ALPHA / len(members), ALPHA)[0] > null for member in members)


def theirs(detector: str, before: NDArray[Any], now: NDArray[Any], seed: int) -> bool:
    """Whether alibi-detect says drift."""
    from alibi_detect import cd

    more: dict[str, Any] = {}
    if detector == "MMDDrift":
        more = {"backend": "pytorch", "n_permutations": 200, "device": "cpu"}
    elif detector == "ClassifierDrift":
        from audit.checks.drift.classifier_two_sample import of_tables

        more = {"model": of_tables(seed), "backend": "sklearn", "preds_type": "probs", "binarize_preds": False, "n_folds": 5, "seed": seed}
    found = getattr(cd, detector)(before, p_val=ALPHA, **more).predict(now)
    return bool(found["data"]["is_drift"])


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


def main() -> None:
    """One table of shares in percent."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true", help="4 trials in place of 200, 40 for classifiers and mmd")
    parser.add_argument("--only", choices=CHECKS, action="append", help="these detectors")
    given = parser.parse_args()
    names = given.only or list(CHECKS)
    progress, lines = Progress(len(names)), []
    show: Callable[[float | None], str] = lambda share: "" if share is None else percent(share)  # noqa: E731  # one line, used twice
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # alibi-detect's imports use what numba and TensorFlow have deprecated
        for name in names:
            progress.step(name)
            trials = 4 if given.fast else 40 if name in {"mmd", "classifier"} else 200
            found = [detected(name, change, trials) for change in CHANGES]
            lines.append((name, "audit", str(trials), *(show(one) for one, _ in found)))
            if CHECKS[name][3]:
                lines.append(("", f"alibi-detect {CHECKS[name][3]}", str(trials), *(show(other) for _, other in found)))
    print(f"{ROWS} rows a window, detected in % of trials\n")
    print(table(("detector", "by", "trials", *CHANGES), lines))


if __name__ == "__main__":
    main()
