"""The models beside the candidate: its base, and the comparators that `against` names. Load, validate and describe them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from audit import catalog, disk_cache
from audit.candidates.capabilities import Features
from audit.candidates.predictions import Predictions
from audit.check import CAPABILITIES
from audit.decision.finding import Reason
from audit.errors import InputError, PolicyError
from audit.formatting import comparator_in_words
from audit.policy import placing
from audit.policy.messages import nearest
from audit.policy.schema import BASE, comparator_place
from audit.record import CandidateFacts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from audit.candidates import Candidate
    from audit.datasets import Dataset
    from audit.errors import Mistake
    from audit.finetune.base import Base
    from audit.pipeline.opening import Opener
    from audit.policy import LoadedPolicy


@dataclass(frozen=True, slots=True)
class Baselines:
    """The models that the candidate is compared with, and its base."""

    base: Base | None
    """What it was fine-tuned from; None where that did not happen here."""
    comparators: Mapping[str, Predictions]
    """What it is compared with, by its word in `against`."""


NO_BASELINES = Baselines(None, {})


def opened(loaded: LoadedPolicy, datasets: Mapping[str, Dataset], candidate: Candidate, opener: Opener) -> Baselines:
    """The base model, and what `against` names, where the policy has them. What cannot be compared is refused."""
    found = {name: _opened(loaded, name, candidate, opener) for name in loaded.policy.comparators}
    try:
        base = opener.base(candidate)
    except InputError as error:
        raise placing.of_candidate(loaded, error) from error
    comparators = {name: Predictions(model, disk_cache.root()) for name, model in found.items()}
    if base is not None and any(one.against == BASE for one in loaded.policy.require):
        comparators[BASE] = base.probe
    mistakes = tuple(_capability_mistakes(loaded, datasets, {name: one.candidate for name, one in comparators.items()}))
    if mistakes:
        raise PolicyError(mistakes)
    return Baselines(base, comparators)


def _opened(loaded: LoadedPolicy, name: str, candidate: Candidate, opener: Opener) -> Candidate:
    try:
        return opener.comparator(name, candidate)
    except InputError as error:
        raise placing.of_comparator(loaded, name, error) from error


def _capability_mistakes(loaded: LoadedPolicy, datasets: Mapping[str, Dataset], found: Mapping[str, Candidate]) -> Iterator[Mistake]:
    """What a check needs and the model that it compares with does not offer."""
    for index, requirement in enumerate(loaded.policy.require):
        if requirement.against is None:
            continue
        comparator, place = found[requirement.against], ("require", index, "against")
        called, declared = comparator_in_words(requirement.against), ".".join(comparator_place(requirement.against))
        check = catalog.discover()[requirement.check]
        lacks = {need for need, able in CAPABILITIES.items() if need in check.needs and all(comparator.get(one) is None for one in able)}
        if not lacks.isdisjoint({"scores", "ranking"}):
            remedy = f"add {declared}.columns.score, or load it itself"
            yield loaded.marks.mistake(place, f"{requirement.check}: {called} gives labels without probabilities: {remedy}")
        elif "predictions" in lacks:
            remedy = f"add {declared}.columns.prediction, or load it itself"
            yield loaded.marks.mistake(place, f"{requirement.check}: {called} gives raw scores and no predicted classes: {remedy}")
        features = comparator.get(Features)
        if features is not None:
            try:
                features.refuse_unfit(datasets[requirement.on])
            except InputError as error:
                yield loaded.marks.mistake(place, str(error))


def column_mistakes(loaded: LoadedPolicy, datasets: Mapping[str, Dataset]) -> Iterator[Mistake]:
    """Comparisons on data sets that lack the comparator's saved answers; data sets that were not read are passed over."""
    for name, spec in loaded.policy.comparators.items():
        compared = dict.fromkeys(one.on for one in loaded.policy.require if one.against == name)
        for data in (datasets[role] for role in compared if role in datasets):
            there = sorted(str(column) for column in data.frame.columns)
            for place, column in () if spec.columns is None else spec.columns.placed():
                if column not in there:
                    told = nearest(column, there, f"it has {', '.join(there)}")
                    text = f"{data.path} has no column {column!r} of {comparator_in_words(name)}'s answers; {told}"
                    yield loaded.marks.mistake((*comparator_place(name), "columns", *place), text)


def set_aside(loaded: LoadedPolicy, data: Dataset) -> Dataset:
    """The data set with saved answers of other models kept from being features."""
    named = loaded.policy.comparator_columns
    return replace(data, aside=frozenset(named)) if named else data


def facts(comparators: Mapping[str, Predictions]) -> dict[str, CandidateFacts]:
    """Each as it was audited."""
    found = {name: one.candidate for name, one in comparators.items()}
    return {name: CandidateFacts(one.kind, one.sha256, one.parameters, one.description, one.classes) for name, one in found.items()}


def remarks(comparators: Mapping[str, Predictions], candidate: Candidate, datasets: Mapping[str, Dataset]) -> tuple[Reason, ...]:
    """A candidate that is compared with itself: true, and of no use. How a loaded champion was run, as it is told of the candidate."""
    same = (
        Reason("same-model", None, f"The candidate is {comparator_in_words(name)}, byte for byte: comparing the two shows nothing.")
        for name, one in comparators.items()
        if one.candidate.sha256 == candidate.sha256
    )
    loaded = {name: one.candidate for name, one in comparators.items() if one.candidate.folder is not None}
    told = (Reason("model-remark", None, f"{name}: {text}") for name, one in loaded.items() for text in one.remarks(datasets))
    return (*same, *told)
