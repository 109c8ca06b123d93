"""One audit from end to end: prepare, measure, decide, record."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from audit import clock
from audit.bundle import writer
from audit.ledger import Ledger, ledger_path
from audit.pipeline import record, run_record
from audit.pipeline.compatibility import load_policy
from audit.pipeline.decide import decide
from audit.pipeline.measure import Scope, measure, refuse_unknown
from audit.pipeline.prepare import Stopwatch, prepare

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from audit.decision.finding import Finding
    from audit.export import Export
    from audit.progress import Progress
    from audit.record import AuditRun


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
    token: str = field(default_factory=lambda: secrets.token_hex(4))
    """Part of the run's id, by which whoever started the run knows its bundle and its entry."""


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
    started, begun, watch = clock.now(), time.perf_counter(), Stopwatch()
    scope = Scope(options.select, options.smoke, options.workers)
    loaded = load_policy(path, allow_outside=options.allow_outside)
    refuse_unknown(loaded, options.select)
    ledger = Ledger(ledger_path(options.out))
    told = record.reconcile(options.out, ledger)
    prepared = prepare(loaded, options.out, progress, watch, smoke=options.smoke)
    measured = measure(prepared, ledger, scope, started, progress, on_finding=on_finding)
    decided = decide(prepared, measured, started, partial=scope.partial, told=told)
    name = writer.unused(options.out, f"{started:%Y%m%d-%H%M%S}-{loaded.sha256[:4]}{options.token}")
    facts = run_record.run_facts(loaded, name, options.command, started, time.perf_counter() - begun, watch.seconds, measured.findings)
    return Outcome(*run_record.write(prepared, decided, measured.looks, facts, options, ledger))
