"""Checks run on a stand-in for the model: their own code says which members there will be, and of how many rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from audit import seeds
from audit.candidates.predictions import Predictions
from audit.evidence import OVERALL, Evidence, Member, Unmeasured
from audit.pipeline import judging
from audit.power.simulated_model import SHARED, STRONGEST, USUAL
from audit.power.simulated_numbers import Numbers
from audit.stats import CalibrationError, Proportion

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from audit.candidates.capabilities import Capability
    from audit.candidates.interface import Outputs
    from audit.decision.finding import Finding
    from audit.pipeline.job import Job
    from audit.power.simulated_model import Population, StandIn, Twin
    from audit.power.simulated_numbers import NumberStandIn, NumberTwin

OFF = 0.1
"""How far a stand-in's bins are off; what counts is that all are alike."""
HALVINGS = 10
"""Of the strength: to less than a hundredth."""
REDRAWS = 7
"""Further models over which chances and intervals are averaged: a single one has its own luck."""

Populations: TypeAlias = "Callable[[int], tuple[Population | Numbers, Twin | NumberTwin]]"


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of a check."""

    evidence: Evidence | None
    finding: Finding | None
    """None where the check was not run: it needs the model itself."""
    model_free: bool
    """Whether the finding is the same under every model."""
    comparators: str = ""
    """In a comparison, what the two stand-ins are, in words."""
    refused: bool = False
    """Whether the check wanted what no stand-in can give."""


class Trials:
    """Every trial of one plan. `populations` gives the rows as a draw of a model sees them, and as its comparator does."""

    def __init__(self, populations: Populations, offers: Sequence[Capability], kind: str, *, usual: float = USUAL, draw: int = 0) -> None:
        self._populations = populations
        self._population, self._twin = populations(draw)
        self._usual = usual
        self._offers = offers
        self._kind = kind
        self.embedded = 0
        """Texts that the model will have to embed."""

    def exact(self) -> Trials | None:
        """Trials on a model whose numbers are nearly exact; None of classes, and where these are such trials."""
        if not isinstance(self._population, Numbers) or self._usual == STRONGEST:
            return None
        return self.of(usual=STRONGEST)

    def of(self, *, draw: int = 0, usual: float | None = None) -> Trials:
        """Trials on another model: another draw of its noise, another strength where nothing else fixes that."""
        return Trials(self._populations, self._offers, self._kind, usual=self._usual if usual is None else usual, draw=draw)

    def stand_in(self, strength: float | None = None) -> StandIn | NumberStandIn:
        """A candidate of that strength."""
        return self._population.model(self._offers, self._usual if strength is None else strength, kind=self._kind)

    def foresees(self, job: Job) -> bool:
        """Whether a stand-in says anything of the check: none has been fine-tuned."""
        return "base" not in job.check.needs or self._kind != "fine-tuned"

    def at(self, job: Job, value: float | None) -> Trial:
        """The check on a stand-in whose headline value is, as nearly as a strength can make it, the given one; else on a usual one."""
        if not self.foresees(job):
            return Trial(None, None, model_free=False, refused=True)
        if "model" in job.check.needs:
            return Trial(_shares(job, 0.9 if value is None else value), None, model_free=False)
        strength = None if value is None else self.strength(job, value)
        return self._run(job, self._usual if strength is None else strength)

    def redrawn(self, job: Job, value: float) -> list[Evidence]:
        """What the check finds on further models of the same strength, each with noise of its own; nothing where `at` needs no model."""
        if "model" in job.check.needs or not self.foresees(job):
            return []
        strength = self.strength(job, value)
        found = [self.of(draw=draw, usual=strength).at(job, None).evidence for draw in range(1, REDRAWS + 1)]
        return [evidence for evidence in found if evidence is not None]

    def _run(self, job: Job, strength: float) -> Trial:
        model = self.stand_in(strength)
        if job.requirement.against is not None:
            return self._against(job, Predictions(model))
        finding = judging.findings([replace(job, subject=replace(job.subject, predicted=Predictions(model)))])[0]
        self.embedded = max(self.embedded, model.embedded)
        evidence = None if finding.evidence is None else _without_luck(finding.evidence)
        return Trial(evidence, finding, model_free=not model.asked, refused=model.refused)

    def _against(self, job: Job, model: Predictions) -> Trial:
        """Both models equally good, and only in part wrong on the same rows."""
        comparator = Predictions(self._twin.model(self._offers, self._usual, kind=self._kind))
        finding = judging.findings([replace(job, subject=replace(job.subject, predicted=model, comparator=comparator))])[0]
        data = job.subject.data
        return Trial(finding.evidence, finding, model_free=False, comparators=_comparators(model.of(data), comparator.of(data)))

    def strength(self, job: Job, value: float) -> float | None:
        """At which the check's value is the given one, by halving; None where it does not follow the strength, as gaps do not."""
        if job.check.by == "groups" or not {"reference", "model"}.isdisjoint(job.check.needs) or job.requirement.against is not None:
            return None
        low, high = 0.0, STRONGEST
        ends = [self._value(job, low), self._value(job, high)]
        if not min(ends) < value < max(ends) or (ends[0] < ends[1]) != (job.check.better == "higher"):
            return None
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            weaker = (self._value(job, middle) < value) == (job.check.better == "higher")
            low, high = (middle, high) if weaker else (low, middle)
        return (low + high) / 2

    def _value(self, job: Job, strength: float) -> float:
        found = self._run(job, strength).finding
        return np.nan if found is None or found.headline is None else found.headline.value


def _comparators(candidate: Outputs, comparator: Outputs) -> str:
    if candidate.labels is None or comparator.labels is None:
        return f"whose errors correlate by {SHARED:g}"
    return f"that answer {100 * float(np.mean(candidate.labels != comparator.labels)):.0f} % of the rows differently"


def _without_luck(evidence: Evidence) -> Evidence:
    """Calibration errors off towards the middle by as much in every bin: a stand-in's own are mere chance, in any direction."""
    members = [
        replace(one, estimate=_towards_middle(one.estimate)) if isinstance(one.estimate, CalibrationError) else one
        for one in evidence.members
    ]
    return replace(evidence, members=tuple(members))


def _towards_middle(estimate: CalibrationError) -> CalibrationError:
    shares = [
        replace(share, hits=round(share.n * (said + (OFF if said <= 0.5 else -OFF))))  # noqa: PLR2004  # the middle
        for said, share in zip(estimate.confidence, estimate.observed, strict=True)
    ]
    return replace(estimate, observed=tuple(shares))


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
