"""What of a policy is about windows: the requirements on the monitored data set, with the data and models that they need."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from audit import catalog
from audit.canonical_text import canonical_json
from audit.decision.finding import bounds
from audit.errors import InputError
from audit.policy.monitoring import windows_in_budget
from audit.policy.schema import CHAMPION
from audit.policy.yaml_reader import Marks

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from audit.datasets import Dataset
    from audit.policy import LoadedPolicy
    from audit.policy.monitoring import Monitor
    from audit.policy.schema import Policy, Requirement
    from audit.policy.yaml_reader import Loc, Place


@dataclass(frozen=True, slots=True)
class Scope:
    """The part of a policy that its windows are held against."""

    loaded: LoadedPolicy
    """With these requirements alone, and the window in the place of the monitored data set."""
    spec: Monitor
    labelled: frozenset[str]
    """Ids of the requirements that need labels."""
    watched: frozenset[str]
    """Ids of those that never change the decision: drift without labels unless the policy says `enforce: required`, and advisory ones."""

    @property
    def policy(self) -> Policy:
        """The part of the policy."""
        return self.loaded.policy

    def weight(self, requirement: str) -> float:
        """A requirement's share of the budget of its class."""
        return 1 / Counter((one.id in self.watched) for one in self.policy.require)[requirement in self.watched]

    @property
    def windows(self) -> float:
        """Windows until the first false alarm, on average at least."""
        found = windows_in_budget(self.spec)
        assert found is not None  # noqa: S101  # the policy is refused without it
        return found


def scope(loaded: LoadedPolicy, window: Path) -> Scope:
    """The part of a policy that is about its windows. InputError where it says nothing of them."""
    policy, spec = loaded.policy, loaded.policy.monitor
    if spec is None:
        msg = f"{loaded.path}: the policy has no `monitor`: add `monitor: {{window: day, false_alarm_every: 365d}}`"
        raise InputError(msg)
    places = [place for place, one in enumerate(policy.require) if one.on == spec.on]
    require = tuple(policy.require[place] for place in places)
    tuned = policy.candidate.fine_tune
    training = () if tuned is None else (tuned.on, *([tuned.validation] if isinstance(tuned.validation, str) else ()))
    roles = {spec.on, *(one.reference for one in require), *training}
    compared = {one.against for one in require}
    part = policy.model_copy(
        update={
            "require": require,
            "looks": None,
            "datasets": {
                role: one.model_copy(update={"path": str(window)}) if role == spec.on else one
                for role, one in policy.datasets.items()
                if role in roles
            },
            "champion": policy.champion if CHAMPION in compared else None,
            "models": {name: one for name, one in policy.models.items() if name in compared},
        }
    )
    needing = frozenset(one.id for one in require if needs_labels(one, policy))
    return Scope(replace(loaded, policy=part, marks=_marks(loaded.marks, places)), spec, needing, _watched(require, needing))


def of_requirements(loaded: LoadedPolicy, ids: Collection[str]) -> LoadedPolicy:
    """The same with these requirements alone."""
    places = [place for place, one in enumerate(loaded.policy.require) if one.id in ids]
    require = tuple(loaded.policy.require[place] for place in places)
    return replace(loaded, policy=loaded.policy.model_copy(update={"require": require}), marks=_marks(loaded.marks, places))


def _marks(marks: Marks, places: list[int]) -> Marks:
    """The places of key paths, for requirements that keep their lines and have other numbers."""
    number = {place: index for index, place in enumerate(places)}

    def renumbered(found: Mapping[Loc, Place]) -> dict[Loc, Place]:
        kept: dict[Loc, Place] = {}
        for loc, place in found.items():
            if loc[:1] == ("require",) and len(loc) > 1:
                if isinstance(loc[1], int) and loc[1] in number:
                    kept[("require", number[loc[1]], *loc[2:])] = place
            else:
                kept[loc] = place
        return kept

    return Marks(renumbered(marks.values), renumbered(marks.keys), marks.broken)


def needs_labels(requirement: Requirement, policy: Policy) -> bool:
    """Whether a requirement is measured against true labels."""
    check = catalog.discover()[requirement.check]
    columns = policy.datasets[requirement.on].columns
    own = columns.over(policy.columns) if columns is not None else policy.columns
    return not check.needs_of(own, check.params.model_validate(requirement.params)).isdisjoint({"labels", "targets"})


def _watched(require: tuple[Requirement, ...], labelled: frozenset[str]) -> frozenset[str]:
    drift = {one.id for one in require if catalog.discover()[one.check].measures == "drift" and one.id not in labelled}
    said = {one.id for one in require if "enforce" in one.model_fields_set}
    return frozenset({one.id for one in require if one.enforce == "advisory"} | (drift - said))


def identity(requirement: Requirement, datasets: Mapping[str, Dataset], models: Mapping[str, str]) -> str:
    """What the evidence of a requirement is about: where any of it changes, its detectors start anew.

    `models` holds the digests of the candidate, under the empty name, and of what it is compared with.
    """
    reference = None if requirement.reference is None else datasets[requirement.reference].content_key
    asks = catalog.discover()[requirement.check].asks_the_model
    said = requirement.model_dump(mode="json", include={"check", "on", "reference", "reference_group", "by", "against", "margin", "params"})
    sides = [(one.limit, one.floor) for one in bounds(requirement, catalog.discover()[requirement.check].better)]
    about = {"candidate": models[""], "other": models.get(requirement.against or "")} if asks else {}
    return canonical_json([said, sides, reference, about])
