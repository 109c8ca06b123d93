"""Checks of the family `data`: one file each. What is wrong with the rows themselves, whatever the candidate."""

from functools import partial
from typing import Annotated

from pydantic import Field

from audit.check import Check, Params

data_check = partial(Check, measures="data", characteristics=("valid_reliable",), rmf=("MAP 2.3",), better="lower")


class MatchParams(Params):
    """How alike two rows must be."""

    near: Annotated[float, Field(gt=0, le=1)] | None = None
    """Jaccard similarity of the texts' 5-character shingles from which two rows count as the same; equality where absent."""
    columns: tuple[str, ...] | None = None
    """Columns to compare; by default the text, or in a table every feature that does not identify the row."""
