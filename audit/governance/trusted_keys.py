"""Keys that a policy trusts, by what they are and not by where their files lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from audit.governance.policy_diff import Change
from audit.governance.signatures import fingerprint
from audit.governance.waiver_schema import PublicKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from audit.policy.yaml_reader import Tree

KEPT = "trusted_keys"
"""Key of a promoting run's entry that holds the keys its policy trusted."""
SECOND = 2
"""The line of defence that validates independently."""
_KEYS = TypeAdapter(tuple[PublicKey, ...])


def kept(keys: Sequence[PublicKey]) -> list[Tree]:
    """Keys as the ledger keeps them and as signatures cover them, in whatever order the policy names them."""
    return [one.model_dump(mode="json") for one in sorted(keys, key=lambda one: one.public_key)]


def reread(told: object) -> tuple[PublicKey, ...] | None:
    """Keys as they were kept; None where this release cannot read them."""
    try:
        return _KEYS.validate_python(told)
    except ValidationError:
        return None


def changes(then: Sequence[PublicKey], now: Sequence[PublicKey]) -> Iterator[Change]:
    """What the trust in keys asks less or more: a key behind the same path may be another."""
    yield from (Change("loosened", "trust.keys", f"{describe_key(one)}, is trusted") for one in now if one not in then)
    if of_second(then) and not of_second(now):
        yield Change("loosened", "trust.keys", f"no key of line {SECOND} is trusted any more: nobody could approve what is loosened")
    yield from (Change("tightened", "trust.keys", f"{describe_key(one)}, is no longer trusted") for one in then if one not in now)


def of_second(keys: Sequence[PublicKey]) -> tuple[PublicKey, ...]:
    """Those of people of the second line."""
    return tuple(one for one in keys if one.line == SECOND)


def describe_key(key: PublicKey) -> str:
    """`Ann Example (line 2), key 0123456789abcdef`."""
    role = f", {key.role}" if key.role else ""
    return f"{key.name} (line {key.line}{role}), key {fingerprint(key)[:16]}"
