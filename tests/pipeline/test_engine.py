"""The engine turns whatever a check does into a finding, and never into silence."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from audit import catalog
from audit.check import NoParams
from audit.errors import CandidateError, CannotMeasure, InputError
from audit.evidence import OVERALL, Evidence, Member
from audit.phrases import message
from audit.pipeline import engine, judging
from audit.pipeline.jobs import Job
from audit.stats import Proportion
from tests.findings import requirement
from tests.support import subject

if TYPE_CHECKING:
    from collections.abc import Callable

FRAME = pd.DataFrame({"label": [0, 1] * 50, "prediction": [0, 1] * 50})


def job(measure: Callable[..., object] | None = None, **changed: object) -> Job:
    check = catalog.discover()["performance/accuracy"]
    if measure is not None:
        check = replace(check, measure=measure)  # type: ignore[arg-type]  # tests hand in what a check must not return
    check = replace(check, **{key: changed.pop(key) for key in ("limit",) if key in changed})  # type: ignore[arg-type]  # as above
    made = Job(requirement(), check, catalog.info("performance/accuracy"), NoParams(), subject(FRAME), 0, 0.95, "nobody")
    return replace(made, **changed)  # type: ignore[arg-type]  # as above


def status_of(measure: Callable[..., object], **changed: object) -> tuple[str, str]:
    (found,) = judging.findings([job(measure, **changed)], workers=engine.Workers(1))
    return found.status, message(found)


def test_a_sound_check_is_judged() -> None:
    (found,) = judging.findings([job()])
    assert found.status == "pass"
    assert found.headline is not None
    assert found.seconds > 0


@pytest.mark.parametrize(
    "error", [ValueError("boom"), MemoryError(), SystemExit(0), KeyboardInterrupt(), InputError("bad"), RecursionError()]
)
def test_whatever_is_raised_is_an_error(error: BaseException) -> None:
    """SystemExit(0) in a check ends the check, not the audit."""

    def crash(*_: object) -> Evidence:
        raise error

    assert status_of(crash)[0] == "error"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_candidate_that_cannot_be_run_ends_the_audit(workers: int) -> None:
    """It is the user's to mend: no finding calls it an error of the check."""

    def crash(*_: object) -> Evidence:
        raise CandidateError("model: fails on texts of 64 tokens")

    with pytest.raises(CandidateError, match="fails on texts"):
        judging.findings([job(), job(crash), job()], workers=engine.Workers(workers))


def test_an_error_quotes_nobody() -> None:
    """A library's error may hold what stood in a cell, and the report would show it."""

    def crash(*_: object) -> Evidence:
        raise ValueError("could not convert string to float: 'jane@example.org', call +44 20 7946 0958, row 1500")

    message = status_of(crash)[1]
    assert message.startswith("ValueError: could not convert string to float: '(address)', call +(number), row 1500 (test_engine.py:")


def test_cannot_measure_is_not_run_with_its_message() -> None:
    def nothing(*_: object) -> Evidence:
        raise CannotMeasure("add a column")

    assert status_of(nothing) == ("not_run", "add a column")


@pytest.mark.parametrize("returned", [None, {}, 0.99, (), "pass", True])
def test_what_is_not_evidence_is_an_error(returned: object) -> None:
    assert status_of(lambda *_: returned)[0] == "error"


def test_evidence_on_fewer_rows_is_an_error() -> None:
    members = (Member(OVERALL, Proportion(50, 50)),)
    status, message = status_of(lambda *_: Evidence(members, "accuracy", rows=50))
    assert status == "error"
    assert "50 of 100 rows" in message


GROUPS = pd.DataFrame({"label": [0, 1] * 100, "prediction": [0, 1] * 100, "group": ["a", "b", "c", None] * 50, "sex": ["f", "m"] * 100})


