"""Checks run on a simulated model: their own code says which members there will be, of how many rows, and which gates go together."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from audit import seeds
from audit.candidates.predictions import Predictions
from audit.errors import AuditError
from audit.evidence import OVERALL, Evidence, Member, Unmeasured
from audit.pipeline.engine import inline
from audit.pipeline.jobs import Failure
from audit.pipeline.judging import judged, with_absent_groups
from audit.power.simulated_model import SHARED, STRONGEST, USUAL, SimulatedModel
from audit.stats import Proportion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from audit.candidates.capabilities import Capability
    from audit.candidates.interface import Outputs
    from audit.datasets import Dataset
    from audit.decision.finding import Finding
    from audit.pipeline.jobs import Job
    from audit.power.simulated_model import Numbers, Population

SEARCHED = 12
"""Models tried at most in the search for a strength."""
NEAR = 0.01
"""Of the strength."""
SURE = 0.9995
"""From here on a gate counts as independent of the others: its correlations hardly change the chance of all."""
MODELS = 60
"""Simulated models from which the correlations come."""
ROWS = 1000
"""Rows of each data set that they answer: how values go together does not hang on the number of rows."""
DRAWS = 50_000
"""Of the copula; the chance then has a Monte Carlo error of at most 0.3 percentage points."""

Populations: TypeAlias = "Callable[[int], Population | Numbers]"


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of a check."""

    evidence: Evidence | None
    finding: Finding | None
    """None where the check was not run, or where a model has a part in it and it was measured."""
    model_free: bool
    """Whether the finding is the same under every model."""
    comparators: str = ""
    """In a comparison, what the two simulated models are, in words."""
    refused: bool = False
    """Whether the check wanted what no simulated model can give."""


@dataclass
class Trials:
    """Every trial of one plan. With another `draw` or `usual` (by `replace`) it is trials on another model."""

    populations: Populations
    offers: Sequence[Capability]
    kind: str
    usual: float = USUAL
    """Strength of the model where nothing else fixes it."""
    draw: int = 0
    """Which noise the model has."""
    embedded: int = 0
    """Texts that the model will have to embed."""
    _strengths: dict[tuple[object, ...], float | None] = field(default_factory=dict)

    @cached_property
    def population(self) -> Population | Numbers:
        """The rows as models of this draw see them."""
        return self.populations(self.draw)

    def simulated(self, strength: float | None = None, *, comparator: bool = False) -> SimulatedModel:
        """A candidate of that strength, else of the usual one; or what it is compared with."""
        strength = self.usual if strength is None else strength
        return SimulatedModel(self.population, self.offers, strength, kind=self.kind, comparator=comparator)

    def can_simulate(self, job: Job) -> bool:
        """Whether a simulated model says anything of the check: none has been fine-tuned."""
        return "base" not in job.check.needs or self.kind != "fine-tuned"

    def at(self, job: Job, value: float | None) -> Trial:
        """The check on a model whose worst value is, as nearly as a strength can make it, the given one; else on a usual one."""
        if not self.can_simulate(job):
            return Trial(None, None, model_free=False, refused=True)
        if "model" in job.check.needs:
            return Trial(_shares(job, 0.9 if value is None else value), None, model_free=False)
        strength = None if value is None else self.strength(job, value)
        return self._run(job, self.simulated(strength))

    def _run(self, job: Job, model: SimulatedModel) -> Trial:
        job, comparators = self._with_model(job, model)
        measurement = inline.measure(job)
        self.embedded = max(self.embedded, model.embedded)
        evidence = None if isinstance(measurement.result, Failure) else with_absent_groups(job, measurement.result)
        is_free = job.requirement.against is None and not model.asked
        finding = judged(job, measurement) if is_free or evidence is None or not evidence.members else None
        return Trial(evidence, finding, model_free=is_free, comparators=comparators, refused=model.refused)

    def _with_model(self, job: Job, model: SimulatedModel) -> tuple[Job, str]:
        """The job on that model; in a comparison on two that are equally good, and only in part wrong on the same rows."""
        predicted = Predictions(model)
        if job.requirement.against is None:
            return replace(job, subject=replace(job.subject, predicted=predicted)), ""
        comparator = Predictions(self.simulated(comparator=True))
        data = job.subject.data
        words = _in_words(predicted.of(data), comparator.of(data))
        return replace(job, subject=replace(job.subject, predicted=predicted, comparator=comparator)), words

    def strength(self, job: Job, value: float) -> float | None:
        """At which the check's worst value is the given one; None where it does not follow the strength, as gaps do not."""
        if job.check.by == "groups" or not {"reference", "model"}.isdisjoint(job.check.needs) or job.requirement.against is not None:
            return None
        key = (job.requirement.check, job.params.model_dump_json(), job.requirement.on, job.subject.split_key, value)
        if key not in self._strengths:
            self._strengths[key] = self._search(job, value)
        return self._strengths[key]

    def _search(self, job: Job, value: float) -> float | None:
        from scipy.optimize import brentq

        def off_by(strength: float) -> float:
            return self.worst_value(self._with_model(job, self.simulated(strength))[0]) - value

        try:
            return float(brentq(off_by, 0.0, STRONGEST, xtol=NEAR, maxiter=SEARCHED, disp=False))
        except ValueError:  # no model of any strength has that value, or one has none
            return None

    def worst_value(self, job: Job) -> float:
        """The worst member's value on the job's own model; NaN where nothing can be measured."""
        measure = job.check.measure if job.requirement.against is None else job.check.compare
        try:
            members = () if measure is None else measure(job.subject, job.params, seeds.stream(job.seed, job.requirement.id)).members
        except (AuditError, ValueError):  # such as too few rows of a group
            members = ()
        values = [one.estimate.value for one in members]
        if not values:
            return np.nan
        return min(values) if job.check.better == "higher" else max(values)


