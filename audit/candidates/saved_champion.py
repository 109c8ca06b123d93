"""What the candidate is compared with: the champion's saved answers, and whether the two tell the same classes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from audit.candidates.saved_predictions import SavedPredictions, refuse_foreign_words
from audit.datasets.spellings import refuse_two_spellings
from audit.errors import CannotMeasure, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from audit.candidates.interface import Candidate, Outputs
    from audit.datasets import Dataset
    from audit.policy.schema import ChampionColumns


class SavedChampion(SavedPredictions):
    """A champion made of columns of its own beside the candidate's."""

    def __init__(self, datasets: Mapping[str, Dataset], columns: ChampionColumns, classes: Sequence[str]) -> None:
        self._own = columns
        served = {role: self._seen(data) for role, data in datasets.items() if self.answers(data)}
        if not served:
            msg = f"champion.columns: no data set has the columns {', '.join(columns.named())}: mend their names"
            raise InputError(msg)
        refuse_two_spellings(served, {"a class of the candidate": classes})
        super().__init__(served, classes)
        for data in served.values():
            refuse_foreign_words(data)
        self.description = f"saved answers of the champion in {', '.join(served)}"

    def answers(self, data: Dataset) -> bool:
        """Whether a data set has every one of its columns."""
        return set(self._own.named()) <= set(map(str, data.frame.columns))

    def predict(self, dataset: Dataset) -> Outputs:
        """What its own columns say."""
        if not self.answers(dataset):
            msg = f"{dataset.role}: has no columns {', '.join(self._own.named())}, which hold the champion's answers: add them"
            raise CannotMeasure(msg)
        return super().predict(self._seen(dataset))

    def _seen(self, data: Dataset) -> Dataset:
        """The data set with the champion's columns in the candidate's place."""
        return replace(data, columns=data.columns.model_copy(update=dict(self._own)))


def refuse_other_classes(champion: Candidate, candidate: Candidate) -> None:
    """Of two models that tell different classes apart, neither is better at the same task."""
    if set(champion.classes) != set(candidate.classes):
        said = [", ".join(sorted(one.classes)[:6]) for one in (champion, candidate)]
        msg = f"champion: tells the classes {said[0]}, the candidate {said[1]}: only models of the same classes are compared"
        raise InputError(msg)
