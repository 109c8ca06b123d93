"""Checks of the family `performance`: one file each. How well the candidate answers, by slice."""

from functools import partial

from audit.check import Check

skill_check = partial(
    Check, measures="skill", characteristics=("valid_reliable",), rmf=("MEASURE 2.3", "MEASURE 2.5"), better="higher", by="slices"
)
