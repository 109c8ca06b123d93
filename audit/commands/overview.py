"""`audit overview`: measures every check that fits the columns of a file, judges nothing, and proposes a policy with open bounds."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from audit import catalog
from audit.commands import check as check_command
from audit.commands import single_check, starter
from audit.commands.init import policy_head, quoted
from audit.commands.single_check import SingleCheck
from audit.datasets.guessed_roles import NAMES
from audit.decision.judge import judge
from audit.errors import AuditError, InputError
from audit.evidence import OVERALL
from audit.files import write_new
from audit.formatting import COUNTED, count, interval_in_words, number
from audit.pipeline import preconditions
from audit.tasks import REGRESSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from audit.check import Check
    from audit.commands.check import CheckRequest
    from audit.commands.starter import Found
    from audit.datasets import Dataset
    from audit.decision.finding import Judged
    from audit.evidence import Evidence, Member
    from audit.progress import Progress
    from audit.tasks import Task

SCHEMA = "audit.overview/1"


@dataclass(frozen=True, slots=True)
class Measured:
    """What one check found."""

    check: str
    evidence: Evidence
    worst: Member | None
    """The member that a bound would be hardest on; None where none could be measured."""
    interval: tuple[float, float] | None
    """Its plain interval."""
    slices: tuple[Judged, ...]
    by: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """All that fits some data, and what does not, with the reason."""

    asked: CheckRequest
    found: Found
    measured: tuple[Measured, ...]
    left_out: tuple[tuple[str, str], ...]
    """Checks that were not measured, and why."""


def overview(asked: CheckRequest, progress: Progress) -> Overview:
    """Measure what fits the data sets that are named in `asked`."""
    with check_command.said_in_flags(asked):
        found, datasets = _data(asked)
    task = _task(found)
    measured: list[Measured] = []
    left_out: list[tuple[str, str]] = []
    checks = catalog.discover()
    bar = progress.start("measure", len(checks))
    for check_id, check in checks.items():
        try:
            measured.append(_measure(check_id, check, asked, datasets, task))
        except AuditError as error:
            left_out.append((check_id, "; ".join(check_command.in_flags(line, asked) for line in error.lines)))
        bar.advance()
    bar.finish()
    return Overview(asked, found, tuple(measured), tuple(left_out))


def _data(asked: CheckRequest) -> tuple[Found, dict[str, Dataset]]:
    """The data sets with their roles: those of the options, and those that names and cells tell."""
    said = check_command.pairs("--column", asked.columns)
    others = {role: check_command.path_of(path) for role, path in check_command.pairs("--dataset", asked.others).items()}
    plain = replace(asked, columns=[f"{role}=" for role in NAMES])
    raw = {role: check_command.read_data(role, path, plain) for role, path in {"test": asked.data, **others}.items()}
    profiled = next((data for data in raw.values() if data.cells.profile is not None), None)
    if profiled is not None:
        msg = f"{profiled.path}: is a profile, which has no rows to look at: ask for one check, as in `audit check drift/ks --data FILE`"
        raise InputError(msg)
    words = {role: column for role, column in said.items() if column and role not in _STRUCTURED}
    found = starter.described(raw, words, unlabelled=True)
    none = [role for role in NAMES if role not in found.roles and role not in said]
    roles = [
        *asked.columns,
        *(f"{role}={column}" for role, column in found.roles.items() if role not in said),
        *(f"{role}=" for role in none),
    ]
    if "sensitive" not in said and found.sensitive:
        roles.append(f"sensitive={json.dumps(found.sensitive)}")
    data = check_command.read_data("data", asked.data, replace(asked, columns=roles))
    datasets = {"data": data, **{role: check_command.read_data(role, path, asked) for role, path in others.items()}}
    positive = None if data.columns.positive is None else str(data.columns.positive)
    kept = {role: column for role, column in found.roles.items() if said.get(role, column)}
    return replace(found, roles=kept, sensitive=data.columns.sensitive, positive=positive), datasets


_STRUCTURED = frozenset({"positive", "sensitive", "features", "scores"})


def _task(found: Found) -> Task:
    if found.spread is not None:
        return "tabular-regression"
    return "text-classification" if "text" in found.roles else "tabular-classification"


def _measure(check_id: str, check: Check, asked: CheckRequest, datasets: Mapping[str, Dataset], task: Task) -> Measured:
    if check.measures == "declarations":
        msg = "is about what a policy declares"
        raise InputError(msg)
    if check.tasks is not None and task not in check.tasks:
        raise InputError(_other_task(check.tasks, task))
    if "base" in check.needs or check.trainings is not None:
        msg = "needs a model that is fine-tuned here, under a policy"
        raise InputError(msg)
    by = tuple((column,) for column in datasets["data"].columns.sensitive) if check.by in {"slices", "groups"} else ()
    job = single_check.prepare(
        SingleCheck(check_id, datasets, single_check.FLAGS, by=by, seed=asked.seed, confidence=asked.confidence, workers=asked.workers)
    )
    data = datasets["data"]
    lacking = next(preconditions.capability_mistakes(check, job.requirement, data, job.subject.candidate), None)
    if lacking is not None:
        msg = "needs predictions: name their column with --column prediction=NAME" if job.subject.candidate.kind == "none" else lacking
        raise InputError(msg)
    evidence = single_check.measure(job, asked.workers)
    finding = judge(job.requirement, job.info, evidence, confidence=job.confidence, owner=job.owner)
    worst = single_check.worst_member(evidence, higher_is_better=check.better == "higher")
    alpha = round((1 - asked.confidence) / 2, 12)
    return Measured(check_id, evidence, worst, None if worst is None else worst.estimate.bounds(alpha, alpha), finding.slices, by)


def _other_task(serves: Sequence[Task], task: Task) -> str:
    if task in REGRESSION:
        return "is for classes, and the label holds numbers"
    if set(serves) <= set(REGRESSION):
        return "is for numbers, and the label holds no numbers"
    return f"is for {', '.join(serves)}, and this looks like {task}"


def to_json(one: Overview) -> dict[str, object]:
    """As JSON values; nothing in it is judged."""
    test = one.found.data["test"]
    return {
        "schema": SCHEMA,
        "data": {"path": str(one.asked.data), "sha256": test.sha256, "rows": test.rows},
        "columns": {**one.found.roles, "positive": one.found.positive, "sensitive": list(one.found.sensitive)},
        "confidence": one.asked.confidence,
        "measured": [_measured_json(each) for each in one.measured],
        "left_out": [{"check": check, "reason": reason} for check, reason in one.left_out],
    }


def _measured_json(each: Measured) -> dict[str, object]:
    rows = [
        {"slice": row.name.to_json(), "value": row.value, "n": row.n, "interval": row.interval, "reason": row.reason or None}
        for row in each.slices
    ]
    head: dict[str, object] = {"value": None, "n": 0, "interval": None, "method": None, "member": None}
    if each.worst is not None:
        estimate = each.worst.estimate
        member = None if each.worst.name == OVERALL else each.worst.name.to_json()
        head = {"value": estimate.value, "n": estimate.n, "interval": each.interval, "method": estimate.method, "member": member}
    return {"check": each.check, "unit": each.evidence.unit, **head, "slices": rows, "notes": list(each.evidence.notes)}


def figure(each: Measured) -> str:
    """The worst member's value with its interval: `0.870 [0.850, 0.890], gender=woman`; a census has none."""
    if each.worst is None or each.interval is None:
        return "nothing that could be measured"
    estimate, name = each.worst.estimate, each.worst.name
    exact = each.interval[0] == each.interval[1]
    value = count(estimate.value) if exact and each.evidence.unit in COUNTED else number(estimate.value)
    return value + ("" if exact else f" {interval_in_words(each.interval)}") + ("" if name == OVERALL else f", {name}")


