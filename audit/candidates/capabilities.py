"""What a candidate can do beyond its answers to a data set's rows: `candidate.get(Capability)` gives the capability, or None.

A check names what it needs, and planning refuses it at its line where the candidate lacks that. The first four say which part of
`Outputs` a candidate fills.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from audit.candidates.interface import Outputs
    from audit.datasets import Dataset
    from audit.datasets.column_store import Inputs


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


@dataclass(frozen=True, slots=True)
class Labels:
    """Gives a class for each row: `Outputs.labels`."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Gives class probabilities for each row: `Outputs.probabilities`."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Gives raw decision scores for each row, which order the rows and are no probabilities: `Outputs.ranking`."""


@dataclass(frozen=True, slots=True)
class Values:
    """Gives a number for each row, and has no classes: `Outputs.values`."""


@dataclass(frozen=True, slots=True)
class Queries:
    """Answers inputs that stand in no data set, such as texts with a typing error or rows with noise."""

    reads: type[Inputs]
    answer: Callable[[Inputs], Outputs]
    """Answers in the order of the inputs; CannotMeasure for inputs of another type than `reads`."""


@dataclass(frozen=True, slots=True)
class Features:
    """Was fitted on feature columns that a data set must have."""

    refuse_unfit: Callable[[Dataset], None]
    """CandidateError where a data set lacks one of them."""


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Gives vectors of texts."""

    embed: Callable[[Sequence[str]], NDArray[np.float64]]
    """(n, d), the mean over the tokens of the encoder's last hidden state."""


@dataclass(frozen=True, slots=True)
class Training:
    """Was fine-tuned here."""

    record: TrainingRecord


@dataclass(frozen=True, slots=True)
class OtherCode:
    """Runs code that its digest does not cover, such as a function of the project: none of its answers is kept between runs."""


Capability: TypeAlias = Labels | Scores | Ranking | Values | Queries | Features | Embeddings | Training | OtherCode
C = TypeVar("C", bound=Capability)


def find(offered: Iterable[Capability], capability: type[C]) -> C | None:
    """The capability of that type; None where it is not offered."""
    return next((one for one in offered if isinstance(one, capability)), None)
