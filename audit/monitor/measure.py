"""What one window measures: findings of all requirements whose labels have come, and why the others have none."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from audit import catalog, child_process, disk_cache
from audit.candidates.predictions import Predictions
from audit.decision.judge import without_evidence
from audit.formatting import rows_in_words
from audit.monitor import scope as scopes
from audit.pipeline import engine, preconditions, prepare
from audit.pipeline import jobs as pipeline_jobs
from audit.pipeline import measure as pipeline_measure
from audit.pipeline.prepare import Prepared
from audit.pipeline.training_rows import TrainingRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date

    from audit.datasets import Dataset
    from audit.decision.finding import Finding
    from audit.governance.waiver_files import Folder
    from audit.monitor.scope import Scope
    from audit.monitor.window import Window
    from audit.policy import LoadedPolicy
    from audit.progress import Progress


@dataclass(frozen=True)
class Subject:
    """What every window of a call is measured with."""

    scope: Scope
    others: Mapping[str, Dataset]
    """Data sets beside the window."""
    waivers: Folder
    workers: int
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
    scope, others = subject.scope, {name: subject.others[name] for name in subject.scope.policy.datasets if name in subject.others}
    parts = tuple((loaded, {**others, data.role: data}) for loaded, data in _parts(scope, window))
    for loaded, data in parts:
        preconditions.check_columns(loaded, data)
    measured = scopes.of_requirements(scope.loaded, {one.id for loaded, _ in parts for one in loaded.policy.require})
    datasets = {name: parts[-1][1][name] for name in scope.policy.datasets}
    _, candidate, baselines = prepare.open_models(measured, datasets, subject.progress, smoke=False)
    predicted = Predictions(candidate, disk_cache.root())
    prepared = Prepared(scope.loaded, datasets, candidate, predicted, subject.waivers, None, baselines, TrainingRows((), ()))
    found: dict[str, Finding] = {}
    workers = engine.Workers(subject.workers if child_process.start_method() == "fork" else 0)
    for loaded, data in parts:
        history = pipeline_jobs.History(store=disk_cache.root())
        jobs = pipeline_jobs.jobs(loaded, data, predicted, baselines=baselines, history=history)
        findings = pipeline_measure.find(loaded, jobs, workers, subject.progress, subject.on_finding)
        found |= {one.id: one for one in findings}
    for one in scope.policy.require:
        if one.id not in found:
            awaited = not window.labelled and one.id in scope.labelled
            status, text = ("not_run", _without_labels(window, due, today)) if awaited else ("error", "no finding came back of its check")
            found[one.id] = without_evidence(one, catalog.info(one.check), status, text, owner=pipeline_jobs.owner(scope.policy))
    models = {"": model_identity(prepared)} | {name: model_identity(prepared, name) for name in baselines.comparators}
    about = {one.id: hashlib.sha256(scopes.identity(one, datasets, models).encode()).hexdigest()[:16] for one in scope.policy.require}
    return Result(prepared, tuple(found[one.id] for one in scope.policy.require), about)


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
