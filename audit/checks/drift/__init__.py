"""Checks of the family `drift`: one file each. How far two windows of data, or the candidate's answers to them, lie apart."""

from functools import partial

from audit.check import Check
from audit.metrics.windows import rows_of_both

drift_check = partial(
    Check,
    measures="drift",
    characteristics=("valid_reliable",),
    rmf=("MEASURE 2.4", "MEASURE 3.1"),
    better="lower",
    needs=frozenset({"reference"}),
    expected_rows=rows_of_both,
)
