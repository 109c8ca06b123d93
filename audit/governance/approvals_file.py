"""The file of approvals next to a policy, read with its positions. What cannot be read is reported at its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from audit.governance.waiver_files import read_as
from audit.governance.waiver_schema import Digest, Line, Moment, Name  # noqa: TC001  # pydantic needs them at run time
from audit.policy.schema import Strict, Text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from audit.policy import LoadedPolicy
    from audit.policy.yaml_reader import Tree

SUFFIX = ".approvals"
"""Behind the policy file's whole name, so that no pattern such as `*.yaml` takes approvals for a policy."""


class PolicyApproval(Strict):
    """One person's signature under what a policy loosens."""

    policy: Text = Field(description="name of the policy")
    policy_sha256: Digest = Field(description="of the policy as it resolves, with the keys that it trusts")
    since: Text = Field(description="the promoted run that it was compared with")
    since_entry: Digest = Field(description="the ledger's entry of that run")
    loosened: tuple[Text, ...] = Field(description="what was loosened, as the signer saw it")
    requested_by: Name = Field(description="who asked for the change")
    by: Name
    role: Text
    line: Line
    independent: bool = False
    at: Moment
    signature: Text


class Approvals(Strict):
    """The whole file."""

    approvals: tuple[PolicyApproval, ...]


@dataclass(frozen=True, slots=True)
class ApprovalsFile:
    """Approvals and the file that holds them."""

    approvals: tuple[PolicyApproval, ...]
    trees: tuple[Mapping[str, Tree], ...]
    """What the file says of each: this is what signatures cover."""
    file: str
    """As messages name it."""
    text: str


def beside(policy: Path) -> Path:
    """Where the approvals of a policy lie."""
    return policy.with_name(policy.name + SUFFIX)


def read(loaded: LoadedPolicy) -> ApprovalsFile | None:
    """The approvals beside a policy; None where there are none. PolicyError names every mistake."""
    path = beside(loaded.path)
    if not path.exists():
        return None
    loaded.resolve(str(path.absolute()))  # a link out of the project is refused as any path is
    _, tree, text = read_as(path, str(path), Approvals)
    listed = tree["approvals"]
    trees = tuple(one for one in listed if isinstance(one, dict)) if isinstance(listed, list) else ()
    return ApprovalsFile(Approvals.model_validate(tree).approvals, trees, str(path), text)
