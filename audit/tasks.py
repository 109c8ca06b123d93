"""Tasks that a candidate may have."""

from __future__ import annotations

from typing import Literal, TypeAlias

Task: TypeAlias = Literal[
    "text-classification",
    "tabular-classification",
    "tabular-regression",
    "image-classification",
    "sequence-classification",
    "text-generation",
    "text-to-text",
]


CLASSIFICATION: tuple[Task, ...] = (
    "text-classification",
    "tabular-classification",
    "image-classification",
    "sequence-classification",
)


REGRESSION: tuple[Task, ...] = ("tabular-regression",)
