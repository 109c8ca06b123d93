"""The program of a worker process that was not forked: it reads policy, data and model itself, once, and measures what it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit import child_process
from audit.pipeline import job_spec
from audit.pipeline.engine import processes

if TYPE_CHECKING:
    from audit.pipeline.job import Job


def _job(order: processes.Order) -> Job:
    assert order.spec is not None  # noqa: S101  # this worker shares no memory with the audit's process
    return job_spec.job(order.spec)


if __name__ == "__main__":
    child_process.be_spawned(lambda pipe: processes.serve(pipe, _job))
