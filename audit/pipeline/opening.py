"""The models that a policy names, whatever their kind: the candidate, its base, and the comparators that `against` names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from audit import catalog, child_process, disk_cache, registry
from audit.candidates import kinds
from audit.candidates.capabilities import Training, Values
from audit.candidates.folder import ModelFolder
from audit.candidates.kinds import labels_in
from audit.candidates.predictions import Predictions
from audit.candidates.saved import SavedComparator, SavedValues, refuse_other_classes
from audit.datasets.labels import refuse_two_spellings
from audit.decision.finding import Reason
from audit.errors import InputError, PolicyError
from audit.finetune.base import ALIASES, Base, Tuning, base_folder
from audit.finetune.fine_tuning import METHODS
from audit.formatting import comparator_in_words
from audit.pipeline import preconditions
from audit.policy import placing
from audit.policy.schema import BASE, ComparatorColumns, Load, comparator_place
from audit.record import CandidateFacts
from audit.tasks import REGRESSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from audit.candidates.interface import Candidate
    from audit.datasets import Dataset
    from audit.finetune.fine_tuning import Method
    from audit.policy import LoadedPolicy
    from audit.policy.schema import ComparatorSpec, FineTune, Policy, Requirement
    from audit.progress import Progress


class Opener:
    """What every kind of candidate is opened with."""

    def __init__(
        self, policy: Policy, datasets: Mapping[str, Dataset], *, resolve: Callable[[str], Path], cache: Path, progress: Progress
    ) -> None:
        self._policy, self._datasets = policy, datasets
        self._resolve, self._cache, self._progress = resolve, cache, progress

    def candidate(self) -> Candidate:
        """The candidate, fine-tuned or loaded. One whose classes have nothing in common with the data's labels is refused."""
        spec = self._policy.candidate
        self._refuse_other_tasks()
        if spec.fine_tune is not None:
            candidate = self._fine_tuned(spec.fine_tune)
        elif spec.load is not None:
            candidate = self._loaded(spec.load)
        else:
            msg = "candidate: neither `fine_tune` nor `load`: say where the model comes from"
            raise InputError(msg)
        self._refuse_other_names(candidate, "the candidate")
        return candidate

    def inspect(self) -> Candidate | None:
        """What a run would refuse, found without a training or an answer. None where the candidate is yet to be tuned."""
        spec = self._policy.candidate.fine_tune
        if spec is None:
            return self.candidate()
        self._refuse_other_tasks()
        base, train, validation = self._tuned_from(spec)
        self._method.inspect(spec, base, train, validation, seed=self._policy.seed)
        return None

    def _refuse_other_tasks(self) -> None:
        if (task := self._policy.candidate.task) not in kinds.served_tasks():
            msg = f"candidate.task {task} is not served by this release: it serves {' and '.join(sorted(kinds.served_tasks()))}"
            raise InputError(msg)

    def _refuse_other_names(self, model: Candidate, words: str) -> None:
        """A model whose classes are written otherwise than the data's labels, or have nothing in common with them."""
        if model.get(Values) is None:
            refuse_two_spellings(self._datasets, {f"a class of {words}": model.classes})
            _refuse_foreign_classes(model, self._datasets)

    def comparator(self, name: str, candidate: Candidate) -> Candidate:
        """A declared model that `against` names, opened as a candidate is. One of other classes is refused."""
        spec = self._policy.comparators[name]
        columns = spec.columns or ComparatorColumns()
        if spec.load is None:
            model: Candidate = self._promoted(name, spec)
            self._refuse_other_names(model, comparator_in_words(name))
        elif spec.load.kind == "predictions" and self._numbers:
            model = SavedValues(self._datasets, columns.prediction or "", name=name)
        elif spec.load.kind == "predictions":
            model = SavedComparator(self._datasets, columns, candidate.classes, name=name)
        else:
            model = self._loaded(spec.load)
            self._refuse_other_names(model, comparator_in_words(name))
        refuse_other_classes(model, candidate, name)
        return model

    def _promoted(self, name: str, spec: ComparatorSpec) -> Candidate:
        """The champion of a registry, once its files are known to be those that were promoted."""
        scheme, _, place = str(spec.registry).partition(":")
        try:
            target = f"folder:{self._resolve(place)}" if scheme == "folder" and place else str(spec.registry)
            found = registry.promoted(target, spec.name or self._policy.policy, self._cache)
        except InputError as error:
            msg = f"{'.'.join(comparator_place(name))}.registry: {error}"
            raise InputError(msg) from error
        version = found.version
        load = Load(kind=version.kind, path=str(found.place), sha256=version.candidate_sha256, max_length=version.max_length)
        return self._loaded(load, resolve=Path)

    def base(self, candidate: Candidate) -> Base | None:
        """What the candidate was fine-tuned from; None where it was not fine-tuned here."""
        spec, training = self._policy.candidate.fine_tune, candidate.get(Training)
        if spec is None or training is None or candidate.folder is None:
            return None
        train, validation = self._learned(spec)
        tuning = Tuning(spec, self._base(spec), train, validation, self._policy.seed)
        return Base(tuning, training.record, tuned=ModelFolder(Path(candidate.folder)), cache=self._cache, progress=self._progress)

    @property
    def _numbers(self) -> bool:
        """Whether the candidate gives numbers, and no classes."""
        return self._policy.candidate.task in REGRESSION

    def _base(self, spec: FineTune) -> Path:
        return base_folder(spec.base) if spec.base in ALIASES else self._resolve(spec.base)

    def _learned(self, spec: FineTune) -> tuple[Dataset, Dataset | None]:
        """The training set, and the validation set where it is one of its own."""
        train = self._role(spec.on, "candidate.fine_tune.on")
        return train, None if isinstance(spec.validation, float) else self._role(spec.validation, "candidate.fine_tune.validation")

    def _tuned_from(self, spec: FineTune) -> tuple[Path, Dataset, Dataset | None]:
        """The base's folder, the training set and the validation set, once all of it can be used."""
        method = self._method
        train, validation = self._learned(spec)
        _refuse_test_rows([train] if validation is None else [validation, train], self._policy, self._datasets)
        base = self._base(spec)
        method.refuse_unfit(ModelFolder(base), self._measured())
        return base, train, validation

    @property
    def _method(self) -> Method:
        """How candidates of the policy's task are fine-tuned."""
        task = self._policy.candidate.task
        return METHODS[task] if task in METHODS else _not_served(f"candidate.fine_tune for {task}")

    def _measured(self) -> list[Dataset]:
        """Data sets on which the candidate itself is measured."""
        return [self._datasets[role] for role in sorted(_measured_roles(self._policy) & self._datasets.keys())]

    def _fine_tuned(self, spec: FineTune) -> Candidate:
        base, train, validation = self._tuned_from(spec)
        seed, cache, progress, method = self._policy.seed, self._cache, self._progress, self._method
        folder, record = child_process.call(
            lambda: method.fine_tune(spec, base, train, validation, seed=seed, cache=cache, progress=progress), progress
        )
        return method.open(folder, record, cache, progress)

    def _loaded(self, spec: Load, *, resolve: Callable[[str], Path] | None = None) -> Candidate:
        kind = kinds.discover().get(spec.kind)
        if kind is None:
            _not_served(f"candidate.load.kind {spec.kind}")
        task = self._policy.candidate.task
        if task not in kind.tasks:
            _not_served(f"candidate.load.kind {spec.kind} for {task}")
        opening = kinds.Opening(
            task=task,
            datasets=self._datasets,
            label_map=self._policy.labels.classes(),
            trust_pickle=self._policy.trust.pickle,
            resolve=resolve or self._resolve,
            measured=self._measured(),
            cache=self._cache,
            progress=self._progress,
        )
        return kind.open(opening, spec)

    def _role(self, role: str, where: str) -> Dataset:
        if role not in self._datasets:
            msg = f"{where}: no data set {role!r}: declare it under datasets (there are {', '.join(self._datasets)})"
            raise InputError(msg)
        return self._datasets[role]


