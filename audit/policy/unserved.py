"""What the schema knows and this release does not do: passing over it in silence would promote without proof."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.policy.paths import is_address
from audit.tasks import REGRESSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.policy.consistency import Problem
    from audit.policy.schema import CandidateSpec, Load
    from audit.policy.shape import Draft

TASKS = ("text-classification", "tabular-classification", "tabular-regression")
KINDS = ("transformers", "sklearn", "predictions")
"""Kinds of `load`."""
_OF_CLASSES = ("positive", "score", "scores")
"""Roles that a candidate for regression has no use for."""
_CLASSIFIERS = frozenset({"image-classification", "sequence-classification"})


def problems(draft: Draft) -> Iterator[Problem]:
    """Every part of the policy that this release would have to pass over."""
    if draft.candidate is not None:
        for loc, text in _candidate(draft.candidate):
            yield ("candidate", *loc), text
        yield from _regression(draft)
    numbers = draft.candidate is not None and draft.candidate.task in REGRESSION
    for place, spec in draft.comparators.items():
        for loc, text in () if spec is None else _load(spec.load, numbers=numbers):
            yield (*place, "load", *loc), text


def _candidate(candidate: CandidateSpec) -> Iterator[Problem]:
    load = candidate.load
    if candidate.task not in TASKS:
        yield ("task",), f"{candidate.task} is not served by this release; {_instead(candidate.task)}"
    elif load is None and candidate.fine_tune is not None and candidate.task != "text-classification":
        text = f"fine-tuning for {candidate.task} is not served by this release; train the model yourself and name it under `load`"
        yield ("fine_tune",), text
    if load is not None:
        for loc, text in _load(load, numbers=candidate.task in REGRESSION):
            yield ("load", *loc), text


def _regression(draft: Draft) -> Iterator[Problem]:
    """Roles that speak of classes, under a candidate that gives numbers: no check could read them."""
    if draft.candidate is None or draft.candidate.task not in REGRESSION:
        return
    own = [(("datasets", role, "columns"), spec.columns) for role, spec in draft.datasets.items() if spec is not None and spec.columns]
    for place, columns in [(("columns",), draft.columns), *own]:
        for role in _OF_CLASSES:
            if columns is not None and getattr(columns, role) is not None:
                yield (*place, role), f"is of classification, and candidate.task is {draft.candidate.task}; leave it out"
    for place, spec in draft.comparators.items():
        answers = None if spec is None else spec.columns
        for role in _OF_CLASSES[1:]:
            if answers is not None and getattr(answers, role) is not None:
                yield (*place, "columns", role), f"is of classification, and candidate.task is {draft.candidate.task}; name prediction"


def _load(load: Load, *, numbers: bool) -> Iterator[Problem]:
    if load.kind not in KINDS:
        yield ("kind",), f"{load.kind} is not served by this release; score the rows yourself and load the result with kind predictions"
    elif numbers and load.kind == "transformers":
        yield ("kind",), "transformers models are served as classifiers; score the rows yourself and load the numbers with kind predictions"
    elif load.path is not None and is_address(load.path):
        yield ("path",), "is an address, and this release opens models on this machine; name a folder or file"


def _instead(task: str) -> str:
    if task in _CLASSIFIERS:
        return "score the rows yourself, and declare tabular-classification with `load: {kind: predictions}`"
    return f"it serves {', '.join(TASKS[:-1])} and {TASKS[-1]}"
