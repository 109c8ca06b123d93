"""One check without a policy file."""

from __future__ import annotations

import re
import shlex
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from pydantic import ValidationError

from audit import catalog
from audit.commands import single_check
from audit.commands.single_check import SingleCheck
from audit.datasets import Columns
from audit.datasets.columns import ReadOptions
from audit.datasets.guessed_roles import NAMES, guess
from audit.datasets.labels import refuse_label_words
from audit.datasets.reading import read
from audit.errors import CannotMeasure, InputError
from audit.policy.messages import messages
from audit.policy.yaml_reader import parse, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from audit.datasets import Dataset
    from audit.decision.finding import Finding
    from audit.evidence import Evidence
    from audit.pipeline.jobs import Job
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
    with said_in_flags(asked):
        job = single_check.prepare(_single(asked))
    if job.requirement.min is None and job.requirement.max is None:
        msg = "give --min or --max: without a bound nothing is judged"
        raise InputError(msg)
    found = single_check.judge(job, asked.workers)
    _pass_on_remarks(job, asked, on_remark)
    evidence = found.evidence
    if evidence is not None:
        evidence = replace(evidence, unmeasured=tuple(replace(one, reason=in_flags(one.reason, asked)) for one in evidence.unmeasured))
    return replace(found, problem=in_flags(found.problem, asked), evidence=evidence)


def measured(asked: CheckRequest, on_remark: OnRemark = _ignore) -> Evidence:
    """The evidence of one check, judged against nothing; `on_remark` hears what its reader must know of the data."""
    with said_in_flags(asked):
        job = single_check.prepare(_single(asked))
        result = single_check.measure(job, asked.workers)
    _pass_on_remarks(job, asked, on_remark)
    return result


def _pass_on_remarks(job: Job, asked: CheckRequest, on_remark: OnRemark) -> None:
    for text in single_check.remarks(job):
        on_remark(in_flags(text, asked))


def _single(asked: CheckRequest) -> SingleCheck:
    """The request with its files read."""
    if asked.check not in catalog.discover():
        return SingleCheck(asked.check, {}, single_check.FLAGS)  # which is refused before any file is read
    params = {key: _value("--param", key, value) for key, value in pairs("--param", asked.params).items()}
    others = {role: path_of(path) for role, path in pairs("--dataset", asked.others).items()}
    datasets = {role: read_data(role, path, asked) for role, path in {"data": asked.data, **others}.items()}
    return SingleCheck(
        asked.check,
        datasets,
        single_check.FLAGS,
        params,
        tuple(tuple(family.split(",")) for family in asked.by),
        asked.minimum,
        asked.maximum,
        asked.seed,
        asked.confidence,
    )


@contextmanager
def said_in_flags(asked: CheckRequest) -> Iterator[None]:
    """Mistakes name the options that were typed, since there is no policy file."""
    try:
        yield
    except (InputError, CannotMeasure) as error:
        error.args = tuple(in_flags(line, asked) for line in error.lines)
        raise


def in_flags(text: str, asked: CheckRequest) -> str:
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


_SHOWN = 30
"""Columns that a message names."""


def path_of(text: str) -> Path:
    """The file that an option names."""
    from pathlib import Path

    return Path(text.strip())


def read_data(role: str, path: Path, asked: CheckRequest) -> Dataset:
    """The file, with roles taken from the names of its columns and then from the options."""
    options = read_options(asked.reading)
    columns, remarks = columns_of(read(role, path, Columns(), options), asked.columns)
    data = read(role, path, columns, options)
    refuse_label_words(data)
    return replace(data, remarks=(*remarks, *data.remarks))


def columns_of(data: Dataset, given: Sequence[str]) -> tuple[Columns, tuple[str, ...]]:
    """Roles by the names of the columns, or of a profile those it was made with, and over them the given ones; and remarks on them."""
    names = set(data.cells.names)
    given_roles = {key: _column(key, value, names) for key, value in pairs("--column", given).items()}
    if data.cells.profile is not None:
        return single_check.columns(data.cells.profile.roles.model_dump(exclude_defaults=True), given_roles, "--column "), ()
    guessed, remarks = guess(data, given_roles)
    columns = single_check.columns(guessed, given_roles, "--column ")
    _refuse_blanks(data.role, data.path, names, {**guessed, **given_roles})
    return columns, remarks


_STRUCTURED = frozenset({"positive", "sensitive", "features", "scores"})


def _column(role: str, text: str, names: Collection[str]) -> Tree:
    """The column that an option gives a role: an empty text removes it, and so does `null` unless a column has that name."""
    if role in _STRUCTURED:
        return _value("--column", role, text)
    return None if not text or (text == "null" and text not in names) else text


def _refuse_blanks(role: str, path: object, names: Collection[str], roles_of: Mapping[str, object]) -> None:
    """A column called ` prediction` is the prediction's, and the blank is easily overlooked."""
    for name, known in NAMES.items():
        near = next((column for column in sorted(names) if column != column.strip() and column.strip() in known), None)
        if near is not None and name not in roles_of and near not in roles_of.values():
            msg = f"datasets.{role}: {path}: column {near!r} begins or ends with a blank: mend the first line of the file, or "
            msg += f"add --column {shlex.quote(f'{name}={near}')}"
            raise InputError(msg)


def read_options(reading: Sequence[str]) -> ReadOptions:
    """How files are read, from options of the form `key=value`."""
    written = pairs("--read", reading)
    given: dict[str, Tree] = {key: _value("--read", key, value) if key in {"missing", "types"} else value for key, value in written.items()}
    missing = given.get("missing", [])
    words: list[Tree] = [*missing.split(",")] if isinstance(missing, str) else [missing]
    given["missing"] = missing if isinstance(missing, list) else words
    try:
        return ReadOptions.model_validate(given)
    except ValidationError as error:
        wrong = messages(error, ReadOptions, lambda loc: len(loc) == 1 and loc[0] in given)
        raise InputError(*(f"--read {'.'.join(map(str, loc))}: {text}" for loc, text, _ in wrong)) from error
