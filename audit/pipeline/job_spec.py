"""A job made from plain values, in another process or on another machine than the audit's own.

Run as a program it is a worker that was not forked: it reads policy, data and model itself, once, and measures what it is told.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from audit import child_process, disk_cache, progress
from audit.candidates import confinement
from audit.candidates.predictions import Predictions
from audit.errors import InputError
from audit.pipeline import jobs as pipeline_jobs
from audit.pipeline.compatibility import load_policy
from audit.pipeline.engine import inline, processes
from audit.pipeline.jobs import JobSpec
from audit.pipeline.prepare import open_models, read_datasets
from audit.policy import paths

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.candidates.interface import Candidate
    from audit.datasets import Dataset
    from audit.evidence import Evidence
    from audit.pipeline.jobs import Job
    from audit.pipeline.opening import Baselines
    from audit.pipeline.prepare import Prepared
    from audit.policy import LoadedPolicy


def specs(
    prepared: Prepared, *, smoke: bool, maker: str = "audit.pipeline.job_spec:of_policy", about: Mapping[str, str] = MappingProxyType({})
) -> tuple[JobSpec, ...]:
    """One for each requirement, in the policy's order. `maker` makes the jobs in a worker, from what it is `about` besides."""
    loaded = prepared.loaded
    shared = JobSpec(
        folder=str(Path.cwd()),
        policy=str(loaded.path),
        policy_sha256=loaded.sha256,
        requirement="",
        candidate_sha256=prepared.candidate.sha256,
        datasets=tuple((role, data.sha256) for role, data in prepared.datasets.items()),
        comparators=tuple((name, one.candidate.sha256) for name, one in prepared.baselines.comparators.items()),
        seed=loaded.policy.seed,
        cache=str(disk_cache.root()),
        variables=_variables(loaded),
        smoke=smoke,
        allow_outside=loaded.allow_outside,
        maker=maker,
        about=tuple(about.items()),
    )
    return tuple(replace(shared, requirement=one.id) for one in loaded.policy.require)


def _variables(loaded: LoadedPolicy) -> tuple[tuple[str, str], ...]:
    """What the policy and its bases name as `${NAME}`."""
    files = (loaded.path, *(loaded.project / base.name for base in loaded.bases))
    named = {name for file in files for name in paths.variables(file.read_text(encoding="utf-8"))}
    return tuple((name, os.environ[name]) for name in sorted(named) if name in os.environ)


def run_job(spec: JobSpec) -> Evidence:
    """The evidence of one job. Policy, data and model are read for the first job of a process and kept for the next ones."""
    return inline.measured(job(spec))


def job(spec: JobSpec) -> Job:
    """The job that a spec stands for; InputError where what it names has changed meanwhile."""
    return _jobs(replace(spec, requirement=""))[spec.requirement]


@lru_cache(maxsize=1)
def _jobs(spec: JobSpec) -> dict[str, Job]:
    os.environ |= {"AUDIT_CACHE": spec.cache, **dict(spec.variables)}
    module, _, name = spec.maker.partition(":")
    with contextlib.chdir(spec.folder):
        made = getattr(import_module(module), name)(spec)
    return {one.requirement.id: one for one in made}


def of_policy(spec: JobSpec) -> tuple[Job, ...]:
    """The jobs of a whole policy."""
    loaded = policy_of(spec)
    datasets = read_datasets(loaded)
    refuse_other_data(spec, {role: data.head(pipeline_jobs.SMOKE_ROWS) for role, data in datasets.items()} if spec.smoke else datasets)
    seen, candidate, baselines = open_models(loaded, datasets, progress.on_stderr(), smoke=spec.smoke)
    refuse_other_models(spec, candidate, baselines)
    predicted, history = Predictions(candidate, disk_cache.root()), pipeline_jobs.History(store=disk_cache.root())
    return pipeline_jobs.jobs(loaded, seen, predicted, baselines=baselines, history=history)


def policy_of(spec: JobSpec) -> LoadedPolicy:
    """The policy that a spec names; InputError where it has changed."""
    loaded = load_policy(Path(spec.policy), allow_outside=spec.allow_outside)
    _refuse_other("policy", loaded.sha256, spec.policy_sha256)
    return loaded


def refuse_other_data(spec: JobSpec, datasets: Mapping[str, Dataset]) -> None:
    """InputError where data have changed; to be called before a model is trained on them."""
    for role, sha256 in spec.datasets:
        _refuse_other(f"datasets.{role}", datasets[role].sha256, sha256)


def refuse_other_models(spec: JobSpec, candidate: Candidate, baselines: Baselines) -> None:
    """InputError where models have changed."""
    _refuse_other("candidate", candidate.sha256, spec.candidate_sha256)
    for name, sha256 in spec.comparators:
        _refuse_other(name, baselines.comparators[name].candidate.sha256, sha256)


def _refuse_other(what: str, found: str, expected: str) -> None:
    if found != expected:
        msg = f"{what}: was changed while the audit ran: its SHA-256 is {found}, and it was {expected}: run the audit again"
        raise InputError(msg)


def _of_order(order: processes.Order) -> Job:
    assert isinstance(order.spec, JobSpec)  # noqa: S101  # this worker shares no memory with the audit's process
    _stay_in(order.spec.folder, order.spec.cache)
    return job(order.spec)


@cache
def _stay_in(folder: str, store: str) -> None:
    """Read paths as the audit does, and write nowhere but in the cache and the temporary folder, whatever a model's file does."""
    os.chdir(folder)
    confinement.arm()
    confinement.confine([Path(store)])


if __name__ == "__main__":
    child_process.be_spawned(lambda pipe: processes.serve(pipe, _of_order))
