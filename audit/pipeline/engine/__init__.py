"""Measure the jobs of a plan: in this process, or in worker processes that can be killed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.child_process import start_method
from audit.pipeline.engine import inline, processes
from audit.pipeline.engine.processes import INLINE, Workers
from audit.progress import SILENT, Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from audit.pipeline.jobs import Job, Measurement

__all__ = ["INLINE", "Workers", "measure", "measure_one"]


def measure_one(job: Job, *, workers: Workers = INLINE) -> Measurement:
    """What one job came to."""
    found: list[Measurement] = []
    measure([job], lambda _place, measurement: found.append(measurement), workers=workers)
    return found[0]


def measure(
    jobs: Sequence[Job], on_measured: Callable[[int, Measurement], None], *, workers: Workers = INLINE, progress: Progress = SILENT
) -> None:
    """Measure every job; `on_measured` receives each one's place and what it came to.

    Without workers no job has a limit; so it is for jobs that have no specs where workers cannot be forked.
    """
    if workers.most and (workers.specs is not None or start_method() == "fork"):
        processes.run(jobs, on_measured, workers=workers, progress=progress)
    else:
        inline.run(jobs, on_measured)
