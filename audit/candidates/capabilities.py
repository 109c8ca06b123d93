"""What a candidate can do beyond its answers to a data set's rows: `candidate.get(Capability)` gives the capability, or None.

A check names what it needs, and planning refuses it at its line where the candidate lacks that. The first four say which part of
`Outputs` a candidate fills. No kind offers the last three yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from audit.candidates.interface import Outputs
    from audit.candidates.training_record import TrainingRecord
    from audit.datasets import Dataset
    from audit.datasets.inputs import Inputs


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


@dataclass(frozen=True, slots=True)
class Gradients:
    """Gives gradients of its loss by its inputs."""


@dataclass(frozen=True, slots=True)
class TokenLosses:
    """Gives the loss of each token of a text."""


@dataclass(frozen=True, slots=True)
class Generation:
    """Generates text from a prompt."""


Capability: TypeAlias = (
    Labels | Scores | Ranking | Values | Queries | Features | Embeddings | Training | OtherCode | Gradients | TokenLosses | Generation
)
C = TypeVar("C", bound=Capability)


def find(offered: Iterable[Capability], capability: type[C]) -> C | None:
    """The capability of that type; None where it is not offered."""
    return next((one for one in offered if isinstance(one, capability)), None)
