"""Measure jobs on a Ray cluster: on one that runs, or on one that is started here and ends with the run.

Workers share no memory with the audit's process: each makes its jobs from their specs, reads the data and opens the model itself. Data,
models and cache must lie under the same paths on every node. Why: docs/adr/0026-ray.md.
"""

from __future__ import annotations

import logging
import re
import secrets
import select
import shutil
import socket
import tempfile
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from audit import disk_cache
from audit.child_process import LOOK, Child, Ended, spawned_environment
from audit.errors import InputError, MissingExtra, ToolError
from audit.pipeline.engine import processes
from audit.pipeline.engine.processes import Done
from audit.pipeline.engine.ray_driver import Begin, Connect, Connected, Refused, Remark, Shown
from audit.pipeline.engine.ray_slot import Site
from audit.pipeline.jobs import Failure, Measurement
from audit.progress import Progress, Received

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from audit.errors import AuditError
    from audit.pipeline.engine.processes import Call, Order, Workers
    from audit.pipeline.jobs import Job

LOG = logging.getLogger(__name__)
_ADDRESS = re.compile(r"(?P<host>[A-Za-z0-9.\-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")
_ANSWER, _CONNECT, _START, _STOP = 3.0, 30.0, 180.0, 8.0
"""Seconds until an address must answer, a cluster must be connected to, must have started, must have stopped."""
_LONGEST = 60
"""Characters of a folder in which Ray's sockets may lie: their own names are long, and the system allows 107."""
_LAST_PORT = 65535


def refuse_unusable(address: str | None) -> None:
    """Before anything is measured: InputError where Ray is not installed, or nothing answers at the address."""
    if find_spec("ray") is None:
        msg = f"--engine ray: {MissingExtra('Ray', 'ray')}"
        raise InputError(msg)
    if address is None:
        return
    found = _ADDRESS.fullmatch(address)
    if found is None or not 0 < int(found["port"]) <= _LAST_PORT:
        msg = f"--address {address}: is no HOST:PORT, such as 10.0.0.1:6379: give the address that `ray start --head` printed, "
        raise InputError(msg + "on a machine that is a node of the cluster")
    try:
        socket.create_connection((found["host"].strip("[]"), int(found["port"])), timeout=_ANSWER).close()
    except OSError as error:
        msg = f"--address {address}: nothing answers there ({error}): start the cluster (`ray start --head`), or give its address"
        raise InputError(msg) from error


class Cluster:
    """The Ray cluster of one command: one that runs, else one that is started when it is first needed."""

    def __init__(self, until: ExitStack, driver: Child | None) -> None:
        self._until, self._driver = until, driver

    def driver(self, most: int) -> Child:
        """The process that is connected to it; a cluster that is started has so many workers."""
        if self._driver is None:
            self._driver = self._until.enter_context(_started(most))
        return self._driver


@contextmanager
def connected(address: str | None) -> Iterator[Cluster]:
    """The cluster at an address, or one to be started here.

    A process that is confined later must connect first: Ray writes its logs wherever the cluster has them. A cluster that is started
    by a confined process is confined with it.
    """
    with ExitStack() as until:
        driver = None
        if address is not None:
            driver = until.enter_context(_driver())
            driver.send(Connect(address))
            _wait_until_connected(driver, InputError, f"--address {address}", _CONNECT)
        yield Cluster(until, driver)


@contextmanager
def _started(most: int) -> Iterator[Child]:
    """A process that has started a cluster here, which ends with it.

    Whoever does not know the cluster's token cannot use it. Its workers have the priority of local ones, which Ray would lower.
    """
    settings = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_worker_niceness": "0"}
    with _scratch() as scratch, _driver(settings) as driver:
        driver.send(Connect(None, most, scratch))
        _wait_until_connected(driver, ToolError, "--engine ray", _START)
        yield driver


def run(jobs: Sequence[Job], on_measured: Callable[[int, Measurement], None], *, workers: Workers, progress: Progress) -> None:
    """Measure the jobs, begun in their order; `on_measured` receives each place and measurement as it comes."""
    with _run_folder() as folder:
        due = {order.place: order for order in processes.unsettled(jobs, on_measured, workers.specs, folder)}
        with closing(_done(due, folder, workers, progress)) as ended:
            for done in ended:
                processes.take(jobs, done, folder, on_measured)


