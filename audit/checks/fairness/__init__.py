"""Checks of the family `fairness`: one file each. Whether the candidate treats people of every group alike."""

from functools import partial

from audit.check import Check

fairness_check = partial(Check, measures="model", characteristics=("fair_bias_managed",), rmf=("MEASURE 2.11",), better="lower")
gap_check = partial(fairness_check, by="groups")
