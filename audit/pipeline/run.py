"""One audit from end to end: prepare, measure, decide, record.

The record is built once and complete; the bundle is rendered from the record as it reads back, and its entry goes into the ledger.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from audit import __version__, catalog
from audit.bundle import evidence_files, example_rows, writer
from audit.candidates.capabilities import Training
from audit.errors import ToolError
from audit.export import json as results_json
from audit.governance import apply_waivers, policy_change
from audit.ledger import Ledger, ledger_path, times
from audit.pipeline import engine, last_promotion, opening, record, thin_data
from audit.pipeline.compatibility import load_policy
from audit.pipeline.decide import decide
from audit.pipeline.measure import measure, refuse_unknown
from audit.pipeline.prepare import Stopwatch, prepare
from audit.policy.strict import days
from audit.record import AuditRun, CandidateFacts, DatasetFacts, RunFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from audit.datasets import Dataset
    from audit.decision.finding import Finding
    from audit.export import Export
    from audit.ledger import Entry
    from audit.pipeline.decide import Decided
    from audit.pipeline.engine import EngineName
    from audit.pipeline.engine.ray import Cluster
    from audit.pipeline.prepare import Prepared
    from audit.pipeline.test_set_use import Looks
    from audit.policy import LoadedPolicy
    from audit.policy.schema import Policy
    from audit.progress import Progress
    from audit.record import MonitorFacts

PARTS = (
    *("numpy", "pandas", "scipy", "pyarrow", "pydantic", "torch", "transformers", "tokenizers", "scikit-learn"),
    *("fairlearn", "textattack", "presidio-analyzer", "alibi-detect"),
)
"""Libraries whose versions a run records."""
_LICENCES = {
    "alibi-detect": "Business Source License 1.1: production use needs a licence; each release becomes Apache-2.0 after four years",
    "textattack": "MIT",
    "presidio-analyzer": "MIT",
}
"""What the licence of an optional backend asks."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line said."""

    out: Path
    command: str
    select: tuple[str, ...] = ()
    smoke: bool = False
    workers: int = 0
    """Processes that measure; with none everything runs in this one, and no check has a limit."""
    allow_outside: bool = False
    exports: tuple[Export, ...] = ()
    """Further formats that the bundle gets."""
    engine: EngineName = "local"
    address: str | None = None
    """Of a Ray cluster; with None one is started for the run."""
    token: str = field(default_factory=lambda: secrets.token_hex(4))
    """Part of the run's id, by which whoever started the run knows its bundle and its entry."""

    @property
    def partial(self) -> tuple[str, ...]:
        """The options that leave a part of the policy unmeasured."""
        return tuple(name for name, used in (("--select", self.select), ("--smoke", self.smoke)) if used)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One finished audit."""

    audit: AuditRun
    place: Path
    """The bundle's folder."""


def audit_policy(
    path: Path, options: Options, progress: Progress, *, on_finding: Callable[[Finding], None] = lambda _finding: None
) -> Outcome:
    """Run the whole audit of a policy file and write its bundle."""
    with engine.connected(options.engine, options.address) as cluster:  # before this process is confined
        return _audit(path, options, progress, on_finding, cluster)


def _audit(path: Path, options: Options, progress: Progress, on_finding: Callable[[Finding], None], cluster: Cluster | None) -> Outcome:
    started, begun, watch = times.now(), time.perf_counter(), Stopwatch()
    loaded = load_policy(path, allow_outside=options.allow_outside)
    refuse_unknown(loaded, options.select)
    ledger = Ledger(ledger_path(options.out))
    told = record.reconcile(options.out, ledger)
    prepared = prepare(loaded, options.out, progress, watch, smoke=options.smoke)
    measured = measure(prepared, ledger, options, started, progress, on_finding=on_finding, cluster=cluster)
    decided = decide(prepared, measured, started, partial=options.partial, told=told)
    name = writer.unused(options.out, f"{started:%Y%m%d-%H%M%S}-{loaded.sha256[:4]}{options.token}")
    facts = run_facts(loaded, name, options.command, started, time.perf_counter() - begun, watch.seconds, measured.findings)
    written = write_bundle(prepared, decided, measured.looks, facts, options)
    more = measured.looks.entry() | {"bundle_sha256": written.sealed}
    record.record(written.making, ledger, facts.started, lambda entries: _payload(written.audit, prepared, more, entries))
    return Outcome(written.audit, written.making.place)


def run_facts(
    loaded: LoadedPolicy,
    name: str,
    command: str,
    started: datetime,
    seconds: float,
    stages: Mapping[str, float],
    findings: Sequence[Finding],
) -> RunFacts:
    """What may differ between two runs of the same inputs; `name` is the run's id, `stages` the seconds before and after measuring."""
    return RunFacts(
        id=name,
        started=started.isoformat(timespec="seconds"),
        seconds=seconds,
        seed=loaded.policy.seed,
        version=__version__,
        command=command,
        environment=_environment() | _plugins(loaded),
        timings={**stages} | {one.id: one.seconds for one in findings},
        reused=tuple(one.id for one in findings if one.reused),
        retries={one.id: one.retries for one in findings if one.retries},
    )


def _plugins(loaded: LoadedPolicy) -> dict[str, str]:
    """The distributions of checks that are not the tool's own, with their versions."""
    found = (catalog.info(one.check).distribution for one in loaded.policy.require)
    return dict(sorted(source.rsplit(" ", 1) for source in found if source))


def _environment() -> dict[str, str]:
    """Where the audit ran: interpreter, machine, library versions."""
    from importlib import metadata

    found = {"python": platform.python_version(), "platform": platform.platform(), "processors": str(os.cpu_count())}
    for part in PARTS:
        try:
            found[part] = metadata.version(part)
        except metadata.PackageNotFoundError:
            found[part] = "not installed"
    return found


