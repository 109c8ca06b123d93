"""What every candidate can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from audit.candidates.training_record import TrainingRecord
    from audit.datasets import Dataset

Ability: TypeAlias = Literal["predictions", "scores", "ranking", "text", "frame", "values"]
"""`predictions`: labels for a data set. `scores`: class probabilities too. `text`, `frame`: answers new texts or new tabular rows.

`ranking`: raw decision scores of saved predictions, which order the rows and are no probabilities.

`values`: numbers for a data set, of a candidate for regression, which has neither labels nor classes."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a candidate says of a data set's rows, in their order."""

    labels: NDArray[np.object_] | None
    """(n,) predicted class labels as text; None where the candidate gives numbers."""
    probabilities: NDArray[np.float64] | None = None
    """(n, k) class probabilities, columns in the order of `classes`; None where the candidate gives labels alone."""
    values: NDArray[np.float64] | None = None
    """(n,) predicted numbers, finite; None where the candidate gives labels."""
    ranking: NDArray[np.float64] | None = None
    """(n, k) raw decision scores, in place of probabilities: they order the rows and say no more."""


def why_no_scores(candidate: Candidate) -> str:
    """That a candidate gives no probabilities, and what would bring them."""
    if "ranking" in candidate.abilities:
        return "the candidate gives raw decision scores, not probabilities from 0 to 1: calibrate them, or ask for roc_auc"
    if candidate.kind == "predictions":
        return "the candidate gives labels without probabilities: add columns.score or columns.scores"
    model = candidate.description.partition(",")[0]
    return f"{model} gives labels without probabilities: calibrate it (sklearn.calibration.CalibratedClassifierCV) and save that model"


class Candidate(Protocol):
    """A model under audit."""

    @property
    def kind(self) -> str:
        """`transformers`, `sklearn`, `predictions`."""

    @property
    def sha256(self) -> str:
        """Digest of everything that determines its outputs."""

    @property
    def parameters(self) -> int | None:
        """Number of learned weights, where that is known."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Class labels as text, in the order of the probability columns; none where it gives numbers."""

    @property
    def abilities(self) -> frozenset[Ability]:
        """What it can do; a check that needs more is refused at planning."""

    @property
    def description(self) -> str:
        """One line for the report: class, base model, format."""

    @property
    def training(self) -> TrainingRecord | None:
        """How it was fine-tuned, when the engine did that."""

    @property
    def folder(self) -> str | None:
        """Where its files lie, if it has any."""

    def predict(self, dataset: Dataset) -> Outputs:
        """Labels, and probabilities where it has them, or numbers, for a data set."""

    def score_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(len(texts), k) class probabilities of new texts."""

    def answer_texts(self, texts: Sequence[str]) -> Outputs:
        """Labels of new texts by the model's own decision rule, and their probabilities where it has them."""

    def answer_frame(self, frame: pd.DataFrame) -> Outputs:
        """The same of new tabular rows."""

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(len(texts), d) mean-pooled last hidden states of its encoder; CannotMeasure where it has none."""

    def remarks(self, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:
        """Sentences on how it was run on these data sets that a reader of the decision must know, such as how many texts were cut."""
