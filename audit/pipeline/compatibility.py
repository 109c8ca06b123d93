"""A policy checked against the catalogue: what each check needs from its requirement."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pydantic import ValidationError

from audit import catalog
from audit.candidates import kinds
from audit.candidates.capabilities import Embeddings, Queries
from audit.candidates.interface import without_encoder
from audit.datasets.addresses import is_address
from audit.errors import PolicyError
from audit.finetune.fine_tuning import METHODS
from audit.formatting import comparator_in_words
from audit.governance import baseline
from audit.policy import LoadedPolicy, load
from audit.policy.messages import format_value, messages, nearest
from audit.policy.schema import comparator_place
from audit.policy.shape import LOAD_KEYS, RESERVED, typed
from audit.tasks import CLASSIFICATION, TASKS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from pydantic import BaseModel, JsonValue

    from audit.check import Check, Need
    from audit.errors import Mistake
    from audit.policy.consistency import Problem
    from audit.policy.schema import Load, Requirement
    from audit.policy.shape import Draft
    from audit.policy.yaml_reader import Loc, Marks

_LISTED = "`audit checks` lists all there are"
_SAMPLED_AND_GRAVE = frozenset({"critical", "high"})


def load_policy(path: Path | str, *, allow_outside: bool = False) -> LoadedPolicy:
    """A policy file, checked also against the catalogue and a baseline that it may only tighten. PolicyError names every mistake."""
    loaded = load(path, allow_outside=allow_outside, also=partial(mistakes, checks=catalog.discover()))
    if looser := baseline.mistakes(loaded, catalog.discover()):
        raise PolicyError(looser)
    return loaded


def mistakes(draft: Draft, marks: Marks, *, checks: Mapping[str, Check]) -> Iterator[Mistake]:
    """Every model that no kind opens as written, and every requirement that its check cannot serve, in the order of the policy."""
    yield from _candidate(draft, marks)
    for place, spec in _loads(draft):
        yield from _load(place, spec, draft, marks)
    for index, requirement in draft.requirements:
        at = ("require", index)
        check = checks.get(requirement.check)
        if check is None:
            text = f"there is no check {format_value(requirement.check)}; {nearest(requirement.check, checks, _LISTED)}"
            yield marks.mistake((*at, "check"), text)
            continue
        for loc, text in (*_problems(requirement, check, draft), *_compared(requirement, check, draft, checks=checks)):
            if not draft.rests_on_unread((*at, *loc)):
                yield marks.mistake((*at, *loc), text)
        for loc, text, key in _own_keys(at, requirement.params, check.params, marks, requirement.check, RESERVED):
            if not draft.rests_on_unread((*at, *loc)):
                yield marks.mistake((*at, *loc), text, key=key)


def _candidate(draft: Draft, marks: Marks) -> Iterator[Mistake]:
    """A task that no kind of candidate serves: passing over it in silence would promote without proof."""
    candidate = draft.candidate
    if candidate is None:
        return
    if candidate.task not in (served := kinds.served_tasks()):
        classified = candidate.task in CLASSIFICATION
        instead = "score the rows yourself, and declare tabular-classification with `load: {kind: predictions}`" if classified else ""
        *first, last = (task for task in TASKS if task in served)
        listed = f"it serves {', '.join(first)} and {last}"
        yield marks.mistake(("candidate", "task"), f"{candidate.task} is not served by this release; {instead or listed}")
    elif candidate.load is None and candidate.fine_tune is not None and candidate.task not in METHODS:
        text = f"fine-tuning for {candidate.task} is not served by this release; train the model yourself and name it under `load`"
        yield marks.mistake(("candidate", "fine_tune"), text)


def _loads(draft: Draft) -> Iterator[tuple[Loc, Load]]:
    """Every `load` of the policy with its key path."""
    if draft.candidate is not None and draft.candidate.load is not None:
        yield ("candidate", "load"), draft.candidate.load
    yield from (((*place, "load"), spec.load) for place, spec in draft.comparators.items() if spec is not None and spec.load is not None)


def _load(place: Loc, load: Load, draft: Draft, marks: Marks) -> Iterator[Mistake]:
    """A kind that is not there or does not serve the task, a path that it needs or has no use for, and keys that it does not have."""
    kind = kinds.discover().get(load.kind)
    if kind is None:
        planned = f"{load.kind} is not served by this release; score the rows yourself and load the result with kind predictions"
        unknown = f"is {format_value(load.kind)}; {nearest(load.kind, {*kinds.discover(), *kinds.PLANNED})}"
        yield marks.mistake((*place, "kind"), planned if load.kind in kinds.PLANNED else unknown)
        return
    task = None if draft.candidate is None else draft.candidate.task
    if task in kinds.served_tasks() and task not in kind.tasks:
        text = f"{kind.title} is not served for {task} by this release; score the rows yourself and load the result with kind predictions"
        yield marks.mistake((*place, "kind"), text)
    elif load.path is not None and kind.has_file and is_address(load.path):
        yield marks.mistake((*place, "path"), "is an address, and this release opens models on this machine; name a folder or file")
    if kind.has_file and load.path is None:
        yield marks.mistake((*place, "path"), f"is missing; name the folder, file or address of the {load.kind} model")
    if not kind.has_file and load.path is not None:
        yield marks.mistake((*place, "path"), f"{kind.title} are columns of the data sets; leave `path` out")
    for loc, text, key in _own_keys(place, load.options, kind.options, marks, f"kind {load.kind}", LOAD_KEYS):
        yield marks.mistake((*place, *loc), text, key=key)


def _own_keys(
    at: Loc, given: Mapping[str, JsonValue], schema: type[BaseModel], marks: Marks, owner: str, shared: Collection[str]
) -> Iterator[tuple[Loc, str, bool]]:
    """The own keys of a check or kind; an unknown one may as well be a misspelt key that all of them share."""
    known = [*schema.model_fields, *shared]
    try:
        typed(schema, dict(given))
    except ValidationError as error:
        for loc, text, key in messages(error, schema, lambda loc: (*at, *loc) in marks.values):
            unknown = f"unknown key of {owner}; {nearest(str(loc[0]), known)}" if key and len(loc) == 1 else ""
            yield loc, unknown or text, key


def _problems(requirement: Requirement, check: Check, draft: Draft) -> Iterator[Problem]:
    yield from bound_problems(requirement, check)
    yield from _groups(requirement, check)
    yield from _sampled(requirement, check)
    yield from _spent(requirement, check, draft)
    yield from _served(requirement, check, draft)
    yield from _columns(requirement, check, draft)


def bound_problems(requirement: Requirement, check: Check) -> Iterator[Problem]:
    """A bound on the wrong side, or one that says nothing."""
    yield from list(_direction(requirement, check)) or _range(requirement, check)


def _direction(requirement: Requirement, check: Check) -> Iterator[Problem]:
    low, high = requirement.min, requirement.max
    if check.better == "higher" and low is None and high is not None:
        yield ("max",), f"bounds the good side: higher is better for {requirement.check}; use `min`"
    if check.better == "lower" and high is None and low is not None:
        yield ("min",), f"bounds the good side: lower is better for {requirement.check}; use `max`"


def _range(requirement: Requirement, check: Check) -> Iterator[Problem]:
    whole = f"{requirement.check} lies between {check.lowest:g} and {check.highest:g}"
    low, high = requirement.min, requirement.max
    if low is not None and low <= check.lowest:
        yield ("min",), f"{low:g} is always met: {whole}; give a higher bound"
    elif low is not None and low > check.highest:
        yield ("min",), f"{low:g} is never met: {whole}; give a lower bound"
    if high is not None and high >= check.highest:
        yield ("max",), f"{high:g} is always met: {whole}; give a lower bound"
    elif high is not None and high < check.lowest:
        yield ("max",), f"{high:g} is never met: {whole}; give a higher bound"


def _groups(requirement: Requirement, check: Check) -> Iterator[Problem]:
    if requirement.by and check.by == "none":
        yield ("by",), f"{requirement.check} gives one number and is not split; leave `by` out"
    yield from _unnamed(requirement, check)
    if check.by == "features":
        for index, family in enumerate(requirement.families):
            if len(family) > 1:
                yield ("by", index), f"{requirement.check} looks at one feature at a time; write `by: [{', '.join(family)}]`"
        for index, column in requirement.banded:
            yield ("by", index), f"{requirement.check} looks at features and not at groups of rows; write `by: [{column}]`"
        if requirement.by and requirement.params.get("columns") is not None:
            yield ("columns",), f"{requirement.check} has its features named by `by` already; leave one of the two out"
    if requirement.reference_group is not None and check.by != "groups":
        yield ("reference_group",), f"{requirement.check} compares no groups; leave it out"
    if requirement.reference is not None and "reference" not in check.needs:
        yield ("reference",), f"{requirement.check} compares no data sets; leave it out"
    if requirement.reference is None and "reference" in check.needs:
        yield (), f"{requirement.check} compares two data sets; add `reference` with the role of the other one"


def _unnamed(requirement: Requirement, check: Check) -> Iterator[Problem]:
    """Groups that nobody named."""
    if requirement.by:
        return
    if check.by == "groups":
        yield (), f"{requirement.check} compares groups and names none; add the columns that name them, such as `by: [gender]`"
    elif check.groups_in is not None and not requirement.params.get(check.groups_in):
        named = f"add the columns that name them, such as `by: [gender]`, or name them under `{check.groups_in}`"
        yield (), f"{requirement.check} looks at groups and names none; {named}"


def _sampled(requirement: Requirement, check: Check) -> Iterator[Problem]:
    if requirement.judge_on == "value" and not check.census and requirement.severity in _SAMPLED_AND_GRAVE:
        what = f"{requirement.check} is measured on a sample, whose point proves nothing at severity {requirement.severity}"
        yield ("judge_on",), f"{what}; leave it out, so that the interval is judged"


def _spent(requirement: Requirement, check: Check, draft: Draft) -> Iterator[Problem]:
    if draft.looks and requirement.judge_on == "value" and check.asks_the_model:
        yield ("judge_on",), "a value has no error that could be spent over `looks`; leave it out, so that the interval is judged"


def _compared(requirement: Requirement, check: Check, draft: Draft, *, checks: Mapping[str, Check]) -> Iterator[Problem]:
    """A comparison that the check cannot make, one that is always met, and one for which the other model says too little."""
    against, comparator = requirement.against, draft.comparator(requirement.against)
    if against is None:
        return
    if check.compare is None:
        able = ", ".join(name for name, one in checks.items() if one.compare is not None)
        yield ("against",), f"{requirement.check} compares no two models; these do: {able}"
    elif requirement.margin is not None and requirement.margin >= check.highest - check.lowest:
        text = f"{requirement.margin:g} is always met: {requirement.check} lies between {check.lowest:g} and {check.highest:g}"
        yield ("margin",), f"{text}; give a smaller margin"
    columns = None if comparator is None else comparator.columns
    scored = columns is None or columns.score is not None or columns.scores is not None
    if not scored and not check.needs.isdisjoint({"scores", "ranking"}):
        place, called = ".".join(comparator_place(against)), comparator_in_words(against)
        text = f"{requirement.check} needs {called}'s probabilities; name their column under {place}.columns.score"
        yield ("against",), text


def _served(requirement: Requirement, check: Check, draft: Draft) -> Iterator[Problem]:
    candidate = draft.candidate
    if candidate is None:
        return
    if check.tasks is not None and candidate.task not in check.tasks:
        yield ("check",), f"{requirement.check} does not serve {candidate.task}; it serves {', '.join(check.tasks)}"
    if "base" in check.needs and candidate.load is not None:
        unknown = "saved predictions do" if candidate.load.kind == "predictions" else "a loaded model does"
        yield ("check",), f"{requirement.check} tells what fine-tuning did, which {unknown} not know; name candidate.fine_tune"
    kind = None if candidate.load is None else kinds.discover().get(candidate.load.kind)
    if kind is None:
        return
    if Embeddings not in kind.offers and "embeddings" in _needs(requirement, check, draft):
        yield ("check",), f"{requirement.check}: {without_encoder(kind.name)}"
    if Queries not in kind.offers and "model" in check.needs:
        yield ("check",), f"{requirement.check} scores changed rows, and {kind.title} cannot; load the model itself (candidate.load)"


def _needs(requirement: Requirement, check: Check, draft: Draft) -> frozenset[Need]:
    """All that the check needs as the requirement asks for it; what its parameters need only where these have the right shape."""
    columns = draft.columns_of(requirement.on)
    try:
        return check.needs if columns is None else check.needs_of(columns, typed(check.params, dict(requirement.params)))
    except ValidationError:
        return check.needs


def _columns(requirement: Requirement, check: Check, draft: Draft) -> Iterator[Problem]:
    """Roles that the check reads on its data set."""
    columns, candidate = draft.columns_of(requirement.on), draft.candidate
    if columns is None:
        return
    on = f"on {format_value(requirement.on)}; name their column under"
    if "labels" in check.needs and columns.label is None:
        yield ("check",), f"{requirement.check} needs true labels {on} columns.label"
    if "targets" in check.needs and columns.label is None:
        yield ("check",), f"{requirement.check} needs true numbers {on} columns.label"
    if "text" in check.needs and columns.text is None:
        yield ("check",), f"{requirement.check} needs texts {on} columns.text"
    if candidate is None or candidate.load is None or candidate.load.kind != "predictions" or not draft.has_saved_predictions():
        return
    scored = columns.score is not None or columns.scores is not None
    if not check.needs.isdisjoint({"scores", "ranking"}) and not scored:
        yield ("check",), f"{requirement.check} needs probabilities {on} columns.score or columns.scores"
    elif "values" in check.needs and columns.prediction is None:
        yield ("check",), f"{requirement.check} needs predicted numbers {on} columns.prediction"
    elif "predictions" in check.needs and columns.prediction is None and not scored:
        yield ("check",), f"{requirement.check} needs saved predictions {on} columns.prediction"
