"""One check without a policy file."""

from __future__ import annotations

import re
import shlex
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from pydantic import ValidationError

from audit import catalog, disk_cache
from audit.candidates.interface import model_remarks
from audit.candidates.predictions import Predictions
from audit.candidates.saved import Absent, SavedPredictions, SavedValues
from audit.candidates.saved_columns import refuse_foreign_words
from audit.datasets import Columns
from audit.datasets.columns import ReadOptions
from audit.datasets.guessed_roles import NAMES, guess
from audit.datasets.identity import copies_remark
from audit.datasets.labels import refuse_label_words, refuse_two_spellings
from audit.datasets.reading import read
from audit.errors import CannotMeasure, InputError, ToolError
from audit.metrics.windows import DERIVED
from audit.pipeline import engine, judging, preconditions, thin_data
from audit.pipeline import jobs as pipeline_jobs
from audit.pipeline.compatibility import bound_problems
from audit.pipeline.jobs import Failure, Job
from audit.policy import consistency
from audit.policy.consistency import bounds, splits
from audit.policy.messages import messages, nearest
from audit.policy.schema import Requirement
from audit.policy.shape import typed
from audit.policy.yaml_reader import parse, plain
from audit.subject import Subject
from audit.tasks import REGRESSION

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from audit.check import Check, Params
    from audit.datasets import Dataset
    from audit.decision.finding import Finding
    from audit.evidence import Evidence
    from audit.policy.yaml_reader import Tree

OnRemark: TypeAlias = "Callable[[str], None]"
_IN_A_POLICY = re.compile(r"; a role that this file lacks is set to null: .*")
"""Advice that only a policy can follow."""
_DATA = re.compile(r"\bdatasets\.([A-Za-z][\w-]*): |^(data): (?=columns\.)")
_READING = re.compile(r"`(missing|separator|decimal|encoding|types): ([^`]*)`")
"""A key of a data set as a policy would set it."""
_COLUMN = re.compile(r"\bcolumns\.(?=[a-z])")


@dataclass(frozen=True)
class CheckRequest:
    """What the command line said."""

    check: str
    data: Path
    params: Sequence[str] = ()
    """`key=value`, the value as YAML."""
    columns: Sequence[str] = ()
    """`role=column`."""
    others: Sequence[str] = ()
    """`role=FILE` of further data sets; the role `reference` is what drift is measured against."""
    by: Sequence[str] = ()
    minimum: float | None = None
    maximum: float | None = None
    seed: int = 0
    confidence: float = 0.95
    reading: Sequence[str] = ()
    """`key=value` of how the files are read: missing, separator, decimal, encoding, types."""
    workers: int = 0
    """1 for a process that can be killed at the check's limit."""


def _ignore(_text: str) -> None:
    pass


def judged(asked: CheckRequest, on_remark: OnRemark = _ignore) -> Finding:
    """The finding of one check against the bounds that were given; `on_remark` hears what its reader must know of the data."""
    with _said_in_flags(asked):
        job = _job(asked)
    if job.requirement.min is None and job.requirement.max is None:
        msg = "give --min or --max: without a bound nothing is judged"
        raise InputError(msg)
    (found,) = judging.findings([job], workers=engine.Workers(asked.workers))
    _pass_on_remarks(job, asked, on_remark)
    evidence = found.evidence
    if evidence is not None:
        evidence = replace(evidence, unmeasured=tuple(replace(one, reason=_in_flags(one.reason, asked)) for one in evidence.unmeasured))
    return replace(found, problem=_in_flags(found.problem, asked), evidence=evidence)


def measured(asked: CheckRequest, on_remark: OnRemark = _ignore) -> Evidence:
    """The evidence of one check, judged against nothing; `on_remark` hears what its reader must know of the data."""
    with _said_in_flags(asked):
        job = _job(asked)
        if job.skip is not None:
            raise InputError(job.skip)
        result = engine.measure_one(job, workers=engine.Workers(asked.workers)).result
        if isinstance(result, Failure):
            raise result.error or ToolError(result.message)
    _pass_on_remarks(job, asked, on_remark)
    return result


def _pass_on_remarks(job: Job, asked: CheckRequest, on_remark: OnRemark) -> None:
    for role, data in job.subject.datasets.items():
        if role == data.role:  # `data` serves as `test` too
            for text in (*data.remarks, *((*copies_remark(data), *thin_data.label_remark(data)) if data is job.subject.data else ())):
                on_remark(_in_flags(f"datasets.{role}: {text}", asked))
    seen = job.subject
    for text in (*model_remarks(seen.candidate, seen.datasets), *thin_data.answer_remarks(seen.predicted, seen.datasets)):
        on_remark(_in_flags(text, asked))


