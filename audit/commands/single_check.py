"""One check on data sets at hand, without a policy: what `audit check`, `audit overview` and the Python API share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from audit import catalog, disk_cache
from audit.candidates.interface import model_remarks
from audit.candidates.predictions import Predictions
from audit.candidates.saved import Absent, SavedPredictions, SavedValues
from audit.candidates.saved_columns import refuse_foreign_words
from audit.datasets import Columns
from audit.datasets.guessed_roles import NAMES
from audit.datasets.identity import copies_remark
from audit.datasets.labels import refuse_two_spellings
from audit.errors import InputError, ToolError
from audit.metrics.windows import DERIVED
from audit.pipeline import engine, judging, preconditions, thin_data
from audit.pipeline import jobs as pipeline_jobs
from audit.pipeline.compatibility import bound_problems
from audit.pipeline.jobs import Failure, Job
from audit.policy.consistency import bounds, clashes, splits
from audit.policy.messages import messages, nearest
from audit.policy.schema import Requirement
from audit.policy.shape import typed
from audit.subject import Subject
from audit.tasks import REGRESSION

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from audit.check import Check, Params
    from audit.datasets import Dataset
    from audit.decision.finding import Finding
    from audit.evidence import Evidence, Member
    from audit.policy.yaml_reader import Tree

_SHOWN = 30
"""Columns that a message names."""


@dataclass(frozen=True, slots=True)
class Wording:
    """How the caller writes what a message tells it to give."""

    option: str
    """What stands before the name of an option."""
    param: str
    """What stands before the name of a check's own parameter."""
    groups: str
    label: str
    reference: str


FLAGS = Wording(
    option="--",
    param="--param ",
    groups="name their column with --by",
    label="name theirs with --column label=NAME",
    reference="add --dataset reference=FILE",
)
ARGUMENTS = Wording(
    option="",
    param="",
    groups="give them as sensitive_features, or name their column in by",
    label="give y_true, or name theirs in columns: {'label': NAME}",
    reference="give the other one as reference",
)


