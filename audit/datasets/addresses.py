"""Addresses of data that lie elsewhere. What environment variables put into one, such as a password, is never shown."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, unquote, unquote_plus, urlsplit

from audit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = re.compile(r"\$\{([^}]*)\}?")
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(/+)")
_CHAIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+::[A-Za-z]")
_LITERAL_PASSWORD = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#@:]*:(?!\$\{)[^/?#@]+@")
_PASSWORD_KEY = re.compile(
    r"[?&](?:password|passwd|pwd|sslpassword|secret|token|sig|signature|x-amz-signature)"  # as databases and stores call them
    r"=(?!\$\{)[^&]",
    re.IGNORECASE,
)
DATABASES = frozenset({"postgres", "postgresql"})
WEB = frozenset({"http", "https"})
LOCAL = frozenset({"file", "local"})


def is_address(name: str) -> bool:
    """Whether a path names something by a protocol, such as `s3://bucket/a.parquet`."""
    return _ADDRESS.match(name) is not None or _CHAIN.match(name) is not None


@dataclass(frozen=True, slots=True)
class Address:
    """Where data lie that no path of this machine leads to."""

    written: str
    """As the policy says it, with `${ENV}` and all: what a message or a record may show."""
    url: str = field(repr=False)
    """With the variables' values."""
    secrets: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Names and values of the variables."""

    @classmethod
    def of(cls, written: str, environment: Mapping[str, str] | None = None) -> Address:
        """An address whose variables are set."""
        values, written = dict(os.environ if environment is None else environment), _ADDRESS.sub(_start, written, count=1)
        names = tuple(dict.fromkeys(found[1] for found in VARIABLE.finditer(written)))
        absent = [name for name in names if not values.get(name)]
        if absent:
            msg = f"{written}: the environment variable {absent[0]} is not set; set it"
            raise InputError(msg)
        filled = VARIABLE.sub(lambda found: values[found[1]], written)
        return cls(written, _ADDRESS.sub(_start, filled, count=1), tuple((name, values[name]) for name in names))

    def __str__(self) -> str:
        return self.written

    @property
    def protocol(self) -> str:
        """`s3`, `https`, `postgresql`."""
        return self.url.partition("://")[0]

    @property
    def local_path(self) -> Path:
        """Of `file:///data/a.csv`, which is a path of this machine."""
        return Path(unquote(urlsplit(self.url).path))

    @property
    def server(self) -> tuple[str, str]:
        """Its protocol and host."""
        return self.protocol, urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def name(self) -> str:
        """The last part of its path."""
        return urlsplit(self.url).path.rstrip("/").rpartition("/")[2]

    def hide(self, text: object) -> str:
        """A library's message in one line without the values of variables, however they are encoded, nor the password."""
        shown = " ".join(str(text).split())
        password = urlsplit(self.url).password if self.url.count("://") == 1 else None
        secrets = [*((f"${{{name}}}", value) for name, value in self.secrets), *([("(password)", password)] if password else [])]
        for put, value in secrets:
            forms = {value, quote(value, safe=""), quote_plus(value), unquote(value), unquote_plus(value)} - {""}
            for form in sorted(forms, key=len, reverse=True):
                shown = shown.replace(form, put)
        return shown


def _start(found: re.Match[str]) -> str:
    """The beginning of an address with all its slashes: a path of the command line has lost all but one."""
    protocol = found[1].lower()
    return f"{protocol}:{found[2] if len(found[2]) > 1 else '///' if protocol in LOCAL else '//'}"


def problem(written: str) -> str | None:
    """What is wrong with an address as a policy writes it, if anything."""
    if _LITERAL_PASSWORD.match(written) or _PASSWORD_KEY.search(written):
        return "holds a password or a key; put it into an environment variable, and write ${NAME} in its place"
    if "::" in written:
        return "chains several protocols; name the file itself"
    return None
