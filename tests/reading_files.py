"""Small files written and read in the tests of reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit.datasets import Columns
from audit.datasets.columns import ReadOptions
from audit.datasets.reading import read

if TYPE_CHECKING:
    from pathlib import Path

    from audit.datasets import Dataset


def read_file(folder: Path, content: str | bytes, name: str = "a.csv", columns: Columns | None = None, **options: Any) -> Dataset:
    """A data set from what a file holds, under the options that a policy would set."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read("test", path, columns or Columns(), ReadOptions(**options))
