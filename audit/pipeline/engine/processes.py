"""Measure jobs in worker processes, one job at a time each. A worker past its job's limit is killed and replaced.

Workers are forked from the audit's process, whose memory they share: data sets, candidate and catalogue are there without a copy, and a
candidate need not be storable. That process runs no model and starts no thread, so that a fork is safe. Where no fork is, workers are
spawned, and read everything themselves. Why: docs/adr/0013-worker-processes.md.
"""

from __future__ import annotations

import select
import tempfile
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from audit.candidates import model_calls
from audit.child_process import LOOK, Child, Ended, Pipe
from audit.errors import CandidateError
from audit.pipeline.engine import inline
from audit.pipeline.jobs import Failure, Measurement
from audit.progress import Progress, Received, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from audit.pipeline.jobs import Job, JobSpec


@dataclass(frozen=True, slots=True)
class Workers:
    """How many processes measure."""

    most: int
    """With none, the jobs are measured in the audit's own process, and none has a limit."""
    specs: Sequence[JobSpec] | None = None
    """One for each job, for workers that are spawned because a fork is not safe; None for forked ones."""


INLINE = Workers(0)


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker must measure."""

    place: int
    """Of the job among the jobs."""
    requirement: str
    folder: Path
    """Shared by all processes of the run."""
    spec: JobSpec | None
    """Of a worker that shares no memory with the audit's process."""


@dataclass(frozen=True, slots=True)
class _Report:
    """What a worker says at the end of a job."""

    measurement: Measurement | CandidateError
    answered: frozenset[str]
    """Keys of the model's answers that it has asked for so far."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Whether the worker waits for answers that another process computes."""

    yes: bool


def run(jobs: Sequence[Job], on_measured: Callable[[int, Measurement], None], *, workers: Workers, progress: Progress) -> None:
    """Measure the jobs, begun in their order; `on_measured` receives each place and measurement as it comes."""
    with tempfile.TemporaryDirectory(prefix="workers-") as folder:
        pool = _Pool(jobs, workers, Path(folder), progress)
        try:
            for place, measurement in pool.measurements():
                on_measured(place, measurement)
        finally:
            pool.close()


@dataclass
class _Worker:
    """A worker process and the job that it is at."""

    child: Child
    shown: Received
    place: int | None = None
    begun: float = 0.0
    deadline: float = float("inf")
    waits: bool = False
    """Whether it waits for answers of the model that another process computes."""
    left: float = 0.0
    """Seconds that its job may still take once its wait is over."""


@dataclass
class _Pool:
    """The worker processes of one run."""

    jobs: Sequence[Job]
    how: Workers
    folder: Path
    progress: Progress
    workers: list[_Worker] = field(default_factory=list)

    def measurements(self) -> Iterator[tuple[int, Measurement]]:
        """Each job's place and measurement, as they come."""
        due: deque[int] = deque()
        for place, job in enumerate(self.jobs):
            if (settled := inline.settled(job)) is not None:
                yield place, settled
            else:
                due.append(place)
        while True:
            while due and (worker := self._free()) is not None:
                yield from self._give(worker, due.popleft())
            if all(worker.place is None for worker in self.workers) and not due:
                return
            measured = [*self._read_reports(), *self._stop_overdue()]
            while due and (worker := self._free()) is not None:  # before the judging, which the next job does not wait for
                measured += self._give(worker, due.popleft())
            yield from measured

    def close(self) -> None:
        """End every worker, whatever it is at."""
        while self.workers:
            self._drop(self.workers[-1])

    def _free(self) -> _Worker | None:
        """A worker without a job; None where as many as there may be are at work."""
        free = next((worker for worker in self.workers if worker.place is None), None)
        if free is None and len(self.workers) < self.how.most:
            free = self._start()
        return free

    def _start(self) -> _Worker:
        """A new worker process."""
        if self.how.specs is None:
            jobs = self.jobs
            child = Child.fork(lambda pipe: serve(pipe, lambda order: jobs[order.place]))
        else:
            child = Child.spawn("audit.pipeline.job_spec")
        worker = _Worker(child, Received(self.progress))
        self.workers.append(worker)
        return worker

    def _give(self, worker: _Worker, place: int) -> list[tuple[int, Measurement]]:
        """Begin a job; a worker that ended since its last one is replaced."""
        for again in (True, False):
            try:
                spec = None if self.how.specs is None else self.how.specs[place]
                worker.child.send(Order(place, self.jobs[place].requirement.id, self.folder, spec))
            except Ended as ended:
                self._drop(worker)
                if not again:
                    return [(place, Measurement(_process_ended(str(ended))))]
                worker = self._start()
            else:
                worker.place, worker.begun, worker.waits = place, time.monotonic(), False
                worker.deadline = worker.begun + self.jobs[place].limit
                break
        return []

    def _read_reports(self) -> list[tuple[int, Measurement]]:
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
                found += self._discard(worker, _process_ended(how), None)
        return found

    def _handle(self, worker: _Worker, message: object) -> list[tuple[int, Measurement]]:
        """One report of a worker."""
        if isinstance(message, Step):
            worker.shown.take(message)
        elif isinstance(message, _Waiting):
            now = time.monotonic()
            worker.waits = message.yes
            if worker.waits:
                worker.left, worker.deadline = worker.deadline - now, now + max(job.limit for job in self.jobs)
            else:
                worker.deadline = now + worker.left
        elif isinstance(message, _Report) and worker.place is not None:
            job, place = self.jobs[worker.place], worker.place
            worker.place, worker.deadline = None, float("inf")
            job.subject.predicted.announce(message.answered, self.folder)
            if isinstance(message.measurement, CandidateError):
                raise message.measurement
            return [(place, message.measurement)]
        return []

    def _stop_overdue(self) -> Iterator[tuple[int, Measurement]]:
        """Workers past the limit of their job, which are killed."""
        for worker in list(self.workers):
            if worker.place is not None and time.monotonic() >= worker.deadline:
                limit = self.jobs[worker.place].limit
                text = f"gave no result within its limit of {limit:g} seconds: "
                text += "give it fewer rows or, in the policy, a higher `limit`, or find out what it waits for"
                if worker.waits:
                    text = "another process computes the model's answers and does not end: find out which audit uses the same cache"
                yield from self._discard(worker, Failure("error", text), limit)

    def _discard(self, worker: _Worker, why: Failure, limit: float | None) -> list[tuple[int, Measurement]]:
        """The measurement of a worker that is no more, or must be no more."""
        model_calls.settle(self.folder, worker.child.pid, limit)
        self._drop(worker)
        return [] if worker.place is None else [(worker.place, Measurement(why, time.monotonic() - worker.begun))]

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
        model_calls.current = model_calls.current or model_calls.ModelCalls(order.folder, on_wait)
        model_calls.current.requirement = order.requirement
        pipe.send(_Report(_measured(order, job_of, on_wait), frozenset(model_calls.current.answered)))


def _measured(order: Order, job_of: Callable[[Order], Job], on_wait: Callable[[bool], None]) -> Measurement | CandidateError:
    started = time.perf_counter()
    try:
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


def _process_ended(how: str) -> Failure:
    more = "; the system may have run out of memory" if "SIGKILL" in how else ""
    return Failure("error", f"the process that measured it {how}{more}: this is a fault of the check, a library or the system")
