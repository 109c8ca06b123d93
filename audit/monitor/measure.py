"""What one window measures: findings of all requirements whose labels have come, and why the others have none."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from audit import catalog, child_process, disk_cache
from audit.candidates.predictions import Predictions
from audit.decision.judge import without_evidence
from audit.errors import InputError
from audit.formatting import rows_in_words
from audit.governance.waiver_files import Folder
from audit.monitor import scope as scopes
from audit.monitor.window import read
from audit.pipeline import engine, job_spec, preconditions, prepare
from audit.pipeline import jobs as pipeline_jobs
from audit.pipeline import measure as pipeline_measure
from audit.pipeline.prepare import Prepared
from audit.pipeline.training_rows import TrainingRows
from audit.progress import on_stderr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date

    from audit.datasets import Dataset
    from audit.decision.finding import Finding
    from audit.monitor.scope import Scope
    from audit.monitor.window import Window
    from audit.pipeline.engine.ray import Cluster
    from audit.pipeline.jobs import Job, JobSpec
    from audit.policy import LoadedPolicy
    from audit.progress import Progress


@dataclass(frozen=True)
class Origin:
    """Where windows come from, as whoever measures elsewhere must read them again."""

    file: Path
    now: datetime
    """When the call began."""


@dataclass(frozen=True)
class Subject:
    """What every window of a call is measured with."""

    scope: Scope
    origin: Origin
    others: Mapping[str, Dataset]
    """Data sets beside the window."""
    waivers: Folder
    workers: int
    cluster: Cluster | None
    """Where they are on a Ray cluster."""
    progress: Progress
    on_finding: Callable[[Finding], None]


@dataclass(frozen=True)
class Result:
    """One window, measured."""

    prepared: Prepared
    findings: tuple[Finding, ...]
    """In the policy's order; each window by itself."""
    about: Mapping[str, str]
    """Of each requirement the digest of what its evidence is about."""


def measure(subject: Subject, window: Window, due: date | None, today: date) -> Result:
    """The findings of one window. `due` is the day until which its labels may come, where they have not."""
    scope = subject.scope
    prepared, parts = _open(scope, subject.others, window, subject.waivers, subject.progress)
    datasets, baselines = prepared.datasets, prepared.baselines
    found: dict[str, Finding] = {}
    apart = subject.cluster is not None or (subject.workers > 0 and child_process.start_method() == "spawn")
    about = {"file": str(subject.origin.file), "now": subject.origin.now.isoformat(), "window": window.key}
    made = job_spec.specs(prepared, smoke=False, maker="audit.monitor.measure:jobs_of_window", about=about) if apart else ()
    specs = {one.requirement: one for one in made}
    for loaded, jobs in parts:
        workers = engine.Workers(subject.workers, [specs[one.requirement.id] for one in jobs] if apart else None, subject.cluster)
        findings = pipeline_measure.find(loaded, jobs, workers, subject.progress, subject.on_finding)
        found |= {one.id: one for one in findings}
    for one in scope.policy.require:
        if one.id not in found:
            info, owner = catalog.info(one.check), pipeline_jobs.owner(scope.policy)
            if not window.labelled and one.id in scope.labelled:
                found[one.id] = without_evidence(one, info, "not_run", _without_labels(window, due, today), owner=owner)
            else:
                found[one.id] = without_evidence(one, info, "error", "no finding came back of its check", owner=owner)
    models = {"": model_identity(prepared)} | {name: model_identity(prepared, name) for name in baselines.comparators}
    identities = {one.id: hashlib.sha256(scopes.identity(one, datasets, models).encode()).hexdigest()[:16] for one in scope.policy.require}
    return Result(prepared, tuple(found[one.id] for one in scope.policy.require), identities)


