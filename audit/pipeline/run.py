"""One audit from end to end: policy, data, candidate, plan, findings, decision, bundle, ledger."""

from __future__ import annotations

import json
import os
import platform
import secrets
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from audit import __version__, catalog, clock, disk_cache
from audit.bundle import evidence_files, example_rows, writer
from audit.candidates import confinement
from audit.candidates.capabilities import Training
from audit.candidates.model_remarks import model_remarks
from audit.candidates.predictions import Predictions
from audit.datasets import Columns
from audit.datasets.identity import columns_sha256, rows_sha256
from audit.datasets.label_words import refuse_label_words
from audit.datasets.reading import read
from audit.decision import rules
from audit.decision.finding import Reason
from audit.errors import CandidateError, InputError, PolicyError, ToolError
from audit.export import json as results_json
from audit.governance import apply_waivers, policy_change, waiver_files, waiver_history, waiver_validity
from audit.governance import approvals_file as approvals
from audit.ledger import Ledger, ledger_path, times
from audit.ledger.test_set_usage import Identity
from audit.pipeline import comparators, engine, one_class, record, slice_coverage
from audit.pipeline import jobs as pipeline_jobs
from audit.pipeline.compatibility import load_policy
from audit.pipeline.data_remarks import data_remarks
from audit.pipeline.opening import Opener
from audit.pipeline.test_set_use import Asked, roles, take
from audit.pipeline.training_rows import TrainingRows, find
from audit.policy import placing
from audit.record import AuditRun, CandidateFacts, DatasetFacts, RunFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from audit.candidates import Candidate
    from audit.datasets import Dataset
    from audit.decision.finding import Finding, Verdict
    from audit.errors import Mistake
    from audit.governance.policy_change import PolicyChange
    from audit.ledger import Entry
    from audit.pipeline.engine import Job
    from audit.pipeline.test_set_use import Looks
    from audit.policy import LoadedPolicy
    from audit.policy.schema import DatasetSpec
    from audit.progress import Progress

PARTS = (
    *("numpy", "pandas", "scipy", "pyarrow", "pydantic", "torch", "transformers", "tokenizers", "scikit-learn"),
    *("fairlearn", "textattack", "presidio-analyzer", "alibi-detect"),
)
"""Libraries whose versions a run records."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line said."""

    out: Path
    command: str
    select: tuple[str, ...] = ()
    smoke: bool = False
    workers: int = 1
    allow_outside: bool = False
    token: str = field(default_factory=lambda: secrets.token_hex(4))
    """Part of the run's id, by which whoever started the run knows its bundle and its entry."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One finished audit."""

    audit: AuditRun
    place: Path
    """The bundle's folder."""


@dataclass
class _Stopwatch:
    """Seconds by stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = time.perf_counter() - started


@dataclass(frozen=True)
class _Prepared:
    """All that is known before anything is measured."""

    loaded: LoadedPolicy
    datasets: Mapping[str, Dataset]
    candidate: Candidate
    predicted: Predictions
    waivers: waiver_files.Folder
    approvals: approvals.ApprovalsFile | None
    """Those of what the policy loosens."""
    baselines: comparators.Baselines
    """The candidate's base, and what it is compared with."""
    learned: TrainingRows
    """Rows that it has learned from and is measured on."""

    def remarks(self) -> tuple[Reason, ...]:
        """What a reader must know of how files were read, how the candidate was run, and the comparisons."""
        read = data_remarks(self.loaded.policy, self.datasets)
        said = (*model_remarks(self.candidate, self.datasets), *one_class.remarks(self.predicted, self.datasets))
        ran = (Reason("model-remark", None, text) for text in said)
        return (*read, *ran, *self.learned.remarks, *comparators.remarks(self.baselines.comparators, self.candidate, self.datasets))

    def since(self, entries: Sequence[Entry], started: datetime) -> PolicyChange | None:
        """How the policy differs from that of the last promotion among these entries."""
        present = policy_change.Present(self.loaded.policy, self.waivers.trusted, self.approvals, times.latest(started, entries))
        head = entries[-1].digest if entries else None
        return policy_change.since_promotion(entries, head, present, catalog=catalog.discover())


