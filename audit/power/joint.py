"""Chance that all required gates pass at once.

Each gate has its own chance. How gates rise and fall together is seen on simulated models: of each the checks' own code gives
every gate's value, and the rank correlations of these values tie the chances together (a Gaussian copula with given margins;
Nelsen, An Introduction to Copulas, 2006, section 5.1).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from audit import seeds
from audit.candidates.predictions import Predictions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.pipeline.jobs import Job
    from audit.power.trials import Trials

SURE = 0.9995
"""From here on a gate counts as independent of the others: its correlations hardly change the chance of all."""
MODELS = 60
"""Simulated models from which the correlations come."""
ROWS = 1000
"""Rows of each data set that they answer: how values go together does not hang on the number of rows."""
DRAWS = 50_000
"""Of the copula; the chance then has a Monte Carlo error of at most 0.3 percentage points."""


def chance_of_all(chances: Mapping[str, float], jobs: Sequence[Job], trials: Trials, seed: int) -> float:
    """Chance that every requirement passes; `chances` holds each one's own by its id."""
    if min(chances.values(), default=1.0) <= 0.0:
        return 0.0
    open_ones = [name for name, chance in chances.items() if chance < SURE]
    sure = math.prod(chance for chance in chances.values() if chance >= SURE)
    if len(open_ones) < 2:  # noqa: PLR2004  # nothing to go together with
        return min(chances.values(), default=1.0)
    of_id = {job.requirement.id: job for job in jobs}
    correlation = _correlations([of_id[name] for name in open_ones], trials)
    return sure * _copula([chances[name] for name in open_ones], correlation, seed)


def _correlations(jobs: Sequence[Job], trials: Trials) -> NDArray[np.float64]:
    """(k, k) rank correlations of how good the gates' values are over the simulated models; 0 where a value does not vary."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    cut: dict[str, Dataset] = {}
    small = [_on_fewer_rows(job, cut) for job in jobs]
    keys = [
        (job.requirement.check, job.params.model_dump_json(), job.requirement.on, job.requirement.reference, job.subject.by) for job in jobs
    ]
    distinct = dict(zip(keys, small, strict=True))
    place = [list(distinct).index(key) for key in keys]
    drawn = [replace(trials, draw=draw) for draw in range(1, MODELS + 1)]
    goodness = np.array([_goodness(list(distinct.values()), model) for model in drawn])[:, place]  # (models, k)
    varied = np.isfinite(goodness).all(axis=0) & (np.ptp(np.nan_to_num(goodness), axis=0) > 0)
    scores = ndtri(rankdata(np.nan_to_num(goodness), axis=0) / (MODELS + 1))
    found = np.eye(len(jobs))
    if varied.sum() > 1:
        found[np.ix_(varied, varied)] = np.corrcoef(scores[:, varied], rowvar=False)
    return found


def _goodness(jobs: Sequence[Job], trials: Trials) -> list[float]:
    """The worst member's value of each job on one simulated model, larger when better; NaN where it cannot be measured there."""
    model, found = Predictions(trials.simulated()), []
    for job in jobs:
        if job.requirement.against is not None or "model" in job.check.needs or not trials.can_simulate(job):
            found.append(np.nan)
        else:
            value = trials.worst_value(replace(job, subject=replace(job.subject, predicted=model)))
            found.append(value if job.check.better == "higher" else -value)
    return found


def _on_fewer_rows(job: Job, cut: dict[str, Dataset]) -> Job:
    """The job on evenly spaced rows of its data sets; `cut` keeps each data set's, so that all jobs see the same rows."""

    def smaller(data: Dataset) -> Dataset:
        if data.rows <= ROWS:
            return data
        if data.role not in cut:
            kept = np.zeros(data.rows, dtype=bool)
            kept[np.linspace(0, data.rows - 1, ROWS).astype(np.int64)] = True
            cut[data.role] = data.where(kept)
        return cut[data.role]

    seen = job.subject
    reference = None if seen.reference is None else smaller(seen.reference)
    datasets = {role: smaller(data) for role, data in seen.datasets.items()}
    return replace(job, subject=replace(seen, data=smaller(seen.data), reference=reference, datasets=datasets))


def _copula(chances: Sequence[float], correlation: NDArray[np.float64], seed: int) -> float:
    """Share of correlated normal draws of which every one lies below the quantile of its chance."""
    from scipy.special import ndtri

    lengths, directions = np.linalg.eigh(correlation)
    root = directions * np.sqrt(np.clip(lengths, 0.0, None))  # (k, k)
    drawn = seeds.stream(seed, "chance of all gates").standard_normal((DRAWS, len(chances))) @ root.T
    return float(np.all(drawn < ndtri(np.asarray(chances)), axis=1).mean())
