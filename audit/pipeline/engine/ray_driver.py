"""The process that is connected to a Ray cluster: it hands the audit's orders to slots, and begins an order again whose slot was lost.

Ray starts threads, takes over signals and may end the process that uses it, so none of it runs in the audit's own process.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from audit import child_process
from audit.child_process import LOOK
from audit.pipeline.engine.processes import Done
from audit.pipeline.engine.ray_slot import Slot
from audit.pipeline.jobs import Failure, Measurement
from audit.progress import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from audit.child_process import Pipe
    from audit.pipeline.engine.processes import Order
    from audit.pipeline.engine.ray_slot import Site

TRIES = 3
"""How often a job is begun at most."""
SILENCE = 60.0
"""Seconds without a sign of life after which a slot counts as lost."""
PATIENCE = 120.0
"""Seconds to wait for a slot while there is none."""
_STORE = 100_000_000
"""Bytes of the object store of a cluster that is started here; what does not fit goes to disk."""


@dataclass(frozen=True, slots=True)
class Connect:
    """Which cluster to use."""

    address: str | None
    """None for one that is started here."""
    most: int = 0
    """Slots of a cluster that is started here."""
    scratch: str = ""
    """Its folder."""


@dataclass(frozen=True, slots=True)
class Begin:
    """What to measure."""

    orders: tuple[Order, ...]
    most: int
    """Slots."""
    site: Site


@dataclass(frozen=True, slots=True)
class Connected:
    """The cluster answers."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The cluster cannot be used."""

    why: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What a task of a slot did; None once the slot is gone."""

    slot: int
    step: Step | None


@dataclass(frozen=True, slots=True)
class Remark:
    """What a user should know, and what ends nothing."""

    text: str


@dataclass
class _SlotState:
    """A slot of the cluster, as it is seen from here."""

    number: int
    actor: Any
    waiting: Any
    """What it answers next: whether it can be used, or a stream of signs of life."""
    order: Order | None = None
    is_ready: bool = False
    heard: float = field(default_factory=time.monotonic)


class _Stop(Exception):  # it ends the work of this process from wherever it is noticed
    """The audit wants nothing more, or the cluster can do nothing more."""


def main(pipe: Pipe) -> None:
    """Measure what the audit sends, and say how each order ended."""
    _silence_native_code()
    import ray

    try:
        _connect(pipe.receive())
    except Exception as error:  # noqa: BLE001  # Ray raises errors of any kind, its own and plain ones: each means that there is no cluster
        pipe.send(Refused(_in_words(error)))
        return
    pipe.send(Connected())
    try:
        while (begin := pipe.receive()) is not None:
            _Slots(begin, pipe).run()
    except _Stop:
        pass
    finally:
        ray.shutdown()


def _silence_native_code() -> None:
    """Ray's own code tells of every try to connect on standard error; what Python writes there is still shown."""
    shown = os.dup(2)
    sys.stderr = sys.stdout = os.fdopen(shown, "w", buffering=1, errors="backslashreplace")
    empty = os.open(os.devnull, os.O_WRONLY)
    os.dup2(empty, 2)
    os.dup2(empty, 1)
    os.close(empty)


def _connect(to: Connect) -> None:
    import ray

    shown: dict[str, Any] = {"log_to_driver": False, "logging_level": "critical"}
    if to.address is not None:
        ray.init(address=to.address, **shown)
        return
    started: dict[str, Any] = {"num_cpus": to.most, "include_dashboard": False, "object_store_memory": _STORE, "_temp_dir": to.scratch}
    try:
        ray.init(address="local", **started, **shown)
    except Exception:  # noqa: BLE001  # a busy machine does not start it within the 30 seconds that Ray allows: a plain Exception
        ray.shutdown()
        ray.init(address="local", **started, **shown)


