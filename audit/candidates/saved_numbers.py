"""Saved numbers: any regression model in any language, audited from a column of its data sets."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from audit.candidates.interface import Ability, Outputs
from audit.candidates.saved import KnownRows
from audit.errors import CannotMeasure, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.datasets import Dataset


class SavedValues(KnownRows):
    """A candidate, or a champion, made of one column of predicted numbers."""

    kind = "predictions"
    parameters = None
    training = None
    folder = None
    classes: tuple[str, ...] = ()
    abilities: frozenset[Ability] = frozenset({"values"})

    def __init__(self, datasets: Mapping[str, Dataset], champion: str | None = None) -> None:
        """`champion` is the column of a champion's numbers; a candidate's is `columns.prediction`."""
        self._champion = champion
        served = sorted((data for data in datasets.values() if self._column(data) is not None), key=lambda data: data.role)
        if not served:
            if champion is not None:
                msg = f"champion.columns: no data set has the column {champion}: mend its name"
                raise InputError(msg)
            msg = "no data set has saved predictions: name the column of the predicted numbers under columns.prediction"
            raise InputError(msg)
        digest = hashlib.sha256()
        for data in served:
            self._refuse_bad_numbers(data)
            digest.update(f"{data.role}:{data.sha256}:{self._column(data)}{data.read_with}".encode())
        self.sha256 = digest.hexdigest()
        said = "saved numbers" if champion is None else "saved numbers of the champion"
        self.description = f"{said} in {', '.join(data.role for data in served)}"

    def predict(self, dataset: Dataset) -> Outputs:
        """What the column says."""
        column = self._column(dataset)
        if column is None:
            remedy = "name columns.prediction for it" if self._champion is None else f"add the column {self._champion}"
            msg = f"{dataset.role}: holds none of the predicted numbers: {remedy}"
            raise CannotMeasure(msg)
        return Outputs(None, values=dataset.numbers(column))

    def _column(self, data: Dataset) -> str | None:
        if self._champion is None:
            return data.columns.prediction
        return self._champion if self._champion in data.frame.columns else None

    def _refuse_bad_numbers(self, data: Dataset) -> None:
        """At opening, since a prediction that is no number would else be found only by the checks that read it."""
        try:
            self.predict(data.whole or data)
        except CannotMeasure as error:
            msg = f"datasets.{error}"
            raise InputError(msg) from error