def jobs_of_window(spec: JobSpec) -> tuple[Job, ...]:
    """The jobs of one window, made from a spec in another process."""
    about = dict(spec.about)
    found = scopes.scope(job_spec.policy_of(spec), Path(about["file"]))
    windows = read(found, Path(about["file"]), datetime.fromisoformat(about["now"]))
    window = next((one for one in windows if one.key == about["window"]), None)
    if window is None:
        msg = f"{about['file']}: holds no window {about['window']} any more: audit it again"
        raise InputError(msg)
    others = prepare.read_datasets(found.loaded, only=set(found.policy.datasets) - {found.spec.on})
    prepared, parts = _open(found, others, window, Folder(), on_stderr())
    job_spec.refuse_other_data(spec, prepared.datasets)
    job_spec.refuse_other_models(spec, prepared.candidate, prepared.baselines)
    return tuple(one for _, jobs in parts for one in jobs)


def _open(
    scope: Scope, beside: Mapping[str, Dataset], window: Window, waivers: Folder, progress: Progress
) -> tuple[Prepared, tuple[tuple[LoadedPolicy, tuple[Job, ...]], ...]]:
    """A window with its models, and the jobs of the requirements that can be measured, by the rows that they see."""
    others = {name: beside[name] for name in scope.policy.datasets if name in beside}
    parts = tuple((loaded, {**others, data.role: data}) for loaded, data in _parts(scope, window))
    for loaded, data in parts:
        preconditions.check_columns(loaded, data)
    measured = scopes.of_requirements(scope.loaded, {one.id for loaded, _ in parts for one in loaded.policy.require})
    datasets = {name: parts[-1][1][name] for name in scope.policy.datasets}
    _, candidate, baselines = prepare.open_models(measured, datasets, progress, smoke=False)
    predicted = Predictions(candidate, disk_cache.root())
    prepared = Prepared(scope.loaded, datasets, candidate, predicted, waivers, None, baselines, TrainingRows((), ()))
    jobs = partial(pipeline_jobs.jobs, predicted=predicted, baselines=baselines, history=pipeline_jobs.History(store=disk_cache.root()))
    return prepared, tuple((loaded, jobs(loaded, data)) for loaded, data in parts)


def _parts(scope: Scope, window: Window) -> Iterator[tuple[LoadedPolicy, Dataset]]:
    """The requirements that are measured with the rows that they see: those that need labels see only rows that have one, and come last."""
    ids, data, label = {one.id for one in scope.policy.require}, window.data, window.data.columns.label
    if label is None or not window.unlabelled:
        yield scopes.of_requirements(scope.loaded, ids if window.labelled else ids - scope.labelled), data
        return
    without = data.columns.model_copy(update={"label": None})
    yield scopes.of_requirements(scope.loaded, ids - scope.labelled), replace(data, columns=without, aside=data.aside | {label})
    if window.labelled:
        rows = rows_in_words(data.rows)
        remark = f"{window.unlabelled:,} of {rows} have no label in column {label!r}: requirements that need labels leave them out."
        labelled = replace(data.where(~data.blank(label)), remarks=(*data.remarks, remark))
        yield scopes.of_requirements(scope.loaded, scope.labelled), labelled


def model_identity(prepared: Prepared, name: str = "") -> str:
    """Which model a detector is about: the candidate, or one by the name that it is compared with.

    Saved answers are other ones in each window: there the candidate's declared version tells.
    """
    model = prepared.candidate if not name else prepared.baselines.comparators[name].candidate
    return f"predictions {prepared.loaded.policy.candidate.version}" if model.kind == "predictions" else model.sha256


def _without_labels(window: Window, due: date | None, today: date) -> str:
    rows = f"{window.unlabelled:,} of {rows_in_words(window.data.rows)} have no label"
    if due is None:
        return f"{rows}: give the window with its labels, or say under monitor.labels_delay how long they may take"
    if today <= due:
        return f"labels are due until {due.isoformat()} ({rows}): give the window again once they have come"
    return f"labels were due until {due.isoformat()} and have not come ({rows}): give the window again with its labels"