class _Slots:
    """The slots of one run and the orders that they work on."""

    def __init__(self, begin: Begin, pipe: Pipe) -> None:
        self._begin, self._pipe = begin, pipe
        self._send: Callable[[object], None] = pipe.send
        self._due = deque(begin.orders)
        self._begun: Counter[int] = Counter()
        self._slots: list[_SlotState] = []
        self._made = 0
        self._refused: list[str] = []
        self._usable = time.monotonic()

    def run(self) -> None:
        """Until every order has ended."""
        try:
            self._work()
        finally:
            for slot in list(self._slots):
                self._remove(slot)

    def _work(self) -> None:
        while self._due or any(slot.order for slot in self._slots):
            self._start_slots()
            self._assign()
            for slot in self._ready_slots():
                self._receive(slot)
            self._drop_silent()
            self._give_up()
            if select.select([self._pipe.reading], [], [], 0)[0]:
                raise _Stop

    def _start_slots(self) -> None:
        """As many slots as there may be, and can be used; lost ones are replaced."""
        import ray

        wanted = min(self._begin.most - len(self._refused), len(self._due) + sum(slot.order is not None for slot in self._slots))
        remote: Any = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0, scheduling_strategy="SPREAD")(Slot)
        while len(self._slots) < wanted and self._made < self._begin.most + TRIES * len(self._begin.orders):
            actor = remote.remote(self._begin.site)
            self._slots.append(_SlotState(self._made, actor, actor.enter.remote()))
            self._made += 1

    def _assign(self) -> None:
        for slot in self._slots:
            if self._due and slot.is_ready and slot.order is None:
                slot.order, slot.heard = self._due.popleft(), time.monotonic()
                self._begun[slot.order.place] += 1
                slot.waiting = slot.actor.measure.options(num_returns="streaming").remote(slot.order)

    def _ready_slots(self) -> Iterator[_SlotState]:
        """Slots with something to say, once there is one, or none says anything for a while."""
        import ray

        waiting = {slot.waiting: slot for slot in self._slots if slot.waiting is not None}
        if not waiting:
            time.sleep(LOOK)
            return
        ready, _ = ray.wait(list(waiting), num_returns=1, timeout=LOOK)
        more, _ = ray.wait(list(waiting), num_returns=len(waiting), timeout=0)
        yield from (waiting[one] for one in dict.fromkeys([*ready, *more]))

    def _receive(self, slot: _SlotState) -> None:
        """What a slot says next."""
        import ray

        try:
            answer = ray.get(slot.waiting if slot.order is None else next(slot.waiting), timeout=SILENCE)
        except (ray.exceptions.RayError, StopIteration) as error:
            self._replace_lost(slot, _in_words(error))
            return
        slot.heard = time.monotonic()
        if slot.order is None:
            self._admit(slot, answer)
        elif isinstance(answer, Step):
            self._send(Shown(slot.number, answer))
        elif isinstance(answer, Done):
            self._end(slot, answer)

    def _admit(self, slot: _SlotState, problem: str | None) -> None:
        slot.waiting = None
        if problem is None:
            slot.is_ready, self._usable = True, time.monotonic()
        else:
            self._refuse(slot, problem)

    def _refuse(self, slot: _SlotState, problem: str) -> None:
        """A slot that cannot be used, and is not replaced."""
        self._remove(slot)
        self._refused.append(problem)
        if len(self._refused) == self._begin.most:
            self._send(Refused(f"no node can be used; the first {self._refused[0]}"))
            raise _Stop
        self._send(Remark(f"a node of the Ray cluster is left out: it {problem}"))

    def _end(self, slot: _SlotState, done: Done) -> None:
        """A job has ended, or its process was killed by something else than its limit."""
        order, slot.order, slot.waiting = slot.order, None, None
        if order is not None and done.is_killed and self._begin_again(order, "its process was killed"):
            return
        retries = self._begun[done.place] - 1
        if retries and isinstance(done.outcome, Measurement):
            done = replace(done, outcome=replace(done.outcome, retries=retries))
        self._send(done)

    def _replace_lost(self, slot: _SlotState, why: str) -> None:
        self._remove(slot)
        order = slot.order
        if order is None:
            self._refuse_unstarted(why)
        elif not self._begin_again(order, why):
            text = f"its worker on the Ray cluster was lost {TRIES} times, at last: {why}: find out what ends the workers or their nodes"
            self._send(Done(order.place, Measurement(Failure("error", text), retries=TRIES - 1)))

    def _refuse_unstarted(self, why: str) -> None:
        """A slot that ended before its first job: another one is tried, as long as any may still be made."""
        if self._made >= self._begin.most + TRIES and not any(slot.is_ready for slot in self._slots) and not self._begun:
            self._send(Refused(f"no worker starts: {why}"))
            raise _Stop

    def _begin_again(self, order: Order, why: str) -> bool:
        """Whether an order may be begun once more, at the head of the others."""
        if self._begun[order.place] >= TRIES:
            return False
        text = f"{order.requirement}: its worker on the Ray cluster was lost ({why}); it is measured again"
        self._send(Remark(f"{text}, try {self._begun[order.place] + 1} of {TRIES}"))
        self._due.appendleft(order)
        return True

    def _remove(self, slot: _SlotState) -> None:
        import ray

        self._slots.remove(slot)
        self._send(Shown(slot.number, None))
        ray.kill(slot.actor, no_restart=True)

    def _drop_silent(self) -> None:
        for slot in list(self._slots):
            if slot.order is not None and time.monotonic() - slot.heard > SILENCE:
                self._replace_lost(slot, f"no sign of life for {SILENCE:g} seconds")

    def _give_up(self) -> None:
        """End where no slot can be had."""
        if any(slot.is_ready for slot in self._slots):
            self._usable = time.monotonic()
        elif time.monotonic() - self._usable > PATIENCE:
            why = f"no worker of the Ray cluster became free within {PATIENCE:g} seconds: it needs one free CPU for each of --jobs"
            if not self._begun:
                self._send(Refused(why))
                raise _Stop
            while self._due:
                order = self._due.popleft()
                self._send(Done(order.place, Measurement(Failure("error", why), retries=max(self._begun[order.place] - 1, 0))))


def _in_words(error: BaseException) -> str:
    """An error of Ray in one line."""
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


if __name__ == "__main__":
    from audit.pipeline.engine import ray_driver  # noqa: PLW0406  # what it sends is read by processes in which this module has its own name

    child_process.be_spawned(ray_driver.main)
