"""A commented starter policy for the data and the model that a folder holds."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from audit import catalog
from audit.candidates import kinds
from audit.commands.starter import SELF_EVIDENT, Ask, Found, described, left_out, likely_positive
from audit.datasets import Columns
from audit.datasets.reading import read
from audit.errors import InputError
from audit.files import write_new
from audit.policy.schema import NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

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


OnLeftOut: TypeAlias = "Callable[[str, str], None]"
"""Hears of a column without a role, and why it has none."""


def _ignore(_column: str, _why: str) -> None:
    pass


def write(
    folder: Path,
    name: str | None = None,
    columns: Mapping[str, str] | None = None,
    *,
    ask: Ask | None = None,
    on_left_out: OnLeftOut = _ignore,
) -> Path:
    """The starter policy's path. What is there already is never overwritten. `columns` says what names alone do not, such as the label.

    `ask` reaches a person, who is asked for what cannot be seen; None where nobody is there.
    """
    here = Path.cwd().resolve()
    below = folder.resolve().is_relative_to(here)
    start = here if below else folder.resolve()
    name = name if name is not None else re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name).strip("-._") or "starter"
    if not re.match(NAME, name):
        msg = f"--name {name!r}: use letters, digits, dots, dashes and underscores, beginning with a letter or digit"
        raise InputError(msg)
    path = (Path("policies") if below else folder) / f"{name}.yaml"
    found = _look(folder, columns or {}, ask)
    text = "\n".join(_policy(name, found, start)) + "\n"
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
    for column, why in left_out(found):
        on_left_out(column, why)
    return path


def _look(folder: Path, given: Mapping[str, str], ask: Ask | None) -> Found:
    if not folder.is_dir():
        msg = f"{folder} is not a folder; name the one that holds the data"
        raise InputError(msg)
    files = sorted(_walk(folder, 0))
    data = _by_role([one for one in files if one.name.lower().endswith(_DATA)])
    tables = {role: read(role, path, Columns()) for role, path in data.items()}
    if not tables:
        msg = f"{folder} holds no data ({', '.join(_DATA)}); name a folder with at least a test set"
        raise InputError(msg)
    return described(tables, given, _model(files), ask)


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


def _model(files: list[Path]) -> tuple[str, Path] | None:
    """The kind and place of a model among the files; a folder of several files before a single one."""
    found = [(kind.name, path) for kind in kinds.discover().values() if (path := kind.find(files)) is not None]
    return min(found, key=lambda one: one[1].is_file(), default=None)


def _policy(name: str, found: Found, start: Path) -> Iterator[str]:
    yield from policy_head(name, found, start, "audit init")
    yield "require:                     # the bounds are placeholders: set them from what the system is for, before you see its results"
    yield from (f"  - {{{line}}}" for line in _requirements(found))


def policy_head(name: str, found: Found, start: Path, command: str, reading: Sequence[str] = ()) -> Iterator[str]:
    """The lines of a policy before its requirements; paths are named from `start`. `reading` are keys that say how files are read."""
    yield f"# What has to hold of {name} before it may be promoted. Written by `{command}`: every line is a proposal."
    yield "# `audit validate` checks this file; `audit checks` lists what can be asked; docs: docs/policy.md"
    yield f"policy: {quoted(name)}"
    yield "version: 1"
    yield "seed: 1"
    yield "# tier: 2                  # 1 is the highest materiality; asks for declared facts, and for a reason where nothing is measured"
    if found.owner is None:
        yield "# system:"
        yield "#   purpose: what it is for, in one sentence"
        yield "#   owner: {team: who answers for it, contact: team@example.org}"
    else:
        yield "system:"
        yield "  # purpose: what it is for, in one sentence"
        yield f"  owner: {{team: {quoted(found.owner)}, contact: {quoted(found.owner)}}}"
    yield "datasets:"
    for role, data in found.data.items():
        own = [f"columns: {{{', '.join(lacking)}}}"] if (lacking := list(_lacking(data, found))) else []
        parts = ", ".join([f"path: {quoted(below(Path(str(data.path)), start))}", *reading, *own])
        yield f"  {role}: {{{parts}}}" + ("  # has no such columns" if own else "")
    yield from _columns(found)
    yield from _candidate(found, start)


def _lacking(data: Dataset, found: Found) -> Iterator[str]:
    """Roles of the test set's columns that another data set does not have."""
    columns = set(data.cells.names)
    yield from (f"{role}: null" for role, column in found.roles.items() if column not in columns)
    if not columns.issuperset(found.sensitive):
        yield f"sensitive: [{', '.join(quoted(one) for one in found.sensitive if one in columns)}]"


