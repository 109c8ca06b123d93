"""Tasks that a candidate may have."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

Task: TypeAlias = Literal[
    "text-classification",
    "tabular-classification",
    "tabular-regression",
    "image-classification",
    "sequence-classification",
    "text-generation",
    "text-to-text",
]
TASKS: tuple[Task, ...] = get_args(Task)
CLASSIFICATION: tuple[Task, ...] = (
    "text-classification",
    "tabular-classification",
    "image-classification",
    "sequence-classification",
)
REGRESSION: tuple[Task, ...] = ("tabular-regression",)
