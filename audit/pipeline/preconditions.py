"""What requirements need of the data and of the models: whatever cannot work is refused here, at its line of the policy."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING

from audit import catalog
from audit.candidates.capabilities import Features, Labels, Ranking, Scores, Values
from audit.candidates.interface import why_no_scores, without_encoder
from audit.check import CAPABILITIES, OUTPUTS
from audit.datasets import canonical
from audit.datasets.bands import Bands, numbers_of
from audit.datasets.labels import normal_form, positive_class, refuse_two_spellings
from audit.errors import CannotMeasure, InputError, PolicyError
from audit.formatting import comparator_in_words
from audit.metrics.windows import DERIVED
from audit.pipeline import thin_data
from audit.policy import placing
from audit.policy.messages import nearest
from audit.policy.schema import comparator_place
from audit.subject import MOST_PAIRED, MOST_SLICES, many
from audit.tasks import REGRESSION

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from audit.candidates import Candidate
    from audit.check import Check, Need
    from audit.datasets import Dataset
    from audit.errors import Mistake
    from audit.policy import LoadedPolicy
    from audit.policy.schema import Requirement

_REFERENCES = (None, "pooled_rest", "highest")
"""What `reference_group` may say beside the name of a group."""


def check_roles(loaded: LoadedPolicy, datasets: Mapping[str, Dataset]) -> None:
    """Refuse roles of the policy's own `columns` that no file has a column for."""
    there = {name for data in datasets.values() for name in data.cells.names}
    mistakes = []
    for role, column in loaded.policy.columns.named().items():
        if datasets and column not in there and not role.startswith("features."):
            near = difflib.get_close_matches(column, there, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(there))}"
            place = ("columns", *(int(part) if part.isdigit() else part for part in role.split(".")))
            mistakes.append(loaded.marks.mistake(place, f"no data set has a column {column!r}: {remedy}"))
    if mistakes:
        raise PolicyError(tuple(mistakes))


def check_columns(loaded: LoadedPolicy, datasets: Mapping[str, Dataset]) -> None:
    """Refuse requirements whose columns are not in their data, all at once; data sets that were not read are passed over."""
    mistakes = [
        _at(loaded, index, key, message)
        for index, requirement in enumerate(loaded.policy.require)
        if requirement.on in datasets
        for key, message in _column_mistakes(requirement, datasets, _at_task(catalog.discover()[requirement.check], loaded))
    ]
    mistakes += _comparator_columns(loaded, datasets)
    mistakes += _row_mistakes(loaded, datasets)
    mistakes += _spelling_mistakes(loaded, datasets)
    if mistakes:
        raise PolicyError(tuple(mistakes))


def _row_mistakes(loaded: LoadedPolicy, datasets: Mapping[str, Dataset]) -> Iterator[Mistake]:
    """Rows without a label or an entity, once for each data set on which a requirement reads them."""
    needs: dict[str, set[str]] = {}
    for requirement in loaded.policy.require:
        check = _at_task(catalog.discover()[requirement.check], loaded)
        if requirement.on in datasets:
            needs.setdefault(requirement.on, set()).update(check.needs, () if check.census else {"entities"})
    for role, needed in needs.items():
        data = datasets[role]
        try:
            if "labels" in needed and data.columns.label is not None:
                data.labels(data.columns.label)
            if "entities" in needed:
                data.entities()
        except CannotMeasure as error:
            yield loaded.marks.mistake(("datasets", role), str(error).removeprefix(f"{role}: "))


def _spelling_mistakes(loaded: LoadedPolicy, datasets: Mapping[str, Dataset]) -> Iterator[Mistake]:
    """Classes that the data write in two ways."""
    if loaded.policy.candidate.task not in REGRESSION:
        try:
            refuse_two_spellings(datasets)
        except InputError as error:
            yield from placing.of_candidate(loaded, error).mistakes


def check_capabilities(loaded: LoadedPolicy, datasets: Mapping[str, Dataset], candidate: Candidate) -> None:
    """Refuse checks that the candidate cannot serve, all at once."""
    mistakes = [
        _at(loaded, index, "check", f"{requirement.check}: {message}")
        for index, requirement in enumerate(loaded.policy.require)
        for message in capability_mistakes(catalog.discover()[requirement.check], requirement, datasets[requirement.on], candidate)
    ]
    mistakes += [*_positive_mistakes(loaded, datasets, candidate), *_feature_mistakes(loaded, datasets, candidate)]
    if mistakes:
        raise PolicyError(tuple(mistakes))


def _at(loaded: LoadedPolicy, index: int, key: str, message: str) -> Mistake:
    return loaded.marks.mistake(("require", index, key), message)