def write_policy(one: Overview, path: Path) -> None:
    """A proposed policy in which every bound is open, so that nobody takes what was measured for what is required."""
    here = Path.cwd().resolve()
    start = here if path.resolve().is_relative_to(here) else path.resolve().parent
    try:
        text = "\n".join(_policy(one, path, start)) + "\n"
    except ValueError as error:
        msg = f"--policy {path}: a policy names data in its own folder or below, and {one.asked.data} is not: write it beside the data"
        raise InputError(msg) from error
    try:
        write_new(path, text)
    except FileExistsError as error:
        msg = f"--policy {path}: is there already: delete it, or name another"
        raise InputError(msg) from error
    except OSError as error:
        msg = f"--policy {path}: cannot be written ({error.strerror})"
        raise InputError(msg) from error


def _policy(one: Overview, path: Path, start: Path) -> Iterator[str]:
    reading = [f"{key}: {_read_value(key, value)}" for key, value in check_command.pairs("--read", one.asked.reading).items()]
    yield from policy_head(path.name.removesuffix(".yaml").removesuffix(".yml"), one.found, start, "audit overview", reading)
    yield "require:                     # the bounds are open: set each from what the system is for, and not from what was measured"
    for each in one.measured:
        yield f"  - check: {each.check}"
        if each.by:
            yield f"    by: [{', '.join(quoted(column) for family in each.by for column in family)}]"
        if "reference" in catalog.discover()[each.check].needs:
            yield "    reference: reference"
        bound = "min" if catalog.discover()[each.check].better == "higher" else "max"
        yield f"    {bound}:  # measured {_comment(figure(each))}"


def _comment(text: str) -> str:
    """Text that ends no line of YAML."""
    return text.encode("unicode_escape").decode("ascii").replace("\\u2212", "-")


def _read_value(key: str, value: str) -> str:
    if key == "missing":
        return f"[{', '.join(quoted(word) for word in value.strip('[]').split(','))}]"
    return value if key == "types" else json.dumps(value)
