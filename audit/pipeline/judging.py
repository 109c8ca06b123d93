"""Hold what was measured against its requirement. A check that crashes, hangs or returns nothing ends as `error`, never as silence."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from audit.decision.judge import judge, without_evidence
from audit.pipeline import engine, evidence_cache, thin_data
from audit.pipeline.engine.inline import failure
from audit.pipeline.jobs import Failure
from audit.progress import SILENT, Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from audit.decision.finding import Finding
    from audit.evidence import Evidence
    from audit.pipeline.jobs import Job, Measurement


def _ignore(_finding: Finding) -> None:
    pass


def findings(
    jobs: Sequence[Job],
    *,
    workers: engine.Workers = engine.INLINE,
    on_finding: Callable[[Finding], None] = _ignore,
    progress: Progress = SILENT,
) -> tuple[Finding, ...]:
    """One finding a job, in the order of the jobs; `on_finding` receives each as it comes."""
    found: dict[int, Finding] = {}

    def on_measured(place: int, measurement: Measurement) -> None:
        found[place] = judged(jobs[place], measurement)
        on_finding(found[place])

    engine.measure(jobs, on_measured, workers=workers, progress=progress)
    return tuple(found[place] for place in range(len(jobs)))


def judged(job: Job, measurement: Measurement) -> Finding:
    """The finding of one job."""
    result = measurement.result
    if isinstance(result, Failure):
        finding = _without_evidence(job, result)
    else:
        try:
            evidence = with_absent_groups(job, result)
            finding = judge(job.requirement, job.info, evidence, confidence=job.confidence, owner=job.owner, spent=job.spent)
        except Exception as error:  # noqa: BLE001  # evidence that cannot be judged is an error of its check
            finding = _without_evidence(job, failure(error))
    measured_on = {} if job.skip is not None else evidence_cache.digests(job)
    return replace(finding, seconds=measurement.seconds, reused=measurement.reused, retries=measurement.retries, measured_on=measured_on)


def _without_evidence(job: Job, why: Failure) -> Finding:
    return without_evidence(job.requirement, job.info, why.status, why.message, owner=job.owner)


def with_absent_groups(job: Job, evidence: Evidence) -> Evidence:
    """With the groups that the last promotion was measured on and the bands of the policy that the data lack: they count as unmeasured."""
    known = {one.name for one in evidence.unmeasured}
    more = [one for one in job.lost if one.name not in known]
    notes = (*evidence.notes, *thin_data.band_notes(job.requirement, job.subject))
    return replace(evidence, unmeasured=(*evidence.unmeasured, *more), notes=notes)
