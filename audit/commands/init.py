"""A commented starter policy for the data and the model that a folder holds."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audit import catalog
from audit.candidates import kinds
from audit.datasets import Columns, canonical
from audit.datasets.guessed_roles import NAMES, reads_as_text
from audit.datasets.reading import read
from audit.datasets.table import MOST_CLASSES
from audit.errors import InputError
from audit.files import write_new
from audit.policy.messages import nearest
from audit.policy.schema import NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from audit.datasets import Dataset

_DATA = (".csv", ".csv.gz", ".parquet", ".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
_SKIPPED = frozenset({"reports", "policies", "node_modules", "venv", "build", "dist"})
_DEEPEST = 3
_ROLES = {
    "train": ("train", "training", "fit"),
    "test": ("test", "eval", "evaluation", "holdout", "predictions", "scored"),
    "validation": ("validation", "valid", "val", "dev"),
    "production": ("production", "prod", "current", "live", "window"),
}
"""Words of a file's name that tell its role."""
_MORE_NAMES: dict[str, tuple[str, ...]] = {
    "time": ("time", "timestamp", "date", "created_at"),
    "group": ("customer_id", "user_id", "patient_id", "group_id"),
}
_SENSITIVE = (
    *("gender", "sex", "race", "ethnicity", "age_group", "religion", "disability", "nationality", "region"),
    *("marital", "marital_status", "foreign_worker"),
)
_SHOWN = 6
"""Columns that may be the label, of which a message names so many."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What the folder holds."""

    data: dict[str, Dataset]
    """By role; there is always a `test`."""
    roles: dict[str, str]
    """Of the test set's columns."""
    classes: tuple[str, ...]
    """Of the label, in falling order of their rows; empty where the label is missing or a number."""
    model: tuple[str, Path] | None
    """Kind and path."""
    sensitive: tuple[str, ...]
    spread: float | None = None
    """Mean distance of the labels from their middle, where they are numbers; None where they are classes, or missing."""


def write(folder: Path, name: str | None = None, columns: Mapping[str, str] | None = None) -> Path:
    """The starter policy's path. What is there already is never overwritten. `columns` says what names alone do not, such as the label."""
    here = Path.cwd().resolve()
    below = folder.resolve().is_relative_to(here)
    start = here if below else folder.resolve()
    name = name if name is not None else re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name).strip("-._") or "starter"
    if not re.match(NAME, name):
        msg = f"--name {name!r}: use letters, digits, dots, dashes and underscores, beginning with a letter or digit"
        raise InputError(msg)
    path = (Path("policies") if below else folder) / f"{name}.yaml"
    text = "\n".join(_policy(name, _look(folder, columns or {}), start)) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{path.parent}: the policy cannot be written there ({error.strerror}); move what is in the way"
        raise InputError(msg) from error
    try:
        write_new(path, text)
    except FileExistsError as error:
        msg = f"{path} is there already; delete it, or write another with --name"
        raise InputError(msg) from error
    except OSError as error:
        msg = f"{path}: the policy cannot be written there ({error.strerror}); see to the folder's permissions"
        raise InputError(msg) from error
    return path


def _look(folder: Path, given: Mapping[str, str]) -> _Found:
    if not folder.is_dir():
        msg = f"{folder} is not a folder; name the one that holds the data"
        raise InputError(msg)
    files = sorted(_walk(folder, 0))
    data = _by_role([one for one in files if one.name.lower().endswith(_DATA)])
    tables = {role: read(role, path, Columns()) for role, path in data.items()}
    if not tables:
        msg = f"{folder} holds no data ({', '.join(_DATA)}); name a folder with at least a test set"
        raise InputError(msg)
    test = tables["test"]
    columns = {name.lower(): name for name in test.cells.names}
    named = {role: next((columns[one] for one in names if one in columns), None) for role, names in (NAMES | _MORE_NAMES).items()}
    named = {role: column for role, column in named.items() if column is None or _can_be(test, role, column)}
    roles = {role: column for role, column in named.items() if column is not None and column not in given.values()} | dict(given)
    _refuse_unclear(test, roles)
    sensitive = tuple(columns[one] for one in _SENSITIVE if one in columns and not test.blank(columns[one]).all())
    spread, classes = _spread(test, roles), _classes(test, roles.get("label"))
    if "score" in roles and "score" not in given and not _is_probability(test, roles["score"], classes):
        roles.pop("score")
    return _Found(tables, roles, classes, _model(files), sensitive, spread)


def _can_be(test: Dataset, role: str, column: str) -> bool:
    """Whether the cells of a column can play the role that its name suggests."""
    if role == "id":
        return bool(test.cells.column(column).is_unique) and not test.blank(column).any()
    return role != "text" or reads_as_text(test, column)


def _is_probability(test: Dataset, score: str, classes: tuple[str, ...]) -> bool:
    """Whether a column may be the probability of one of two classes: numbers have none, and a credit score is none."""
    from pandas.api import types

    cells = test.cells.column(score)
    return len(classes) == 2 and types.is_numeric_dtype(cells) and bool(cells.between(0, 1).all())  # noqa: PLR2004  # two classes


