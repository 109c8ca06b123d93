"""Checks of the family `calibration`: one file each. Whether stated probabilities can be taken at their word."""

from functools import partial

from audit.check import Check
from audit.tasks import CLASSIFICATION

calibration_check = partial(
    Check,
    measures="model",
    characteristics=("valid_reliable",),
    rmf=("MEASURE 2.3", "MEASURE 2.5"),
    better="lower",
    needs=frozenset({"labels", "scores"}),
    by="slices",
    tasks=CLASSIFICATION,
    remedy="Fit a calibration map (temperature, isotonic) on rows kept apart from training and test, and audit again.",
)
