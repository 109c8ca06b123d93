"""Checks of the family `robustness`: one file each. How well the candidate's answers withstand changes of its inputs."""

from functools import partial

from audit.check import Check

robustness_check = partial(Check, measures="model", characteristics=("safe", "secure_resilient"), better="higher")
