"""A place on a machine of a Ray cluster at which jobs are measured one at a time, each in a process that can be killed.

Ray makes an actor of it. The actor runs no check itself: it starts the same worker process as an audit without Ray, and watches over it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audit import child_process, disk_cache, progress
from audit.candidates import confinement
from audit.candidates.predictions import LIBRARIES
from audit.child_process import Child
from audit.pipeline import evidence_cache
from audit.pipeline.engine.processes import Pool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from audit.pipeline.engine.processes import Done, Order
    from audit.progress import Step

PASSED_ON = ("HF_HOME", "HF_HUB_OFFLINE", "PYTHONHASHSEED", "TOKENIZERS_PARALLELISM", "TRANSFORMERS_OFFLINE", "TZ")
"""Variables of the environment that libraries read, besides the settings that move the last digits of numbers."""


@dataclass(frozen=True, slots=True)
class Site:
    """What must be the same wherever a job of the audit is measured."""

    project: str
    """The audit's current directory."""
    folder: str
    """Of the run, in the cache."""
    mark: str
    """Name of a file in that folder."""
    facts: Mapping[str, str]
    """What moves numbers: code, versions of libraries, processor, threads."""
    environment: Mapping[str, str]
    """Variables as the audit has them; a setting that is not among them is unset."""

    @classmethod
    def here(cls, folder: Path) -> Site:
        """That of this process; leaves the mark in the folder."""
        mark = folder / "shared"
        mark.touch()
        environment = {name: os.environ[name] for name in (*PASSED_ON, *disk_cache.SETTINGS) if name in os.environ}
        return cls(str(Path.cwd()), str(folder), mark.name, _facts(), environment)

    def enter(self) -> None:
        """Take over the audit's variables."""
        for name in (*PASSED_ON, *disk_cache.SETTINGS):
            os.environ.pop(name, None)  # Ray sets some of them for its workers
        os.environ.update(self.environment)


def _facts() -> dict[str, str]:
    return {**disk_cache.surroundings(*LIBRARIES), "code of audit": evidence_cache.package_digest()}


class Slot:
    """Measures one job at a time."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._steps: deque[Step] = deque()
        progress.relay(self._steps.append)
        self._pool = Pool(_start, 1, progress.on_stderr())

    def enter(self) -> str | None:
        """Make all as the audit has it. Why jobs cannot be measured here; None where they can."""
        self._site.enter()
        missing = [place for place in (self._site.project, f"{self._site.folder}/{self._site.mark}") if not Path(place).exists()]
        if missing:
            text = f"does not have {missing[0]}: the project with its data and models, and the cache (AUDIT_CACHE),"
            return f"{text} must lie on a file system that every node reaches under the same paths"
        here = _facts()
        other = [
            f"{name} is {here.get(name) or 'absent'} there and {self._site.facts.get(name) or 'absent'} here"
            for name in sorted({*here, *self._site.facts})
            if here.get(name) != self._site.facts.get(name)
        ]
        if other:
            return f"would not give the same numbers: {'; '.join(other)}: use nodes that are like this machine"
        _confine(self._site)
        return None

    def measure(self, order: Order) -> Iterator[Step | Done | None]:
        """What the job's tasks do, None at least every second as a sign of life, and at last how the job ended."""
        done = self._pool.begin(deque([order]))
        while not done:
            done = self._pool.wait()
            while self._steps:
                yield self._steps.popleft()
            yield None
        yield done[0]


def _confine(site: Site) -> None:
    """Write nowhere but in the cache: a worker process that a model's file took over could make this process run its code."""
    tempfile.tempdir = os.environ["TMPDIR"] = tempfile.mkdtemp(prefix="slot-", dir=site.folder)
    confinement.arm()
    confinement.confine([Path(site.folder).parent])


def _start() -> Child:
    """A worker process that knows nothing of the cluster, such as its token.

    It imports what this one imports, but for the copies of libraries that Ray brings for itself.
    """
    import ray

    own = Path(str(ray.__file__)).resolve().parent
    path = [place for place in sys.path if place and own not in (Path(place).resolve(), *Path(place).resolve().parents)]
    environment = child_process.spawned_environment(path)
    return Child.spawn("audit.pipeline.job_spec", {name: value for name, value in environment.items() if not name.startswith("RAY_")})
