"""The shape of a waiver file and of a public key's file: strict, every field named in `docs/governance.md`."""

from __future__ import annotations

import base64
import re
import unicodedata
from datetime import date, datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ConfigDict, Field, FiniteFloat, StringConstraints
from pydantic_core import PydanticCustomError

from audit.policy.schema import DIGEST, WAIVER_ID, Strict, Text

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:[Zz]|[+-]\d\d:\d\d)")
LEAST = 20
"""Characters of a reason."""
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def _moment(value: object) -> datetime:
    """RFC 3339, as JSON Schema's `date-time` has it."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise PydanticCustomError("moment", "give date and time with their zone, such as 2026-11-21T09:30:00Z")
    return datetime.fromisoformat(value.upper())


def _day(value: object) -> date:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise PydanticCustomError("day", "give a date, such as 2026-11-21")
    return date.fromisoformat(value)


def _sentence(value: str) -> str:
    if len(value) < LEAST:
        raise PydanticCustomError("sentence", "say it in {least} characters at least", {"least": LEAST})
    return value


def _name(value: str) -> str:
    """A name that looks like no other: no letters that are not seen, none of another alphabet beside Latin ones."""
    if not value.strip() or not value.isprintable():
        raise PydanticCustomError("name", "give a name, without letters that nobody sees")
    for word in value.split():
        found = _ALPHABETS & {unicodedata.name(letter, "").split(" ")[0] for letter in word}
        if len(found) > 1:
            mixed = {"found": " and ".join(sorted(found))}
            raise PydanticCustomError("name", "mixes letters that look alike, of {found}: write a name in one alphabet", mixed)
    return value


def person(name: str | None) -> str:
    """The normalised name that identifies a person: its letters, without case, form and spaces."""
    return " ".join(unicodedata.normalize("NFKC", name or "").casefold().split())


def _key(value: str) -> str:
    """One spelling only: the spare bits of base64 would make one key look like two."""
    if not _KEY.fullmatch(value) or base64.b64encode(base64.b64decode(value)).decode() != value:
        raise PydanticCustomError("key", "is not 32 bytes in base64, as `audit keygen` writes them")
    return value


_ALPHABETS = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})
"""With letters that are drawn alike."""
_KEY = re.compile(r"[A-Za-z0-9+/]{43}=")
Moment: TypeAlias = Annotated[AwareDatetime, BeforeValidator(_moment)]
Day: TypeAlias = Annotated[date, BeforeValidator(_day)]
Sentence: TypeAlias = Annotated[str, AfterValidator(_sentence)]
Name: TypeAlias = Annotated[Text, AfterValidator(_name)]
Line: TypeAlias = Literal[1, 2, 3]
Digest: TypeAlias = Annotated[str, StringConstraints(pattern=DIGEST)]


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


class PublicKey(Strict):
    """A person's public key. Whoever names its file in a policy binds person, line and role to it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Name
    line: Line = Field(description="line of defence: 1 owns and develops, 2 validates independently, 3 audits by sample")
    role: str | None = Field(None, description="the only role that it may sign in, such as executive")
    public_key: Annotated[str, AfterValidator(_key)] = Field(description="Ed25519, 32 bytes in base64")
