"""Roles that columns are given by their names alone, where nobody says what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.datasets.table import MOST_CLASSES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from audit.datasets import Dataset

NAMES: dict[str, tuple[str, ...]] = {
    "id": ("id", "row_id"),
    "text": ("text", "sentence", "review", "comment"),
    "label": ("label", "target", "y", "y_true", "class"),
    "prediction": ("prediction", "predicted", "y_pred", "pred"),
    "score": ("score", "y_score", "probability", "proba"),
}
"""Column names that a role is taken from when nothing is said."""


def guess(data: Dataset, said: Mapping[str, object]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Roles taken from column names alone, but for those that are said, and what a reader must know of them."""
    there = list(data.cells.names)
    named = {role: column for role, known in NAMES.items() if (column := _called(known, there)) is not None}
    taken_roles = {*said, *(["score"] if "scores" in said else [])}
    free = {role: column for role, column in named.items() if role not in taken_roles}
    remarks = []
    others = set(there) - {column for column in (*free.values(), *said.values()) if isinstance(column, str)}
    if others and "text" in free and not reads_as_text(data, free["text"]):
        column = free.pop("text")
        remarks.append(
            f"{column} is not taken for the text, since few of its cells are filled and different: --column text={column} makes it so"
        )
    if free:
        taken = ", ".join(role if role == column else f"{role} from {column}" for role, column in free.items())
        remarks.insert(0, f"roles by the names of the columns: {taken}; --column ROLE=COLUMN names another, --column ROLE= none")
    return free, tuple(remarks)


def _called(known: Sequence[str], there: Sequence[str]) -> str | None:
    """The column with the first of the known names; in other case where none is written so and one alone is meant."""
    exact = next((name for name in known if name in there), None)
    other = next((same for name in known if (same := [column for column in there if column.lower() == name])), [])
    return exact or (other[0] if len(other) == 1 else None)


def reads_as_text(data: Dataset, column: str) -> bool:
    """Whether most cells are filled, and either many or most of the filled ones are different."""
    filled = [text for cell in data.cells.column(column).dropna().to_list() if (text := str(cell).strip())]
    different = len(set(filled))
    return 2 * len(filled) >= data.rows and (different > MOST_CLASSES or 2 * different >= len(filled))
