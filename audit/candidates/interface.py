"""What every candidate does; what only some can do stands in `capabilities`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from audit.candidates.capabilities import Labels, Ranking
from audit.datasets.labels import unknown_labels

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from audit.candidates.capabilities import C
    from audit.datasets import Dataset


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
    if candidate.get(Ranking) is not None:
        return "the candidate gives raw decision scores, not probabilities from 0 to 1: calibrate them, or ask for roc_auc"
    if candidate.kind == "predictions":
        return "the candidate gives labels without probabilities: add columns.score or columns.scores"
    model = candidate.description.partition(",")[0]
    return f"{model} gives labels without probabilities: calibrate it (sklearn.calibration.CalibratedClassifierCV) and save that model"


def without_encoder(kind: str) -> str:
    """That a kind of candidate cannot embed texts, and what to do."""
    remedy = "load a transformers model (candidate.load.kind), or set the check's parameters so that it embeds no text"
    return f"these parameters ask for embeddings of texts, and a {kind} candidate has no encoder: {remedy}"


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
    def description(self) -> str:
        """One line for the report: class, base model, format."""

    @property
    def folder(self) -> str | None:
        """Where its files lie, if it has any."""

    def predict(self, dataset: Dataset) -> Outputs:
        """Labels, and probabilities where it has them, or numbers, for a data set."""

    def get(self, capability: type[C]) -> C | None:
        """What it can do beyond that; None where it cannot. A check that needs more than it offers is refused at planning."""

    def remarks(self, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:
        """Sentences on how it was run on these data sets that a reader of the decision must know, such as how many texts were cut."""


def model_remarks(candidate: Candidate, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:
    """What a reader must know of how a model was run on the data: its own remarks, and labels that it does not know."""
    tells_classes = candidate.get(Labels) is not None
    return (*candidate.remarks(datasets), *(unknown_labels(datasets, candidate.classes) if tells_classes else ()))