@contextmanager
def _said_in_flags(asked: CheckRequest) -> Iterator[None]:
    """Mistakes name the options that were typed, since there is no policy file."""
    try:
        yield
    except (InputError, CannotMeasure) as error:
        error.args = tuple(_in_flags(line, asked) for line in error.lines)
        raise


def _in_flags(text: str, asked: CheckRequest) -> str:
    """`datasets.data` is `--data` here, and `columns.label` is `--column label`."""
    files = {role: path for pair in asked.others for role, _, path in [pair.partition("=")]}

    def flag(found: re.Match[str]) -> str:
        role = found[1] or found[2]
        if role not in files:
            return f"--data {asked.data}: "
        return f"--dataset {role}={files[role]}: "

    for role, path in (("data", asked.data), *files.items()):
        text = text.replace(f"datasets.{role}: {path}: ", f"datasets.{role}: ")
    text = _READING.sub(lambda found: f"--read {shlex.quote(f'{found[1]}={_bare(found[2])}')}", text)
    return _COLUMN.sub("--column ", _DATA.sub(flag, _IN_A_POLICY.sub("", text)))


def _bare(value: str) -> str:
    """A value without the quotes that a policy needs around it."""
    return value[1:-1] if re.fullmatch('"[^"]"', value) else value


def _job(asked: CheckRequest) -> Job:
    check = catalog.discover().get(asked.check)
    if check is None:
        msg = f"there is no check {asked.check!r}; {nearest(asked.check, catalog.discover(), '`audit checks` lists all there are')}"
        raise InputError(msg)
    params = _params(asked, check)
    subject = _subject(asked, check)
    _refuse_unknown("--param columns:", getattr(params, "columns", None) or (), subject.data, DERIVED)
    requirement = _requirement(asked, check, subject)
    unknown = next(preconditions.positive_unknown(check, subject.data, subject.candidate), None)
    if unknown is None and subject.classes:
        unknown = preconditions.wrong_positive(subject.data, subject.classes)
    if unknown is not None:
        raise InputError(unknown)
    skip = pipeline_jobs.weighted([one for one in (subject.data, subject.reference) if one is not None], check)
    return Job(requirement, check, catalog.info(asked.check), params, subject, asked.seed, asked.confidence, "you", skip)


def _requirement(asked: CheckRequest, check: Check, subject: Subject) -> Requirement:
    """The requirement as a policy would say it, checked by the same rules."""
    given = {"min": asked.minimum, "max": asked.maximum, "by": subject.by, "reference": "reference" if subject.reference else None}
    try:
        requirement = Requirement.model_validate({"check": asked.check, "id": asked.check, **given})
    except ValidationError as error:
        mistakes = messages(error, Requirement, lambda loc: len(loc) == 1 and loc[0] in given)
        raise InputError(*(f"--{'.'.join(map(str, loc))}: {text}" for loc, text, _ in mistakes)) from error
    found = [*bounds(requirement), *splits(requirement), *bound_problems(requirement, check)]
    if requirement.by and check.by == "none":
        found.append((("by",), f"{asked.check} gives one number and is not split; leave it out"))
    elif check.by != "features":
        for family in subject.by:
            found += [((key,), text) for key, text in preconditions.family_mistakes(requirement, subject.data, check, family, {})]
    problems = [f"--{place[0]}: {text}" for place, text in found if place]  # without a bound it is measured and not judged
    if problems:
        raise InputError(*problems)
    return requirement


def _params(asked: CheckRequest, check: Check) -> Params:
    given = {key: _value("--param", key, value) for key, value in pairs("--param", asked.params).items()}
    try:
        return typed(check.params, given)
    except ValidationError as error:
        mistakes = messages(error, check.params, lambda loc: len(loc) == 1 and loc[0] in given)
        lines = [f"--param {'.'.join(map(str, loc))}: {text}" for loc, text, _ in mistakes]
        takes = f"{asked.check} takes: {', '.join(check.params.model_fields) or 'no parameters'}"
        raise InputError(*lines, takes) from error


def _value(option: str, key: str, text: str) -> Tree:
    """A value as a policy would write it: `no` is a word, and `0.9` a number."""
    root, mistakes = parse(text or "''", option)
    if mistakes:
        msg = f"{option} {key}: {text!r} is no YAML: put quotes around it if it is meant as it stands"
        raise InputError(msg)
    return plain(root)


def pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    """Names and values; a name that is given twice is refused."""
    found: dict[str, str] = {}
    for key, value in map(_split, given):
        if key in found:
            msg = f"{option} {key}: given twice, as {found[key]!r} and {value!r}: give it once"
            raise InputError(msg)
        found[key] = value
    return found


