"""Measure jobs in worker processes, one job at a time each. A worker past its job's limit is killed and replaced.

Workers are forked from the audit's process, whose memory they share: data sets, candidate and catalogue are there without a copy, and a
candidate need not be storable. That process runs no model and starts no thread, so that a fork is safe. Where no fork is, workers are
spawned, and read everything themselves. Why: docs/adr/0013-worker-processes.md.
"""

from __future__ import annotations

import secrets
import select
import tempfile
import time
from collections import deque
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from audit.candidates import model_calls
from audit.child_process import LOOK, Child, Ended, Pipe
from audit.errors import CandidateError, ToolError
from audit.pipeline.engine import inline
from audit.pipeline.jobs import Failure, Measurement
from audit.progress import Progress, Received, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from audit.pipeline.engine.ray import Cluster
    from audit.pipeline.jobs import Job, JobSpec

EngineName = Literal["local", "ray"]
Outcome: TypeAlias = "Measurement | CandidateError | Returned"


@dataclass(frozen=True, slots=True)
class Workers:
    """How many processes measure, and where."""

    most: int
    """With none, the jobs are measured in the audit's own process, and none has a limit."""
    specs: Sequence[JobSpec] | None = None
    """One for each job, for workers that share no memory with the audit's process; None for forked ones."""
    cluster: Cluster | None = None
    """Where they are on a Ray cluster."""


INLINE = Workers(0)


@dataclass(frozen=True, slots=True)
class Call:
    """A function and what it is called with, in place of a job. Both must be such that another process can make them anew."""

    name: str
    """What messages call it."""
    function: Callable[..., Any]
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Returned:
    """What a call came to."""

    value: Any


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker must do."""

    place: int
    """Of the job among the jobs, or of the call among the calls."""
    requirement: str
    """Its id, or the name of the call."""
    limit: float
    """Seconds after which it counts as hung."""
    patience: float
    """Seconds that it may wait for its own reading, or for answers that another process computes."""
    folder: Path
    """Shared by all processes of the run."""
    spec: JobSpec | Call | None
    """What it is made from in a worker that shares no memory with the audit's process."""
    worker: str = ""
    """Which worker it was given to, by a name of its own among all machines."""


@dataclass(frozen=True, slots=True)
class Done:
    """How an order ended."""

    place: int
    outcome: Outcome
    answered: frozenset[str] = frozenset()
    """Keys of the model's answers that the worker has asked for so far."""
    is_killed: bool = False
    """Whether its process was killed, by whatever else than its limit."""