def audit_policy(path: Path, options: Options, progress: Progress, *, heard: Callable[[Finding], None] = lambda _finding: None) -> Outcome:
    """Run the whole audit of a policy file and write its bundle."""
    started, watch = clock.now(), _Stopwatch()
    begun = time.perf_counter()
    loaded = load_policy(path, allow_outside=options.allow_outside)
    _check_selection(loaded, options.select)
    ledger = Ledger(ledger_path(options.out))
    told = record.reconcile(options.out, ledger)
    prepared = _prepare(loaded, options, progress, watch)
    jobs = pipeline_jobs.jobs(loaded, prepared.datasets, prepared.predicted, select=options.select, smoke=options.smoke)
    jobs = tuple(comparators.ready(job, prepared.baselines) for job in jobs)
    looks = take(ledger, _asked(prepared, jobs, started))
    jobs = slice_coverage.with_lost_groups(jobs, looks.before, loaded.policy.policy)
    try:
        findings = _measured([looks.ready(job) for job in jobs], options.workers, progress, heard)
    except CandidateError as error:
        raise placing.of_model(loaded, error) from error
    watch.seconds |= {finding.id: finding.seconds for finding in findings}
    if options.smoke:
        findings = tuple(map(_unjudged, findings))
    laid = apply_waivers.lay(
        findings, waiver_validity.situation(loaded, prepared.waivers, prepared.candidate.sha256, started, entries=looks.before)
    )
    since = prepared.since(looks.before, started)
    blocking = (*_blocking_reasons(prepared, options, looks, laid.findings), *policy_change.blocking_reasons(since))
    verdict = rules.decide(loaded.policy.require, laid.findings, blocking=blocking, today=started.date())
    remarks = (
        *laid.reasons,
        *policy_change.remarks(since),
        *pipeline_jobs.remarks(loaded.policy),
        *looks.remarks(),
        *prepared.remarks(),
        *told,
    )
    verdict = rules.remarked(verdict, remarks)
    facts = _run_facts(loaded, options, started, watch)
    audit = _results(prepared, laid, verdict, replace(facts, seconds=time.perf_counter() - begun), looks)
    return _write(replace(audit, policy_change=since), prepared, options.out, ledger, looks)


def _asked(prepared: _Prepared, jobs: Sequence[Job], started: datetime) -> Asked:
    """The test sets that this run is about to look at: whole ones, however few of their rows a smoke run reads."""
    whole = {role: prepared.datasets[role].whole or prepared.datasets[role] for role in roles(jobs)}
    champion = prepared.loaded.policy.champion
    others = champion.columns.named() if champion is not None and champion.columns is not None else ()
    sets = {role: Identity(data.sha256, rows_sha256(data, without=others), columns_sha256(data)) for role, data in whole.items()}
    return Asked(prepared.loaded, prepared.candidate.sha256, sets, started.isoformat(timespec="seconds"))


def _measured(jobs: Sequence[Job], workers: int, progress: Progress, heard: Callable[[Finding], None]) -> tuple[Finding, ...]:
    """Every job's finding, with progress over the checks."""
    task = progress.start("checks", len(jobs))

    def done(finding: Finding) -> None:
        task.advance()
        heard(finding)

    try:
        return engine.run(jobs, workers=workers, done=done)
    finally:
        task.finish()


def _check_selection(loaded: LoadedPolicy, select: Sequence[str]) -> None:
    known = {name for one in loaded.policy.require for name in (one.id, one.check)}
    unknown = [name for name in select if name not in known]
    if unknown:
        msg = f"--select {', '.join(unknown)}: no such requirement; the policy has {', '.join(one.id for one in loaded.policy.require)}"
        raise InputError(msg)


def _prepare(loaded: LoadedPolicy, options: Options, progress: Progress, watch: _Stopwatch) -> _Prepared:
    policy, folder, approved = loaded.policy, waiver_files.read_folder(loaded), approvals.read(loaded)
    with watch.stage("read"):
        datasets = read_datasets(loaded)
        pipeline_jobs.check_columns(loaded, datasets)
    writer.refuse_unwritable(options.out)
    ledger_folder = ledger_path(options.out).parent
    with suppress(OSError):  # told of where the ledger is written
        ledger_folder.mkdir(parents=True, exist_ok=True)
    confinement.confine([options.out, ledger_folder, disk_cache.root()])
    with watch.stage("candidate"):
        chosen = pipeline_jobs.smoke_policy(policy) if options.smoke else policy
        seen = {role: data.head(pipeline_jobs.SMOKE_ROWS) for role, data in datasets.items()} if options.smoke else datasets
        opener = Opener(chosen, seen, resolve=loaded.resolve, cache=disk_cache.root(), progress=progress)
        try:
            candidate = opener.candidate()
        except InputError as error:
            raise placing.of_candidate(loaded, error) from error
        pipeline_jobs.check_capabilities(loaded, datasets, candidate)
        compared = comparators.opened(loaded, datasets, candidate, opener)
    learned = find(policy, datasets)
    return _Prepared(loaded, seen, candidate, Predictions(candidate, disk_cache.root()), folder, approved, compared, learned)


