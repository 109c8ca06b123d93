"""What a reader must know of how a model was run on the data: its own remarks, and labels that it does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.candidates.capabilities import Labels
from audit.datasets.spellings import unknown_labels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.candidates.interface import Candidate
    from audit.datasets import Dataset


def model_remarks(candidate: Candidate, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:
    """One sentence each."""
    tells_classes = candidate.get(Labels) is not None
    return (*candidate.remarks(datasets), *(unknown_labels(datasets, candidate.classes) if tells_classes else ()))
