"""Measure jobs in this process, one after another. What a check raises becomes a stated failure."""

from __future__ import annotations

import time
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING

from audit import seeds
from audit.errors import AuditError, CandidateError, CannotMeasure
from audit.evidence import Evidence, Pair
from audit.formatting import impersonal
from audit.pipeline import evidence_cache
from audit.pipeline.jobs import Failure, Measurement
from audit.pipeline.thin_data import unproven

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from audit.pipeline.jobs import Job
    from audit.policy.schema import Requirement


def run(jobs: Sequence[Job], on_measured: Callable[[int, Measurement], None]) -> None:
    """Measure the jobs in their order."""
    for place, job in enumerate(jobs):
        on_measured(place, measure(job))


def measure(job: Job) -> Measurement:
    """What one job came to; the only error that escapes is that of a candidate that cannot be run."""
    return settled(job) or _timed(lambda: measured(job))


def settled(job: Job) -> Measurement | None:
    """What a job comes to that needs no measuring: it is skipped, or an earlier run kept its evidence. None where it must be measured."""
    if job.skip is not None:
        return Measurement(Failure("not_run", job.skip))
    kept = evidence_cache.kept(job)
    return None if kept is None else replace(_timed(lambda: _judgeable(job, kept)), reused=True)


def _judgeable(job: Job, kept: Evidence) -> Evidence:
    _refuse_empty_bound(job)  # the bound may be another one now
    return kept


def _timed(result_of: Callable[[], Evidence]) -> Measurement:
    started = time.perf_counter()
    try:
        result: Evidence | Failure = result_of()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # SystemExit in a check ends the check, not the audit
        result = failure(error)
    return Measurement(result, time.perf_counter() - started)


def failure(error: BaseException) -> Failure:
    """What an error of a check means for its requirement; that of a candidate that cannot be run is raised again."""
    if isinstance(error, CandidateError):
        raise error
    if isinstance(error, CannotMeasure):
        return Failure("not_run", str(error), error)
    return Failure("error", str(error), error) if isinstance(error, AuditError) else Failure("error", _described(error))


def measured(job: Job) -> Evidence:
    """The evidence of the job's check, complete; whatever is wrong with it is raised."""
    measure = job.check.measure if job.requirement.against is None else job.check.compare
    if measure is None:
        msg = f"{job.requirement.check} compares no two models"
        raise TypeError(msg)
    _refuse_empty_bound(job)
    watched = evidence_cache.Watched(job)
    job = replace(job, subject=watched.subject)
    evidence = measure(job.subject, job.params, seeds.stream(job.seed, job.requirement.id))
    _complete(job, evidence)
    if job.info.distribution and evidence.backend == "audit":
        evidence = replace(evidence, backend=job.info.distribution)
    known = {one.name for one in evidence.unmeasured}
    more = tuple(one for one in unproven(job.subject, job.check) if one.name not in known)
    return watched.keep(replace(evidence, unmeasured=(*evidence.unmeasured, *more)) if more else evidence)


def _refuse_empty_bound(job: Job) -> None:
    """Refuse a bound at or beyond the end that the value cannot pass here: it would be met by any model."""
    if job.check.range_on is None:
        return
    low, high = job.check.range_on(job.subject, job.params)
    met = _always_met(job.requirement, low, high)
    if met is not None:
        msg = f"{met:g} is always met: here {job.requirement.check} lies between {low:g} and {high:g}; give a bound that can fail"
        raise CannotMeasure(msg)


def _always_met(requirement: Requirement, low: float, high: float) -> float | None:
    if requirement.against is not None:
        return requirement.margin if requirement.margin is not None and requirement.margin >= high - low else None
    if requirement.min is not None and requirement.min <= low:
        return requirement.min
    return requirement.max if requirement.max is not None and requirement.max >= high else None


def _complete(job: Job, evidence: object) -> None:
    """Refuse what is not evidence, or evidence on fewer rows than there are."""
    if not isinstance(evidence, Evidence):
        msg = f"returned {type(evidence).__name__} where evidence is due"
        raise TypeError(msg)
    expected = job.check.expected_rows(job.subject, job.params)
    if evidence.rows != expected:
        msg = f"examined {evidence.rows:,} of {expected:,} rows: its evidence is not about all the data"
        raise ValueError(msg)
    silent = _unanswered(job, evidence)
    if silent:
        msg = f"says nothing of {'; '.join(silent)}, which the policy names"
        raise ValueError(msg)


def _unanswered(job: Job, evidence: Evidence) -> tuple[str, ...]:
    """Slices of the policy that are neither members nor unmeasured nor background; groups, unless their rate stands in the context too."""
    if job.check.by not in {"slices", "groups"}:
        return ()
    shown = evidence.context if job.check.by == "groups" else ()
    names = [*(one.name for one in (*evidence.members, *shown)), *(one.name for one in evidence.unmeasured), *evidence.background]
    said = {side.items for name in names for side in ((name.first, name.second) if isinstance(name, Pair) else (name,))}
    starts = {items[:length] for items in said for length in range(len(items) + 1)}  # a check may tell a slice's classes apart
    return tuple(str(named) for named, _ in job.subject.slices() if named.items not in starts)


def _described(error: BaseException) -> str:
    """The error in one line, with the place where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno})" if frames else ""
    what = f"{type(error).__name__}: {impersonal(str(error))}{place}"
    return f"{what}. The check broke: this is a fault of the tool or of its surroundings, not of the model."