def found_without(dropped: str, check_id: str, **seen: object) -> tuple[str, str]:
    """Status and message where a check says nothing of one slice or group, `none` for all that it says."""
    real = catalog.discover()[check_id]

    def measure(*given: object) -> Evidence:
        found = real.measure(*given)  # type: ignore[arg-type]  # what the engine hands in
        members, context = (tuple(one for one in part if dropped not in str(one.name)) for part in (found.members, found.context))
        return replace(found, members=members, context=context)

    made = subject(GROUPS, by=(("group",), ("sex",)), **seen)  # type: ignore[arg-type]  # a test's literals
    params = real.params()
    (found,) = judging.findings(
        [Job(requirement(min=0.0), replace(real, measure=measure), catalog.info(check_id), params, made, 0, 0.95, "x")]
    )
    return found.status, message(found)


@pytest.mark.parametrize("check_id", ["performance/accuracy", "performance/f1", "fairness/demographic_parity_difference"])
@pytest.mark.parametrize("slice_", ["group=b", "group=null", "sex=m"])
def test_a_slice_that_is_dropped_is_an_error(check_id: str, slice_: str) -> None:
    """The worst slice of all could be the one that is not there."""
    status, message = found_without(slice_, check_id, positive=1)
    assert status == "error"
    assert f"says nothing of {slice_}, which the policy names" in message
    assert found_without("none", check_id, positive=1)[0] != "error"


@pytest.mark.parametrize("reference_group", [None, "pooled_rest", "highest"])
def test_a_group_without_rows_that_count_is_unmeasured_and_no_error(reference_group: str | None) -> None:
    """Group b has no positive row, so that nothing is left to hold the other against; that settles nothing and breaks nothing."""
    frame = pd.DataFrame({"label": [0, 1] * 50 + [0] * 100, "prediction": [0, 1] * 100, "group": ["a"] * 100 + ["b"] * 100})
    check_id = "fairness/equal_opportunity_difference"
    made = subject(frame, by=(("group",),), positive=1, reference_group=reference_group)
    check, asked = catalog.discover()[check_id], requirement(min=None, max=0.1)
    (found,) = judging.findings([Job(asked, check, catalog.info(check_id), check.params(), made, 0, 0.95, "x")])
    assert found.status == "inconclusive", message(found)


def test_an_interrupted_run_does_not_wait_for_the_checks_at_work() -> None:
    def stop(_: object) -> None:
        raise KeyboardInterrupt

    jobs = [job(), *(job(lambda *_: time.sleep(8), requirement=requirement(id=f"slow{i}")) for i in range(3))]
    started = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        judging.findings(jobs, workers=engine.Workers(2), on_finding=stop)
    assert time.perf_counter() - started < 4


def test_a_hung_check_is_given_up() -> None:
    status, message = status_of(lambda *_: time.sleep(30), limit=0.2)
    assert status == "error"
    assert "0.2 seconds" in message


def test_the_policys_limit_goes_before_the_checks_own() -> None:
    status, message = status_of(lambda *_: time.sleep(30), limit=60.0, requirement=requirement(limit=0.2))
    assert status == "error"
    assert "0.2 seconds" in message


def test_a_skipped_job_is_not_measured() -> None:
    def never(*_: object) -> Evidence:
        sys.exit("measured all the same")

    assert status_of(never, skip="left out by --select") == ("not_run", "left out by --select")


@pytest.mark.parametrize("workers", [1, 3])
def test_findings_keep_the_order_of_the_jobs(workers: int) -> None:
    def slow(*_: object) -> Evidence:
        time.sleep(0.05)
        return Evidence((Member(OVERALL, Proportion(100, 100)),), "accuracy", 100)

    names = [f"r{i}" for i in range(6)]
    jobs = [job(slow if i % 2 else None, requirement=requirement(id=name)) for i, name in enumerate(names)]
    heard: list[str] = []
    found = judging.findings(jobs, workers=engine.Workers(workers), on_finding=lambda finding: heard.append(finding.id))
    assert [finding.id for finding in found] == names
    assert sorted(heard) == names
