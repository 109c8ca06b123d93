"""From the file's tree to typed parts, each by itself, so that a mistake in one does not hide those in another."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from audit.datasets import Columns
from audit.policy.messages import messages
from audit.policy.monitoring import Monitor
from audit.policy.schema import (
    CHAMPION,
    IDENTIFIER,
    CandidateSpec,
    ComparatorSpec,
    DatasetSpec,
    FineTune,
    Labels,
    Load,
    Policy,
    Requirement,
    comparator_place,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from audit.errors import Mistake
    from audit.policy.yaml_reader import Loc, Marks, Tree

Model = TypeVar("Model", bound=BaseModel)
RESERVED = frozenset(Requirement.model_fields) - {"params"}
"""Keys of a requirement that mean the same under every check."""
LOAD_KEYS = frozenset(Load.model_fields) - {"options"}
"""Keys of `load` that mean the same for every kind."""
_TOP_TIER = 1
_UNNAMED = "unnamed"
"""Stands for the id where the check is missing, so that only the check is reported."""
_OPTIONAL: Mapping[type[BaseModel], frozenset[Loc]] = {
    Requirement: frozenset((key,) for key in RESERVED - {"check"}),
    CandidateSpec: frozenset(
        [("version",)]
        + [("load", key) for key in ("batch_size", "max_length", "sha256")]
        + [("fine_tune", key) for key in FineTune.model_fields if key not in {"base", "on", "validation"}]
    ),
    DatasetSpec: frozenset((key,) for key in DatasetSpec.model_fields if key not in {"path", "columns", "sql", "sample"}),
}
"""Keys without which a part can still be checked: a mistake in one hides no mistake in the others."""
_READ_WITH = {
    "min": {"max", "against", "margin"},
    "max": {"min", "against", "margin"},
    "against": {"margin", "min", "max", "judge_on"},
    "margin": {"against"},
    "judge_on": {"severity", "against"},
    "on": {"reference"},
    "reference": {"on"},
    "check": {"on"},
}
"""Keys of a requirement on which a mistake at another of its keys may rest."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The parts of a policy that have the right shape; the others are reported already and left out."""

    tier: int
    columns: Columns | None
    labels: Labels | None
    datasets: Mapping[str, DatasetSpec | None]
    candidate: CandidateSpec | None
    comparators: Mapping[tuple[str, ...], ComparatorSpec | None]
    """What the candidate may be compared with, by key path: the champion and all under `models`; the last key is the name in `against`."""
    looks: bool
    """Whether the error of a pass is spent over looks."""
    monitor: Monitor | None
    """None where no window is audited."""
    not_measured: tuple[str, ...]
    requirements: tuple[tuple[int, Requirement], ...]
    """With their places in `require`."""
    unread: Mapping[int, frozenset[str]]
    """By place in `require`: keys left out of the requirement, since their values are mistakes."""

    def rests_on_unread(self, loc: Loc) -> bool:
        """Whether a mistake at this place could be the mere consequence of another one in the same requirement."""
        if len(loc) < 2 or loc[0] != "require" or not isinstance(loc[1], int):  # noqa: PLR2004  # `require` and the place in it
            return False
        unread = self.unread.get(loc[1], frozenset())
        if len(loc) == 2:  # noqa: PLR2004  # the requirement itself: something is missing
            return bool(unread)
        return loc[2] in unread or not unread.isdisjoint(_READ_WITH.get(str(loc[2]), ()))

    def columns_of(self, role: str) -> Columns | None:
        """The roles of a data set's columns, its own before the policy's; None where either is broken."""
        spec = self.datasets.get(role)
        if spec is None or self.columns is None:
            return None
        return spec.columns.over(self.columns) if spec.columns else self.columns

    def comparator(self, name: str | None) -> ComparatorSpec | None:
        """The model of that name in `against`; None where it is not declared, broken, or the base model."""
        return next((spec for place, spec in self.comparators.items() if place[-1] == name), None)

    def has_saved_predictions(self) -> bool:
        """Whether any data set names columns of predictions; True where that cannot be told."""
        columns = [self.columns_of(role) for role in self.datasets]
        return None in columns or any(one.prediction or one.score or one.scores for one in columns if one)


def draft_of(policy: Policy) -> Draft:
    """A whole policy as its parts."""
    return Draft(
        tier=policy.tier,
        columns=policy.columns,
        labels=policy.labels,
        datasets=policy.datasets,
        candidate=policy.candidate,
        comparators={comparator_place(name): spec for name, spec in policy.comparators.items()},
        looks=policy.looks is not None,
        monitor=policy.monitor,
        not_measured=tuple(policy.not_measured),
        requirements=tuple(enumerate(policy.require)),
        unread={},
    )


def normal(tree: Tree) -> Tree:
    """The tree in the one form that the schema reads: short forms written out, a check's own keys under `params`."""
    if not isinstance(tree, dict):
        return tree
    found = dict(tree)
    if found.get("trust") == "pickle":
        found["trust"] = {"pickle": True}
    for key in ("candidate", CHAMPION):
        if key in found:
            found[key] = _loaded(found[key])
    if isinstance(models := found.get("models"), dict):
        found["models"] = {name: _loaded(one) for name, one in models.items()}
    requirements = found.get("require")
    if isinstance(requirements, list):
        found["require"] = [_requirement(one) for one in requirements]
    return found


def _loaded(raw: Tree) -> Tree:
    """A model with the keys of its kind under `options` of `load`."""
    if not isinstance(raw, dict) or not isinstance(load := raw.get("load"), dict):
        return raw
    options = {key: value for key, value in load.items() if key not in LOAD_KEYS}
    return raw | {"load": {key: value for key, value in load.items() if key in LOAD_KEYS} | {"options": options}}