def read_datasets(loaded: LoadedPolicy, *, only: Collection[str] | None = None) -> dict[str, Dataset]:
    """Every declared data set, or those named, in the policy's order. Files that cannot be read are told all at once."""
    found: dict[str, Dataset] = {}
    mistakes: list[Mistake] = []
    for role, spec in loaded.policy.datasets.items():
        if only is not None and role not in only:
            continue
        try:
            found[role] = _read(loaded, role, spec)
        except PolicyError as error:
            mistakes += error.mistakes
    if mistakes:
        raise PolicyError(tuple(mistakes))
    if len(found) == len(loaded.policy.datasets):  # a role of the policy's own `columns` may be absent from some files, not from all
        pipeline_jobs.check_roles(loaded, found)
    return found


_NEVER_OPTIONAL = frozenset({"group", "weight"})
"""Roles that widen intervals or shift every rate: a file without them says so itself, under its own `columns`."""


def _read(loaded: LoadedPolicy, role: str, spec: DatasetSpec) -> Dataset:
    shared, own = loaded.policy.columns, spec.columns or Columns()
    optional = frozenset(shared.model_fields_set - own.model_fields_set - _NEVER_OPTIONAL)
    try:
        data = read(role, loaded.resolve(spec.path), own.over(shared), spec, optional=optional, source=spec.source, licence=spec.licence)
        data = replace(data, label_map=loaded.policy.labels.classes())
        refuse_label_words(data)
    except InputError as error:
        raise placing.of_data(loaded, role, error) from error
    return comparators.set_aside(loaded, data)


def _unjudged(finding: Finding) -> Finding:
    """A smoke run proves that a check runs, and nothing more."""
    if finding.status in {"error", "not_run"}:
        return finding
    message = f"smoke run: measured on at most {pipeline_jobs.SMOKE_ROWS} rows and not judged"
    return replace(finding, status="not_run", message=message, headline=None, slices=(), failing=(), evidence=None)


def _blocking_reasons(prepared: _Prepared, options: Options, looks: Looks, findings: Sequence[Finding]) -> tuple[Reason, ...]:
    partial = [name for name, used in (("--select", options.select), ("--smoke", options.smoke)) if used]
    found = [Reason("partial-run", None, f"{name} leaves a part of the policy unmeasured: nothing is promoted.") for name in partial]
    unmeasured = {one.id for one in findings if one.status not in rules.JUDGED and rules.effect(one) != "block"}
    found += pipeline_jobs.blocking_reasons(prepared.loaded.policy, unmeasured=unmeasured)
    return (*found, *prepared.learned.blocking, *looks.blocking_reasons())


def _run_facts(loaded: LoadedPolicy, options: Options, started: datetime, watch: _Stopwatch) -> RunFacts:
    return RunFacts(
        id=writer.unused(options.out, f"{started:%Y%m%d-%H%M%S}-{loaded.sha256[:4]}{options.token}"),
        started=started.isoformat(timespec="seconds"),
        seconds=0.0,
        seed=loaded.policy.seed,
        version=__version__,
        command=options.command,
        environment=environment(),
        timings=dict(watch.seconds),
    )


def environment() -> dict[str, str]:
    """Where the audit ran: interpreter, machine, library versions."""
    from importlib import metadata

    found = {"python": platform.python_version(), "platform": platform.platform(), "processors": str(os.cpu_count())}
    for part in PARTS:
        try:
            found[part] = metadata.version(part)
        except metadata.PackageNotFoundError:
            found[part] = "not installed"
    return found


