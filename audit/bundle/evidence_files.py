"""What stands in the bundle for the inputs of the findings, so that their numbers can be computed again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit import catalog
from audit.check import OUTPUTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from audit.bundle.writer import Bundle
    from audit.candidates.predictions import Predictions
    from audit.datasets import Dataset
    from audit.decision.finding import Finding
    from audit.policy.schema import Requirement

_OUTPUTS = frozenset({*OUTPUTS, "labels", "targets"})
"""Needs that the file of predictions serves."""


def write(
    making: Bundle, findings: Sequence[Finding], datasets: Mapping[str, Dataset], predicted: Predictions
) -> dict[str, tuple[str, ...]]:
    """Paths of the files that each finding was measured on, by its id."""
    outputs = _outputs(making, findings, datasets, predicted)
    features = _features(making, findings, datasets)
    return {
        finding.id: tuple(
            files[role]
            for files, used in ((outputs, _reads_outputs(finding.requirement)), (features, _reads_features(finding.requirement, datasets)))
            for role in _roles(finding.requirement)
            if used and role in files
        )
        for finding in findings
    }


def _outputs(making: Bundle, findings: Sequence[Finding], datasets: Mapping[str, Dataset], predicted: Predictions) -> dict[str, str]:
    cut = sorted({column for finding in findings for family in finding.requirement.families for column in family})
    return {
        role: making.predictions(data, outputs, predicted.candidate.classes, cut)
        if data.cells.profile is None
        else making.profile(data, data.cells.profile)
        for role, data in datasets.items()
        if (outputs := predicted.known(data)) is not None
    }


def _features(making: Bundle, findings: Sequence[Finding], datasets: Mapping[str, Dataset]) -> dict[str, str]:
    compared: dict[str, set[str]] = {}
    for finding in findings:
        if finding.evidence is not None and _reads_features(finding.requirement, datasets):
            pair = {role: datasets[role] for role in _roles(finding.requirement)}
            named = _named(finding.requirement) or {name for data in pair.values() for name in data.feature_names()}
            for role, data in pair.items():
                compared.setdefault(role, set()).update(named & _columns(data))
    return {
        role: making.features(data, sorted(columns)) if data.cells.profile is None else making.profile(data, data.cells.profile)
        for role, columns in compared.items()
        if columns
        for data in [datasets[role]]
    }


def _named(requirement: Requirement) -> set[str]:
    """Features that the policy names, under `by` or under the check's own `columns`."""
    told = requirement.params.get("columns")
    split_by = {column for family in requirement.families for column in family}
    return split_by | {str(column) for column in (told if isinstance(told, list) else ())}


def _columns(data: Dataset) -> set[str]:
    """All but the text: what is derived from it can be computed again from the data, whose digest is known."""
    return set(data.cells.names) - {data.columns.text}


def _roles(requirement: Requirement) -> tuple[str, ...]:
    return tuple(role for role in (requirement.on, requirement.reference) if role is not None)


def _reads_outputs(requirement: Requirement) -> bool:
    return bool(catalog.discover()[requirement.check].needs & _OUTPUTS)


def _reads_features(requirement: Requirement, datasets: Mapping[str, Dataset]) -> bool:
    """Whether columns are compared; texts as wholes are compared by the candidate's embedding, and the columns beside say nothing of it."""
    check = catalog.discover()[requirement.check]
    if "reference" not in check.needs or _reads_outputs(requirement):
        return False
    return check.by == "features" or bool(_named(requirement)) or datasets[requirement.on].columns.text is None
