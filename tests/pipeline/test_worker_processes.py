"""Checks in worker processes: whatever happens to one, only its own check ends as an error, and nothing hangs."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import stat
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from audit import catalog
from audit.candidates import model_calls
from audit.candidates.predictions import Predictions
from audit.candidates.saved import SavedPredictions
from audit.check import NoParams
from audit.evidence import OVERALL, Evidence, Member
from audit.pipeline import engine, judging
from audit.pipeline.jobs import Job
from audit.stats import Proportion
from tests.findings import requirement
from tests.support import subject

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.candidates.interface import Outputs
    from audit.datasets import Dataset
    from audit.decision.finding import Finding

FRAME = pd.DataFrame({"label": [0, 1] * 50, "prediction": [0, 1] * 50})


def job(name: str, measure: Callable[..., Any] | None = None, *, limit: float = 60.0, predicted: Predictions | None = None) -> Job:
    """The accuracy of 100 right answers, or whatever `measure` does."""
    check = replace(catalog.discover()["performance/accuracy"], limit=limit)
    check = check if measure is None else replace(check, measure=measure)
    seen = subject(FRAME)
    seen = seen if predicted is None else replace(seen, predicted=predicted)
    return Job(requirement(id=name), check, catalog.info("performance/accuracy"), NoParams(), seen, 0, 0.95, "nobody")


def judged(*jobs: Job, workers: int = 1) -> dict[str, Finding]:
    return {one.id: one for one in judging.findings(jobs, workers=engine.Workers(workers))}


def sound(*_: object) -> Evidence:
    return Evidence((Member(OVERALL, Proportion(100, 100)),), "accuracy", 100)


def _kill(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _segfault(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _exit_zero(*_: object) -> None:
    os._exit(0)


def _close_everything(*_: object) -> None:
    os.closerange(3, 256)
    os._exit(0)


def _pipes() -> set[int]:
    """The process's open pipes."""
    found = set()
    for number in range(3, 256):
        with contextlib.suppress(OSError):
            if stat.S_ISFIFO(os.fstat(number).st_mode):
                found.add(number)
    return found


def _answer_for_the_worker(*_: object) -> None:
    """Write what looks like a message into every pipe of the worker's own, and not into those of the tests."""
    for number in _pipes() - TESTS_PIPES:
        with contextlib.suppress(OSError):
            os.write(number, b"job\n" + b"\0" * 12)


TESTS_PIPES: set[int] = set()


@pytest.fixture(autouse=True)
def tests_pipes() -> None:
    TESTS_PIPES.clear()
    TESTS_PIPES.update(_pipes())


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (_kill, "was ended by SIGKILL (signal 9); the system may have run out of memory"),
        (_segfault, "was ended by SIGSEGV (signal 11)"),
        (_exit_zero, "ended with status 0"),
        (_close_everything, "ended with status 0"),
        (_answer_for_the_worker, "sent what cannot be read"),
    ],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_that_dies_is_an_error_of_its_check_alone(end: Callable[..., None], said: str, workers: int) -> None:
    found = judged(job("before"), job("dies", end), job("after", sound), workers=workers)
    assert {name: one.status for name, one in found.items()} == {"before": "pass", "dies": "error", "after": "pass"}
    assert said in found["dies"].problem


def test_a_worker_that_is_killed_from_outside_is_an_error_of_its_check_alone(tmp_path: Path) -> None:
    """As by the system when memory runs out."""

    def wait(*_: object) -> Evidence:
        (tmp_path / "pid").write_text(str(os.getpid()))
        time.sleep(60)
        return sound()

    def kill() -> None:
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            time.sleep(0.02)
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    found = judged(job("killed", wait), job("after"))
    killer.join()
    assert (found["killed"].status, found["after"].status) == ("error", "pass")
    assert "SIGKILL" in found["killed"].problem


