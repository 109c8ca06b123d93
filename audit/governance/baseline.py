"""What a policy asks less than the base that it extends: refused where it may only tighten, else a remark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from audit.governance.policy_diff import differences
from audit.policy.schema import Policy
from audit.policy.shape import typed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from audit.check import Check
    from audit.errors import Mistake
    from audit.governance.policy_diff import Change
    from audit.policy import Base, LoadedPolicy
    from audit.policy.yaml_reader import Loc, Tree

_OF_THE_CANDIDATE = ("candidate", "champion", "models")
"""Parts of which a base may say a few keys and leave the others to the policies that extend it."""

_OF_THE_MACHINE = ".limit"
"""Seconds that a check may take: they decide nothing that is measured."""


def mistakes(loaded: LoadedPolicy, catalog: Mapping[str, Check]) -> tuple[Mistake, ...]:
    """Each key by which a policy asks less than a base that it may only tighten, wherever in the chain that base stands."""
    return tuple(mistake for base in loaded.bases if not base.may_loosen for mistake in _mistakes(loaded, base, catalog))


def remarks(loaded: LoadedPolicy, catalog: Mapping[str, Check]) -> Iterator[str]:
    """What a policy asks less than a base that it may loosen."""
    for base in loaded.bases:
        if base.may_loosen:
            whole = tuple(_policy(tree, _merged(loaded)) for tree in (base.tree, base.above))
            if whole[0] is None or whole[1] is None:
                yield f"{base.name} could not be compared with the policy that extends it: whether it asks less is not known."
                continue
            for change in _looser(differences(whole[0], whole[1], catalog=catalog), whole[0], strict=False):
                yield f"The base {base.name} is loosened, {change.place}: {change.words}."


def _mistakes(loaded: LoadedPolicy, base: Base, catalog: Mapping[str, Check]) -> Iterator[Mistake]:
    whole = _policy(base.tree, _merged(loaded))
    if whole is None:
        yield base.place.mistake(f"{base.name} could not be compared with this policy; mend the base, which has to be valid by itself")
        return
    for change in _looser(differences(whole, loaded.policy, catalog=catalog), whole, strict=True):
        what = "loosens" if change.kind == "loosened" else "changes what is measured by"
        remedy = "ask no less than it" if change.kind == "loosened" else "leave the key out, or add a requirement of your own"
        yield loaded.marks.mistake(_place(change, loaded.policy), f"{what} the baseline {base.name} ({change.words}); {remedy}")


def _looser(changes: tuple[Change, ...], base: Policy, *, strict: bool) -> Iterator[Change]:
    """What asks less; under `strict` also what asks another thing of the base's own requirements, whose direction nobody knows."""
    own = tuple(f"require.{one.id}." for one in base.require)
    for change in changes:
        unknown = change.kind == "other" and change.place.startswith(own) and not change.place.endswith(_OF_THE_MACHINE)
        if change.kind == "loosened" or (strict and unknown):
            yield change


def _place(change: Change, policy: Policy) -> Loc:
    """Key path of what is looser."""
    ids = {f"require.{one.id}": index for index, one in enumerate(policy.require)}
    found = max((name for name in ids if f"{change.place}.".startswith(f"{name}.")), key=len, default=None)
    if found is None:
        return tuple(change.place.split("."))
    return ("require", ids[found], *(part for part in change.place[len(found) :].split(".") if part not in {"", "params"}))


def _merged(loaded: LoadedPolicy) -> Tree:
    return loaded.bases[0].above if loaded.bases else {}


def _policy(tree: Tree, above: Tree) -> Policy | None:
    """A base as a policy of its own: what only the policies above it can say is taken from there; None where it is none."""
    if not isinstance(tree, dict) or not isinstance(above, dict):
        return None
    found = {key: value for key, value in tree.items() if key != "extends"}
    found.setdefault("policy", above.get("policy"))
    for key in _OF_THE_CANDIDATE:
        if key in above and key in {"candidate", *found}:
            found[key] = _over(above[key], found.get(key, {}))
    found["datasets"] = _datasets(found.get("datasets", {}), above.get("datasets", {}))
    required = found.get("require") or []
    found["require"] = [_requirement(one, above.get("require")) for one in required] if isinstance(required, list) else required
    try:
        return typed(Policy, found)
    except ValidationError:
        return None


def _over(under: Tree, top: Tree) -> Tree:
    if not isinstance(under, dict) or not isinstance(top, dict):
        return top
    return under | {key: _over(under.get(key, value), value) for key, value in top.items()}


def _datasets(own: Tree, above: Tree) -> Tree:
    """Files are named by the policy above: data sets that the base leaves to it, and the paths of those that it describes."""
    if not isinstance(own, dict) or not isinstance(above, dict):
        return own
    paths = {role: {"path": spec["path"]} for role, spec in above.items() if isinstance(spec, dict) and "path" in spec}
    return above | {role: _over(paths.get(role, {}), spec) for role, spec in own.items()}


def _requirement(own: Tree, above: Tree) -> Tree:
    """A requirement of the base that leaves its check to the policy above takes it from there."""
    if not isinstance(own, dict) or "check" in own or not isinstance(above, list):
        return own
    return next((own | {"check": one["check"]} for one in above if isinstance(one, dict) and one.get("id") == own.get("id")), own)
