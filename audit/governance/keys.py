"""People's keys: Ed25519 (RFC 8032), made, read, and trusted by what they are. `cryptography` comes with the extra `signing`."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeAlias

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from audit import files
from audit.errors import InputError, MissingExtra, PolicyError
from audit.formatting import quoted
from audit.governance.signed_file import Line, Name, person
from audit.policy.strict import Strict
from audit.policy.written_file import read_as

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from audit.errors import Mistake
    from audit.policy import LoadedPolicy
    from audit.policy.yaml_reader import Tree

_KEY = re.compile(r"[A-Za-z0-9+/]{43}=")
_MOST_BYTES = 100_000
"""Of a key file."""
KEPT = "trusted_keys"
"""Key of a promoting run's entry that holds the keys its policy trusted."""
SECOND = 2
"""The line of defence that validates independently."""


_PEM = re.compile(r"\s*-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*")
_ED25519 = bytes.fromhex("302a300506032b6570032100")
"""What precedes the 32 bytes of an Ed25519 key in a PEM file (RFC 8410)."""
PASSPHRASE = "AUDIT_KEY_PASSPHRASE"  # noqa: S105  # the name of a variable
Prompt: TypeAlias = "Callable[[str], str | None]"
"""Asks a person for the passphrase of a file; None where nobody can be asked."""


def _key(value: str) -> str:
    """The key in base64. One spelling only: the spare bits of base64 would make one key look like two."""
    if (pem := _PEM.fullmatch(value)) is not None:
        value = _of_pem(pem[1])
    if not _KEY.fullmatch(value) or base64.b64encode(base64.b64decode(value)).decode() != value:
        raise PydanticCustomError("key", "is not 32 bytes in base64, as `audit keygen` writes them")
    return value


def _of_pem(body: str) -> str:
    """Base64 of the 32 bytes of an Ed25519 key; of another key nothing."""
    try:
        raw = base64.b64decode("".join(body.split()), validate=True)
    except ValueError:
        return ""
    return base64.b64encode(raw[len(_ED25519) :]).decode() if raw.startswith(_ED25519) else ""


class PublicKey(Strict):
    """A person's public key. Whoever names its file in a policy binds person, line and role to it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Name
    line: Line = Field(description="line of defence: 1 owns and develops, 2 validates independently, 3 audits by sample")
    role: str | None = Field(None, description="the only role that it may sign in, such as executive")
    public_key: Annotated[str, AfterValidator(_key)] = Field(description="Ed25519: 32 bytes in base64, or the PEM of the key")


_KEYS = TypeAdapter(tuple[PublicKey, ...])


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key that the policy names."""

    key: PublicKey
    file: str
    text: str


def require_cryptography() -> None:
    """MissingExtra where nothing can be signed or verified."""
    try:
        import cryptography  # noqa: F401  # looked for, not used
    except ImportError as error:
        raise MissingExtra("cryptography", "signing") from error


def fingerprint(key: PublicKey) -> str:
    """SHA-256 of the public key, by which people compare it."""
    return hashlib.sha256(base64.b64decode(key.public_key)).hexdigest()


def keygen(name: str, line: Line, role: str | None, folder: Path, *, passphrase: str | None = None) -> tuple[Path, Path]:
    """Write a new private key (PKCS#8, encrypted under the passphrase) and its public half; neither overwrites anything."""
    require_cryptography()
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if not name.strip() or not name.isprintable() or name.startswith(".") or {"/", "\\"} & set(name) or name != name.strip():
        msg = f"--name {name!r}: it names two files: leave out slashes, a leading dot and spaces around it"
        raise InputError(msg)
    secret, public = folder / f"{name}.key", folder / f"{name}.pub"
    locked = form.BestAvailableEncryption(passphrase.encode()) if passphrase else form.NoEncryption()
    made = Ed25519PrivateKey.generate()
    _write_new(public, _public_text(name, line, role, _public_bytes(made)), 0o644)
    try:
        pem = made.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, locked)
        _write_new(secret, pem.decode(), 0o600)
    except InputError:
        public.unlink()
        raise
    return secret, public


def _public_text(name: str, line: Line, role: str | None, raw: bytes) -> str:
    only = f"role: {quoted(role)}\n" if role else ""
    return f"name: {quoted(name)}\nline: {line}\n{only}public_key: {base64.b64encode(raw).decode()}\n"


