"""The training record: everything that a fine-tuning did."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class LossPoint(BaseModel):
    """One point of a loss curve."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    step: int
    """Optimiser steps done."""
    epoch: float
    loss: float
    """Mean cross-entropy in nats."""
    learning_rate: float | None = None
    gradient_norm: float | None = None
    """Before clipping."""


class TrainingRecord(BaseModel):
    """What went in, what was done, what came out. Written into the bundle as `training.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base: str
    """Alias or folder name of the base model."""
    base_sha256: str
    weights_sha256: str
    """Of the tuned model's weights: the same for an undisturbed run and for one that was killed and resumed."""
    hyperparameters: dict[str, str | int | float | bool | None]
    """Every one, defaults included."""
    classes: tuple[str, ...]
    train_sha256: str
    train_rows: int
    validation: str
    """`fraction 0.15 of train` or the data set's role."""
    validation_rows: int
    steps: int
    train_loss: tuple[LossPoint, ...]
    validation_loss: tuple[LossPoint, ...]
    kept_step: int
    """Step of the checkpoint that was kept."""
    stopped_early: bool
    precision: str
    """`float32`, `bfloat16`."""
    environment: dict[str, str]
    """Versions, device, threads."""
    seconds: float
    cut_texts: int = 0
    """Training texts longer than the length that was kept."""
    cached: bool = False
    """Whether this run took the weights from the cache."""
    resumed_from_step: int | None = None

    @property
    def max_length(self) -> int | None:
        """Tokens at which texts were cut; None where nothing cut them."""
        named = self.hyperparameters.get("max_length")
        return None if named is None else int(named)
