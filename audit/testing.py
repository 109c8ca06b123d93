"""Helpers for tests of checks, the tool's own and those of other distributions.

A test makes a subject from a table and asserts that a check behaves: its evidence is complete, it does not depend on the order of the
rows, a crash inside it is never a promotion, and what it cannot measure it refuses.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from audit import catalog, seeds
from audit.candidates.predictions import Predictions
from audit.candidates.saved import SavedPredictions
from audit.check import Check, CheckInfo
from audit.datasets import Columns, Dataset
from audit.datasets.column_store import InMemory
from audit.decision import rules
from audit.errors import CannotMeasure
from audit.evidence import Evidence, storage
from audit.ledger import times
from audit.pipeline import judging
from audit.pipeline.engine import inline
from audit.pipeline.jobs import Job
from audit.policy.schema import Requirement
from audit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from audit.candidates import Candidate

    Make: TypeAlias = Callable[[pd.DataFrame], Subject]

LEVELS = ((0.025, 0.025), (0.005, 0.005))
"""Errors of the lower and the upper end at which intervals are looked at, the narrower interval first."""
_INCOMPLETE = 3
"""Exit code of an audit that lacks evidence."""


def dataset(frame: pd.DataFrame, role: str = "test", *, label_map: Any = None, **columns: Any) -> Dataset:
    """A data set of a table. Roles are by default the columns of the same name."""
    found = {name: name for name in ("id", "text", "label", "prediction", "score") if name in frame.columns}
    roles = Columns.model_validate(found | columns)
    return Dataset(role, Path(f"{role}.csv"), InMemory(frame.reset_index(drop=True)), roles, f"digest-of-{role}", label_map=label_map or {})


def subject(
    frame: pd.DataFrame,
    *,
    by: tuple[tuple[str, ...], ...] = (),
    reference: pd.DataFrame | None = None,
    train: pd.DataFrame | None = None,
    candidate: Candidate | None = None,
    reference_group: str | None = None,
    **columns: object,
) -> Subject:
    """A subject whose candidate is, unless given, the saved predictions of the tables."""
    tables = {"test": frame, "reference": reference, "train": train}
    datasets = {role: dataset(table, role, **columns) for role, table in tables.items() if table is not None}
    return Subject(
        data=datasets["test"],
        predicted=Predictions(candidate or SavedPredictions(datasets)),
        reference=datasets.get("reference"),
        datasets=datasets,
        by=by,
        reference_group=reference_group,
    )


def measure(check: str | Check, seen: Subject, seed: int = 0, **params: object) -> Evidence:
    """The evidence of a check, by its id or as it is; nothing is asserted."""
    found = catalog.discover()[check] if isinstance(check, str) else check
    return found.measure(seen, found.params.model_validate(params), seeds.stream(seed, _id(check)))


def assert_complete(check: str | Check, seen: Subject, **params: object) -> Evidence:
    """The engine accepts the evidence, it can be stored, and every member has an interval that widens with the level."""
    job = _job(check, seen, params)
    evidence = inline.measured(job)
    stored = storage.from_bytes(storage.to_bytes(evidence))
    _expect(stored.members == evidence.members, "the members differ once they are stored and read again")
    names = [*(str(one.name) for one in evidence.members), *(str(one.name) for one in evidence.unmeasured)]
    _expect(len(set(names)) == len(names), f"two members have one name: {sorted(names)}")
    _expect(bool(evidence.unit), "the evidence names no unit")
    lowest, highest = (job.check.lowest, job.check.highest) if job.check.range_on is None else job.check.range_on(seen, job.params)
    for member in evidence.members:
        value = member.estimate.value
        inside = min(lowest, -highest) <= value <= highest  # a gap is below 0 in one of its two orders
        _expect(inside, f"{member.name}: {value} lies outside {lowest} to {highest}")
        (low, high), (lower, higher) = (member.estimate.bounds(*level) for level in LEVELS)
        ends = (low, high, lower, higher)
        _expect(not any(math.isnan(end) for end in ends), f"{member.name}: an end of its interval is no number: {ends}")
        _expect(lower <= low <= high <= higher, f"{member.name}: its interval does not widen with the level: {ends}")
    return evidence


def assert_order_of_rows_is_irrelevant(
    check: str | Check, make: Make, frame: pd.DataFrame, *, tolerance: float = 1e-9, **params: object
) -> None:
    """The members keep their names, values and intervals when the rows of the table are shuffled; `make` makes the subject."""
    before = _numbers(measure(check, make(frame), 0, **params))
    for table in (frame[::-1], *(frame.sample(frac=1, random_state=seed) for seed in range(3))):  # one may come out the same by chance
        after = _numbers(measure(check, make(table.reset_index(drop=True)), 0, **params))
        _expect(before.keys() == after.keys(), f"other members after shuffling: {sorted(before)} and {sorted(after)}")
        for name, numbers in before.items():
            same = all(math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance) for a, b in zip(numbers, after[name], strict=True))
            _expect(same, f"{name}: {numbers} became {after[name]} when the rows were shuffled")


def assert_crash_blocks(check: str | Check, seen: Subject, **params: object) -> None:
    """Whatever happens inside the check, its finding is `error` and the audit ends in exit code 3, never in 0."""
    sound = _job(check, seen, params)
    for what, fault in _FAULTS.items():
        job = replace(sound, check=replace(sound.check, measure=fault(sound.check.measure)))
        (finding,) = judging.findings([job])
        verdict = rules.decide([job.requirement], [finding], today=times.now().date())
        _expect(finding.status == "error", f"a check that {what} ends as {finding.status}")
        _expect(verdict.exit_code == _INCOMPLETE, f"a check that {what} ends in {verdict.decision}, exit code {verdict.exit_code}")


def assert_refused(check: str | Check, seen: Subject, because: str, **params: object) -> None:
    """What the check cannot measure it refuses with a reason that holds these words, and never with a number."""
    try:
        evidence = measure(check, seen, 0, **params)
    except CannotMeasure as error:
        _expect(because in str(error), f"it is refused for another reason: {error}")
        return
    _expect(held=False, message=f"it is measured: {[(str(one.name), one.estimate.value) for one in evidence.members]}")


def _expect(held: bool, message: str) -> None:  # noqa: FBT001  # as an assertion reads, which python -O would leave out
    if not held:
        raise AssertionError(message)


def _id(check: str | Check) -> str:
    return check if isinstance(check, str) else next((name for name, one in catalog.discover().items() if one is check), "test/check")


def _job(check: str | Check, seen: Subject, params: Mapping[str, object]) -> Job:
    found = catalog.discover()[check] if isinstance(check, str) else check
    check_id = _id(check)
    bound = {"min": found.highest} if found.better == "higher" and math.isfinite(found.highest) else {"max": _middle(found)}
    asked = Requirement.model_validate({"check": check_id, "id": check_id, "by": seen.by, **bound})
    about = catalog.info(check_id) if check_id in catalog.discover() else CheckInfo.of(check_id, found, {})
    return Job(asked, found, about, found.params.model_validate(dict(params)), seen, 0, 0.95, "a test")


def _middle(check: Check) -> float:
    """A bound that the check's range allows."""
    return (
        (check.lowest + check.highest) / 2 if math.isfinite(check.highest) and math.isfinite(check.lowest) else max(check.lowest, 0.0) + 1
    )


def _numbers(evidence: Evidence) -> dict[str, tuple[float, ...]]:
    return {str(one.name): (one.estimate.value, *one.estimate.bounds(*LEVELS[0])) for one in evidence.members}


def _raising(error: BaseException) -> Callable[[Any], Any]:
    def fault(_measure: Any) -> Any:
        def broken(*_: object) -> Evidence:
            raise error

        return broken

    return fault


def _without_evidence(_measure: Any) -> Any:
    return lambda *_: None


def _fewer_rows(measure: Any) -> Any:
    def broken(*arguments: Any) -> Evidence:
        found: Evidence = measure(*arguments)
        return replace(found, rows=found.rows - 1)

    return broken


_FAULTS: dict[str, Callable[[Any], Any]] = {
    "raises an error": _raising(RuntimeError("planted by audit.testing")),
    "ends the process": _raising(SystemExit(0)),
    "returns nothing": _without_evidence,
    "examines fewer rows than there are": _fewer_rows,
}