def _requirement(raw: Tree) -> Tree:
    if not isinstance(raw, dict):
        return raw
    found: dict[str, Tree] = {key: value for key, value in raw.items() if key in RESERVED}
    found["params"] = {key: value for key, value in raw.items() if key not in RESERVED}
    if found.get("id") is None:
        check = raw.get("check")
        found["id"] = check if isinstance(check, str) and re.match(IDENTIFIER, check) else _UNNAMED
    if "by" in raw:
        found["by"] = _families(raw["by"])
    return found


def _families(by: Tree) -> Tree:
    """`a` and `[a, b]` as families of one column each; `[[a, b]]` stays a crossing. `{age: [25]}` becomes bands."""
    if isinstance(by, str):
        return [[by]]
    if by is None:
        return []
    if isinstance(by, dict):
        return [[_banded({column: said})] for column, said in by.items()]
    return [[_banded(key) for key in one] if isinstance(one, list) else [_banded(one)] for one in by] if isinstance(by, list) else by


def _banded(key: Tree) -> Tree:
    """A column as it is; the bands of one in the form that the schema reads."""
    if not isinstance(key, dict):
        return key
    column, said = next(iter(key.items())) if len(key) == 1 else ("", None)
    if isinstance(said, list):
        return {"column": column, "edges": said}
    if isinstance(said, dict) and said.keys() == {"bands"}:
        return {"column": column, "bands": said["bands"]}
    return {"unreadable": key}


def typed(model: type[Model], tree: Tree) -> Model:
    """A model read strictly, as from JSON: text is never taken for a number, nor true for 1."""
    return model.model_validate_json(json.dumps(tree), strict=True)


def mistakes(tree: Tree, marks: Marks) -> Iterator[Mistake]:
    """Everything that does not have the shape of a policy."""
    try:
        typed(Policy, tree)
    except ValidationError as error:
        for loc, text, key in messages(error, Policy, marks.values.__contains__):
            if not marks.is_broken(loc):
                yield marks.mistake(loc, text, key=key)


def draft(tree: Tree, marks: Marks) -> Draft:
    """The parts that have the right shape."""
    top = tree if isinstance(tree, dict) else {}
    datasets, requirements, named = top.get("datasets"), top.get("require"), top.get("not_measured")
    tier = top.get("tier", Policy.model_fields["tier"].default)
    listed = enumerate(requirements) if isinstance(requirements, list) else ()
    roles = datasets.items() if isinstance(datasets, dict) else ()
    declared: dict[tuple[str, ...], Tree] = {} if top.get(CHAMPION) is None else {(CHAMPION,): top[CHAMPION]}
    declared |= {("models", name): one for name, one in models.items()} if isinstance(models := top.get("models"), dict) else {}
    parts = {index: _without_mistakes(Requirement, one, ("require", index), marks) for index, one in listed}
    return Draft(
        tier=tier if isinstance(tier, int) else _TOP_TIER,
        columns=_part(Columns, top.get("columns", {}), ("columns",), marks),
        labels=_part(Labels, top.get("labels", {}), ("labels",), marks),
        datasets={role: _without_mistakes(DatasetSpec, one, ("datasets", role), marks)[0] for role, one in roles},
        candidate=_without_mistakes(CandidateSpec, top.get("candidate"), ("candidate",), marks)[0],
        comparators={place: _part(ComparatorSpec, one, place, marks) for place, one in declared.items()},
        looks=top.get("looks") is not None,
        monitor=None if top.get("monitor") is None else _part(Monitor, top["monitor"], ("monitor",), marks),
        not_measured=tuple(named) if isinstance(named, dict) else (),
        requirements=tuple((index, one) for index, (one, _) in parts.items() if one is not None),
        unread={index: unread for index, (_, unread) in parts.items()},
    )


def _without_mistakes(model: type[Model], tree: Tree, loc: Loc, marks: Marks) -> tuple[Model | None, frozenset[str]]:
    """A part without those of its optional keys that are mistakes, and these keys; None where another key is one."""
    if not isinstance(tree, dict) or any(loc[: len(one)] == one for one in marks.broken):
        return None, frozenset()
    params = tree.get("params")
    optional = _OPTIONAL[model] | {(key,) for key in params if model is Requirement} if isinstance(params, dict) else _OPTIONAL[model]
    mistaken: list[Loc] = [one[len(loc) :] for one in marks.broken if one[: len(loc)] == loc]
    wrong: set[Loc] = set()
    while True:
        keys = {next((key for key in optional if path[: len(key)] == key), ()) for path in mistaken}
        if () in keys or (keys and keys <= wrong):
            return None, frozenset()
        wrong |= keys
        try:
            return typed(model, _dropped(tree, wrong)), frozenset(str(path[0]) for path in wrong)
        except ValidationError as error:
            mistaken = [found["loc"] for found in error.errors(include_url=False)]


def _dropped(tree: dict[str, Tree], paths: set[Loc]) -> Tree:
    """A copy without these keys, whether a part's own or a check's parameters."""
    copy: dict[str, Tree] = json.loads(json.dumps(tree))
    for path in paths:
        for start in (copy, copy.get("params")):
            above: Tree = start
            for part in path[:-1]:
                above = above.get(str(part)) if isinstance(above, dict) else None
            if isinstance(above, dict):
                above.pop(str(path[-1]), None)
    return copy | {"id": _UNNAMED} if ("id",) in paths else copy


def _part(model: type[Model], tree: Tree, loc: Loc, marks: Marks) -> Model | None:
    if loc in marks.values and marks.is_broken(loc):
        return None
    try:
        return typed(model, tree)
    except ValidationError:
        return None
