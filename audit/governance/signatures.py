"""Signatures: Ed25519 (RFC 8032) over canonical JSON or a DSSE envelope. One verifier serves waivers, policy approvals and bundles."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.canonical_text import canonical_json
from audit.errors import InputError, MissingExtra
from audit.governance.keys import fingerprint, require_cryptography

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from audit.governance.keys import PublicKey
    from audit.policy.yaml_reader import Tree

EXECUTIVE = "executive"
"""A role that only a key made for it signs in."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who signed, as the signed text itself says it."""

    what: str
    """What was signed: a waiver, an approval, a bundle."""
    by: str
    role: str
    line: int
    at: datetime


def message(kind: str, **parts: Tree) -> bytes:
    """What is signed: canonical JSON of the parts under a kind, so that no signature of one thing is one of another."""
    return canonical_json({"kind": kind, **parts}).encode()


def sign(secret: Ed25519PrivateKey, text: bytes) -> str:
    """Base64 of the signature."""
    return base64.b64encode(secret.sign(text)).decode()


def verified(key: PublicKey, signature: str, text: bytes) -> bool:
    """Whether a signature is this key's over this text."""
    require_cryptography()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        raw = base64.b64decode(signature, validate=True)
        if base64.b64encode(raw).decode() != signature:  # one spelling only: spare bits are no room for changes
            return False
        Ed25519PublicKey.from_public_bytes(base64.b64decode(key.public_key)).verify(raw, text)
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def signer(claim: Claim, signature: str, text: bytes, keys: Sequence[PublicKey], latest: datetime) -> PublicKey | str:
    """The trusted key of whoever signed, or why the signature does not count."""
    try:
        require_cryptography()
    except MissingExtra as error:
        return f"no signature can be verified: {error}"
    named = [key for key in keys if key.name == claim.by]
    if not named:
        trusted = ", ".join(sorted({key.name for key in keys})) or "there are none"
        return f"no key that counts has that name: {trusted}"
    key = next((one for one in named if verified(one, signature, text)), None)
    if key is None:
        return f"the signature does not verify: the {claim.what} was changed since, or signed with another key"
    if (problem := at_odds(claim.line, claim.role, key)) is not None:
        return problem
    if claim.at > latest:
        return f"signed at {claim.at.isoformat()}, which is in the future"
    return key


def at_odds(line: int, role: str, key: PublicKey) -> str | None:
    """Where an approval says of who signed what the trusted key does not."""
    if key.line != line:
        return f"signs for line {line}, and the trusted key is of line {key.line}"
    if role != key.role and (key.role is not None or role == EXECUTIVE):
        return f"signs as {role}, and the trusted key " + (f"is for {key.role}" if key.role else "names no such role")
    return None


PAYLOAD_TYPE = "application/vnd.in-toto+json"
"""Of an in-toto statement in an envelope."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A DSSE envelope with one signature. Its key id is a hint and decides nothing."""

    payload: bytes
    payload_type: str
    signature: str
    """Base64 in the standard alphabet."""

    @property
    def signed(self) -> bytes:
        """What the signature covers."""
        return pae(self.payload_type, self.payload)

    def text(self, key: PublicKey) -> str:
        """As `audit sign` writes it: one spelling, so that no bit of the file is without meaning."""
        tree = {
            "payload": base64.b64encode(self.payload).decode(),
            "payloadType": self.payload_type,
            "signatures": [{"keyid": fingerprint(key), "sig": self.signature}],
        }
        return canonical_json(tree) + "\n"


def pae(payload_type: str, payload: bytes) -> bytes:
    """The pre-authentication encoding of DSSE 1.0.2."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(secret: Ed25519PrivateKey, statement: Tree) -> Envelope:
    """A signed envelope over a statement."""
    payload = canonical_json(statement).encode()
    return Envelope(payload, PAYLOAD_TYPE, sign(secret, pae(PAYLOAD_TYPE, payload)))


def open_envelope(text: bytes | str) -> Envelope:
    """The envelope that a text holds; either alphabet of base64 is read. InputError where it is none."""
    try:
        tree = json.loads(text)
        payload, kind, (given,) = _decoded(tree["payload"]), str(tree["payloadType"]), tree["signatures"]
        signature = base64.b64encode(_decoded(given["sig"])).decode()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        msg = "is no DSSE envelope with one signature"
        raise InputError(msg) from error
    return Envelope(payload, kind, signature)


def _decoded(text: str) -> bytes:
    return base64.b64decode(text.replace("-", "+").replace("_", "/").rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True)
