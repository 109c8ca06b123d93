"""Data sets: files read into tables, with the roles of their columns and a digest."""

from audit.canonical_text import canonical
from audit.datasets.columns import Columns
from audit.datasets.kinds import ColumnKind, NumberColumn, OddCells
from audit.datasets.table import Dataset

__all__ = ["ColumnKind", "Columns", "Dataset", "NumberColumn", "OddCells", "canonical"]