def _column_mistakes(requirement: Requirement, datasets: Mapping[str, Dataset], check: Check) -> Iterator[tuple[str, str]]:
    data = datasets[requirement.on]
    there = set(data.cells.names)
    derived = set(DERIVED) if check.by == "features" and data.columns.text is not None else set()
    has = f"it has {', '.join(sorted(there))}"
    for column in sorted({column for family in requirement.families for column in family} - there - derived):
        yield "by", f"column {column!r} is not in {data.path}; {nearest(column, there | derived, has)}"
    bands, unusable = _bands(requirement, datasets)
    yield from (("by", text) for text in dict.fromkeys(unusable))
    for place, family in enumerate(requirement.families):
        if unusable or not there.issuperset(family):
            continue
        of_family = {column: one for (at, column), one in bands.items() if at == place}
        if check.by != "features":
            yield from family_mistakes(requirement, data, check, family, of_family)
        groups = _groups(data, family, of_family) if requirement.reference_group not in _REFERENCES else ()
        if groups and requirement.reference_group not in groups:
            told = nearest(str(requirement.reference_group), groups)
            yield "reference_group", f"{requirement.reference_group!r} is no group of {', '.join(family)} in {data.path}; {told}"
    if "labels" in check.needs and data.columns.label is None:
        yield "check", f"{requirement.check} needs true labels: name their column under columns.label"
    if "targets" in check.needs:
        yield from _target_mistakes(requirement, data)
    if "text" in check.needs and data.columns.text is None:
        yield "check", f"{requirement.check} needs texts: name their column under columns.text"


def _bands(requirement: Requirement, datasets: Mapping[str, Dataset]) -> tuple[dict[tuple[int, str], Bands], list[str]]:
    """The bands of a requirement, and why some have no edges; of data sets that were not read, or lack the column, nothing is said."""
    found, wrong = dict[tuple[int, str], Bands](), list[str]()
    read = [datasets[role] for role in (requirement.on, requirement.reference) if role is not None and role in datasets]
    for place, spec in requirement.banded.items():
        if not all(spec.column in data.cells.names for data in read):
            continue
        try:
            for data in read:
                numbers_of(data, spec.column)
            found[place] = spec.on(read[-1])
        except CannotMeasure as error:
            wrong.append(str(error))
    return found, wrong


def family_mistakes(
    requirement: Requirement, data: Dataset, check: Check, family: tuple[str, ...], bands: Mapping[str, Bands]
) -> Iterator[tuple[str, str]]:
    """A family without a group, of more slices than anybody could judge, or of more groups than can each be compared with each."""
    uncounted = [column for column in family if not data.has_cells(column)]
    if uncounted:
        yield "by", f"{data.path} is a profile without counts by {uncounted[0]!r}: make it with --by {uncounted[0]}"
        return
    yield from (("by", text) for text in thin_data.blank_columns(data, family))
    many_numbers = [column for column in family if column not in bands and data.many_numbers(column)]
    for column in many_numbers:
        yield "by", _numbers(data, column)
    slices = 0 if many_numbers else len(data.crossed(family, bands)[1])
    if slices > MOST_SLICES:
        yield "by", many(family, slices, MOST_SLICES)
    elif slices > MOST_PAIRED and check.by == "groups" and requirement.reference_group is None:
        yield "by", f"{many(family, slices, MOST_PAIRED)}, or let reference_group in a policy name what each is held against"


def _at_task(check: Check, loaded: LoadedPolicy) -> Check:
    """The check as it is on the policy's task: where numbers are predicted, labels are true numbers."""
    if loaded.policy.candidate.task not in REGRESSION or check.tasks is None or "labels" not in check.needs:
        return check
    return replace(check, needs=check.needs - {"labels"} | {"targets"})


def _target_mistakes(requirement: Requirement, data: Dataset) -> Iterator[tuple[str, str]]:
    if data.columns.label is None:
        yield "check", f"{requirement.check} needs true numbers: name their column under columns.label"
        return
    if not data.has_cells(data.columns.label):  # which the check itself is told
        return
    try:
        data.numbers(data.columns.label)
    except CannotMeasure as error:
        yield "check", f"{requirement.check} needs true numbers: {error}"


def _numbers(data: Dataset, column: str) -> str:
    """That a column of `by` holds numbers, each of which would be a slice of its own, and what to write instead."""
    count = data.cells.column(column).nunique()
    return (
        f"column {column!r} holds {count:,} different numbers, and each would be a slice of its own; name bands in the policy, such as "
        f"`by: {{{column}: {{bands: 4}}}}`, or edges of your own, such as `by: {{{column}: [25, 45, 65]}}`; numbers that name groups are "
        f"read as groups with `types: {{{column}: category}}`"
    )


def _groups(data: Dataset, family: tuple[str, ...], bands: Mapping[str, Bands]) -> frozenset[str]:
    """The groups of a family, a crossed one's by their values in order: `female, north`."""
    return frozenset(", ".join(canonical(value) or "null" for value in cell) for cell in data.crossed(family, bands)[1])