def _not_served(what: str) -> NoReturn:
    msg = f"{what} is not served by this release: score the rows yourself and load the result with kind predictions"
    raise InputError(msg)


def _measured_roles(policy: Policy) -> set[str]:
    return {"test", *(one.on for one in policy.require if measures_the_model(one))}


def measures_the_model(requirement: Requirement) -> bool:
    """Whether it is a claim about the candidate, so that rows which the candidate has learned from prove nothing."""
    return catalog.discover()[requirement.check].measures in {"skill", "model"}


def _refuse_test_rows(learned: Sequence[Dataset], policy: Policy, datasets: Mapping[str, Dataset]) -> None:
    """No file on which the candidate is measured may train it or choose its checkpoint, under whatever name."""
    measured = _measured_roles(policy) - (
        {data.role for data in learned} - {"test"}
    )  # to name the training set itself is said aloud, and bars promotion
    for data, does in zip(reversed(learned), ("train the candidate", "choose the checkpoint"), strict=False):
        for role in sorted(measured & datasets.keys()):
            if role == data.role or datasets[role].sha256 == data.sha256:
                what = "is the test set" if role == "test" else f"is the file of datasets.{role}, on which it is measured"
                msg = f"datasets.{data.role}: {what}, and would {does} that is tested: name other rows"
                raise InputError(msg)


