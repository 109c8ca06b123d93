"""The per-row outputs that lie in a bundle, measured once more by the checks that need no more than them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit import catalog, seeds
from audit.bundle import reader
from audit.candidates.capabilities import Labels, Ranking, Scores, Values, find
from audit.candidates.interface import Outputs
from audit.candidates.predictions import Predictions
from audit.check import OUTPUTS
from audit.datasets import Columns, Dataset
from audit.datasets.column_store import InMemory
from audit.pipeline.jobs import declared
from audit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from audit.candidates.capabilities import C, Capability
    from audit.check import Need
    from audit.datasets.kinds import KindName
    from audit.decision.finding import Finding
    from audit.evidence import Member
    from audit.policy.schema import Requirement
    from audit.record import AuditRun

_REMEASURED: frozenset[Need] = OUTPUTS | {"labels", "positive", "targets"}
"""Needs that the file of predictions serves."""
_CLOSE = 1e-12
"""Relative difference of two sums of the same numbers."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that is not what it was."""

    field: str
    then: str
    now: str


class _Stored:
    """The candidate as its stored outputs: it answers for the rows in the bundle, and for no others."""

    kind, folder, parameters = "predictions", None, None

    def __init__(self, audit: AuditRun, outputs: Mapping[str, Outputs]) -> None:
        self.classes, self.sha256, self.description = audit.candidate.classes, audit.candidate.sha256, "the stored outputs"
        self._outputs = outputs
        parts: tuple[tuple[Capability, str], ...] = (
            *((Labels(), "labels"), (Scores(), "probabilities")),
            *((Ranking(), "ranking"), (Values(), "values")),
        )
        self._offers = tuple(offer for offer, part in parts if any(getattr(one, part) is not None for one in outputs.values()))

    def predict(self, dataset: Dataset) -> Outputs:
        """Those of the data set's role."""
        return self._outputs[dataset.role]

    def get(self, capability: type[C]) -> C | None:
        """What the stored outputs hold."""
        return find(self._offers, capability)

    def remarks(self, _datasets: Mapping[str, Dataset]) -> tuple[str, ...]:
        """None: how the model was run is in the record."""
        return ()


class StoredOutputs:
    """The per-row outputs of a bundle, as data sets that checks can measure."""

    def __init__(self, folder: Path, audit: AuditRun) -> None:
        self._policy = audit.policy
        tables = {one.role: reader.table(folder, f"evidence/predictions-{one.role}.parquet") for one in audit.datasets}
        digests = {one.role: one.sha256 for one in audit.datasets}
        there = {role: table for role, table in tables.items() if table is not None}
        self._datasets = {role: self._dataset(role, table, digests[role], folder) for role, table in there.items()}
        self._candidate = _Stored(audit, {role: _outputs(table, audit.candidate.classes) for role, table in there.items()})

    def _dataset(self, role: str, table: Mapping[str, NDArray[np.generic]], sha256: str, folder: Path) -> Dataset:
        import pandas as pd

        own = self._policy.datasets[role].columns
        columns = self._policy.columns if own is None else own.over(self._policy.columns)
        frame = pd.DataFrame({f"audit:{name}": table[name] for name in ("id", "label", "group") if name in table})
        slices = {name.removeprefix("slice:"): values for name, values in table.items() if name.startswith("slice:")}
        frame = frame.assign(**slices)
        roles = {name: f"audit:{name}" for name in ("id", "label", "group") if name in table}
        labels = self._policy.labels.classes()
        numbers: dict[str, KindName] = {column: "number" for one in self._policy.require for _, column in one.banded}
        slots = Columns(**roles, positive=columns.positive)
        return Dataset(role, folder, InMemory(frame), slots, sha256, types=numbers, label_map=labels)

    def measured_again(self, stored: Finding) -> tuple[Difference, ...] | str:
        """What differs when the check measures the stored outputs, or why it cannot."""
        requirement = stored.requirement
        if stored.evidence is None:
            return "nothing was measured then"
        if (why := self._needs_more(requirement)) is not None:
            return why
        check = catalog.discover()[requirement.check]
        try:
            subject = Subject(
                data=self._datasets[requirement.on],
                predicted=Predictions(self._candidate),
                datasets=self._datasets,
                by=requirement.families,
                bands=requirement.bands(self._datasets),
                reference_group=requirement.reference_group,
                declared=declared(self._policy),
                seed=self._policy.seed,
            )
            params = check.params.model_validate(requirement.params)
            evidence = check.measure(subject, params, seeds.stream(self._policy.seed, requirement.id))
        except Exception as error:  # noqa: BLE001  # a check may need what is not stored, and says so in its own way
            return f"the stored outputs are not enough: {type(error).__name__}: {error}"
        return _differences(stored.evidence.members, evidence.members)

    def _needs_more(self, requirement: Requirement) -> str | None:
        """What a requirement is measured on besides stored outputs."""
        check = catalog.discover()[requirement.check]
        needs = check.needs_of(self._policy.columns, check.params.model_validate(requirement.params))
        if requirement.on not in self._datasets:
            return "its outputs are not in the bundle"
        if requirement.against is not None:
            return f"the outputs of {requirement.against} are not in the bundle"
        if not needs & OUTPUTS:
            return "it does not rest on predictions"
        if more := needs - _REMEASURED:
            return f"it needs more than predictions: {', '.join(sorted(more))}"
        own = self._policy.datasets[requirement.on].columns
        weight = (self._policy.columns if own is None else own.over(self._policy.columns)).weight
        return None if weight is None else "the rows are weighted, and the weights are not in the bundle"


def _outputs(table: Mapping[str, NDArray[np.generic]], classes: Sequence[str]) -> Outputs:
    import numpy as np

    def stacked(kind: str) -> NDArray[np.float64] | None:
        names = [f"{kind}:{name}" for name in classes]
        return np.column_stack([table[name] for name in names]).astype(float) if names and set(names) <= table.keys() else None

    answers = table.get("prediction")
    if answers is not None and not classes:
        return Outputs(None, values=answers.astype(float))
    return Outputs(None if answers is None else answers.astype(object), stacked("probability"), ranking=stacked("score"))


def _differences(then: Sequence[Member], now: Sequence[Member]) -> tuple[Difference, ...] | str:
    """Values and numbers of rows of each member."""
    before, after = ({str(one.name).casefold(): one.estimate for one in members} for members in (then, now))
    if before.keys() != after.keys():
        return "its slices cannot be made again from the bundle"
    return tuple(
        Difference(f"measured again.{name}", f"{old.value!r}, n {old.n}", f"{after[name].value!r}, n {after[name].n}")
        for name, old in before.items()
        if not (math.isclose(old.value, after[name].value, rel_tol=_CLOSE, abs_tol=_CLOSE) and old.n == after[name].n)
    )
