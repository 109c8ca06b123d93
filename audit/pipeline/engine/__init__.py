"""Measure the jobs of a plan: in this process, in worker processes that can be killed, or on a Ray cluster."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from audit.child_process import start_method
from audit.errors import InputError
from audit.pipeline.engine import inline, processes
from audit.pipeline.engine.processes import INLINE, Call, EngineName, Workers
from audit.progress import SILENT, Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from audit.pipeline.engine.ray import Cluster
    from audit.pipeline.jobs import Job, Measurement

__all__ = ["INLINE", "Call", "EngineName", "Workers", "call", "chosen_engine", "connected", "measure", "measure_one"]


@contextmanager
def connected(engine: EngineName, address: str | None) -> Iterator[Cluster | None]:
    """The Ray cluster of a command, which must be connected to before its process is confined; None for an engine without one."""
    if engine == "ray":
        from audit.pipeline.engine import ray

        with ray.connected(address) as cluster:
            yield cluster
    else:
        yield None


def call(calls: Sequence[Call], *, workers: Workers = INLINE, progress: Progress = SILENT) -> tuple[Any, ...]:
    """What each call returned, in the order of the calls, whichever came first; the first error is raised."""
    task = progress.start("parts", len(calls))
    found: dict[int, Any] = {}

    def on_returned(place: int, value: Any) -> None:
        found[place] = value
        task.advance()

    try:
        if workers.cluster is not None:
            from audit.pipeline.engine import ray

            ray.call(calls, on_returned, workers=workers, progress=progress)
        elif workers.most:
            processes.call(calls, on_returned, workers=workers, progress=progress)
        else:
            for place, one in enumerate(calls):
                on_returned(place, one.function(*one.arguments))
    finally:
        task.finish()
    return tuple(found[place] for place in range(len(calls)))


def measure_one(job: Job, *, workers: Workers = INLINE) -> Measurement:
    """What one job came to."""
    found: list[Measurement] = []
    measure([job], lambda _place, measurement: found.append(measurement), workers=workers)
    return found[0]


def chosen_engine(name: str, address: str | None) -> EngineName:
    """The engine that options name; InputError where it cannot be used."""
    if name == "ray":
        from audit.pipeline.engine import ray

        ray.refuse_unusable(address)
        return "ray"
    if name != "local":
        msg = f"--engine {name}: is no engine: choose local or ray"
        raise InputError(msg)
    if address is not None:
        msg = f"--address {address}: is of a Ray cluster: add --engine ray"
        raise InputError(msg)
    return "local"


def measure(
    jobs: Sequence[Job], on_measured: Callable[[int, Measurement], None], *, workers: Workers = INLINE, progress: Progress = SILENT
) -> None:
    """Measure every job; `on_measured` receives each one's place and what it came to.

    Without workers no job has a limit; so it is for jobs that have no specs where workers cannot be forked.
    """
    if workers.cluster is not None:
        from audit.pipeline.engine import ray

        ray.run(jobs, on_measured, workers=workers, progress=progress)
    elif workers.most and (workers.specs is not None or start_method() == "fork"):
        processes.run(jobs, on_measured, workers=workers, progress=progress)
    else:
        inline.run(jobs, on_measured)
