"""Contradictions that the schema cannot see. Rules that need the catalogue are in `pipeline/compatibility.py`."""

from __future__ import annotations

from difflib import get_close_matches
from os.path import normpath
from typing import TYPE_CHECKING, TypeAlias

from audit.datasets import canonical
from audit.datasets.addresses import DATABASES
from audit.formatting import comparator_in_words
from audit.frameworks import nist_ai_rmf
from audit.policy.messages import format_value, nearest
from audit.policy.monitoring import FEWEST_WINDOWS, windows_in_budget, zone_problem
from audit.policy.schema import BASE, CHAMPION
from audit.tasks import REGRESSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.datasets import Columns
    from audit.policy.schema import ComparatorSpec, FineTune, Load, Requirement
    from audit.policy.shape import Draft
    from audit.policy.yaml_reader import Loc


Problem: TypeAlias = tuple["Loc", str]
"""A key path and what is wrong there."""
_ALONE = ("id", "label", "prediction", "score", "scores", "output", "weight")
"""Roles that share their column neither with one another nor with a feature."""
_OF_CLASSES = ("positive", "score", "scores")
"""Roles that a candidate for regression has no use for."""
_LARGEST_SPLIT = 0.5
_NEAR = 0.75
"""Likeness from which a word counts as a misspelling."""


def problems(draft: Draft) -> Iterator[Problem]:
    """Every contradiction of the policy."""
    yield from _candidate(draft)
    yield from _models(draft)
    yield from _labels(draft)
    yield from _not_measured(draft)
    yield from _default_data(draft)
    yield from _monitor(draft)
    yield from _data(draft)
    for index, requirement in draft.requirements:
        for loc, text in _requirement(requirement, draft):
            yield ("require", index, *loc), text
    yield from _column_roles(draft)


def _candidate(draft: Draft) -> Iterator[Problem]:
    candidate = draft.candidate
    if candidate is None:
        return
    if (candidate.fine_tune is None) == (candidate.load is None):
        what = "has both `fine_tune` and `load`" if candidate.load else "has neither `fine_tune` nor `load`"
        yield ("candidate",), f"{what}; keep exactly one of them"
        return
    if candidate.fine_tune:
        for loc, text in _fine_tune(candidate.fine_tune, draft):
            yield ("candidate", "fine_tune", *loc), text
    if candidate.load:
        for loc, text in _load(candidate.load, draft):
            yield ("candidate", "load", *loc), text


def _models(draft: Draft) -> Iterator[Problem]:
    """What the candidate is compared with: each declared as it must be, and used by some requirement."""
    compared = {requirement.against for _, requirement in draft.requirements} - {None}
    misspelt = compared - {BASE, *(place[-1] for place in draft.comparators)}
    for place, spec in draft.comparators.items():
        name, called = place[-1], comparator_in_words(place[-1])
        for loc, text in () if spec is None else _comparator(spec, called, draft):
            yield (*place, *loc), text
        if place[0] == "models" and name in {CHAMPION, BASE}:
            yield place, f"is what `against` calls {called} of the policy; choose another name"
        elif place[0] == "models" and name not in compared and not misspelt:
            yield place, f"is used by no requirement; add `against: {name}` to one, or leave it out"


def _comparator(spec: ComparatorSpec, called: str, draft: Draft) -> Iterator[Problem]:
    named = () if spec.columns is None else spec.columns.named()
    if (spec.load is None) == (spec.registry is None):
        what = "has both `load` and `registry`" if spec.load else "has neither `load` nor `registry`"
        yield (), f"{what}; keep exactly one of them"
        return
    if spec.name is not None and spec.registry is None:
        yield ("name",), "is the model's name in a registry, and none is named; add `registry`, or leave it out"
    kind = "of a registry" if spec.load is None else f"of kind {spec.load.kind}"
    if (spec.load is None or spec.load.kind != "predictions") and spec.columns is not None:
        yield ("columns",), f"are for saved predictions, and {called} is {kind}; leave them out"
    elif spec.load is not None and spec.load.kind == "predictions" and not named:
        yield ("load", "kind"), f"{called}'s columns are not named; add `columns: {{prediction: ...}}` beside `load`"
    reported = set()
    for columns in map(draft.columns_of, draft.datasets):
        for role, column in () if columns is None else columns.named().items():
            if column in named and column not in reported and _taken(role, draft):
                reported.add(column)
                yield ("columns",), f"column {format_value(column)} is columns.{role}; name the column of {called}'s own answers"