def _refuse_foreign_classes(candidate: Candidate, datasets: Mapping[str, Dataset]) -> None:
    """In each data set by itself: the model would be wrong in every row of it, and a rate of errors that of the spelling."""
    for role, data in () if candidate.get(Values) is not None else datasets.items():
        labels = labels_in({role: data})
        if labels and labels.isdisjoint(candidate.classes):
            known, shown = ", ".join(candidate.classes[:6]), ", ".join(sorted(labels)[:6])
            msg = f"candidate: knows the classes {known}, and none of the labels {shown} of datasets.{role}: name them alike"
            raise InputError(msg)


@dataclass(frozen=True, slots=True)
class Baselines:
    """The models that the candidate is compared with, and its base."""

    base: Base | None
    """What it was fine-tuned from; None where that did not happen here."""
    comparators: Mapping[str, Predictions]
    """What it is compared with, by its word in `against`."""


NO_BASELINES = Baselines(None, {})


def open_baselines(loaded: LoadedPolicy, datasets: Mapping[str, Dataset], candidate: Candidate, opener: Opener) -> Baselines:
    """The base model, and what `against` names, where the policy has them. What cannot be compared is refused."""
    found = {name: _comparator(loaded, name, candidate, opener) for name in loaded.policy.comparators}
    try:
        base = opener.base(candidate)
    except InputError as error:
        raise placing.of_candidate(loaded, error) from error
    comparators = {name: Predictions(model, disk_cache.root()) for name, model in found.items()}
    if base is not None and any(one.against == BASE for one in loaded.policy.require):
        comparators[BASE] = base.probe
    mistakes = tuple(preconditions.comparator_mistakes(loaded, datasets, {name: one.candidate for name, one in comparators.items()}))
    if mistakes:
        raise PolicyError(mistakes)
    return Baselines(base, comparators)


def _comparator(loaded: LoadedPolicy, name: str, candidate: Candidate, opener: Opener) -> Candidate:
    try:
        return opener.comparator(name, candidate)
    except InputError as error:
        raise placing.of_comparator(loaded, name, error) from error


def set_aside(loaded: LoadedPolicy, data: Dataset) -> Dataset:
    """The data set with saved answers of other models kept from being features."""
    named = loaded.policy.comparator_columns
    return replace(data, aside=frozenset(named)) if named else data


def comparator_facts(comparators: Mapping[str, Predictions]) -> dict[str, CandidateFacts]:
    """Each as it was audited."""
    found = {name: one.candidate for name, one in comparators.items()}
    return {name: CandidateFacts(one.kind, one.sha256, one.parameters, one.description, one.classes) for name, one in found.items()}


def comparator_remarks(comparators: Mapping[str, Predictions], candidate: Candidate, datasets: Mapping[str, Dataset]) -> tuple[Reason, ...]:
    """A candidate that is compared with itself: true, and of no use. How a loaded champion was run, as it is told of the candidate."""
    same = (
        Reason("same-model", None, f"The candidate is {comparator_in_words(name)}, byte for byte: comparing the two shows nothing.")
        for name, one in comparators.items()
        if one.candidate.sha256 == candidate.sha256
    )
    loaded = {name: one.candidate for name, one in comparators.items() if one.candidate.folder is not None}
    told = (Reason("model-remark", None, f"{name}: {text}") for name, one in loaded.items() for text in one.remarks(datasets))
    return (*same, *told)