@dataclass(frozen=True)
class SingleCheck:
    """What is asked of one check."""

    check: str
    datasets: Mapping[str, Dataset]
    """By role. `data` is measured; `reference` is what drift is measured against."""
    wording: Wording
    params: Mapping[str, Tree] = field(default_factory=dict)
    by: tuple[tuple[str, ...], ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    seed: int = 0
    confidence: float = 0.95
    workers: int = 0
    """1 for a process that can be killed at the check's limit."""


def columns(guessed: Mapping[str, Any], given: Mapping[str, Any], where: str) -> Columns:
    """Roles as guessed, and over them as given. Refuses a role that is none, and a column that serves two; `where` begins the message."""
    try:
        made = Columns.model_validate({**guessed, **given})
    except ValidationError as error:
        mistakes = messages(error, Columns, lambda loc: len(loc) == 1 and loc[0] in given)
        raise InputError(*(f"{where}{'.'.join(map(str, loc))}: {text}" for loc, text, _ in mistakes)) from error
    clash = next(clashes(made), None)
    if clash is not None:
        msg = f"{where.rstrip(': ')}: {clash[2]!r} serves {clash[0]} and {clash[1]} at once: name another column for one of them"
        raise InputError(msg)
    return made


def prepare(asked: SingleCheck) -> Job:
    """The check, ready to be measured; whatever it cannot be asked on these data is refused."""
    check = catalog.discover().get(asked.check)
    if check is None:
        msg = f"there is no check {asked.check!r}; {nearest(asked.check, catalog.discover(), '`audit checks` lists all there are')}"
        raise InputError(msg)
    params = _params(asked, check)
    subject = _subject(asked, check)
    _refuse_unknown(f"{asked.wording.param}columns:", getattr(params, "columns", None) or (), subject.data, DERIVED)
    requirement = _requirement(asked, check, subject)
    unknown = next(preconditions.positive_unknown(check, subject.data, subject.candidate), None)
    if unknown is None and subject.classes:
        unknown = preconditions.wrong_positive(subject.data, subject.classes)
    if unknown is not None:
        raise InputError(unknown)
    skip = pipeline_jobs.weighted([one for one in (subject.data, subject.reference) if one is not None], check)
    return Job(requirement, check, catalog.info(asked.check), params, subject, asked.seed, asked.confidence, "you", skip)


def judge(job: Job, workers: int = 0) -> Finding:
    """The finding of a prepared check."""
    (found,) = judging.findings([job], workers=engine.Workers(workers))
    return found


def measure(job: Job, workers: int = 0) -> Evidence:
    """The evidence of a prepared check, judged against nothing; what keeps it from being measured is raised."""
    if job.skip is not None:
        raise InputError(job.skip)
    result = engine.measure_one(job, workers=engine.Workers(workers)).result
    if isinstance(result, Failure):
        raise result.error or ToolError(result.message)
    return result


def worst_member(evidence: Evidence, *, higher_is_better: bool) -> Member | None:
    """The member that a bound would be hardest on; None where none was measured."""
    return min(evidence.members, key=lambda one: one.estimate.value * (1 if higher_is_better else -1), default=None)


def remarks(job: Job) -> Iterator[str]:
    """What a reader must know of the data of a check that was measured."""
    for role, data in job.subject.datasets.items():
        if role == data.role:  # `data` serves as `test` too
            for text in (*data.remarks, *((*copies_remark(data), *thin_data.label_remark(data)) if data is job.subject.data else ())):
                yield f"datasets.{role}: {text}"
    seen = job.subject
    yield from (*model_remarks(seen.candidate, seen.datasets), *thin_data.answer_remarks(seen.predicted, seen.datasets))


def _requirement(asked: SingleCheck, check: Check, subject: Subject) -> Requirement:
    """The requirement as a policy would say it, checked by the same rules."""
    given = {"min": asked.minimum, "max": asked.maximum, "by": subject.by, "reference": "reference" if subject.reference else None}
    option = asked.wording.option
    try:
        requirement = Requirement.model_validate({"check": asked.check, "id": asked.check, **given})
    except ValidationError as error:
        mistakes = messages(error, Requirement, lambda loc: len(loc) == 1 and loc[0] in given)
        raise InputError(*(f"{option}{'.'.join(map(str, loc))}: {text}" for loc, text, _ in mistakes)) from error
    found = [*bounds(requirement), *splits(requirement), *bound_problems(requirement, check)]
    if requirement.by and check.by == "none":
        found.append((("by",), f"{asked.check} gives one number and is not split; leave it out"))
    elif check.by != "features":
        for family in subject.by:
            found += [((key,), text) for key, text in preconditions.family_mistakes(requirement, subject.data, check, family, {})]
    problems = [f"{option}{place[0]}: {text}" for place, text in found if place]  # without a bound it is measured and not judged
    if problems:
        raise InputError(*problems)
    return requirement


def _params(asked: SingleCheck, check: Check) -> Params:
    given: dict[str, Tree] = dict(asked.params)
    try:
        return typed(check.params, given)
    except ValidationError as error:
        mistakes = messages(error, check.params, lambda loc: len(loc) == 1 and loc[0] in given)
        lines = [f"{asked.wording.param}{'.'.join(map(str, loc))}: {text}" for loc, text, _ in mistakes]
        takes = f"{asked.check} takes: {', '.join(check.params.model_fields) or 'no parameters'}"
        raise InputError(*lines, takes) from error


def _subject(asked: SingleCheck, check: Check) -> Subject:
    data = asked.datasets["data"]
    datasets = {"data": data, "test": data, **asked.datasets}
    _refuse_unknown(f"{asked.wording.option}by", {column for family in asked.by for column in family}, data)
    if "reference" in check.needs and "reference" not in datasets:
        msg = f"{asked.check} compares two data sets: {asked.wording.reference}"
        raise InputError(msg)
    if check.by == "groups" and not asked.by:
        msg = f"{asked.check} compares groups: {asked.wording.groups}"
        raise InputError(msg)
    if not check.needs.isdisjoint({"labels", "targets"}) and data.columns.label is None:
        msg = f"datasets.data: {data.path}: {asked.check} needs true labels, and no column has a usual name for them "
        msg += f"({', '.join(NAMES['label'])}): {asked.wording.label}; it has {_listed(data.cells.names)}"
        raise InputError(msg)
    predicted = Predictions(_candidate(datasets, check), disk_cache.root())
    learned = tuple(role for role in ("train", "validation") if role in datasets)
    reference = datasets.get("reference")
    return Subject(data=data, predicted=predicted, reference=reference, datasets=datasets, by=asked.by, learned_from=learned)


def _refuse_unknown(option: str, columns: Collection[str], data: Dataset, more: Collection[str] = ()) -> None:
    """Columns that an option names and the data have not, each with the nearest one or the list of all."""
    names = data.cells.names
    has = f"it has {', '.join(names)}"
    near = {column: nearest(column, [*names, *more], has) for column in sorted(set(columns) - {*names, *more})}
    problems = {column: text if text == has else f"{text} {has[:1].upper()}{has[1:]}" for column, text in near.items()}
    if problems:
        raise InputError(*(f"{option} {column}: {data.path} has no such column; {text}" for column, text in problems.items()))


def _listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _candidate(datasets: Mapping[str, Dataset], check: Check) -> SavedPredictions | SavedValues | Absent:
    """Saved predictions where a column holds them, else no model."""
    columns = datasets["data"].columns
    if not any(column and _of_numbers(check, datasets["data"], column) for column in (columns.prediction, columns.label)):
        refuse_two_spellings(datasets)
    if columns.prediction and _of_numbers(check, datasets["data"], columns.prediction):
        return SavedValues(datasets)
    if columns.prediction or columns.score or columns.scores:
        candidate = SavedPredictions(datasets)
        refuse_two_spellings(datasets, {"a class of the scores": candidate.classes})
        refuse_foreign_words(datasets["data"])
        return candidate
    classes = columns.label is not None and not _of_numbers(check, datasets["data"], columns.label)
    return Absent(sorted(set(datasets["data"].labels(columns.label))) if columns.label and classes else ())


def _of_numbers(check: Check, data: Dataset, column: str) -> bool:
    """Whether a column of answers holds numbers: by the check, or, where it serves both, by their being many."""
    if check.tasks is not None and set(check.tasks).isdisjoint(REGRESSION):
        return False
    return (check.tasks is not None and set(check.tasks) <= set(REGRESSION)) or data.continuous(column)