@dataclass(frozen=True, slots=True)
class _Report:
    """What a worker says at the end of a job."""

    outcome: Outcome
    answered: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Whether the worker waits for answers that another process computes."""

    yes: bool


def run(jobs: Sequence[Job], on_measured: Callable[[int, Measurement], None], *, workers: Workers, progress: Progress) -> None:
    """Measure the jobs, begun in their order; `on_measured` receives each place and measurement as it comes."""

    def fork() -> Child:
        return Child.fork(lambda pipe: serve(pipe, lambda order: jobs[order.place]))

    with tempfile.TemporaryDirectory(prefix="workers-") as name:
        folder = Path(name)
        due = unsettled(jobs, on_measured, workers.specs, folder)
        with closing(_done(due, Pool(fork if workers.specs is None else spawn, workers.most, progress))) as ended:
            for done in ended:
                take(jobs, done, folder, on_measured)


def call(calls: Sequence[Call], on_returned: Callable[[int, Any], None], *, workers: Workers, progress: Progress) -> None:
    """Make the calls, begun in their order; `on_returned` receives each place and value as it comes."""
    pool = Pool(spawn, workers.most, progress)
    with tempfile.TemporaryDirectory(prefix="workers-") as name, closing(_done(orders_of(calls, Path(name)), pool)) as ended:
        for done in ended:
            on_returned(done.place, value_of(done))


def spawn() -> Child:
    """A worker that shares no memory with this process."""
    return Child.spawn("audit.pipeline.job_spec")


def _done(due: deque[Order], pool: Pool) -> Generator[Done]:
    """How each order ended, as it comes."""
    try:
        while due or pool.is_busy:
            done = pool.begin(due)
            done += pool.wait()
            done += pool.begin(due)  # before the judging, which the next job does not wait for
            yield from done
    finally:
        pool.close()


def orders_of(calls: Sequence[Call], folder: Path) -> deque[Order]:
    """One order for each call; none has a limit."""
    return deque(Order(place, one.name, float("inf"), float("inf"), folder, one) for place, one in enumerate(calls))


def value_of(done: Done) -> Any:
    """What a call returned; raises what it raised, and ToolError where it broke or its worker was lost."""
    if isinstance(done.outcome, Returned):
        return done.outcome.value
    if isinstance(done.outcome, Measurement) and isinstance(failure := done.outcome.result, Failure):
        raise failure.error or ToolError(failure.message)
    raise done.outcome if isinstance(done.outcome, CandidateError) else ToolError(str(done.outcome))


def unsettled(
    jobs: Sequence[Job], on_measured: Callable[[int, Measurement], None], specs: Sequence[JobSpec] | None, folder: Path
) -> deque[Order]:
    """The orders of the jobs that must be measured; the others are reported."""
    due: deque[Order] = deque()
    patience = max((job.limit for job in jobs), default=0.0)
    for place, job in enumerate(jobs):
        if (settled := inline.settled(job)) is not None:
            on_measured(place, settled)
        else:
            due.append(Order(place, job.requirement.id, job.limit, patience, folder, None if specs is None else specs[place]))
    return due


def take(jobs: Sequence[Job], done: Done, folder: Path, on_measured: Callable[[int, Measurement], None]) -> None:
    """Report how a job ended; a candidate that cannot be run ends the audit."""
    jobs[done.place].subject.predicted.announce(done.answered, folder)
    if isinstance(done.outcome, CandidateError):
        raise done.outcome
    assert isinstance(done.outcome, Measurement)  # noqa: S101  # a job is no call
    on_measured(done.place, done.outcome)


@dataclass
class _Worker:
    """A worker process and the job that it is at."""

    child: Child
    shown: Received
    name: str = field(default_factory=lambda: secrets.token_hex(8))
    order: Order | None = None
    begun: float = 0.0
    deadline: float = float("inf")
    waits: bool = False
    """Whether it waits for answers of the model that another process computes."""
    left: float = 0.0
    """Seconds that its job may still take once its wait is over."""


@dataclass
class Pool:
    """Worker processes on this machine."""

    start: Callable[[], Child]
    most: int
    progress: Progress
    workers: list[_Worker] = field(default_factory=list)

    @property
    def is_busy(self) -> bool:
        """Whether any worker is at a job."""
        return any(worker.order is not None for worker in self.workers)

    def begin(self, due: deque[Order]) -> list[Done]:
        """Begin the first of the orders, as many as there are free workers."""
        done = []
        while due and (worker := self._free()) is not None:
            done += self._give(worker, due.popleft())
        return done

    def wait(self) -> list[Done]:
        """The jobs that have ended, once one has, or none does for a while."""
        return [*self._read_reports(), *self._stop_overdue()] if self.is_busy else []

    def close(self) -> None:
        """End every worker, whatever it is at."""
        while self.workers:
            self._drop(self.workers[-1])

    def _free(self) -> _Worker | None:
        """A worker without a job; None where as many as there may be are at work."""
        free = next((worker for worker in self.workers if worker.order is None), None)
        if free is None and len(self.workers) < self.most:
            free = self._started()
        return free

    def _started(self) -> _Worker:
        """A new worker process."""
        worker = _Worker(self.start(), Received(self.progress))
        self.workers.append(worker)
        return worker

    def _give(self, worker: _Worker, order: Order) -> list[Done]:
        """Begin a job; a worker that ended since its last one is replaced."""
        for again in (True, False):
            try:
                worker.child.send(replace(order, worker=worker.name))
            except Ended as ended:
                self._drop(worker)
                if not again:
                    return [_process_ended(order, str(ended), 0.0)]
                worker = self._started()
            else:
                worker.order, worker.begun, worker.waits = order, time.monotonic(), False
                worker.deadline = worker.begun + order.limit
                break
        return []

    def _read_reports(self) -> list[Done]:
        """What the workers report, once one does, or none does for a while."""
        patience = min([LOOK, *(worker.deadline - time.monotonic() for worker in self.workers)])
        ready = select.select([worker.child for worker in self.workers], [], [], max(patience, 0.0))[0]
        found = []
        for worker in list(self.workers):
            how = None if worker.child in ready else worker.child.how_it_ended()
            try:
                for message in worker.child.messages() if worker.child in ready else ():
                    found += self._handle(worker, message)
            except Ended as ended:
                how = str(ended)
            if how is not None:
                order, seconds = worker.order, time.monotonic() - worker.begun
                self._discard(worker, None)
                found += [] if order is None else [_process_ended(order, how, seconds)]
        return found

    def _handle(self, worker: _Worker, message: object) -> list[Done]:
        """One report of a worker."""
        if isinstance(message, Step):
            worker.shown.take(message)
        elif isinstance(message, _Waiting) and worker.order is not None:
            now = time.monotonic()
            worker.waits = message.yes
            if worker.waits:
                worker.left, worker.deadline = worker.deadline - now, now + worker.order.patience
            else:
                worker.deadline = now + worker.left
        elif isinstance(message, _Report) and worker.order is not None:
            place = worker.order.place
            worker.order, worker.deadline = None, float("inf")
            return [Done(place, message.outcome, message.answered)]
        return []

    def _stop_overdue(self) -> list[Done]:
        """Workers past the limit of their job, which are killed."""
        found = []
        for worker in list(self.workers):
            if (order := worker.order) is not None and time.monotonic() >= worker.deadline:
                text = f"gave no result within its limit of {order.limit:g} seconds: "
                text += "give it fewer rows or, in the policy, a higher `limit`, or find out what it waits for"
                if worker.waits:
                    text = "another process computes the model's answers and does not end: find out which audit uses the same cache"
                self._discard(worker, order.limit)
                found.append(Done(order.place, Measurement(Failure("error", text), time.monotonic() - worker.begun)))
        return found

    def _discard(self, worker: _Worker, limit: float | None) -> None:
        """End a worker amid its job, at the job's limit if that is given."""
        if worker.order is not None:
            model_calls.settle(worker.order.folder, worker.name, limit)
        self._drop(worker)

    def _drop(self, worker: _Worker) -> None:
        self.workers.remove(worker)
        worker.child.kill()
        worker.shown.finish()


