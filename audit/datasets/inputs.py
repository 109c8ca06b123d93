"""What a model reads of a data set: texts or a table, not read before a model asks for them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd


class Texts:
    """One text a row."""

    def __init__(self, read: Callable[[], Sequence[str]]) -> None:
        self._read = read

    @classmethod
    def of(cls, texts: Sequence[str]) -> Texts:
        """Texts at hand, such as changed ones."""
        return cls(lambda: texts)

    @cached_property
    def texts(self) -> Sequence[str]:
        """The texts, in the order of the rows."""
        return self._read()

    def __len__(self) -> int:
        return len(self.texts)


class Table:
    """One row of features a row."""

    def __init__(self, read: Callable[[], pd.DataFrame]) -> None:
        self._read = read

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Table:
        """A table at hand, such as rows with noise."""
        return cls(lambda: frame)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The feature columns, in the order of the rows."""
        return self._read()

    def __len__(self) -> int:
        return len(self.frame)


Inputs: TypeAlias = Texts | Table
