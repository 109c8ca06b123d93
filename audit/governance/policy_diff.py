"""What one policy asks less, more or otherwise than another."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import ValidationError

from audit.datasets import Columns
from audit.formatting import bound_in_words, comparator_in_words, limit
from audit.policy.schema import SEVERITIES
from audit.policy.strict import days

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from audit.check import Check
    from audit.policy.schema import DatasetSpec, Policy, Requirement
    from audit.policy.yaml_reader import Tree

Kind: TypeAlias = Literal["loosened", "tightened", "other"]
KINDS: tuple[Kind, ...] = ("loosened", "tightened", "other")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two policies."""

    kind: Kind
    """`other` where a change can go either way: another path, another seed, a parameter whose direction is not known."""
    place: str
    """Dotted, a requirement by its id: `require.performance/accuracy.min`."""
    words: str


@dataclass(frozen=True, slots=True)
class _Rule:
    """How a key's values are ordered."""

    strictness: Callable[[Tree], float]
    """Higher asks more; values of equal strictness that differ are an `other` change."""
    looser: str
    stricter: str


def differences(old: Policy, new: Policy, *, catalog: Mapping[str, Check] | None = None) -> tuple[Change, ...]:
    """Every difference, what was loosened first. With the catalogue, parameters that are left out count as their defaults.

    Names of the policy's keys and not their effects are compared: a base that `extends` names is compared as it was merged.
    """
    found = [*_top(tree(old), tree(new)), *_datasets(old, new), *_requirements(old, new, catalog or {})]
    return ordered(found)


def ordered(changes: Sequence[Change]) -> tuple[Change, ...]:
    """What was loosened first."""
    return tuple(sorted(changes, key=lambda change: KINDS.index(change.kind)))