def _taken(role: str, draft: Draft) -> bool:
    """Whether a role is another's: what the candidate said is, where that is all there is of it."""
    saved = draft.candidate is not None and draft.candidate.load is not None and draft.candidate.load.kind == "predictions"
    return saved or role.split(".", maxsplit=1)[0] not in {"prediction", "score", "scores"}


def _load(load: Load, draft: Draft) -> Iterator[Problem]:
    if load.kind == "predictions" and not draft.has_saved_predictions():
        yield ("kind",), "no data set has saved predictions; name columns.prediction, columns.score or columns.scores"


def _fine_tune(tune: FineTune, draft: Draft) -> Iterator[Problem]:
    if tune.on not in draft.datasets:
        yield ("on",), _undeclared(tune.on, draft)
    elif _same_file(tune.on, "test", draft):
        yield ("on",), "the candidate would be trained on its test set; name another data set"
    if isinstance(tune.validation, float):
        if not 0 < tune.validation <= _LARGEST_SPLIT:
            written = format_value(tune.validation)
            yield ("validation",), f"is {written}; give a fraction above 0 and at most {_LARGEST_SPLIT}, or a dataset role"
        return
    if tune.validation not in draft.datasets:
        yield ("validation",), _undeclared(tune.validation, draft)
    elif _same_file(tune.validation, "test", draft):
        yield ("validation",), "the test set may not choose the checkpoint; name another data set, or a fraction of `on`"
    elif _same_file(tune.validation, tune.on, draft):
        yield ("validation",), "is the training set itself; name another data set, or a fraction of `on`"


def _same_file(one: str, other: str, draft: Draft) -> bool:
    """Whether two roles are one data set, by name, or by path and statement."""
    first, second = draft.datasets.get(one), draft.datasets.get(other)
    if one == other or first is None or second is None:
        return one == other
    return _same_path(first.path, second.path) and first.sql == second.sql


def _same_path(one: str, other: str) -> bool:
    """Whether two paths are spelt alike; links and copies are found by their digests once the files are read."""
    return normpath(one) == normpath(other)


def _undeclared(role: str, draft: Draft) -> str:
    return f"{format_value(role)} is not declared under datasets; {nearest(role, draft.datasets)}"


def _labels(draft: Draft) -> Iterator[Problem]:
    """A spelling that means one class, which means another: which of the two is meant is not clear."""
    written = {} if draft.labels is None else draft.labels.map
    classes = {} if draft.labels is None else draft.labels.classes()
    if written and draft.candidate is not None and draft.candidate.task in REGRESSION:
        yield ("labels", "map"), f"names classes, and candidate.task is {draft.candidate.task}; leave it out"
    for name, value in written.items():
        meant = classes[str(canonical(name))]
        if meant != str(canonical(value)):
            yield ("labels", "map", name), "is the same class as another key, and means another one; keep one of them"
        elif classes.get(meant, meant) != meant:
            yield (
                ("labels", "map", name),
                f"means {format_value(meant)}, which means {format_value(classes[meant])} itself; name the last one",
            )


def _data(draft: Draft) -> Iterator[Problem]:
    """Databases without a statement, and samples of no size or of two."""
    for role, spec in draft.datasets.items():
        if spec is not None and spec.sql is None and spec.path.partition(":")[0] in DATABASES:
            yield ("datasets", role, "path"), "is a database; say which of its rows are meant: `sql: SELECT * FROM sales ORDER BY id`"
        if spec is not None and spec.sample is not None and (spec.sample.rows is None) == (spec.sample.share is None):
            what = "has both `rows` and `share`" if spec.sample.rows else "has neither `rows` nor `share`"
            yield ("datasets", role, "sample"), f"{what}; keep exactly one of them"


def _not_measured(draft: Draft) -> Iterator[Problem]:
    """Any name may stand here, but a near miss of a characteristic would leave that one uncovered."""
    known = [trait.id for trait in nist_ai_rmf().characteristics]
    for name in draft.not_measured:
        near = get_close_matches(name.lower(), known, n=1, cutoff=_NEAR)
        if near and name not in known:
            yield ("not_measured", name), f"is nearly a characteristic of NIST AI RMF; did you mean {near[0]!r}?"


