"""Waiver files and public keys, read with their positions. What cannot be read is reported at its place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from audit.errors import InputError, Mistake, PolicyError
from audit.files import read_at_most
from audit.governance.waiver_schema import PublicKey, Waiver, person
from audit.policy import yaml_reader
from audit.policy.messages import messages

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from audit.policy import LoadedPolicy
    from audit.policy.yaml_reader import Marks, Tree

Model = TypeVar("Model", bound=BaseModel)
SUFFIXES = (".yaml", ".yml", ".json")
"""Of the files of a folder that are waivers."""
_NOTES = (".md", ".txt")
"""Of files that a folder of waivers may hold beside them."""


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
class TrustedKey:
    """A public key that the policy names."""

    key: PublicKey
    file: str
    text: str


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
    keys = tuple(_keys(loaded, mistakes))
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


def _keys(loaded: LoadedPolicy, mistakes: list[Mistake]) -> Iterator[TrustedKey]:
    found: list[TrustedKey] = []
    for index, named in enumerate(loaded.policy.trust.keys):
        try:
            _, tree, text = read_as(loaded.resolve(named), named, PublicKey)
            one = TrustedKey(PublicKey.model_validate(tree), named, text)
        except PolicyError as error:
            mistakes += error.mistakes
            continue
        except InputError as error:
            mistakes.append(loaded.marks.mistake(("trust", "keys", index), str(error)))
            continue
        problem = next((said for other in found if (said := _clash(one, other))), None)
        if problem:
            mistakes.append(loaded.marks.mistake(("trust", "keys", index), problem))
        found.append(one)
        yield one


def _clash(one: TrustedKey, other: TrustedKey) -> str | None:
    """Why two keys cannot both count: who signed would not be known."""
    if one.key.public_key == other.key.public_key:
        return f"is the same key as {other.file}; name one of them"
    if person(one.key.name) == person(other.key.name) and one.key.line != other.key.line:
        return f"puts {one.key.name!r} in line {one.key.line}, and {other.file} in line {other.key.line}; a person stands in one line"
    return None


def read_waiver(path: Path, shown: str | None = None) -> WaiverFile:
    """One waiver file. PolicyError names every mistake."""
    shown = shown or str(path)
    marks, tree, text = read_as(path, shown, Waiver)
    return WaiverFile(Waiver.model_validate(tree), shown, text, tree, marks)


def read_key(path: Path) -> PublicKey:
    """The file of a public key. PolicyError names every mistake."""
    return PublicKey.model_validate(read_as(path, str(path), PublicKey)[1])


def is_waiver(path: Path) -> bool:
    """Whether a file is meant as a waiver and not as a policy."""
    try:
        text = read_at_most(path, yaml_reader.MOST_BYTES).decode("utf-8")
        tree, _ = yaml_reader.flatten(yaml_reader.parse(text, str(path))[0])
    except (OSError, UnicodeDecodeError):
        return False
    keys = set(tree) if isinstance(tree, dict) else set()
    return bool({"approvals", "valid_while", "risk_accepted"} & keys) and not {"policy", "require"} & keys


def read_as(path: Path, shown: str, model: type[Model]) -> tuple[Marks, Mapping[str, Tree], str]:
    """Positions, plain values and text of a file that fits a model."""
    text = _text(path, shown)
    root, mistakes = yaml_reader.parse(text, shown)
    tree, marks = yaml_reader.flatten(root)
    if not mistakes:
        mistakes = list(_unfit(model, tree, marks))
    if mistakes or not isinstance(tree, dict):
        raise PolicyError(tuple(mistakes))
    return marks, tree, text


def _unfit(model: type[Model], tree: Tree, marks: Marks) -> Iterator[Mistake]:
    try:
        model.model_validate(tree)
    except ValidationError as error:
        for loc, text, key in messages(error, model, lambda loc: loc in marks.values):
            yield marks.mistake(loc, text, key=key)
    scope = tree.get("scope") if isinstance(tree, dict) and model is Waiver else None
    if isinstance(scope, dict) and scope.get("sha256") is None and scope.get("versions") is None:
        yield marks.mistake(("scope",), "names neither sha256 nor versions; say for which candidate the waiver is")


def _text(path: Path, shown: str) -> str:
    try:
        raw = read_at_most(path, yaml_reader.MOST_BYTES)
    except OSError as error:
        msg = f"{shown}: cannot be read ({error.strerror}); mend the path"
        raise InputError(msg) from error
    if len(raw) > yaml_reader.MOST_BYTES:
        msg = f"{shown}: is larger than a waiver or key may be, at most {yaml_reader.MOST_BYTES:,} bytes"
        raise InputError(msg)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line, column = raw.count(b"\n", 0, error.start) + 1, error.start - raw.rfind(b"\n", 0, error.start)
        text = f"byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise PolicyError((Mistake(shown, line, column, text),)) from error