def capability_mistakes(check: Check, requirement: Requirement, data: Dataset, candidate: Candidate) -> Iterator[str]:
    """What the check needs and the candidate does not offer."""
    needs = check.needs_of(data.columns, check.params.model_validate(requirement.params))
    lacks = _lacking(candidate, needs)
    gives_numbers = candidate.get(Values) is not None
    if "predictions" in lacks:
        yield f"a {candidate.kind} candidate gives no predictions"
    if "values" in lacks:
        yield "the candidate gives classes, not numbers: declare candidate.task tabular-regression"
    if not lacks.isdisjoint({"scores", "ranking"}):
        yield why_no_scores(candidate)
    if gives_numbers and check.tasks is not None and REGRESSION[0] not in check.tasks:
        yield f"the candidate gives numbers, not classes: it serves {', '.join(check.tasks)}"
    elif "model" in lacks:
        yield "saved predictions cannot score changed rows: load the model itself (candidate.load.kind)"
    if "embeddings" in lacks:
        yield without_encoder(candidate.kind)
    yield from positive_unknown(check, data, candidate)


def positive_unknown(check: Check, data: Dataset, candidate: Candidate) -> Iterator[str]:
    """That one of two classes must be known as the positive one, where it is not: by the check, or to read a column of scores."""
    if candidate.get(Values) is not None or len(candidate.classes) > 2:  # noqa: PLR2004  # numbers have no classes; of more each is looked at
        return
    compares = check.by == "groups" and "predictions" in check.needs
    read = {"scores", "ranking"} if data.columns.prediction is not None else {"scores", "ranking", "predictions"}
    scored = candidate.kind == "predictions" and data.columns.score is not None and not check.needs.isdisjoint(read)
    if "positive" in check.needs or compares or scored:
        try:
            positive_class(data, candidate.classes)
        except CannotMeasure as error:
            yield str(error)


def _positive_mistakes(loaded: LoadedPolicy, datasets: Mapping[str, Dataset], candidate: Candidate) -> Iterator[Mistake]:
    """A positive class that there is not, once for each place that names it: rates would be those of a class without rows."""
    if all(candidate.get(capability) is None for capability in (Labels, Scores, Ranking)):
        return
    told = set()
    for role, data in datasets.items():
        own = ("datasets", role, "columns", "positive")
        place = own if own in loaded.marks.values else ("columns", "positive")
        wrong = None if place in told else wrong_positive(data, candidate.classes)
        if wrong is not None:
            told.add(place)
            yield loaded.marks.mistake(place, wrong.removeprefix("columns.positive "))


def wrong_positive(data: Dataset, classes: Sequence[str]) -> str | None:
    """That `columns.positive` is no class, and how the class is written that it may mean."""
    if data.columns.positive is None or (positive := positive_class(data, classes)) in classes:
        return None
    near = [name for name in classes if normal_form(name) == normal_form(positive)]
    remedy = f"; write {near[0]!r}, as the data do" if near else ""
    return f"columns.positive is {positive!r}, but the classes are {', '.join(classes)}{remedy}"


def _feature_mistakes(loaded: LoadedPolicy, datasets: Mapping[str, Dataset], candidate: Candidate) -> Iterator[Mistake]:
    """Data sets on which the model is asked, and that lack features that it was fitted on."""
    features = candidate.get(Features)
    if features is None:
        return
    asked = [one for one in loaded.policy.require if catalog.discover()[one.check].needs & {*OUTPUTS, "model"}]
    for role in dict.fromkeys(role for one in asked for role in (one.on, one.reference) if role is not None):
        try:
            features.refuse_unfit(datasets[role])
        except InputError as error:
            yield loaded.marks.mistake(("datasets", role), str(error))


def _lacking(model: Candidate, needs: Collection[Need]) -> set[Need]:
    """What a model does not offer of what is needed."""
    return {need for need, able in CAPABILITIES.items() if need in needs and all(model.get(one) is None for one in able)}


def comparator_mistakes(loaded: LoadedPolicy, datasets: Mapping[str, Dataset], found: Mapping[str, Candidate]) -> Iterator[Mistake]:
    """What a check needs and the model that it compares with does not offer."""
    for index, requirement in enumerate(loaded.policy.require):
        if requirement.against is None:
            continue
        comparator, place = found[requirement.against], ("require", index, "against")
        called, declared = comparator_in_words(requirement.against), ".".join(comparator_place(requirement.against))
        check = catalog.discover()[requirement.check]
        lacks = _lacking(comparator, check.needs)
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


def _comparator_columns(loaded: LoadedPolicy, datasets: Mapping[str, Dataset]) -> Iterator[Mistake]:
    """Comparisons on data sets that lack the comparator's saved answers; data sets that were not read are passed over."""
    for name, spec in loaded.policy.comparators.items():
        compared = dict.fromkeys(one.on for one in loaded.policy.require if one.against == name)
        for data in (datasets[role] for role in compared if role in datasets):
            there = sorted(data.cells.names)
            for place, column in () if spec.columns is None else spec.columns.placed():
                if column not in there:
                    told = nearest(column, there, f"it has {', '.join(there)}")
                    text = f"{data.path} has no column {column!r} of {comparator_in_words(name)}'s answers; {told}"
                    yield loaded.marks.mistake((*comparator_place(name), "columns", *place), text)