def below(path: Path, start: Path) -> str:
    """A path as the policy names it; where the file itself is a link, the link."""
    return str((path.parent.resolve() / path.name).relative_to(start))


def quoted(text: str) -> str:
    """Text as a YAML scalar in a flow mapping."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_./-]*", text) and text.lower() not in {"null", "true", "false"}
    return text if plain else json.dumps(text)


def _columns(found: Found) -> Iterator[str]:
    parts = [f"{role}: {quoted(column)}" for role, column in found.roles.items()]
    if found.positive is not None:
        parts.append(f"positive: {quoted(found.positive)}")
    elif len(found.classes) == 2 and set(found.classes) not in SELF_EVIDENT:  # noqa: PLR2004  # two classes
        why, positive = likely_positive(found)
        yield f"# positive is the {why}: is it the favourable or sought one?"
        parts.append(f"positive: {quoted(positive)}")
    if found.sensitive:
        parts.append(f"sensitive: [{', '.join(map(quoted, found.sensitive))}]")
    if parts:
        yield f"columns: {{{', '.join(parts)}}}"


def _candidate(found: Found, start: Path) -> Iterator[str]:
    if "label" in found.roles and not found.classes and found.spread is None:
        yield f"# {found.roles['label']} has too many values for classes: no check uses it"
    yield "candidate:"
    task = "tabular-regression" if found.spread is not None else f"{'text' if 'text' in found.roles else 'tabular'}-classification"
    yield f"  task: {task}"
    if found.model is not None:
        kind, path = found.model
        yield f"  load: {{kind: {kind}, path: {quoted(below(path, start))}}}"
    elif {"prediction", "score"} & set(found.roles):
        yield "  load: {kind: predictions}  # the columns named above hold what the model said"
    elif "text" in found.roles and "train" in found.data:
        yield "  fine_tune: {base: minilm, on: train, validation: 0.15, epochs: 3}"
    else:
        yield f"  {next(kind.starter for kind in kinds.discover().values() if kind.starter is not None and task in kind.tasks)}"


def _requirements(found: Found) -> Iterator[str]:
    """Requirements that this data and candidate can serve, of the checks that there are."""
    known = catalog.discover()
    proposed = [*_performance(found), *_fairness(found), *_data(found)]
    yield from (line for line in proposed if line.split(",")[0].removeprefix("check: ") in known)


def _performance(found: Found) -> Iterator[str]:
    if found.spread is not None:
        by = f", by: [{', '.join(map(quoted, found.sensitive))}]" if found.sensitive else ""
        yield f"check: performance/mean_absolute_error{by}, max: {_rounded(found.spread / 2)}"
        yield "check: performance/r2, min: 0.5"
    if not found.classes:
        return
    by = f", by: [{', '.join(map(quoted, found.sensitive))}]" if found.sensitive else ""
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


def _fairness(found: Found) -> Iterator[str]:
    if found.sensitive and found.spread is not None and (found.model or "prediction" in found.roles):
        yield f"check: fairness/error_difference, by: [{', '.join(map(quoted, found.sensitive))}], max: {_rounded(found.spread / 10)}"
    if found.sensitive and len(found.classes) == 2:  # noqa: PLR2004  # two classes
        by = f"by: [{', '.join(map(quoted, found.sensitive))}]"
        yield f"check: fairness/equal_opportunity_difference, {by}, max: 0.1"
        yield f"check: fairness/demographic_parity_difference, {by}, max: 0.2, severity: medium"


def _data(found: Found) -> Iterator[str]:
    if _told_apart(found) or not any(_performance(found)):  # a policy asks for something
        yield "check: data/duplicates, max: 0, severity: medium"
    if "train" in found.data:
        yield "check: data/train_test_leakage, max: 0, severity: critical"
        if "text" in found.roles:
            yield "check: privacy/pii_in_text, on: train, max: 0, severity: critical"
    if "production" in found.data and (found.model or "text" in found.roles):
        yield "check: drift/prediction_drift, reference: test, on: production, max: 0.15, severity: medium"


def _told_apart(found: Found) -> bool:
    """Whether the test set has more of a row than its label, what the model said of it and its groups, which other rows share."""
    return "text" in found.roles or not {*found.roles.values(), *found.sensitive}.issuperset(found.data["test"].cells.names)