def call(calls: Sequence[Call], on_returned: Callable[[int, Any], None], *, workers: Workers, progress: Progress) -> None:
    """Make the calls, begun in their order; `on_returned` receives each place and value as it comes."""
    with _run_folder() as folder:
        due = {order.place: order for order in processes.orders_of(calls, folder)}
        with closing(_done(due, folder, workers, progress)) as ended:
            for done in ended:
                on_returned(done.place, processes.value_of(done))


@contextmanager
def _run_folder() -> Iterator[Path]:
    """A folder that all nodes share; workers that are ended just now may still write into it when it is removed."""
    with tempfile.TemporaryDirectory(prefix="run-", dir=disk_cache.root(), ignore_cleanup_errors=True) as name:
        yield Path(name)


def _done(due: dict[int, Order], folder: Path, workers: Workers, progress: Progress) -> Generator[Done]:
    """How each order ended, as it comes."""
    assert workers.cluster is not None  # noqa: S101  # whoever chose the engine is connected to one
    if due:
        driver = workers.cluster.driver(workers.most)
        driver.send(Begin(tuple(due.values()), workers.most, Site.here(folder)))
        yield from _reported(driver, due, progress)


def _reported(driver: Child, due: dict[int, Order], progress: Progress) -> Iterator[Done]:
    """What the driver says of the orders, until each has ended."""
    shown: dict[int, Received] = {}
    try:
        while due:
            for message in _messages(driver):
                if isinstance(message, Done):
                    del due[message.place]
                    yield message
                elif isinstance(message, Shown):
                    received = shown.setdefault(message.slot, Received(progress))
                    received.finish() if message.step is None else received.take(message.step)
                elif isinstance(message, Remark):
                    LOG.warning("%s", message.text)
                elif isinstance(message, Refused):
                    msg = f"--engine ray: {message.why}"
                    raise InputError(msg)
    except Ended as ended:
        text = f"the process that is connected to the Ray cluster {ended}: this is a fault of Ray or of the system"
        yield from (Done(place, Measurement(Failure("error", text))) for place in list(due))
    finally:
        for received in shown.values():
            received.finish()


def _messages(driver: Child) -> Iterator[object]:
    """What the driver says, once it does, or nothing for a while; Ended where it will say nothing more."""
    if select.select([driver], [], [], LOOK)[0]:
        yield from driver.messages()
    elif (how := driver.how_it_ended()) is not None:
        raise Ended(how)


def _wait_until_connected(driver: Child, kind: type[AuditError], where: str, seconds: float) -> None:
    """An error of this kind where the cluster cannot be used."""
    why = f"the Ray cluster does not answer within {seconds:g} seconds: find out whether it runs, and in which version"
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            for message in _messages(driver):
                if isinstance(message, Connected):
                    return
                if isinstance(message, Refused):
                    why, until = message.why, 0.0
    except Ended as ended:
        why = f"the process that is connected to the Ray cluster {ended}"
    msg = f"{where}: {why}"
    raise kind(msg)


@contextmanager
def _driver(settings: Mapping[str, str] = MappingProxyType({})) -> Iterator[Child]:
    """The process that uses Ray; with it ends a cluster that it started."""
    environment = spawned_environment() | {"RAY_USAGE_STATS_ENABLED": "0"} | dict(settings)
    driver = Child.spawn("audit.pipeline.engine.ray_driver", environment)
    try:
        yield driver
    finally:
        with suppress(Ended, OSError):
            driver.send(None)
        driver.kill(_STOP)


@contextmanager
def _scratch() -> Iterator[str]:
    """A folder for a cluster that is started here."""
    folder = tempfile.mkdtemp(prefix="ray-")
    try:
        if len(folder) > _LONGEST:
            msg = f"--engine ray: {folder}: the path is too long for the sockets of Ray: set TMPDIR to a shorter folder, such as /tmp"
            raise InputError(msg)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