def _default_data(draft: Draft) -> Iterator[Problem]:
    default = [
        one.id
        for index, one in draft.requirements
        if "on" not in one.model_fields_set and not draft.rests_on_unread(("require", index, "on"))
    ]
    if default and "test" not in draft.datasets:
        named = f"{default[0]} and {len(default) - 1} more" if len(default) > 1 else default[0]
        yield ("datasets",), f"has no `test`, on which {named} would be measured; declare it, or set `on` in the requirement"


def _monitor(draft: Draft) -> Iterator[Problem]:
    """A section by which no window could be audited."""
    spec = draft.monitor
    if spec is None:
        return
    if spec.on not in draft.datasets:
        yield ("monitor", "on"), _undeclared(spec.on, draft)
    elif len(draft.requirements) == len(draft.unread) and all(one.on != spec.on for _, one in draft.requirements):
        yield ("monitor", "on"), f"no requirement is measured on {format_value(spec.on)}; add `on: {spec.on}` to those that it must meet"
    columns = draft.columns_of(spec.on)
    if isinstance(spec.window, str) and columns is not None and columns.time is None:
        yield ("monitor", "window"), f"a {spec.window} is told by columns.time, which is not set; name the column of each row's time"
    if (problem := zone_problem(spec.time_zone)) is not None:
        yield ("monitor", "time_zone"), problem
    if windows_in_budget(spec) is None:
        yield ("monitor", "false_alarm_every"), "windows by count have no length in days; give a number of them, such as {windows: 365}"
    elif (windows_in_budget(spec) or 0) < FEWEST_WINDOWS:
        yield ("monitor", "false_alarm_every"), f"is less than {FEWEST_WINDOWS} windows long; give a longer time, or shorter windows"


def _requirement(requirement: Requirement, draft: Draft) -> Iterator[Problem]:
    yield from bounds(requirement)
    yield from _against(requirement, draft)
    yield from _roles(requirement, draft)
    yield from splits(requirement)
    if requirement.judge_on == "value" and draft.tier == 1:
        yield ("judge_on",), "a tier 1 policy judges intervals; leave it out"


def splits(requirement: Requirement) -> Iterator[Problem]:
    """Families of slices that hold nothing or are counted twice, and edges of bands that do not ascend."""
    seen: set[tuple[str, ...]] = set()
    for index, (family, columns) in enumerate(zip(requirement.by, requirement.families, strict=True)):
        names = tuple(sorted(map(str, family)))
        if not family:
            yield ("by", index), "is empty; name at least one column"
        elif len(set(columns)) < len(columns) or names in seen:
            yield ("by", index), f"{', '.join(map(str, family))} is named twice; its slices would be counted twice"
        seen.add(names)
        for one in family:
            edges = () if isinstance(one, str) or one.edges is None else one.edges
            if list(edges) != sorted(set(edges)):
                yield ("by", index), f"the edges of {one} do not ascend; write each once, the lowest first"


def bounds(requirement: Requirement) -> Iterator[Problem]:
    """No bound at all, or two that nothing can lie between."""
    low, high = requirement.min, requirement.max
    if low is None and high is None and requirement.against is None and requirement.margin is None:
        yield (), "has no bound and would always pass; add `min` or `max`"
    if low is not None and high is not None and low > high:
        yield ("min",), f"{format_value(low)} is above `max` {format_value(high)}, so nothing can pass; mend one of them"