def _split(pair: str) -> tuple[str, str]:
    key, found, value = pair.partition("=")
    if not found:
        msg = f"{pair!r}: write it as name=value"
        raise InputError(msg)
    return key.strip(), value


def _subject(asked: CheckRequest, check: Check) -> Subject:
    data = _read("data", asked.data, asked)
    others = {role: _read(role, _path(path), asked) for role, path in pairs("--dataset", asked.others).items()}
    datasets = {"data": data, "test": data, **others}
    by = tuple(tuple(family.split(",")) for family in asked.by)
    _refuse_unknown("--by", {column for family in by for column in family}, data)
    if "reference" in check.needs and "reference" not in others:
        msg = f"{asked.check} compares two data sets: add --dataset reference=FILE"
        raise InputError(msg)
    if check.by == "groups" and not by:
        msg = f"{asked.check} compares groups: name their column with --by"
        raise InputError(msg)
    if not check.needs.isdisjoint({"labels", "targets"}) and data.columns.label is None:
        msg = f"datasets.data: {asked.data}: {asked.check} needs true labels, and no column has a usual name for them "
        msg += f"({', '.join(NAMES['label'])}): name theirs with --column label=NAME; it has {_listed(data.cells.names)}"
        raise InputError(msg)
    candidate = _candidate(datasets, check)
    predicted = Predictions(candidate, disk_cache.root())
    learned = tuple(role for role in ("train", "validation") if role in others)
    return Subject(data=data, predicted=predicted, reference=others.get("reference"), datasets=datasets, by=by, learned_from=learned)


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


_SHOWN = 30
"""Columns that a message names."""


def _path(text: str) -> Path:
    from pathlib import Path

    return Path(text.strip())


def _read(role: str, path: Path, asked: CheckRequest) -> Dataset:
    """The file, with roles taken from the names of its columns and then from the options."""
    options = _read_options(asked)
    whole = read(role, path, Columns(), options)
    given = pairs("--column", asked.columns)
    names = set(whole.cells.names)
    given_roles = {key: _column(key, value, names) for key, value in given.items()}
    guessed, remarks = guess(whole, given_roles)
    try:
        columns = Columns.model_validate(guessed | given_roles)
    except ValidationError as error:
        mistakes = messages(error, Columns, lambda loc: len(loc) == 1 and loc[0] in given_roles)
        raise InputError(*(f"--column {'.'.join(map(str, loc))}: {text}" for loc, text, _ in mistakes)) from error
    clash = next(consistency.clashes(columns), None)
    if clash is not None:
        msg = f"--column: {clash[2]!r} serves {clash[0]} and {clash[1]} at once: name another column for one of them"
        raise InputError(msg)
    _refuse_blanks(role, path, names, {**guessed, **given_roles})
    data = read(role, path, columns, options)
    refuse_label_words(data)
    return replace(data, remarks=(*remarks, *data.remarks))


_STRUCTURED = frozenset({"positive", "sensitive", "features", "scores"})


def _column(role: str, text: str, names: Collection[str]) -> Tree:
    """The column that an option gives a role: an empty text removes it, and so does `null` unless a column has that name."""
    if role in _STRUCTURED:
        return _value("--column", role, text)
    return None if not text or (text == "null" and text not in names) else text


def _refuse_blanks(role: str, path: Path, names: Collection[str], roles_of: Mapping[str, object]) -> None:
    """A column called ` prediction` is the prediction's, and the blank is easily overlooked."""
    for name, known in NAMES.items():
        near = next((column for column in sorted(names) if column != column.strip() and column.strip() in known), None)
        if near is not None and name not in roles_of and near not in roles_of.values():
            msg = f"datasets.{role}: {path}: column {near!r} begins or ends with a blank: mend the first line of the file, or "
            msg += f"add --column {shlex.quote(f'{name}={near}')}"
            raise InputError(msg)


def _read_options(asked: CheckRequest) -> ReadOptions:
    written = pairs("--read", asked.reading)
    given: dict[str, Tree] = {key: _value("--read", key, value) if key in {"missing", "types"} else value for key, value in written.items()}
    missing = given.get("missing", [])
    words: list[Tree] = [*missing.split(",")] if isinstance(missing, str) else [missing]
    given["missing"] = missing if isinstance(missing, list) else words
    try:
        return ReadOptions.model_validate(given)
    except ValidationError as error:
        wrong = messages(error, ReadOptions, lambda loc: len(loc) == 1 and loc[0] in given)
        raise InputError(*(f"--read {'.'.join(map(str, loc))}: {text}" for loc, text, _ in wrong)) from error


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
    if check.tasks is None or set(check.tasks).isdisjoint(REGRESSION):
        return False
    return set(check.tasks) <= set(REGRESSION) or data.continuous(column)
