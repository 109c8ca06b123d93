"""Checks of the family `finetuning`: one file each. What fine-tuning here did to the model."""

from functools import partial

from audit.check import Check

finetuning_check = partial(Check, measures="model", characteristics=("valid_reliable",), better="lower", tasks=("text-classification",))