def loosened(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Those that ask less."""
    return tuple(change for change in changes if change.kind == "loosened")


def tree(policy: Policy) -> dict[str, Tree]:
    """A policy as plain values, without what does not count by itself: a tier that was not set asks for nothing."""
    found: dict[str, Tree] = policy.model_dump(mode="json", exclude={"extends"})
    if "tier" not in policy.model_fields_set:
        found.pop("tier")
    return found


def _rank(*rising: str) -> Callable[[Tree], float]:
    return lambda value: rising.index(str(value)) if value is not None else -1


def _rising(value: Tree) -> float:
    return float(value) if isinstance(value, int | float) else -math.inf


def _falling(value: Tree) -> float:
    return -float(value) if isinstance(value, int | float) else -math.inf


def _set(value: Tree) -> float:
    return value is not None


def _not_set(value: Tree) -> float:
    return not value


def _short(value: Tree) -> float:
    """Fewer days ask more; no end at all asks least."""
    age = days(value) if isinstance(value, int | str) else None
    return -math.inf if age is None else -age


_CONFIDENCE = _Rule(_rising, "a less sure interval", "a surer interval")
_RULES: dict[str, _Rule] = {
    "confidence": _CONFIDENCE,
    "tier": _Rule(_falling, "a lower tier, which requires less", "a higher tier"),
    "trust.pickle": _Rule(_not_set, "pickles may be loaded", "pickles may no longer be loaded"),
    "waivers": _Rule(_not_set, "findings may be waived", "nothing can be waived any more"),
    "valid_for": _Rule(_short, "a decision is valid for longer", "a decision expires earlier"),
    "looks.max": _Rule(_falling, "more looks at the same data", "fewer looks at the same data"),
}
_FILE = _Rule(_set, "the digest of the file is no longer checked", "the digest of the file is checked")
_MERGED = _Rule(_not_set, "two classes count as one", "two classes are distinguished")
_DATASET: dict[str, _Rule] = {
    "unlabelled": _Rule(lambda value: value != "drop", "rows without a label are left out", "rows without a label are refused"),
    "sampled.share": _Rule(_falling, "fewer rows count as missing", "more rows count as missing"),
    "sampled.how": _Rule(_rank("random", "other"), "rows count as drawn at random, or as all there are", "rows count as chosen"),
}
_GROUP = _Rule(_set, "rows of one entity count as independent", "rows of one entity are taken together")
_ASKED: dict[str, _Rule] = {
    "min": _Rule(_rising, "an easier bound", "a harder bound"),
    "max": _Rule(_falling, "an easier bound", "a harder bound"),
    "margin": _Rule(_falling, "a wider margin", "a narrower margin"),
    "against": _Rule(_set, "no longer compared", "compared with another model"),
    "severity": _Rule(_rank(*reversed(SEVERITIES)), "a lower severity", "a higher severity"),
    "enforce": _Rule(_rank("advisory", "required"), "it no longer changes the decision", "it changes the decision"),
    "min_n": _Rule(_rising, "fewer rows are enough", "more rows are needed"),
    "judge_on": _Rule(_rank("value", "interval"), "chance is ignored", "chance is taken into account"),
    "confidence": _CONFIDENCE,
    "params.examples": _Rule(_rising, "fewer examples are tried", "more examples are tried"),
}


def _top(old: dict[str, Tree], new: dict[str, Tree]) -> Iterator[Change]:
    """All keys but data sets and requirements, which are matched by name."""
    before, after = _leaves(_without(old)), _leaves(_without(new))
    for place in dict.fromkeys([*before, *after]):
        if place == "trust.keys":
            yield from _members(place, _words(before.get(place)), _words(after.get(place)), ("is trusted", "is no longer trusted"))
        else:
            rule = _MERGED if place.startswith("labels.map.") else _FILE if place.endswith(".load.sha256") else _RULES.get(place)
            yield from _compared(place, before.get(place), after.get(place), rule)


def _without(policy: dict[str, Tree]) -> dict[str, Tree]:
    """The columns' entity key is compared data set by data set, since each may have its own."""
    columns = policy.get("columns")
    shared = {key: value for key, value in columns.items() if key != "group"} if isinstance(columns, dict) else columns
    return {key: value for key, value in policy.items() if key not in {"datasets", "require"}} | {"columns": shared}


def _leaves(value: Tree, place: str = "") -> dict[str, Tree]:
    """Every value that is set, under its dotted key; lists are values."""
    if not isinstance(value, dict):
        return {} if value is None else {place: value}
    found: dict[str, Tree] = {}
    for key, child in value.items():
        found |= _leaves(child, f"{place}.{key}" if place else key)
    return found


def _compared(place: str, old: Tree, new: Tree, rule: _Rule | None) -> Iterator[Change]:
    if old == new:
        return
    said = f"{_format_value(old)} → {_format_value(new)}"
    before, after = (0.0, 0.0) if rule is None else (rule.strictness(old), rule.strictness(new))
    if rule is None or before == after:
        yield Change("other", place, said)
    elif after < before:
        yield Change("loosened", place, f"{said}: {rule.looser}")
    else:
        yield Change("tightened", place, f"{said}: {rule.stricter}")


def _members(place: str, old: Sequence[str], new: Sequence[str], words: tuple[str, str]) -> Iterator[Change]:
    """Members of a list of which more ask less."""
    yield from (Change("loosened", place, f"{one} {words[0]}") for one in new if one not in old)
    yield from (Change("tightened", place, f"{one} {words[1]}") for one in old if one not in new)


def _words(value: Tree) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _format_value(value: Tree) -> str:
    if value is None:
        return "not set"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return limit(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _datasets(old: Policy, new: Policy) -> Iterator[Change]:
    for role in dict.fromkeys([*old.datasets, *new.datasets]):
        place, before, after = f"datasets.{role}", old.datasets.get(role), new.datasets.get(role)
        if before is None or after is None:
            yield Change("other", place, "is new" if before is None else "is no longer there")
            continue
        was, is_ = _dataset(before), _dataset(after)
        for key in dict.fromkeys([*was, *is_]):
            yield from _compared(f"{place}.{key}", was.get(key), is_.get(key), _DATASET.get(key))
        yield from _compared(f"{place}.columns.group", _group(before, old), _group(after, new), _GROUP)


def _dataset(spec: DatasetSpec) -> dict[str, Tree]:
    """A null takes a role away, and so is a value of its own."""
    found: dict[str, Tree] = _leaves(spec.model_dump(mode="json", exclude={"columns"}))
    own: dict[str, Tree] = {} if spec.columns is None else spec.columns.model_dump(mode="json", exclude_unset=True, exclude={"group"})
    return found | {f"columns.{key}": "none" if value is None else value for key, value in own.items()}


def _group(spec: DatasetSpec, policy: Policy) -> str | None:
    return (spec.columns or Columns()).over(policy.columns).group


def _requirements(old: Policy, new: Policy, catalog: Mapping[str, Check]) -> Iterator[Change]:
    asked = _Asked(old, new, catalog)
    pairs = _matched(asked)
    for one in new.require:
        before = pairs.get(one.id)
        if before is None:
            yield Change("tightened", f"require.{one.id}", f"is new: {_describe(one)}")
            continue
        if before.id != one.id:
            yield Change("other", f"require.{one.id}", f"was {before.id}: the same check on the same data under another id")
        yield from asked.changes(before, one)
    kept = {before.id for before in pairs.values()}
    gone = (one for one in old.require if one.id not in kept)
    yield from (Change("loosened", f"require.{one.id}", f"is no longer required: {_describe(one)}") for one in gone)


def _describe(one: Requirement) -> str:
    bound = bound_in_words(one.min, one.max)
    if one.against is not None:
        bound = f"within {limit(one.margin or 0)} of {comparator_in_words(one.against)}"
    return f"{one.check} on {one.on}, {bound}, {one.severity}, {one.enforce}"


def _matched(asked: _Asked) -> dict[str, Requirement]:
    """The old requirement of each new id: the one of the same id and check, else the most alike of the same check and data.

    Equally like ones are taken in order; swapping the policies gives the same pairs.
    """
    old = {one.id: one for one in asked.old.require}
    found = {one.id: old[one.id] for one in asked.new.require if one.id in old and old[one.id].check == one.check}
    kept = {before.id for before in found.values()}
    gone = [one for one in asked.old.require if one.id not in kept]
    come = [one for one in asked.new.require if one.id not in found]
    pairs = [
        (len(list(asked.changes(before, after))), i + j, before, after)
        for i, before in enumerate(gone)
        for j, after in enumerate(come)
        if (before.check, before.on) == (after.check, after.on)
    ]
    for _, _, before, after in sorted(pairs, key=lambda pair: pair[:2]):
        if before.id not in kept and after.id not in found:
            found[after.id] = before
            kept.add(before.id)
    return found


@dataclass(frozen=True, slots=True)
class _Asked:
    """Two policies whose requirements are compared."""

    old: Policy
    new: Policy
    catalog: Mapping[str, Check]

    def changes(self, before: Requirement, after: Requirement) -> Iterator[Change]:
        """What one requirement asks otherwise, apart from its id."""
        if before.confidence == after.confidence:  # what is left to the policy has changed there, and is told there
            return of_requirement(before, after, self.catalog)
        own, new = (
            one.model_copy(update={"confidence": one.confidence or whole.confidence})
            for one, whole in ((before, self.old), (after, self.new))
        )
        return of_requirement(own, new, self.catalog)


def of_requirement(before: Requirement, after: Requirement, catalog: Mapping[str, Check]) -> Iterator[Change]:
    """What a requirement asks otherwise than another of the same check, apart from its id."""
    place, check = f"require.{after.id}", catalog.get(after.check)
    params = before.params, after.params
    if check is not None:
        with suppress(ValidationError):  # a policy of another release may hold parameters that this one's check does not take
            params = _filled(check, before.params), _filled(check, after.params)
    was, is_ = _settings(before, params[0]), _settings(after, params[1])
    for key in dict.fromkeys([*was, *is_]):
        yield from _compared(f"{place}.{key}", was.get(key), is_.get(key), _ASKED.get(key))
    yield from _families(f"{place}.by", before, after, features=check is not None and check.by == "features")


def _filled(check: Check, params: Mapping[str, Tree]) -> dict[str, Tree]:
    """What a requirement says to its check, and what it leaves to it."""
    return check.params.model_validate(params).model_dump(mode="json")


def _settings(one: Requirement, params: dict[str, Tree]) -> dict[str, Tree]:
    """All that it says but its name and its slices."""
    return _leaves(one.model_dump(mode="json", exclude={"id", "check", "by", "params"})) | _leaves(params, "params")


def _families(place: str, old: Requirement, new: Requirement, *, features: bool) -> Iterator[Change]:
    """Families of slices, in whatever order they cross their columns. Of features, none named means all."""
    before, after = ({tuple(sorted(map(str, family))): " and ".join(map(str, family)) for family in one.by} for one in (old, new))
    gone, come = ([said for family, said in one.items() if family not in other] for one, other in ((before, after), (after, before)))
    if features and not (before and after):
        named = ", ".join(gone or come)
        yield from (Change("tightened", place, f"all features are measured, not only {named}") for _ in gone[:1])
        yield from (Change("loosened", place, f"only {named} of all features") for _ in come[:1])
        return
    yield from (Change("loosened", place, f"{said}: no longer measured separately") for said in gone)
    yield from (Change("tightened", place, f"{said}: looked at apart") for said in come)
