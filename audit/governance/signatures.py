"""Keys and signatures: Ed25519 (RFC 8032) over canonical JSON. `cryptography` comes with the extra `signing`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import TYPE_CHECKING

from audit import files
from audit.errors import InputError, MissingExtra
from audit.formatting import quoted
from audit.governance.waiver_files import read_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from audit.governance.waiver_schema import Line, PublicKey
    from audit.policy.yaml_reader import Tree

KIND = "audit.waiver/1"
"""Part of what is signed, so that no signature of a waiver is one of anything else."""


_MOST_BYTES = 100_000
"""Of a key file."""


def require_cryptography() -> None:
    """MissingExtra where nothing can be signed or verified."""
    try:
        import cryptography  # noqa: F401  # looked for, not used
    except ImportError as error:
        raise MissingExtra("cryptography", "signing") from error


def statement(tree: Mapping[str, Tree], approval: Mapping[str, Tree]) -> bytes:
    """What one approval signs: the whole waiver but for its approvals, and this approval but for its signature."""
    waiver = {key: value for key, value in tree.items() if key != "approvals"}
    own = {key: value for key, value in approval.items() if key != "signature"}
    told = {"kind": KIND, "waiver": waiver, "approval": own}
    return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def digest(tree: Mapping[str, Tree]) -> str:
    """SHA-256 of all that a waiver says, its approvals left out."""
    return hashlib.sha256(statement(tree, {})).hexdigest()


def verified(key: PublicKey, signature: str, message: bytes) -> bool:
    """Whether a signature is this key's over this message."""
    require_cryptography()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        raw = base64.b64decode(signature, validate=True)
        if base64.b64encode(raw).decode() != signature:  # one spelling only: spare bits are no room for changes
            return False
        Ed25519PublicKey.from_public_bytes(base64.b64decode(key.public_key)).verify(raw, message)
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def fingerprint(key: PublicKey) -> str:
    """SHA-256 of the public key, by which people compare it."""
    return hashlib.sha256(base64.b64decode(key.public_key)).hexdigest()


def keygen(name: str, line: Line, role: str | None, folder: Path) -> tuple[Path, Path]:
    """Write a new private key and its public half; neither overwrites anything."""
    require_cryptography()
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if not name.strip() or not name.isprintable() or name.startswith(".") or {"/", "\\"} & set(name) or name != name.strip():
        msg = f"--name {name!r}: it names two files: leave out slashes, a leading dot and spaces around it"
        raise InputError(msg)
    secret, public = folder / f"{name}.key", folder / f"{name}.pub"
    made = Ed25519PrivateKey.generate()
    _write_new(public, _public_text(name, line, role, _public_bytes(made)), 0o644)
    try:
        pem = made.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
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


def signature(secret: Ed25519PrivateKey, message: bytes) -> str:
    """Base64 of the signature."""
    return base64.b64encode(secret.sign(message)).decode()


def read_secret(path: Path) -> tuple[Ed25519PrivateKey, PublicKey]:
    """A private key with the public file beside it, which says whose it is."""
    require_cryptography()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        secret = form.load_pem_private_key(files.read_at_most(path, _MOST_BYTES), password=None)
    except OSError as error:
        msg = f"{path}: the key cannot be read ({error.strerror})"
        raise InputError(msg) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        msg = f"{path}: is no private key without a password, as `audit keygen` writes it"
        raise InputError(msg) from error
    key = read_key(path.with_suffix(".pub"))
    if not isinstance(secret, Ed25519PrivateKey) or base64.b64encode(_public_bytes(secret)).decode() != key.public_key:
        msg = f"{path.with_suffix('.pub')}: is not the public half of {path}"
        raise InputError(msg)
    return secret, key


def _public_bytes(secret: Ed25519PrivateKey) -> bytes:
    from cryptography.hazmat.primitives import serialization as form

    return secret.public_key().public_bytes(form.Encoding.Raw, form.PublicFormat.Raw)