@dataclass(frozen=True, slots=True)
class Written:
    """A whole bundle that is not yet in its place."""

    making: writer.Bundle
    audit: AuditRun
    sealed: str
    """Digest of the bundle."""


def write_bundle(
    prepared: Prepared,
    decided: Decided,
    looks: Looks,
    facts: RunFacts,
    options: Options,
    *,
    monitor: MonitorFacts | None = None,
    files: Mapping[str, str] = MappingProxyType({}),
) -> Written:
    """The run's record in a bundle, with further files; it appears in its place only when bundle and ledger entry are whole."""
    making = writer.Bundle(options.out, facts.id)
    try:
        audit = replace(_record(making, prepared, decided, looks, facts), monitor=monitor)
        _fill(making, audit, prepared, options.exports)
        for name, text in files.items():
            making.write(name, text)
        sealed = making.seal()
        making.check(audit)
    except BaseException:  # an interruption too leaves no half bundle; raised again
        making.discard()
        raise
    return Written(making, audit, sealed)


def _fill(making: writer.Bundle, audit: AuditRun, prepared: Prepared, exports: Sequence[Export]) -> None:
    """Write every file of the bundle; what is rendered is the record as it reads back."""
    from audit import report

    making.write("policy.yaml", audit.policy_text)
    for name, text in prepared.waivers.texts():
        making.write(name, text)
    if prepared.approvals is not None:
        making.write("policy.approvals.yaml", prepared.approvals.text)
    if audit.training is not None:
        making.write("training.json", audit.training.model_dump_json(indent=1) + "\n")
    stored = making.record(audit)
    making.write("evidence/estimates.json", results_json.estimates(stored))
    making.write("results.json", results_json.text(stored))
    making.write("report.html", report.render(stored))
    for name, text in (file for one in exports if one.name != "json" for file in one.files(stored).items()):
        making.write(name, text)


def _record(making: writer.Bundle, prepared: Prepared, decided: Decided, looks: Looks, facts: RunFacts) -> AuditRun:
    candidate, loaded = prepared.candidate, prepared.loaded
    training = candidate.get(Training)
    shared = evidence_files.write(making, decided.findings, prepared.datasets, prepared.predicted)
    backends = {finding.evidence.backend for finding in decided.findings if finding.evidence} - {"audit"}
    return AuditRun(
        run=facts,
        policy=loaded.policy,
        policy_path=str(loaded.path),
        policy_text=loaded.text,
        policy_sha256=loaded.sha256,
        candidate=CandidateFacts(candidate.kind, candidate.sha256, candidate.parameters, candidate.description, candidate.classes),
        datasets=tuple(_dataset_facts(data, loaded) for data in prepared.datasets.values()),
        findings=making.evidence(decided.findings, shared),
        verdict=decided.verdict,
        ledger_head=looks.head,
        looks=looks.facts,
        valid_until=_valid_until(loaded.policy, facts.started, decided),
        training=None if training is None else training.record,
        policy_change=decided.policy_change,
        licences={backend: _licence(backend) for backend in sorted(backends)},
        waivers=decided.waivers,
        comparators=opening.comparator_facts(prepared.baselines.comparators),
        sampled=example_rows.sampled(decided.findings, prepared.datasets, prepared.predicted),
        last_promotion=last_promotion.find(looks.before, loaded.policy.policy),
    )


def _dataset_facts(data: Dataset, loaded: LoadedPolicy) -> DatasetFacts:
    declared = loaded.policy.datasets[data.role].path
    population = None if data.sample is None else data.sample.population
    return DatasetFacts(data.role, declared, data.sha256, data.rows, len(data.cells.names), data.source, data.licence, population)


def _payload(audit: AuditRun, prepared: Prepared, more: dict[str, object], entries: Sequence[Entry]) -> dict[str, object]:
    """What the run's entry says. What was promoted meanwhile must not ask more than this run's policy."""
    since = prepared.since(entries, datetime.fromisoformat(audit.run.started))
    if audit.verdict.decision == "promote" and since is not None and since.blocks:
        msg = f"run {since.run} was promoted meanwhile, under a policy that asks more: this run is not recorded; run the audit again"
        raise ToolError(msg)
    return _entry(audit, prepared) | more | apply_waivers.entry(prepared.waivers, audit.waivers)


def _entry(audit: AuditRun, prepared: Prepared) -> dict[str, object]:
    """What the ledger keeps of a run; of a promoting one its policy too, against which the next ones are held."""
    promoted = audit.verdict.decision == "promote"
    kept = policy_change.entry(audit.policy, prepared.waivers.trusted) | thin_data.kept(audit.policy, prepared.datasets)
    return (
        (kept if promoted else {})
        | last_promotion.kept(audit)
        | {
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
    )


def _valid_until(policy: Policy, started: str, decided: Decided) -> str | None:
    """ISO date after which the decision is stale: the end of `valid_for`, of dated evidence, or a condition's due date; the earliest."""
    age = days(policy.valid_for)
    ends = [] if age is None else [(datetime.fromisoformat(started).date() + timedelta(days=age)).isoformat()]
    if decided.verdict.decision == "promote-with-conditions":
        ends += [condition.due for condition in decided.verdict.conditions]
    ends += [one.evidence.expires for one in decided.findings if one.evidence is not None and one.evidence.expires is not None]
    return min(ends, default=None)


def _licence(backend: str) -> str:
    """What the licence of an optional backend asks."""
    return _LICENCES.get(backend.split(maxsplit=1)[0], "see the package's own licence")
