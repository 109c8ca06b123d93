"""Checks of the family `data`: one file each. What is wrong with the rows themselves, whatever the candidate."""

from functools import partial

from audit.check import Check

data_check = partial(Check, measures="data", characteristics=("valid_reliable",), rmf=("MAP 2.3",), better="lower")