def _results(prepared: _Prepared, laid: apply_waivers.Laid, verdict: Verdict, facts: RunFacts, looks: Looks) -> AuditRun:
    candidate, loaded = prepared.candidate, prepared.loaded
    backends = {finding.evidence.backend for finding in laid.findings if finding.evidence} - {"audit"}
    return AuditRun(
        run=facts,
        policy=loaded.policy,
        policy_path=str(loaded.path),
        policy_text=loaded.text,
        policy_sha256=loaded.sha256,
        candidate=CandidateFacts(candidate.kind, candidate.sha256, candidate.parameters, candidate.description, candidate.classes),
        datasets=tuple(_dataset_facts(data, prepared.loaded) for data in prepared.datasets.values()),
        findings=laid.findings,
        verdict=verdict,
        ledger_head=looks.head,
        looks=looks.facts,
        valid_until=pipeline_jobs.valid_until(loaded.policy, facts.started, verdict),
        training=None if (training := candidate.get(Training)) is None else training.record,
        licences={backend: pipeline_jobs.licence(backend) for backend in sorted(backends)},
        waivers=laid.states,
        comparators=comparators.facts(prepared.baselines.comparators),
    )


def _dataset_facts(data: Dataset, loaded: LoadedPolicy) -> DatasetFacts:
    declared = loaded.policy.datasets[data.role].path
    return DatasetFacts(data.role, declared, data.sha256, data.rows, len(data.frame.columns), data.source, data.licence)


def _write(audit: AuditRun, prepared: _Prepared, out: Path, ledger: Ledger, looks: Looks) -> Outcome:
    """Bundle and ledger entry; the bundle appears in its place only when both are whole."""
    making = writer.Bundle(out, audit.run.id)
    try:
        audit = _fill(making, audit, prepared)
        sealed = making.seal()
        making.check(audit)
    except BaseException:  # an interruption too leaves no half bundle; raised again
        making.discard()
        raise
    more = looks.entry() | {"bundle_sha256": sealed}
    record.record(making, ledger, audit.run.started, lambda entries: _payload(audit, prepared, more, entries))
    return Outcome(audit, making.place)


def _payload(audit: AuditRun, prepared: _Prepared, more: dict[str, object], entries: Sequence[Entry]) -> dict[str, object]:
    """What the run's entry says. What was promoted meanwhile must not ask more than this run's policy."""
    since = prepared.since(entries, datetime.fromisoformat(audit.run.started))
    if audit.verdict.decision == "promote" and since is not None and since.blocks:
        msg = f"run {since.run} was promoted meanwhile, under a policy that asks more: this run is not recorded; run the audit again"
        raise ToolError(msg)
    return _entry(audit, prepared) | more | waiver_history.entry(prepared.waivers, audit.waivers)


def _fill(making: writer.Bundle, audit: AuditRun, prepared: _Prepared) -> AuditRun:
    from audit import report

    shared = evidence_files.write(making, audit.findings, prepared.datasets, prepared.predicted)
    looked_at = example_rows.sampled(audit.findings, prepared.datasets, prepared.predicted)
    audit = replace(audit, findings=making.evidence(audit.findings, shared), sampled=looked_at)
    making.write("policy.yaml", audit.policy_text)
    for name, text in prepared.waivers.texts():
        making.write(name, text)
    if prepared.approvals is not None:
        making.write("policy.approvals.yaml", prepared.approvals.text)
    if audit.training is not None:
        making.write("training.json", audit.training.model_dump_json(indent=1) + "\n")
    making.write("evidence/estimates.json", results_json.estimates(audit))
    making.write("results.json", results_json.text(audit))
    making.write("report.html", report.render(audit))
    return audit


def _entry(audit: AuditRun, prepared: _Prepared) -> dict[str, object]:
    """What the ledger keeps of a run; of a promoting one its policy too, against which the next ones are held."""
    promoted = audit.verdict.decision == "promote"
    kept = policy_change.entry(audit.policy, prepared.waivers.trusted) | slice_coverage.kept(audit.policy, prepared.datasets)
    return (kept if promoted else {}) | {
        "run": audit.run.id,
        "policy": audit.policy.policy,
        "policy_sha256": audit.policy_sha256,
        "candidate_sha256": audit.candidate.sha256,
        "datasets": {data.role: data.sha256 for data in audit.datasets},
        "decision": audit.verdict.decision,
        "exit_code": audit.verdict.exit_code,
        "waivers": [one.id for one in audit.waivers if one.standing == "in_force"],
        "conditions": json.loads(json.dumps([one.finding for one in audit.verdict.conditions])),
    }
