"""Put a fault into one check of the installed command. Python imports this file at start when the tests put its folder on PYTHONPATH.

`AUDIT_TEST_FAULT=mode:check-id`. The fault sits where a real one would: in the check's own `measure`, or between the engine
and the decision. The judge is not touched.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.abc
import importlib.machinery
import math
import os
import signal
import stat
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

MODE, _, TARGET = os.environ.get("AUDIT_TEST_FAULT", "").partition(":")
HANG_LIMIT = 1.0


def _crash(*_: Any) -> Any:
    msg = "planted by a test"
    raise RuntimeError(msg)


def _nothing(*_: Any) -> Any:
    return None


def _hang(*_: Any) -> Any:
    time.sleep(600)


def _kill(*_: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def _exit_zero(*_: Any) -> Any:
    os._exit(0)


def _lie(*_: Any) -> Any:
    """Say to whoever listens at a pipe that all is well, as only the end of an audit may."""
    for number in range(3, 64):
        with contextlib.suppress(OSError):
            if stat.S_ISFIFO(os.fstat(number).st_mode):
                os.write(number, b"0")
    os._exit(0)


def _nan(measure: Callable[..., Any]) -> Callable[..., Any]:
    """Real evidence whose first member's value and bounds are NaN, past the constructor that refuses it."""

    class NotANumber:
        value = math.nan
        n = 1000
        support = 1000
        least = 1
        method = "planted"

        def bounds(self, *_: float) -> tuple[float, float]:
            return math.nan, math.nan

    def measured(*given: Any) -> Any:
        evidence = measure(*given)
        member = object.__new__(type(evidence.members[0]))
        object.__setattr__(member, "name", evidence.members[0].name)
        object.__setattr__(member, "estimate", NotANumber())
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


FAULTS: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    "raise": lambda _: _crash,
    "nothing": lambda _: _nothing,
    "nan": _nan,
    "truncate": _truncated,
    "hang": lambda _: _hang,
    "kill": lambda _: _kill,
    "exit-zero": lambda _: _exit_zero,
}


def _plant(module: Any) -> None:
    check = module.CHECK
    limit = HANG_LIMIT if MODE == "hang" else check.limit
    compare = None if check.compare is None else FAULTS[MODE](check.compare)
    module.CHECK = dataclasses.replace(check, measure=FAULTS[MODE](check.measure), compare=compare, limit=limit)


def _drop(module: Any) -> None:
    run = module.findings
    module.findings = lambda *given, **named: tuple(one for one in run(*given, **named) if one.requirement.check != TARGET)


def _plant_lie(module: Any) -> None:
    module.findings = _lie


IN_THE_AUDIT: dict[str, Callable[[Any], None]] = {"drop": _drop, "lie": _plant_lie}
"""Faults between the engine and the decision, in the audit's own process."""


class _Finder(importlib.abc.MetaPathFinder):
    """Lets the real finders find the module, and plants the fault once it has run."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        wanted = "audit.pipeline.judging" if MODE in IN_THE_AUDIT else "audit.checks." + TARGET.replace("/", ".")
        if fullname != wanted:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            load(module)
            IN_THE_AUDIT.get(MODE, _plant)(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]  # this loader serves this one module
        return spec


if MODE:
    sys.meta_path.insert(0, _Finder())