def test_a_worker_that_dies_between_two_jobs_loses_none() -> None:
    def die_soon(*_: object) -> Evidence:
        threading.Timer(0.3, os._exit, [0]).start()
        return sound()

    slow = iter([lambda: time.sleep(1.0)])
    jobs = [job("first", die_soon), job("second"), job("third")]
    found: dict[int, Any] = {}

    def on_measured(place: int, measurement: Any) -> None:
        next(slow, lambda: None)()
        found[place] = measurement.result

    engine.measure(jobs, on_measured, workers=engine.Workers(1))
    assert all(isinstance(found[place], Evidence) for place in (0, 1, 2))


def test_a_check_that_ignores_sigterm_is_killed_at_its_limit() -> None:
    def deaf(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(60)

    started = time.monotonic()
    found = judged(job("deaf", deaf, limit=0.3), job("after"))
    assert time.monotonic() - started < 20
    assert (found["deaf"].status, found["after"].status) == ("error", "pass")
    assert "its limit of 0.3 seconds: give it fewer rows or, in the policy, a higher `limit`" in found["deaf"].problem


def test_what_a_check_started_ends_with_it(tmp_path: Path) -> None:
    """A process of a check that outlived it would go on writing, and hold the worker's pipe open."""

    def start(*_: object) -> None:
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
        (tmp_path / "pid").write_text(str(child))
        os._exit(0)

    found = judged(job("starts", start), job("after"))
    assert (found["starts"].status, found["after"].status) == ("error", "pass")
    assert _is_gone(int((tmp_path / "pid").read_text()))


def _is_gone(pid: int) -> bool:
    """Whether a process has ended, though nobody may have asked how."""
    stat = Path(f"/proc/{pid}/stat")
    deadline = time.monotonic() + 10
    while stat.exists() and ") Z " not in stat.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not stat.exists() or ") Z " in stat.read_text()


def test_a_thread_that_goes_on_does_not_keep_the_audit() -> None:
    def start(*_: object) -> Evidence:
        threading.Thread(target=time.sleep, args=(600,)).start()
        return sound()

    started = time.monotonic()
    found = judged(job("threads", start), job("after"))
    assert [one.status for one in found.values()] == ["pass", "pass"]
    assert time.monotonic() - started < 20


def test_what_a_worker_prints_goes_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    def noisy(*_: object) -> Evidence:
        sys.stdout.write("noise of Python\n")
        os.write(1, b"noise of native code\n")
        return sound()

    assert judged(job("noisy", noisy))["noisy"].status == "pass"
    said = capfd.readouterr()
    assert said.out == ""
    assert "noise of Python\n" in said.err
    assert "noise of native code\n" in said.err


class Waiting(SavedPredictions):
    """A model that never answers, or answers with a tag, and leaves word of each time that it is asked."""

    kind = "waiting"

    def __init__(self, log: Path, seconds: float) -> None:
        super().__init__(dict(subject(FRAME).datasets))
        self._log, self._seconds = log, seconds

    def predict(self, dataset: Dataset) -> Outputs:
        with self._log.open("a") as file:
            file.write(f"{os.getpid()}\n")
        time.sleep(self._seconds)
        return super().predict(dataset)

    def __reduce__(self) -> Any:
        raise TypeError("a model in a process of its own cannot be stored")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_model_that_hangs_costs_one_limit(workers: int, tmp_path: Path) -> None:
    predicted = Predictions(Waiting(tmp_path / "log", 600.0), tmp_path)
    jobs = [job(f"asks{number}", limit=3.0, predicted=predicted) for number in range(6)]
    started = time.monotonic()
    found = judged(*jobs, job("other", sound), workers=workers)
    assert time.monotonic() - started < 8.0  # one limit and what a busy machine adds; six limits would be 18 s
    assert {one.status for name, one in found.items() if name != "other"} == {"error"}
    assert found["other"].status == "pass"
    first = next(name for name, one in found.items() if "its limit of 3 seconds" in one.problem)
    rest = [one.problem for name, one in found.items() if name not in {first, "other"}]
    assert all(message.startswith(f"the model gave {first} no answer within 3 seconds") for message in rest)
    assert len((tmp_path / "log").read_text().split()) == 1


@pytest.mark.parametrize("has_cache", [True, False])
def test_two_workers_ask_a_model_once(tmp_path: Path, *, has_cache: bool) -> None:
    """Its object cannot be stored, and without a cache its answers are kept for the run."""
    predicted = Predictions(Waiting(tmp_path / "log", 1.0), tmp_path if has_cache else None)
    found = judged(*(job(f"asks{number}", predicted=predicted) for number in range(4)), workers=2)
    assert {one.status for one in found.values()} == {"pass"}
    assert len((tmp_path / "log").read_text().split()) == 1
    known = predicted.known(subject(FRAME).data)
    assert known is not None
    assert known.labels is not None
    assert np.array_equal(known.labels.astype(str), FRAME["prediction"].astype(str))


def test_waiting_for_another_worker_counts_for_no_limit(tmp_path: Path) -> None:
    predicted = Predictions(Waiting(tmp_path / "log", 2.0), tmp_path)
    slow, hasty = job("slow", limit=60.0, predicted=predicted), job("hasty", limit=1.0, predicted=predicted)
    found = judged(slow, hasty, workers=2)
    assert [one.status for one in found.values()] == ["pass", "pass"]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_evidence_is_that_of_one_process(workers: int) -> None:
    names = sorted(name for name in catalog.discover() if name.startswith(("performance/", "calibration/")))
    frame = pd.DataFrame({"label": [0, 1, 1] * 50, "prediction": [0, 1, 0] * 50, "score": np.linspace(0.05, 0.95, 150)})
    jobs = []
    for name in names:
        check = catalog.discover()[name]
        if {"targets", "values", "model"}.isdisjoint(check.needs) and not any(
            one.is_required() for one in check.params.model_fields.values()
        ):
            asked = requirement(id=name, check=name)
            jobs.append(Job(asked, check, catalog.info(name), check.params(), subject(frame, positive=1), 0, 0.95, "nobody"))
    assert len(jobs) > 10
    inline = judging.findings(jobs)
    found = judging.findings(jobs, workers=engine.Workers(workers))
    assert [repr(_without_seconds(one)) for one in found] == [repr(_without_seconds(one)) for one in inline]


def _without_seconds(finding: Finding) -> Finding:
    return dataclasses.replace(finding, seconds=0.0)


def test_no_process_is_left_when_a_run_is_interrupted(tmp_path: Path) -> None:
    def wait(*_: object) -> None:
        (tmp_path / f"{os.getpid()}").touch()
        time.sleep(60)

    def stop(_: object) -> None:
        while len(list(tmp_path.iterdir())) < 1:
            time.sleep(0.02)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judging.findings([job("done"), job("waits", wait), job("waits-too", wait)], workers=engine.Workers(2), on_finding=stop)
    assert all(_is_gone(int(path.name)) for path in tmp_path.iterdir())


def test_a_check_is_not_stopped_while_its_large_evidence_is_read() -> None:
    """The audit's process judges something else meanwhile, beyond the limit."""

    def large(*_: object) -> Evidence:
        return replace(sound(), notes=("x" * 20_000_000,))

    jobs, found = [job("first"), job("large", large, limit=1.0)], {}

    def on_measured(place: int, measurement: Any) -> None:
        if place == 0:
            time.sleep(2.0)
        found[place] = measurement.result

    engine.measure(jobs, on_measured, workers=engine.Workers(1))
    assert isinstance(found[1], Evidence)


def test_a_call_that_ends_while_its_process_is_stopped_leaves_no_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its mark is listed and then gone: the audit goes on, and the model is not called hung."""
    monkeypatch.setattr(Path, "glob", lambda folder, _pattern: [folder / "key.7.call"])
    model_calls.settle(tmp_path, "7", 1.0)
    assert list(tmp_path.iterdir()) == []
