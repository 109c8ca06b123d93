"""The learning rate over the steps of a training, as transformers' schedules have it."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

Schedule: TypeAlias = Literal["linear", "cosine", "constant"]


def multiplier(schedule: Schedule, step: int, *, warmup: int, total: int) -> float:
    """Share of the full learning rate at a step (counted from 0): rises over `warmup` steps, then falls to 0 at `total`."""
    if step < warmup:
        return step / max(1, warmup)
    if schedule == "constant":
        return 1.0
    gone = (step - warmup) / max(1, total - warmup)
    return 0.5 * (1 + math.cos(math.pi * gone)) if schedule == "cosine" else max(0.0, 1 - gone)