def _write_new(path: Path, text: str, mode: int) -> None:
    try:
        files.write_new(path, text, mode=mode)
    except FileExistsError as error:
        msg = f"{path}: is there already, and a key is never overwritten: take another name or folder"
        raise InputError(msg) from error
    except OSError as error:
        msg = f"{path}: cannot be written ({error.strerror}): name another folder with -o"
        raise InputError(msg) from error


def read_secret(path: Path, ask: Prompt = lambda _: None) -> tuple[Ed25519PrivateKey, PublicKey]:
    """A private key with the public file beside it, which says whose it is.

    The passphrase of an encrypted key comes from the environment, else from whoever `ask` asks.
    """
    require_cryptography()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    secret = _private_key(path, ask)
    key = read_key(path.with_suffix(".pub"))
    if not isinstance(secret, Ed25519PrivateKey) or base64.b64encode(_public_bytes(secret)).decode() != key.public_key:
        msg = f"{path.with_suffix('.pub')}: is not the public half of {path}"
        raise InputError(msg)
    return secret, key


def _private_key(path: Path, ask: Prompt) -> object:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization as form

    try:
        pem = files.read_at_most(path, _MOST_BYTES)
    except OSError as error:
        msg = f"{path}: the key cannot be read ({error.strerror})"
        raise InputError(msg) from error
    passphrase = (os.environ.get(PASSPHRASE) or ask(str(path))) if b"ENCRYPTED PRIVATE KEY" in pem else None
    if passphrase is None and b"ENCRYPTED PRIVATE KEY" in pem:
        msg = f"{path}: the key has a passphrase: sign on a terminal, which asks for it, or set {PASSPHRASE}"
        raise InputError(msg)
    try:
        return form.load_pem_private_key(pem, password=None if passphrase is None else passphrase.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        wrong = "the passphrase is wrong, or the file is damaged" if passphrase else "is no private key as `audit keygen` writes it"
        msg = f"{path}: {wrong}"
        raise InputError(msg) from error


def _public_bytes(secret: Ed25519PrivateKey) -> bytes:
    from cryptography.hazmat.primitives import serialization as form

    return secret.public_key().public_bytes(form.Encoding.Raw, form.PublicFormat.Raw)


def read_key(path: Path) -> PublicKey:
    """The file of a public key. PolicyError names every mistake."""
    return PublicKey.model_validate(read_as(path, str(path), PublicKey)[1])


def read_trusted(loaded: LoadedPolicy, mistakes: list[Mistake]) -> Iterator[TrustedKey]:
    """The keys that a policy names; what is wrong with one is added to the mistakes."""
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


def read_keys(paths: Sequence[Path]) -> tuple[PublicKey, ...]:
    """Trusted keys that a command line names: files, or folders of `.pub` files. InputError for one that cannot count."""
    found: list[TrustedKey] = []
    for path in paths:
        files_of = sorted(path.glob("*.pub")) if path.is_dir() else [path]
        if not files_of:
            msg = f"{path}: holds no .pub file: name the public keys that you trust"
            raise InputError(msg)
        for file in files_of:
            one = TrustedKey(read_key(file), str(file), "")
            if one.key in (other.key for other in found):
                continue
            if problem := next((said for other in found if (said := _clash(one, other))), None):
                msg = f"{file}: {problem}"
                raise InputError(msg)
            found.append(one)
    return tuple(one.key for one in found)


def _clash(one: TrustedKey, other: TrustedKey) -> str | None:
    """Why two keys cannot both count: who signed would not be known."""
    if one.key.public_key == other.key.public_key:
        return f"is the same key as {other.file}; name one of them"
    if person(one.key.name) == person(other.key.name) and one.key.line != other.key.line:
        return f"puts {one.key.name!r} in line {one.key.line}, and {other.file} in line {other.key.line}; a person stands in one line"
    return None


def kept(keys: Sequence[PublicKey]) -> list[Tree]:
    """Keys as the ledger keeps them and as signatures cover them, in whatever order the policy names them."""
    return [one.model_dump(mode="json") for one in sorted(keys, key=lambda one: one.public_key)]


def reread(told: object) -> tuple[PublicKey, ...] | None:
    """Keys as they were kept; None where this release cannot read them."""
    try:
        return _KEYS.validate_python(told)
    except ValidationError:
        return None


def of_second(keys: Sequence[PublicKey]) -> tuple[PublicKey, ...]:
    """Those of people of the second line."""
    return tuple(one for one in keys if one.line == SECOND)


def describe_key(key: PublicKey) -> str:
    """`Ann Example (line 2), key 0123456789abcdef`."""
    role = f", {key.role}" if key.role else ""
    return f"{key.name} (line {key.line}{role}), key {fingerprint(key)[:16]}"