def _against(requirement: Requirement, draft: Draft) -> Iterator[Problem]:
    declared = {BASE, CHAMPION, *(place[-1] for place in draft.comparators)}
    if requirement.against is not None and requirement.against not in declared:
        remedy = nearest(requirement.against, declared, f"add `models: {{{requirement.against}: {{load: ...}}}}`")
        yield ("against",), f"no model {format_value(requirement.against)} is declared; {remedy}"
        return
    if requirement.against is not None and requirement.margin is None:
        yield ("against",), "has no `margin`; say by how much it may be worse, such as `margin: 0.01`"
    if requirement.margin is not None and requirement.against is None:
        yield ("margin",), "bounds a comparison, and there is none; add `against: champion`, or use `min` or `max`"
    if requirement.against is not None and (requirement.min is not None or requirement.max is not None):
        yield ("against",), "is bounded by `margin`; put `min` or `max` into a requirement of its own"
    if requirement.against == CHAMPION and (CHAMPION,) not in draft.comparators:
        yield ("against",), "no champion is declared; add `champion: {load: ...}`"
    if requirement.against == BASE and draft.candidate is not None and draft.candidate.fine_tune is None:
        yield ("against",), "the candidate was not fine-tuned from a base; compare with a champion"
    if requirement.against is not None and requirement.judge_on == "value":
        yield ("judge_on",), "is value, and a comparison is judged on its interval; leave it out"


def _roles(requirement: Requirement, draft: Draft) -> Iterator[Problem]:
    if "on" in requirement.model_fields_set and requirement.on not in draft.datasets:
        yield ("on",), _undeclared(requirement.on, draft)
    if requirement.reference is None:
        return
    if requirement.reference not in draft.datasets:
        yield ("reference",), _undeclared(requirement.reference, draft)
    elif requirement.reference == requirement.on:
        yield ("reference",), f"{format_value(requirement.on)} would be compared with itself; name another data set"


def clashes(columns: Columns) -> Iterator[tuple[str, str, str]]:
    """A role, the one that has its column already, and the column; entries of a role as `scores.urgent`."""
    taken: dict[str, str] = {}
    named = sorted(columns.named().items(), key=lambda item: item[0].startswith("features."))
    for role, column in named:
        kind = role.split(".")[0]
        if column in taken and kind in {*_ALONE, "features"}:
            yield role, taken[column], column
        if kind in _ALONE:
            taken.setdefault(column, role)


def _column_roles(draft: Draft) -> Iterator[Problem]:
    """Every role of another task, and every clash, of the policy's own columns and of each data set's."""
    yield from _regression(draft)
    if draft.columns is None:
        return
    reported: set[tuple[str, str, str]] = set()
    for data, columns in ((None, draft.columns), *((role, draft.columns_of(role)) for role in draft.datasets)):
        for clash in clashes(columns) if columns is not None else ():
            if clash not in reported:
                reported.add(clash)
                yield _place_of_role(draft, data, clash), _describe_clash(clash)


def _regression(draft: Draft) -> Iterator[Problem]:
    """Roles that speak of classes, under a candidate that gives numbers: no check could read them."""
    if draft.candidate is None or draft.candidate.task not in REGRESSION:
        return
    own = [(("datasets", role, "columns"), spec.columns) for role, spec in draft.datasets.items() if spec is not None and spec.columns]
    for place, columns in [(("columns",), draft.columns), *own]:
        for role in _OF_CLASSES:
            if columns is not None and getattr(columns, role) is not None:
                yield (*place, role), f"is of classification, and candidate.task is {draft.candidate.task}; leave it out"
    for place, spec in draft.comparators.items():
        answers = None if spec is None else spec.columns
        for role in _OF_CLASSES[1:]:
            if answers is not None and getattr(answers, role) is not None:
                yield (*place, "columns", role), f"is of classification, and candidate.task is {draft.candidate.task}; name prediction"


def _place_of_role(draft: Draft, data: str | None, clash: tuple[str, str, str]) -> Loc:
    """Where the role stands; of two that a data set and the policy give, the data set's own."""
    spec = draft.datasets.get(data) if data is not None else None
    own = spec.columns.model_fields_set if spec is not None and spec.columns is not None else frozenset()
    role = next((one for one in clash[:2] if one.split(".")[0] in own), clash[0])
    at: Loc = ("datasets", str(data), "columns") if role.split(".")[0] in own else ("columns",)
    kind, _, entry = role.partition(".")
    return (*at, kind, *((int(entry) if entry.isdigit() and kind == "features" else entry,) if entry else ()))


def _describe_clash(clash: tuple[str, str, str]) -> str:
    role, other, column = clash
    if role.startswith("features."):
        return f"column {column!r} is columns.{other}, which a model may not see; take it out of the features"
    return f"column {column!r} is columns.{role} and columns.{other} at once; name another column for one of them"
