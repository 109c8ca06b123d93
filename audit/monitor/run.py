"""`audit monitor` from end to end: each window of a file is measured, folded into the evidence so far, decided and recorded."""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from audit import disk_cache
from audit.bundle import writer
from audit.candidates import confinement
from audit.datasets.addresses import is_address
from audit.decision import rules
from audit.decision.finding import Reason
from audit.formatting import moment
from audit.governance import apply_waivers, policy_change, waiver_files, waiver_validity
from audit.ledger import Ledger, ledger_path, times
from audit.monitor import detection, measure, notifications, outcome, plan, retraining, state, trace
from audit.monitor.scope import scope
from audit.monitor.state import RequirementState
from audit.monitor.window import read
from audit.pipeline import engine, last_promotion, prepare, record
from audit.pipeline import run as pipeline_run
from audit.pipeline.compatibility import load_policy
from audit.pipeline.decide import Decided, policy_remarks
from audit.pipeline.prepare import Stopwatch
from audit.pipeline.test_set_use import Looks
from audit.policy.strict import days
from audit.record import Arrival, BudgetFacts, MonitorFacts, WindowFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date

    from audit.decision.finding import Finding
    from audit.ledger import Entry
    from audit.monitor.measure import Result, Subject
    from audit.monitor.scope import Scope
    from audit.monitor.state import History
    from audit.monitor.window import Window
    from audit.pipeline.engine.ray import Cluster
    from audit.pipeline.run import Options
    from audit.policy import LoadedPolicy
    from audit.progress import Progress
    from audit.record import AuditRun, Retraining, Signal


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of one window."""

    key: str
    exit_code: int
    audit: AuditRun | None = None
    """None where it had been counted before."""
    place: Path | None = None
    """Of its bundle."""
    text: str = ""
    """What is said of a window that had been counted before."""
    undelivered: tuple[str, ...] = ()
    """Notifications that failed, each with what to do."""


class _CountedMeanwhile(Exception):  # no error: another call was quicker, and this one begins again from the ledger
    """Another call counted a window between the reading of the ledger and the writing."""


@dataclass(frozen=True)
class _Call:
    """One call of the command."""

    loaded: LoadedPolicy
    """The whole policy."""
    scope: Scope
    options: Options
    ledger: Ledger
    started: datetime
    told: tuple[Reason, ...]

    def history(self) -> tuple[tuple[Entry, ...], History]:
        """The ledger as it is now."""
        entries = self.ledger.verified()
        return entries, state.read(entries, self.loaded.policy.policy)


def audit_windows(
    policy: Path, file: Path, options: Options, progress: Progress, *, on_finding: Callable[[Finding], None] = lambda _finding: None
) -> Iterator[Ended]:
    """Count every window of a file, the oldest first. One that contradicts what was counted is refused before any is measured."""
    with engine.connected(options.engine, options.address) as cluster:  # before this process is confined
        call, windows = _begin(policy, file, options)
        subject: Subject | None = None
        for window in windows:
            _, history = call.history()
            if not plan.due(window, history, call.scope):
                yield _notified(call, _counted_before(call, window, history))
                continue
            subject = subject or _subject(call, file, cluster, progress, on_finding)
            yield _notified(call, _audited(call, subject, window))


def recorded(policy: Path, file: Path, options: Options) -> Sequence[int] | None:
    """Exit codes that the ledger holds of the windows of a file, measuring nothing; None where one has not been counted."""
    call, windows = _begin(policy, file, options)
    _, history = call.history()
    if any(plan.due(window, history, call.scope) for window in windows):
        return None
    return [_counted_before(call, window, history).exit_code for window in windows]


def _begin(policy: Path, file: Path, options: Options) -> tuple[_Call, tuple[Window, ...]]:
    """What was asked, and the windows of the file."""
    started = times.now()
    loaded = load_policy(policy, allow_outside=options.allow_outside)
    part = scope(loaded, file)
    retraining.refuse_missing_policy(loaded)
    ledger = Ledger(ledger_path(options.out))
    call = _Call(loaded, part, options, ledger, started, record.reconcile(options.out, ledger))
    windows = read(part, file, times.latest(started))
    _, history = call.history()
    for window in windows:
        plan.due(window, history, part)
    return call, windows


def _subject(call: _Call, file: Path, cluster: Cluster | None, progress: Progress, on_finding: Callable[[Finding], None]) -> Subject:
    """Everything beside the windows; from here on the process writes nowhere but below the bundles, the ledger and the cache."""
    out, loaded = call.options.out, call.scope.loaded
    others = prepare.read_datasets(loaded, only=set(loaded.policy.datasets) - {call.scope.spec.on})
    folder = waiver_files.read_folder(loaded)
    ids = {one.id for one in loaded.policy.require}
    folder = replace(folder, waivers=tuple(one for one in folder.waivers if one.waiver.check in ids))
    writer.refuse_unwritable(out)
    folders = [call.ledger.place.parent] if isinstance(call.ledger.place, Path) else []
    folders += notifications.folders(call.scope.spec.notify, loaded.resolve)
    for one in folders:
        with suppress(OSError):  # told of where the ledger is written
            one.mkdir(parents=True, exist_ok=True)
    confinement.confine([out, *folders, disk_cache.root()])
    origin = measure.Origin(file if is_address(str(file)) else file.absolute(), times.latest(call.started))
    return measure.Subject(call.scope, origin, others, folder, call.options.workers, cluster, progress, on_finding)


def _counted_before(call: _Call, window: Window, history: History, *, meanwhile: bool = False) -> Ended:
    """The recorded outcome of a window. Labels that should have come since are missing evidence."""
    last = history.of(window.key)[-1]
    when = " by another call that ran beside this one" if meanwhile else ""
    counted = f"window {window.key} was counted on {moment(datetime.fromisoformat(last.time))}{when}, run {last.run}: {last.outcome}"
    text = f"{counted}; nothing is counted again"
    today = times.latest(call.started).date()
    lacking = call.scope.labelled and not window.labelled and last.labels_sha256 is None
    if lacking and last.labels_due is not None and last.labels_due < today.isoformat():
        return Ended(window.key, outcome.worst([outcome.INCOMPLETE, last.exit_code]), text=f"{text}; its labels were due {last.labels_due}")
    return Ended(window.key, last.exit_code, text=text)


def _notified(call: _Call, ended: Ended) -> Ended:
    """With everybody told who is to be told of the window and was not yet. What stays undelivered is missing evidence."""
    if call.scope.spec.notify is None:
        return ended
    _, history = call.history()
    problems = notifications.tell(call.ledger, call.options.out, history.of(ended.key)[-1].run, ended.audit, call.scope.loaded.resolve)
    code = outcome.worst([outcome.INCOMPLETE, ended.exit_code]) if problems else ended.exit_code
    return replace(ended, exit_code=code, undelivered=problems)


def _audited(call: _Call, subject: Subject, window: Window) -> Ended:
    """Measure a window and record what it comes to. Where another call counts one meanwhile, the evidence is folded anew."""
    begun, watch = time.perf_counter(), Stopwatch()
    entries, history = call.history()
    today = times.latest(call.started, entries).date()
    labels = plan.labels_due(window, history, call.scope, today)
    with watch.stage("measure"):
        result = measure.measure(subject, window, labels, today)
    while True:
        if not (due := plan.due(window, history, call.scope)):
            return _counted_before(call, window, history, meanwhile=True)
        try:
            return _recorded(call, result, _Situation(window, entries, history, due, labels, today), begun, watch)
        except _CountedMeanwhile:
            entries, history = call.history()


@dataclass(frozen=True)
class _Situation:
    """A window, and the ledger as it is before it counts."""

    window: Window
    entries: tuple[Entry, ...]
    history: History
    due: frozenset[str]
    """Requirements for which the window still has to count."""
    labels: date | None
    today: date


def _recorded(call: _Call, result: Result, at: _Situation, begun: float, watch: Stopwatch) -> Ended:
    """Fold, decide, and write bundle and entry: both or neither."""
    loaded, options = call.loaded, call.options
    folded = _fold(call.scope, result, at)
    decided, facts = _decide(call, result, at, folded)
    name = writer.unused(options.out, f"{call.started:%Y%m%d-%H%M%S}-{loaded.sha256[:4]}{options.token}")
    seconds = time.perf_counter() - begun
    run = pipeline_run.run_facts(loaded, name, options.command, call.started, seconds, watch.seconds, decided.findings)
    looks = Looks(at.entries, (), None, {}, {})
    about = {"policy": loaded.policy.policy, "run": run.id, "requested": at.today.isoformat()}
    files = _files(call, at, facts, about | {"candidate_sha256": result.prepared.candidate.sha256})
    written = pipeline_run.write_bundle(result.prepared, decided, looks, run, options, monitor=facts, files=files)

    def payload(entries: tuple[Entry, ...]) -> Mapping[str, object]:
        if state.read(entries, loaded.policy.policy).newest != at.history.newest:
            raise _CountedMeanwhile
        return _payload(written.audit, facts, folded, at, written.sealed) | {retraining.MODEL: measure.model_identity(result.prepared)}

    record.record(written.making, call.ledger, run.started, payload, kind=state.KIND)
    return Ended(at.window.key, decided.verdict.exit_code, written.audit, written.making.place)


@dataclass(frozen=True, slots=True)
class _Folded:
    """The evidence after a window."""

    requirements: Mapping[str, RequirementState]
    counted: Mapping[str, str]
    """Requirements for which the window counts, each with the digest of what its evidence is about."""
    findings: tuple[Finding, ...]
    signals: tuple[Signal, ...]


def _fold(scope: Scope, result: Result, at: _Situation) -> _Folded:
    requirements = dict(at.history.requirements)  # one that the policy leaves out goes on where it comes back
    counted: dict[str, str] = {}
    findings: list[Finding] = []
    signals: list[Signal] = []
    for finding in result.findings:
        about, known = result.about[finding.id], at.history.requirements.get(finding.id)
        now = known if known is not None and known.about == about else RequirementState(about)
        measured = detection.measured(finding)
        if finding.id in at.due and measured.finding.status in rules.JUDGED and not detection.measures_nothing(finding):
            now = detection.fold(now, measured, at.window.key, scope.weight(finding.id), scope.windows)
            counted[finding.id] = about
        requirements[finding.id] = now
        keys = [*at.history.windows_of(finding.id, about), *([at.window.key] if finding.id in counted else ())]
        own = detection.signals(finding.id, now, scope, keys[len(keys) - now.windows :])
        signals += own
        findings.append(detection.decided(measured.finding, own))
    return _Folded(requirements, counted, tuple(findings), tuple(signals))


def _decide(call: _Call, result: Result, at: _Situation, folded: _Folded) -> tuple[Decided, MonitorFacts]:
    scope, prepared = call.scope, result.prepared
    situation = waiver_validity.situation(call.loaded, prepared.waivers, prepared.candidate.sha256, call.started, entries=at.entries)
    waived = apply_waivers.apply_waivers(folded.findings, situation)
    since = replace(prepared, loaded=call.loaded).since(at.entries, call.started)
    against, gaps = plan.overdue(at.history, scope, at.window, at.today)
    awaiting = scope.labelled if at.labels is not None and at.today <= at.labels else frozenset()
    found, verdict = outcome.decide(waived.findings, folded.signals, outcome.Situation(awaiting, against, at.today))
    missing = plan.missing(at.history, at.window, scope)
    asked = _retraining(call, result, at, folded.signals)
    if asked is not None:
        code = outcome.worst([outcome.RETRAIN, verdict.exit_code])
        due = Reason("retraining-due", None, f"A new training is due: {asked.because}")
        verdict = replace(verdict, exit_code=code, reasons=(*verdict.reasons, due))
    remarks = (
        *_labels_remark(at, awaiting),
        *gaps,
        *_anew_remark(folded, at.history),
        *_missing_remark(missing),
        *waived.reasons,
        *policy_change.remarks(since),
        *policy_remarks(call.loaded),
        *prepared.remarks(),
        *call.told,
    )
    window = _window_facts(at)
    arrival = Arrival(window.key, window.start, "late window" if window.late else "window", found)
    evidence = trace.relative(folded.signals)
    arrivals, traces = trace.traces(at.entries, call.loaded.policy.policy, arrival, folded.counted, evidence)
    facts = MonitorFacts(found, window, _budget(scope), folded.signals, missing, asked, history=arrivals, traces=traces)
    return Decided(waived.findings, waived.states, rules.with_remarks(verdict, remarks), since), facts


def _retraining(call: _Call, result: Result, at: _Situation, signals: Sequence[Signal]) -> Retraining | None:
    candidate = retraining.Candidate(call.loaded.policy.policy, measure.model_identity(result.prepared))
    keys = tuple(dict.fromkeys([*at.history.keys, at.window.key]))
    return retraining.due(call.scope.spec.retrain, signals, candidate, at.entries, keys, at.today)


def _files(call: _Call, at: _Situation, facts: MonitorFacts, about: Mapping[str, object]) -> dict[str, str]:
    """The request for a new training, where one is due, as a file of the bundle."""
    asked = facts.retraining
    if asked is None:
        return {}
    path = call.loaded.path if asked.policy is None else call.loaded.resolve(asked.policy)
    must_pass = {"policy": asked.policy or str(call.loaded.path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    before = [retraining.window(at.history.of(key)[-1]) for key in asked.windows if key != at.window.key]
    listed = {str(one["key"]): one for one in (*before, state.window_to_json(at.window))}
    windows = [listed[key] for key in asked.windows]
    return {retraining.FILE: retraining.text({**about, "must_pass": must_pass, "because": asked.because, "windows": windows})}


def _labels_remark(at: _Situation, awaiting: frozenset[str]) -> Iterator[Reason]:
    if awaiting and at.labels is not None:
        text = f"Labels of window {at.window.key} are due until {at.labels.isoformat()}."
        yield Reason("labels-due", None, text, names=tuple(sorted(awaiting)))


def _anew_remark(folded: _Folded, history: History) -> Iterator[Reason]:
    """What was set aside: nobody leaves an alarm by touching what it is about, or by leaving it out, without a trace."""
    asked = {one.id for one in folded.findings}
    for name, before in history.requirements.items():
        alarmed = "an alarm" if any(one.since is not None for one in before.members.values()) else "no alarm"
        windows = f"{before.windows:,} {'window' if before.windows == 1 else 'windows'}, with {alarmed}"
        if before.windows and folded.requirements[name].about != before.about:
            text = f"{name}: the evidence of {windows}, was set aside: its check, bound, reference or model is another one now."
            yield Reason("evidence-anew", None, text)
        elif before.windows and name not in asked:
            yield Reason("evidence-left", None, f"{name}: the evidence of {windows}, stands aside: the policy asks for it no more.")


def _missing_remark(missing: Sequence[str]) -> Iterator[Reason]:
    if missing:
        more = f" and {len(missing) - 3:,} more" if len(missing) > 3 else ""  # noqa: PLR2004  # windows that are named
        yield Reason("windows-missing", None, f"Windows that never came: {', '.join(missing[:3])}{more}.")


def _window_facts(at: _Situation) -> WindowFacts:
    window = at.window
    return WindowFacts(
        key=window.key,
        start=None if window.start is None else window.start.isoformat(),
        end=None if window.end is None else window.end.isoformat(),
        rows=window.data.rows,
        labelled=window.labelled,
        late=plan.is_late(window, at.history),
        number=len({*at.history.keys, window.key}),
        labels_due=None if at.labels is None else at.labels.isoformat(),
    )


def _budget(scope: Scope) -> BudgetFacts:
    kind, every = scope.spec.window, scope.spec.false_alarm_every
    words = kind if isinstance(kind, str) else f"{kind.rows:,} rows"
    return BudgetFacts(days(every) if isinstance(every, str) else None, words, scope.windows)


def _payload(audit: AuditRun, facts: MonitorFacts, folded: _Folded, at: _Situation, sealed: str) -> dict[str, object]:
    """What the entry of a window keeps: all that the next call needs."""
    return {
        **last_promotion.kept(audit),
        **state.window_to_json(at.window),
        "policy": audit.policy.policy,
        "policy_sha256": audit.policy_sha256,
        "candidate_sha256": audit.candidate.sha256,
        "run": audit.run.id,
        "bundle_sha256": sealed,
        "labels_due": facts.window.labels_due,
        "late": facts.window.late,
        "window": facts.window.number,
        "requirements": dict(folded.counted),
        trace.EVIDENCE: trace.relative(facts.signals),
        "outcome": facts.outcome,
        retraining.ASKED: facts.retraining is not None,
        "decision": audit.verdict.decision,
        "exit_code": audit.verdict.exit_code,
        "waivers": [one.id for one in audit.waivers if one.standing == "in_force"],
        state.STATE: state.to_json(folded.requirements),
    }
