"""The kinds of candidate that `load` opens: each module beside this one that defines a `KIND` is in the registry."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from audit import disk_cache
from audit.datasets import canonical
from audit.errors import InputError, ToolError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from audit.candidates.capabilities import Capability
    from audit.candidates.interface import Candidate
    from audit.datasets import Dataset
    from audit.policy.schema import Load
    from audit.progress import Progress
    from audit.tasks import Task

PLANNED = ("torch", "onnx", "mlflow", "http")
"""Kinds that a policy may name and no release serves yet."""


class Options(BaseModel):
    """A kind's own keys beside those that every `load` has: strict, so that a misspelt one is refused at its line of the policy."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True)
class Opening:
    """What a candidate is opened with."""

    task: Task
    datasets: Mapping[str, Dataset]
    label_map: Mapping[str, str]
    """The class that is meant by a spelling."""
    trust_pickle: bool
    resolve: Callable[[str], Path]
    measured: Sequence[Dataset]
    """Data sets on which the candidate itself is measured."""
    cache: Path
    progress: Progress

    def path(self, load: Load) -> Path:
        """Where the model lies."""
        if load.path is None:
            msg = f"candidate.load: kind {load.kind} needs a path"
            raise InputError(msg)
        return self.resolve(load.path)

    def labels(self) -> frozenset[str]:
        """Every label that the data hold."""
        return labels_in(self.datasets)

    def mapped(self, classes: Sequence[str]) -> tuple[str, ...]:
        """A model's classes as the policy's labels name them. Two that would become one are refused: the model tells them apart."""
        names = [str(canonical(name)) for name in classes]
        found = tuple(self.label_map.get(name, name) for name in names)
        if len(set(found)) < len(found):
            one = next(name for name in found if found.count(name) > 1)
            several = " and ".join(repr(name) for name, meant in zip(classes, found, strict=True) if meant == one)
            msg = f"candidate: the model tells the classes {several} apart, and both are {one!r} in the labels: train it on one of them"
            raise InputError(msg)
        return found


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of candidate."""

    name: str
    """As `load.kind` names it."""
    title: str
    """As messages call a candidate of this kind: `a scikit-learn model`."""
    tasks: tuple[Task, ...]
    offers: frozenset[type[Capability]]
    """What a candidate of this kind can offer at most."""
    open: Callable[[Opening, Load], Candidate]
    options: type[BaseModel] = Options
    """Schema of its own keys under `load`, which arrive in `load.options`."""
    has_file: bool = True
    """Whether `load.path` names its file or folder; saved predictions are columns of the data sets."""
    digest: Callable[[Path, int | None], str] = lambda path, _max_length: disk_cache.digest(path)
    """The candidate's `sha256` from its file or folder and the policy's `max_length`, without opening it: what a registry verifies."""
    brings: tuple[str, str] | None = None
    """The extra that it comes with, and what that brings, for `audit doctor`."""
    find: Callable[[Sequence[Path]], Path | None] = lambda _files: None
    """The model of this kind among some files, for `audit init`."""
    starter: str | None = None
    """Line of a new policy that names a model yet to be put there."""


@cache
def discover() -> Mapping[str, Kind]:
    """Every kind by its name, in the order of their modules. A `KIND` that is none, or whose name is taken, is refused."""
    import audit.candidates as folder

    found: dict[str, Kind] = {}
    for module in pkgutil.iter_modules(folder.__path__, prefix="audit.candidates."):
        kind: Any = getattr(importlib.import_module(module.name), "KIND", None)
        if kind is None:
            continue
        if not isinstance(kind, Kind) or kind.name in found:
            msg = f"{module.name}: KIND is to be a Kind with a name of its own"
            raise ToolError(msg)
        found[kind.name] = kind
    return found


def served_tasks() -> tuple[Task, ...]:
    """Tasks for which some kind opens candidates."""
    return tuple(dict.fromkeys(task for kind in discover().values() for task in kind.tasks))


def labels_in(datasets: Mapping[str, Dataset]) -> frozenset[str]:
    """Every label that some data sets hold."""
    return frozenset(name for data in datasets.values() if data.columns.label for name in data.class_counts(data.columns.label))
