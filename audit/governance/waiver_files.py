"""Waiver files, read with their positions; every field is named in `docs/governance.md`. What cannot be read is reported at its place."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, FiniteFloat

from audit.errors import InputError, Mistake, PolicyError
from audit.files import read_at_most
from audit.governance import signatures
from audit.governance.keys import PublicKey, TrustedKey, read_trusted
from audit.governance.signed_file import Digest, Line, Name, Sentence  # noqa: TC001  # pydantic needs the types at run time
from audit.policy import yaml_reader
from audit.policy.schema import WAIVER_ID
from audit.policy.strict import Strict, Text
from audit.policy.written_file import Day, Moment, read_as

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from audit.policy import LoadedPolicy
    from audit.policy.yaml_reader import Marks, Tree

KIND = "audit.waiver/1"
"""Part of what is signed, so that no signature of a waiver is one of anything else."""
SUFFIXES = (".yaml", ".yml", ".json")
"""Of the files of a folder that are waivers."""
_NOTES = (".md", ".txt")
"""Of files that a folder of waivers may hold beside them."""


class Threshold(Strict):
    """The bound of the requirement as the waiver was granted."""

    min: FiniteFloat | None = None
    max: FiniteFloat | None = None


class Scope(Strict):
    """What the waiver is for."""

    model: Text = Field(description="name of the policy")
    sha256: Digest | None = Field(None, description="digest of the candidate")
    versions: Text | None = Field(None, description="range of the candidate's declared versions, such as '>=1.2, <2'")
    environments: tuple[Text, ...] = Field((), description="where the model may run under this waiver")
    threshold: Threshold | None = Field(None, description="the requirement's bound as granted; a tighter one voids the waiver")


class Control(Strict):
    """A compensating control."""

    description: Text
    owner: Text
    evidence: Text


class ValidWhile(Strict):
    """The worst value that the waiver covers."""

    metric: Text
    op: Literal["<=", ">="]
    value: FiniteFloat


class Remediation(Strict):
    """What will be done, and by when."""

    plan: Text
    due: Day
    ticket: str | None = None


class Approval(Strict):
    """One person's signature."""

    by: Name
    role: Text
    line: Line
    independent: bool = False
    at: Moment
    signature: Text


class Waiver(Strict):
    """One waiver, as its file says it."""

    id: str = Field(pattern=WAIVER_ID)
    check: Text = Field(description="id of the requirement that it covers")
    slices: tuple[Text, ...] = Field((), description="members that it covers, as results name them")
    scope: Scope
    reason: Sentence
    risk_accepted: Sentence
    nist: tuple[str, ...] = ()
    compensating_controls: tuple[Control, ...] = Field(min_length=1)
    valid_while: ValidWhile
    remediation: Remediation | None = None
    granted_at: Moment
    expires_at: Moment
    renewal_of: str | None = None
    requested_by: Name
    approvals: tuple[Approval, ...] = Field(description="none in a draft")


@dataclass(frozen=True, slots=True)
class WaiverFile:
    """A waiver and the file that holds it."""

    waiver: Waiver
    file: str
    """As messages name it."""
    text: str
    tree: Mapping[str, Tree]
    """What the file says: this is what signatures cover."""
    marks: Marks


@dataclass(frozen=True, slots=True)
class Folder:
    """All waivers that a policy names, and the keys whose signatures count."""

    waivers: tuple[WaiverFile, ...] = ()
    keys: tuple[TrustedKey, ...] = ()

    @property
    def trusted(self) -> tuple[PublicKey, ...]:
        """The keys themselves."""
        return tuple(one.key for one in self.keys)

    def texts(self) -> Iterator[tuple[str, str]]:
        """Every file by its name in a bundle: whoever signs the bundle signs these too."""
        yield from ((f"waivers/{Path(one.file).name}", one.text) for one in self.waivers)
        yield from ((f"waivers/keys/{number:02d}.pub", one.text) for number, one in enumerate(self.keys, 1))


def read_folder(loaded: LoadedPolicy) -> Folder:
    """A policy's waivers and trusted keys. PolicyError names every mistake in any of the files."""
    mistakes: list[Mistake] = []
    keys = tuple(read_trusted(loaded, mistakes))
    waivers = tuple(_waivers(loaded, mistakes))
    mistakes += _twice(waivers)
    if mistakes:
        raise PolicyError(tuple(dict.fromkeys(mistakes)))
    return Folder(waivers, keys)


def _waivers(loaded: LoadedPolicy, mistakes: list[Mistake]) -> Iterator[WaiverFile]:
    named = loaded.policy.waivers
    if named is None:
        return
    place = loaded.resolve(named)
    try:
        entries = sorted(place.iterdir())
    except OSError as error:
        told = f"{named!r} is no folder that can be read ({error.strerror}); make it (a README.md keeps it in git), or mend the path"
        mistakes.append(loaded.marks.mistake(("waivers",), told))
        return
    for path in entries:
        shown = str(Path(named) / path.name)
        if path.name.startswith(".") or path.suffix.lower() in _NOTES:
            continue
        if path.suffix.lower() not in SUFFIXES or not path.is_file():
            mistakes.append(Mistake(shown, 1, 1, f"is no waiver; a folder of waivers holds {', '.join(SUFFIXES)} files: move it away"))
            continue
        try:
            loaded.resolve(shown)  # a link out of the project is refused as any path is
            yield read_waiver(path, shown)
        except PolicyError as error:
            mistakes += error.mistakes
        except InputError as error:
            mistakes.append(Mistake(shown, 1, 1, str(error)))


def _twice(waivers: tuple[WaiverFile, ...]) -> Iterator[Mistake]:
    first: dict[str, str] = {}
    for one in waivers:
        if one.waiver.id in first:
            yield one.marks.mistake(("id",), f"{one.waiver.id} is also the id of {first[one.waiver.id]}; give each waiver its own")
        first.setdefault(one.waiver.id, one.file)


def read_waiver(path: Path, shown: str | None = None) -> WaiverFile:
    """One waiver file. PolicyError names every mistake."""
    shown = shown or str(path)
    marks, tree, text = read_as(path, shown, Waiver)
    scope = tree["scope"]
    if isinstance(scope, dict) and scope.get("sha256") is None and scope.get("versions") is None:
        raise PolicyError((marks.mistake(("scope",), "names neither sha256 nor versions; say for which candidate the waiver is"),))
    return WaiverFile(Waiver.model_validate(tree), shown, text, tree, marks)


def is_waiver(path: Path) -> bool:
    """Whether a file is meant as a waiver and not as a policy."""
    try:
        text = read_at_most(path, yaml_reader.MOST_BYTES).decode("utf-8")
        tree, _ = yaml_reader.flatten(yaml_reader.parse(text, str(path))[0])
    except (OSError, UnicodeDecodeError):
        return False
    keys = set(tree) if isinstance(tree, dict) else set()
    return bool({"approvals", "valid_while", "risk_accepted"} & keys) and not {"policy", "require"} & keys


def statement(tree: Mapping[str, Tree], approval: Mapping[str, Tree]) -> bytes:
    """What one approval signs: the whole waiver but for its approvals, and this approval but for its signature."""
    waiver = {key: value for key, value in tree.items() if key != "approvals"}
    own = {key: value for key, value in approval.items() if key != "signature"}
    return signatures.message(KIND, waiver=waiver, approval=own)


def digest(tree: Mapping[str, Tree]) -> str:
    """SHA-256 of all that a waiver says, its approvals left out."""
    return hashlib.sha256(statement(tree, {})).hexdigest()
