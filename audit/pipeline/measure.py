"""The second step of a run: one finding for each requirement, with the looks at the test sets counted first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from audit import child_process, disk_cache
from audit.errors import CandidateError, InputError
from audit.pipeline import engine, job_spec, judging, thin_data
from audit.pipeline import jobs as pipeline_jobs
from audit.pipeline.test_set_use import LookRequest, take, test_sets
from audit.policy import placing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from audit.decision.finding import Finding
    from audit.ledger import Ledger
    from audit.pipeline.engine.ray import Cluster
    from audit.pipeline.jobs import Job
    from audit.pipeline.prepare import Prepared
    from audit.pipeline.run import Options
    from audit.pipeline.test_set_use import Looks
    from audit.policy import LoadedPolicy
    from audit.progress import Progress


@dataclass(frozen=True, slots=True)
class Measured:
    """Findings, and the looks at the test sets that they took."""

    findings: tuple[Finding, ...]
    looks: Looks


def measure(
    prepared: Prepared,
    ledger: Ledger,
    options: Options,
    started: datetime,
    progress: Progress,
    *,
    on_finding: Callable[[Finding], None],
    cluster: Cluster | None = None,
) -> Measured:
    """Every requirement's finding, in the policy's order."""
    loaded = prepared.loaded
    looks = take(ledger, _look_request(prepared, options.select, started))
    lost = thin_data.lost_groups(loaded.policy, prepared.datasets, looks.before)
    history = pipeline_jobs.History(looks.spending(loaded.policy), lost, disk_cache.root())
    jobs = pipeline_jobs.jobs(
        loaded,
        prepared.datasets,
        prepared.predicted,
        baselines=prepared.baselines,
        history=history,
        select=options.select,
    )
    apart = cluster is not None or (options.workers > 0 and child_process.start_method() == "spawn")
    specs = job_spec.specs(prepared, smoke=options.smoke) if apart else None
    how = engine.Workers(options.workers, specs, cluster)
    findings = find(loaded, jobs, how, progress, on_finding)
    return Measured(tuple(map(_unjudged, findings)) if options.smoke else findings, looks)


def _look_request(prepared: Prepared, select: Sequence[str], started: datetime) -> LookRequest:
    """The test sets that this run is about to look at."""
    policy, datasets = prepared.loaded.policy, prepared.datasets
    measured = (one for one in policy.require if pipeline_jobs.skipped(one, datasets, select) is None)
    sets = test_sets(policy, datasets, measured)
    return LookRequest(prepared.loaded, prepared.candidate.sha256, sets, started.isoformat(timespec="seconds"))


def find(
    loaded: LoadedPolicy, jobs: Sequence[Job], workers: engine.Workers, progress: Progress, on_finding: Callable[[Finding], None]
) -> tuple[Finding, ...]:
    """Every job's finding, with progress over the checks. A model that cannot be run is told at its line of the policy."""
    task = progress.start("checks", len(jobs))

    def done(finding: Finding) -> None:
        task.advance()
        on_finding(finding)

    try:
        return judging.findings(jobs, workers=workers, on_finding=done, progress=progress)
    except CandidateError as error:
        raise placing.of_model(loaded, error) from error
    finally:
        task.finish()


def refuse_unknown(loaded: LoadedPolicy, select: Sequence[str]) -> None:
    """Before anything is read: a selection that names no requirement."""
    known = {name for one in loaded.policy.require for name in (one.id, one.check)}
    unknown = [name for name in select if name not in known]
    if unknown:
        msg = f"--select {', '.join(unknown)}: no such requirement; the policy has {', '.join(one.id for one in loaded.policy.require)}"
        raise InputError(msg)


def _unjudged(finding: Finding) -> Finding:
    """A smoke run proves that a check runs, and nothing more."""
    if finding.status in {"error", "not_run"}:
        return finding
    problem = f"smoke run: measured on at most {pipeline_jobs.SMOKE_ROWS} rows and not judged: run the audit without --smoke"
    return replace(finding, status="not_run", problem=problem, headline=None, slices=(), failing=(), evidence=None)