def _refuse_unclear(test: Dataset, roles: Mapping[str, str]) -> None:
    """Without a label nothing can be asked of a model, and which column it is cannot be guessed."""
    columns = list(test.cells.names)
    for role, column in roles.items():
        if column not in columns:
            msg = f"--column {role}={column}: {test.path} has no such column; {nearest(column, columns, 'it has ' + ', '.join(columns))}"
            raise InputError(msg)
    if "label" not in roles:
        few = [f"{one} ({count} values)" for one in columns if 2 <= (count := test.cells.column(one).nunique()) <= MOST_CLASSES]  # noqa: PLR2004  # two classes
        likely = f"; columns of a few values are {', '.join(few[::-1][:_SHOWN])}" if few else ""
        msg = f"{test.path}: no column has a usual name for labels ({', '.join(NAMES['label'])}){likely}: "
        msg += "say which holds the true answers, with --column label=NAME, and with --column prediction=NAME what a model said"
        raise InputError(msg)


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir() and depth < _DEEPEST and path.name not in _SKIPPED and not path.name.startswith("."):
            yield from _walk(path, depth + 1)
        elif path.is_file():
            yield path


def _by_role(files: list[Path]) -> dict[str, Path]:
    """The first file of each role; where none is called a test set, the first of no other role is it."""
    found: dict[str, Path] = {}
    for path in files:
        words = re.split(r"[^a-z]+", path.name.lower())
        role = next((role for role, known in _ROLES.items() if set(words) & set(known)), None)
        if role is not None:
            found.setdefault(role, path)
    rest = [path for path in files if path not in found.values()] or list(found.values())
    if rest and "test" not in found:
        found["test"] = rest[0]
    return dict(sorted(found.items(), key=lambda item: list(_ROLES).index(item[0])))


def _classes(test: Dataset, label: str | None) -> tuple[str, ...]:
    if label is None:
        return ()
    counts = test.cells.column(label).map(canonical).value_counts()
    return tuple(str(one) for one in counts.index) if len(counts) <= MOST_CLASSES else ()


def _spread(test: Dataset, roles: dict[str, str]) -> float | None:
    label = roles.get("label")
    if label is None or "text" in roles or not test.continuous(label):
        return None
    numbers = test.cells.column(label).dropna().astype(float)
    return float((numbers - numbers.median()).abs().mean())


def _model(files: list[Path]) -> tuple[str, Path] | None:
    """The kind and place of a model among the files; a folder of several files before a single one."""
    found = [(kind.name, path) for kind in kinds.discover().values() if (path := kind.find(files)) is not None]
    return min(found, key=lambda one: one[1].is_file(), default=None)


def _policy(name: str, found: _Found, start: Path) -> Iterator[str]:
    yield f"# What has to hold of {name} before it may be promoted. Written by `audit init`: every line is a proposal."
    yield "# `audit validate` checks this file; `audit checks` lists what can be asked; docs: docs/policy.md"
    yield f"policy: {_quoted(name)}"
    yield "version: 1"
    yield "seed: 1"
    yield "# tier: 2                  # 1 is the highest materiality; asks for declared facts, and for a reason where nothing is measured"
    yield "# system:"
    yield "#   purpose: what it is for, in one sentence"
    yield "#   owner: {team: who answers for it, contact: team@example.org}"
    yield "datasets:"
    for role, data in found.data.items():
        own = [f"columns: {{{', '.join(lacking)}}}"] if (lacking := list(_lacking(data, found))) else []
        parts = ", ".join([f"path: {_quoted(_below(data.path, start))}", *own])
        yield f"  {role}: {{{parts}}}" + ("  # has no such columns" if own else "")
    yield from _columns(found)
    yield from _candidate(found, start)
    yield "require:                     # the bounds are placeholders: set them from what the system is for, before you see its results"
    yield from (f"  - {{{line}}}" for line in _requirements(found))


def _lacking(data: Dataset, found: _Found) -> Iterator[str]:
    """Roles of the test set's columns that another data set does not have."""
    columns = set(data.cells.names)
    yield from (f"{role}: null" for role, column in found.roles.items() if column not in columns)
    if not columns.issuperset(found.sensitive):
        yield f"sensitive: [{', '.join(_quoted(one) for one in found.sensitive if one in columns)}]"


def _below(path: Path, start: Path) -> str:
    """A path as the policy names it; where the file itself is a link, the link."""
    return str((path.parent.resolve() / path.name).relative_to(start))


