"""A policy held against the catalogue: what each check asks of its requirement."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pydantic import ValidationError

from audit import catalog
from audit.candidates.interface import without_encoder
from audit.formatting import comparator_in_words
from audit.policy import LoadedPolicy, load
from audit.policy.messages import messages, nearest, shown
from audit.policy.schema import comparator_place
from audit.policy.shape import RESERVED, typed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from audit.check import Check, Need
    from audit.errors import Mistake
    from audit.policy.consistency import Problem
    from audit.policy.positions import Loc, Marks
    from audit.policy.schema import Requirement
    from audit.policy.shape import Draft

_LISTED = "`audit checks` lists all there are"
_SAMPLED_AND_GRAVE = frozenset({"critical", "high"})


def load_policy(path: Path | str, *, allow_outside: bool = False) -> LoadedPolicy:
    """A policy file, read, checked, and held against the catalogue. PolicyError names every mistake."""
    return load(path, allow_outside=allow_outside, also=partial(mistakes, checks=catalog.discover()))


def mistakes(draft: Draft, marks: Marks, *, checks: Mapping[str, Check]) -> Iterator[Mistake]:
    """Every requirement that its check cannot serve as written, in the order of the policy."""
    for index, requirement in draft.requirements:
        at = ("require", index)
        check = checks.get(requirement.check)
        if check is None:
            text = f"there is no check {shown(requirement.check)}; {nearest(requirement.check, checks, _LISTED)}"
            yield marks.mistake((*at, "check"), text)
            continue
        for loc, text in (*_problems(requirement, check, draft), *_compared(requirement, check, draft, checks=checks)):
            if not draft.rests_on_unread((*at, *loc)):
                yield marks.mistake((*at, *loc), text)
        for loc, text, key in _params(index, requirement, check, marks):
            if not draft.rests_on_unread((*at, *loc)):
                yield marks.mistake((*at, *loc), text, key=key)


def _params(index: int, requirement: Requirement, check: Check, marks: Marks) -> Iterator[tuple[Loc, str, bool]]:
    """The check's own parameters; an unknown one may as well be a misspelt key of every requirement."""
    at, known = ("require", index), [*check.params.model_fields, *RESERVED]
    try:
        typed(check.params, dict(requirement.params))
    except ValidationError as error:
        for loc, text, key in messages(error, check.params, lambda loc: (*at, *loc) in marks.values):
            unknown = f"unknown key of {requirement.check}; {nearest(str(loc[0]), known)}" if key and len(loc) == 1 else ""
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
        for index, family in enumerate(requirement.by):
            if len(family) > 1:
                yield ("by", index), f"{requirement.check} looks at one feature at a time; write `by: [{', '.join(family)}]`"
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
    if candidate.load is not None and candidate.load.kind != "transformers" and "embeddings" in _needs(requirement, check, draft):
        yield ("check",), f"{requirement.check}: {without_encoder(candidate.load.kind)}"
    if "model" in check.needs and candidate.load is not None and candidate.load.kind == "predictions":
        yield ("check",), f"{requirement.check} scores changed rows, and saved predictions cannot; load the model itself (candidate.load)"


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
    on = f"on {shown(requirement.on)}; name their column under"
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