def serve(pipe: Pipe, job_of: Callable[[Order], Job]) -> None:
    """The life of a worker, in its own process."""

    def on_wait(yes: bool) -> None:  # noqa: FBT001  # what it tells is this one fact
        pipe.send(_Waiting(yes))

    while True:
        order: Order = pipe.receive()
        model_calls.current = model_calls.current or model_calls.ModelCalls(order.folder, on_wait, order.worker)
        model_calls.current.requirement = order.requirement
        pipe.send(_Report(_measured(order, job_of, on_wait), frozenset(model_calls.current.answered)))


def _measured(order: Order, job_of: Callable[[Order], Job], on_wait: Callable[[bool], None]) -> Outcome:
    started = time.perf_counter()
    try:
        if isinstance(order.spec, Call):
            return Returned(order.spec.function(*order.spec.arguments))
        if order.spec is not None:
            on_wait(True)  # for its own reading of policy, data and model, which no check's limit is about
        job = job_of(order)
        if order.spec is not None:
            on_wait(False)
        return inline.measure(job)
    except CandidateError as error:
        return error
    except BaseException as error:  # noqa: BLE001  # a KeyboardInterrupt is the check's own: signals end a worker at once
        return Measurement(inline.failure(error), time.perf_counter() - started)


def _process_ended(order: Order, how: str, seconds: float) -> Done:
    is_killed = "SIGKILL" in how
    more = "; the system may have run out of memory" if is_killed else ""
    text = f"the process that measured it {how}{more}: this is a fault of the check, a library or the system"
    return Done(order.place, Measurement(Failure("error", text), seconds), is_killed=is_killed)