def _quoted(text: str) -> str:
    """Text as a YAML scalar in a flow mapping."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_./-]*", text) and text.lower() not in {"null", "true", "false"}
    return text if plain else json.dumps(text)


def _columns(found: _Found) -> Iterator[str]:
    parts = [f"{role}: {_quoted(column)}" for role, column in found.roles.items()]
    if len(found.classes) == 2 and set(found.classes) not in ({"0", "1"}, {"false", "true"}):  # noqa: PLR2004  # two classes
        why, positive = _positive(found)
        yield f"# positive is the {why}: is it the favourable or sought one?"
        parts.append(f"positive: {_quoted(positive)}")
    if found.sensitive:
        parts.append(f"sensitive: [{', '.join(map(_quoted, found.sensitive))}]")
    if parts:
        yield f"columns: {{{', '.join(parts)}}}"


def _positive(found: _Found) -> tuple[str, str]:
    """Why a class may be the positive one, and which."""
    score, label = found.roles.get("score"), found.roles["label"]
    if score is None:
        return "rarer class", found.classes[-1]
    cells = found.data["test"].cells
    means = cells.column(score).groupby(cells.column(label).map(canonical)).mean()
    return f"class with the higher {score}", str(means.idxmax())


def _candidate(found: _Found, start: Path) -> Iterator[str]:
    if "label" in found.roles and not found.classes and found.spread is None:
        yield f"# {found.roles['label']} has too many values for classes: no check uses it"
    yield "candidate:"
    task = "tabular-regression" if found.spread is not None else f"{'text' if 'text' in found.roles else 'tabular'}-classification"
    yield f"  task: {task}"
    if found.model is not None:
        kind, path = found.model
        yield f"  load: {{kind: {kind}, path: {_quoted(_below(path, start))}}}"
    elif {"prediction", "score"} & set(found.roles):
        yield "  load: {kind: predictions}  # the columns named above hold what the model said"
    elif "text" in found.roles and "train" in found.data:
        yield "  fine_tune: {base: minilm, on: train, validation: 0.15, epochs: 3}"
    else:
        yield f"  {next(kind.starter for kind in kinds.discover().values() if kind.starter is not None and task in kind.tasks)}"


def _requirements(found: _Found) -> Iterator[str]:
    """Requirements that this data and candidate can serve, of the checks that there are."""
    known = catalog.discover()
    proposed = [*_performance(found), *_fairness(found), *_data(found)]
    yield from (line for line in proposed if line.split(",")[0].removeprefix("check: ") in known)


def _performance(found: _Found) -> Iterator[str]:
    if found.spread is not None:
        by = f", by: [{', '.join(map(_quoted, found.sensitive))}]" if found.sensitive else ""
        yield f"check: performance/mean_absolute_error{by}, max: {_rounded(found.spread / 2)}"
        yield "check: performance/r2, min: 0.5"
    if not found.classes:
        return
    by = f", by: [{', '.join(map(_quoted, found.sensitive))}]" if found.sensitive else ""
    yield f"check: performance/accuracy{by}, min: 0.8"
    yield "check: performance/f1, average: macro, min: 0.75"
    yield "check: performance/balanced_accuracy, min: 0.75"
    yield "check: performance/matthews_correlation, min: 0.5, severity: medium"
    yield "check: performance/cohen_kappa, min: 0.5, severity: medium"
    if "score" in found.roles or "text" in found.roles:
        yield "check: performance/roc_auc, min: 0.8, severity: medium"
        yield "check: calibration/expected_calibration_error, max: 0.1, severity: medium"
    if _told_apart(found):
        yield "check: fairness/discovered_slices, max: 0.3, severity: medium"


def _rounded(value: float) -> str:
    """To two digits, as YAML reads it."""
    return f"{float(f'{value:.2g}'):.10g}"


def _fairness(found: _Found) -> Iterator[str]:
    if found.sensitive and found.spread is not None and (found.model or "prediction" in found.roles):
        yield f"check: fairness/error_difference, by: [{', '.join(map(_quoted, found.sensitive))}], max: {_rounded(found.spread / 10)}"
    if found.sensitive and len(found.classes) == 2:  # noqa: PLR2004  # two classes
        by = f"by: [{', '.join(map(_quoted, found.sensitive))}]"
        yield f"check: fairness/equal_opportunity_difference, {by}, max: 0.1"
        yield f"check: fairness/demographic_parity_difference, {by}, max: 0.2, severity: medium"


def _data(found: _Found) -> Iterator[str]:
    if _told_apart(found) or not any(_performance(found)):  # a policy asks for something
        yield "check: data/duplicates, max: 0, severity: medium"
    if "train" in found.data:
        yield "check: data/train_test_leakage, max: 0, severity: critical"
        if "text" in found.roles:
            yield "check: privacy/pii_in_text, on: train, max: 0, severity: critical"
    if "production" in found.data and (found.model or "text" in found.roles):
        yield "check: drift/prediction_drift, reference: test, on: production, max: 0.15, severity: medium"


def _told_apart(found: _Found) -> bool:
    """Whether the test set has more of a row than its label, what the model said of it and its groups, which other rows share."""
    return "text" in found.roles or not {*found.roles.values(), *found.sensitive}.issuperset(found.data["test"].cells.names)
