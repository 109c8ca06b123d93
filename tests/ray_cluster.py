"""A Ray cluster of two nodes on this machine, in a process of its own: Ray leaves sockets and processes open, which warnings would tell of.

As a program it prints the cluster's address, removes and adds the second node as it reads, and ends with its input.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ALONE: dict[str, Any] = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
"""For the cluster and whoever uses it: it ends with the test."""
_QUICK = {"health_check_period_ms": 500, "health_check_timeout_ms": 2000, "health_check_failure_threshold": 3}
"""A lost node is noticed in seconds."""


class TwoNodes:
    """The cluster as tests see it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdout is not None
        self.address = process.stdout.readline().strip()

    def remove_second(self) -> None:
        """As if its machine failed."""
        self._tell("remove")

    def add_second(self) -> None:
        """As if its machine came back."""
        self._tell("add")

    def _tell(self, what: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n"


@contextmanager
def two_nodes() -> Iterator[TwoNodes]:
    """Two nodes of one CPU each."""
    with ExitStack() as until:
        cluster = until.enter_context(_started())
        for _ in range(2):
            if cluster.address:
                break
            cluster = until.enter_context(_started())  # a busy machine does not start it within the seconds that Ray allows
        assert cluster.address, "the cluster does not start"
        yield cluster


@contextmanager
def _started() -> Iterator[TwoNodes]:
    with subprocess.Popen(
        [sys.executable, str(Path(__file__))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | ALONE,
    ) as process:
        try:
            yield TwoNodes(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(timeout=20)
            finally:
                process.kill()


def _serve() -> None:
    from ray.cluster_utils import Cluster

    store: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80_000_000}
    cluster = Cluster(initialize_head=True, head_node_args={**store, "include_dashboard": False, "_system_config": _QUICK})
    second = cluster.add_node(**store)
    out = os.fdopen(os.dup(1), "w")
    print(cluster.address, file=out, flush=True)
    for line in sys.stdin:
        if line == "add\n":
            second = cluster.add_node(**store)
        else:
            cluster.remove_node(second, allow_graceful=False)
        print("done", file=out, flush=True)
    cluster.shutdown()  # type: ignore[no-untyped-call]  # Ray's own


if __name__ == "__main__":
    _serve()
