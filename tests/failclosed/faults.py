"""Faults where a real one would sit: in a check's own function, or between the engine and the decision. The judge is not touched."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import signal
import stat
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.check import Check

HANG_LIMIT = 1.0
PLANTED = "planted by a test"


def _crash(*_: Any) -> Any:
    raise RuntimeError(PLANTED)


def _nothing(*_: Any) -> Any:
    return None


def _hang(*_: Any) -> Any:
    time.sleep(600)


def _kill(*_: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def _exit_zero(*_: Any) -> Any:
    os._exit(0)


class _NotANumber:  # of the module, so that a worker can send it
    value = math.nan
    n = 1000
    support = 1000
    least = 1
    method = "planted"

    def bounds(self, *_: float) -> tuple[float, float]:
        return math.nan, math.nan


def _nan(measure: Callable[..., Any]) -> Callable[..., Any]:
    """Real evidence whose first member's value and bounds are NaN, past the constructor that refuses it."""

    def measured(*given: Any) -> Any:
        evidence = measure(*given)
        member = object.__new__(type(evidence.members[0]))
        object.__setattr__(member, "name", evidence.members[0].name)
        object.__setattr__(member, "estimate", _NotANumber())
        return dataclasses.replace(evidence, members=(member, *evidence.members[1:]))

    return measured


def _truncated(measure: Callable[..., Any]) -> Callable[..., Any]:
    """The check sees the first rows of every data set and the first of the declared facts."""

    def measured(subject: Any, *given: Any) -> Any:
        datasets = {role: data.head(12) for role, data in subject.datasets.items()}
        seen = dataclasses.replace(
            subject,
            data=subject.data.head(12),
            reference=None if subject.reference is None else subject.reference.head(12),
            datasets=datasets,
            declared=dict(list(subject.declared.items())[:2]),
        )
        return measure(seen, *given)

    return measured


IN_A_CHECK: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    "raise": lambda _: _crash,
    "nothing": lambda _: _nothing,
    "nan": _nan,
    "truncate": _truncated,
    "hang": lambda _: _hang,
    "kill": lambda _: _kill,
    "exit-zero": lambda _: _exit_zero,
}
ENDLESS = frozenset({"hang", "kill", "exit-zero"})
"""Faults that a check survives nowhere but in a process of its own."""


def _without(findings: Callable[..., Any], check_id: str) -> Callable[..., Any]:
    return lambda *given, **named: tuple(one for one in findings(*given, **named) if one.requirement.check != check_id)


def _lie(*_: Any, **_named: Any) -> Any:
    """Say to whoever listens at a pipe that all is well, as only the end of an audit may."""
    for number in range(3, 64):
        with contextlib.suppress(OSError):
            if stat.S_ISFIFO(os.fstat(number).st_mode):
                os.write(number, b"0")
    os._exit(0)


def _faulty(check: Check, mode: str) -> Check:
    fault = IN_A_CHECK[mode]
    compare = None if check.compare is None else fault(check.compare)
    limit = HANG_LIMIT if mode == "hang" else check.limit
    return dataclasses.replace(check, measure=fault(check.measure), compare=compare, limit=limit)


def plant(mode: str, check_id: str, *, patch: Callable[[object, str, object], None] = setattr) -> None:
    """Put the fault into this process."""
    from audit import catalog
    from audit.pipeline import judging

    if mode in IN_A_CHECK:
        discover = catalog.discover
        patch(catalog, "discover", lambda: dict(discover()) | {check_id: _faulty(discover()[check_id], mode)})
    else:
        patch(judging, "findings", {"drop": _without(judging.findings, check_id), "lie": _lie}[mode])
