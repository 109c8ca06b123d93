"""Run the jobs of a plan. A check that crashes, hangs or says nothing ends as `error`, never as silence."""

from __future__ import annotations

import queue
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from audit import seeds
from audit.decision.judge import judge, without_evidence
from audit.errors import AuditError, CandidateError, CannotMeasure
from audit.evidence import Evidence, Pair, Unmeasured
from audit.formatting import impersonal
from audit.pipeline.one_class import unproven
from audit.pipeline.vacuous_bounds import refuse_empty_bound

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from audit.check import Check, CheckInfo, Params
    from audit.decision.finding import Finding
    from audit.ledger.alpha_spending import Spent
    from audit.policy.schema import Requirement
    from audit.subject import Subject


@dataclass(frozen=True)
class Job:
    """One requirement, ready to be measured."""

    requirement: Requirement
    check: Check
    info: CheckInfo
    params: Params
    subject: Subject
    seed: int
    confidence: float
    owner: str
    skip: str | None = None
    """Why it is not run, where it is not."""
    lost: tuple[Unmeasured, ...] = ()
    """Groups that the last promotion was measured on and the data lack."""
    spent: Spent | None = None
    """What it may use towards a pass, where the error is spent over looks."""


class Hung(AuditError):
    """A check outlived its limit."""


def run(jobs: Sequence[Job], *, workers: int = 1, done: Callable[[Finding], None] = lambda _finding: None) -> tuple[Finding, ...]:
    """One finding a job, in the order of the jobs; `done` hears of each as it comes."""

    def one(job: Job) -> Finding:
        finding = _run(job)
        done(finding)
        return finding

    if workers == 1:
        return tuple(one(job) for job in jobs)
    pool = ThreadPoolExecutor(max_workers=workers)
    try:
        return tuple(pool.map(one, jobs))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # an interrupted run does not wait for the checks at work


def _run(job: Job) -> Finding:
    if job.skip is not None:
        return without_evidence(job.requirement, job.info, "not_run", job.skip, owner=job.owner)
    started = time.perf_counter()
    finding = _finding(job)
    return replace(finding, seconds=time.perf_counter() - started)


def _finding(job: Job) -> Finding:
    """The finding of one job; this is the only place that catches everything but a candidate that cannot be run."""
    try:
        return judge(job.requirement, job.info, measured(job), confidence=job.confidence, owner=job.owner, spent=job.spent)
    except CannotMeasure as error:
        return without_evidence(job.requirement, job.info, "not_run", str(error), owner=job.owner)
    except CandidateError:
        raise
    except AuditError as error:
        return without_evidence(job.requirement, job.info, "error", str(error), owner=job.owner)
    except Exception as error:  # noqa: BLE001  # whatever a check raises is an error of that check
        return without_evidence(job.requirement, job.info, "error", _told(error), owner=job.owner)


def measured(job: Job) -> Evidence:
    """What the job's check found, complete and within its limit; whatever is wrong with it is raised."""
    asked = job.check.measure if job.requirement.against is None else job.check.compare
    if asked is None:
        msg = f"{job.requirement.check} compares no two models"
        raise TypeError(msg)
    refuse_empty_bound(job.requirement, job.check, job.subject, job.params)
    evidence = _within(job.check.limit, lambda: asked(job.subject, job.params, seeds.stream(job.seed, job.requirement.id)))
    _complete(job, evidence)
    known = {one.name for one in evidence.unmeasured}
    more = [one for one in (*unproven(job.subject, job.check), *job.lost) if one.name not in known]
    return replace(evidence, unmeasured=(*evidence.unmeasured, *more)) if more else evidence


def _within(limit: float, measure: Callable[[], Evidence]) -> Evidence:
    """What `measure` returns, run in a thread of its own so that a hung one can be given up."""
    outcome: queue.SimpleQueue[Evidence | BaseException] = queue.SimpleQueue()

    def work() -> None:
        try:
            outcome.put(measure())
        except BaseException as error:  # noqa: BLE001  # carried over to the caller, which raises it
            outcome.put(error)

    threading.Thread(target=work, daemon=True, name="audit-check").start()
    try:
        result = outcome.get(timeout=limit)
    except queue.Empty:
        msg = f"gave no result within its limit of {limit:g} seconds: give it fewer rows, or find out what it waits for"
        raise Hung(msg) from None
    if isinstance(result, Exception):
        raise result
    if isinstance(result, BaseException):  # SystemExit in a check ends the check, not the audit
        msg = f"{type(result).__name__}({result})"
        raise RuntimeError(msg) from result  # noqa: TRY004  # no wrong type was passed
    return result


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


def _told(error: BaseException) -> str:
    """The error in one line, with the place where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno})" if frames else ""
    told = f"{type(error).__name__}: {impersonal(str(error))}{place}"
    return f"{told}. The check broke: this is a fault of the tool or of its surroundings, not of the model."
