"""What every registry does: it keeps the versions of a model, and two aliases that move together or not at all."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from pydantic import Field, ValidationError

from audit.errors import AuditError, InputError, ToolError
from audit.governance.signed_file import Digest  # noqa: TC001  # pydantic needs the type at run time
from audit.policy.schema import NAME
from audit.policy.strict import Strict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA = "audit.version/1"
MANIFEST, MODEL = "version.json", "model"
"""File and folder of a version."""


class MovedMeanwhile(AuditError):
    """Another promotion or rollback was quicker: nothing was moved."""


class NotPromoted(InputError):
    """A version that `audit promote` did not make: nothing is known of its files."""


class File(Strict):
    """One file of an artefact."""

    name: str
    sha256: Digest
    size: int


class Version(Strict):
    """One version of a model: what was audited, and the files that were promoted. Stored as `version.json`."""

    move: str = Field(description="the promotion that made it")
    replaces: str | None = Field(description="version to which a rollback returns: the champion before, if it was another candidate")
    kind: str = Field(description="kind of the candidate, as `load.kind` names it")
    max_length: int | None = Field(description="tokens at which texts are cut, as the policy says; part of the candidate's digest")
    candidate_sha256: Digest
    bundle_sha256: Digest
    run: str
    policy: str
    policy_sha256: Digest
    decision: str
    valid_until: str | None
    files: tuple[File, ...] = Field(description="the artefact's; none where saved predictions were audited")

    @property
    def tags(self) -> dict[str, str]:
        """As a registry shows them beside the version."""
        return {
            "audit.decision": self.decision,
            "audit.valid_until": self.valid_until or "",
            "audit.run": self.run,
            "audit.bundle_sha256": self.bundle_sha256,
            "audit.policy_sha256": self.policy_sha256,
            "audit.candidate_sha256": self.candidate_sha256,
        }

    def text(self) -> str:
        """`version.json`."""
        return json.dumps({"schema": SCHEMA, **self.model_dump(mode="json")}, indent=1) + "\n"


def read_version(text: str | bytes, place: str) -> Version:
    """A version as `text` wrote it; anything else is refused."""
    try:
        tree = json.loads(text)
        if not isinstance(tree, dict) or tree.pop("schema", None) != SCHEMA:
            msg = f"{place}: is no {SCHEMA}, which this release reads"
            raise ToolError(msg)
        return Version.model_validate_json(json.dumps(tree))
    except (ValueError, ValidationError) as error:
        msg = f"{place}: cannot be read: restore it from a copy"
        raise ToolError(msg) from error


@dataclass(frozen=True, slots=True)
class Aliases:
    """Versions by alias."""

    champion: str | None = None
    """Runs today."""
    previous: str | None = None
    """Ran before; to which a rollback returns."""


@dataclass(frozen=True, slots=True)
class Move:
    """Both aliases from where they stand to where they are to stand."""

    id: str
    kind: Literal["promotion", "rollback"]
    before: Aliases
    after: Aliases


class Registry(Protocol):
    """A registry of models. Whoever is killed in the middle of a call leaves what `settle` completes or undoes."""

    @property
    def target(self) -> str:
        """As `--to` names it, from wherever it is read: with an absolute path, and without a secret."""

    def aliases(self, name: str) -> Aliases:
        """Where the aliases of a model stand; of an unknown model nowhere."""

    def version(self, name: str, number: str) -> Version:
        """What a version says of itself. NotPromoted where it was made otherwise, ToolError where it is not there."""

    def put(self, name: str, version: Version, files: Mapping[str, Path]) -> str:
        """The number of a new version with these files, of which every digest was compared after the copy."""

    def move(self, name: str, move: Move) -> None:
        """Move both aliases, or neither. MovedMeanwhile where they no longer stand where the move begins."""

    def settle(self, name: str, move: str) -> Aliases | None:
        """Complete or undo what a killed process left of a move. Where the aliases came to stand; None where they were not moved."""

    def model(self, name: str, number: str, scratch: Path) -> Path:
        """A version's files in a folder: its own, or a copy made in `scratch`."""


def refuse_name(name: str) -> None:
    """Refuse a name that is no model's."""
    if not re.fullmatch(NAME, name) or len(name) > 200:  # noqa: PLR2004  # MLflow's limit is 256, and a lock's name is longer
        msg = f"{name!r} is no name of a model: write at most 200 letters, digits, dots, dashes and underscores, a letter or digit first"
        raise InputError(msg)