def _in_words(candidate: Outputs, comparator: Outputs) -> str:
    if candidate.labels is None or comparator.labels is None:
        return f"whose errors correlate by {SHARED:g}"
    return f"that answer {100 * float(np.mean(candidate.labels != comparator.labels)):.0f} % of the rows differently"


def _shares(job: Job, value: float) -> Evidence | None:
    """Shares of right rows in each slice, the right ones drawn at random; None where the check would see no row."""
    subject = job.subject
    rows = job.check.expected_rows(subject, job.params)
    if not rows:
        return None
    right = seeds.stream(job.seed, f"stand-in for {job.requirement.id}").random(subject.data.rows) < value
    clusters = subject.clusters()
    whole = ((OVERALL, np.arange(subject.data.rows) < rows),)
    parts = job.check.member_rows(subject, job.params) if job.check.member_rows else subject.slices() if job.check.by == "slices" else whole
    members = [Member(name, Proportion.of(right[mask], None if clusters is None else clusters[mask])) for name, mask in parts if mask.any()]
    empty = tuple(Unmeasured(name, "no row to change: leave it out, or add rows") for name, mask in parts if not mask.any())
    return Evidence(members=tuple(members), unit=job.check.unit, rows=rows, unmeasured=empty) if members else None


def chance_of_all(chances: Mapping[str, float], jobs: Sequence[Job], trials: Trials, seed: int) -> float:
    """Chance that every requirement passes; `chances` holds each one's own by its id.

    How gates rise and fall together is seen on simulated models: of each the checks' own code gives every gate's value, and the rank
    correlations of these values tie the chances together (a Gaussian copula with given margins; Nelsen, An Introduction to Copulas,
    2006, section 5.1).
    """
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
        (one.check, job.params.model_dump_json(), one.on, one.reference, job.subject.split_key)
        for job in jobs
        for one in (job.requirement,)
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
