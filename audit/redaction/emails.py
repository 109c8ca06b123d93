"""E-mail addresses in a normalised text."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from audit.redaction import context
from audit.redaction.entities import SURE, Entity

if TYPE_CHECKING:
    from collections.abc import Iterator

_ADDRESS = re.compile(
    r"(?P<local>[\w!#$%&'*+/=?^`{|}~-](?:[\w!#$%&'*+/=?^`{|}~.-]{0,62}[\w!#$%&'*+/=?^`{|}~-])?)"
    r"(?P<at> ?@ ?)(?P<domain>(?:[^\W_](?:[\w-]{0,62}[^\W_])?\.)+[^\W_](?:[\w-]{0,62}[^\W_])?)"
)


def emails(text: str) -> Iterator[Entity]:
    """Addresses whose domain ends in a public suffix; what a sentence adds after it (`example.com.Please`) is left out.

    With a blank beside the at sign it counts only after a word for mail: `meet me @ example.com` is none.
    """
    for match in _ADDRESS.finditer(text):
        if match["at"] != "@" and not context.mail().search(context.words_before(text, match.start(), 3)):
            continue
        labels = match["domain"].split(".")
        while len(labels) > 1 and not _registrable(".".join(labels)):
            labels.pop()
        if len(labels) > 1:
            yield Entity("EMAIL_ADDRESS", match.start(), match.start("domain") + len(".".join(labels)), SURE)


@lru_cache(maxsize=4096)
def _registrable(domain: str) -> bool:
    found = extractor()(domain)
    return bool(found.suffix and found.domain)


@lru_cache(maxsize=1)
def extractor() -> Any:
    """Looks a domain's ending up in the list that tldextract carries, never on the network."""
    from tldextract import TLDExtract

    return TLDExtract(cache_dir=None, suffix_list_urls=())
