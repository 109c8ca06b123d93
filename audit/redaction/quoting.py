"""Words of the data in a message: what looks like personal data gives way to dots, however it is typeset."""

from __future__ import annotations

import re

from audit.redaction.typography import normalised

_PERSONAL = re.compile(r"@|(?:\d[ ()./+-]*){7}")
"""An at sign, or seven digits, with or without what people write between them."""
_DAY = re.compile(r"\d{1,4}([./-])\d{1,2}\1\d{1,4}(?:[T ]\d{1,2}:\d\d\S*)?")
"""A day, or a time on one: a message about how it is written must show it."""


def looks_personal(text: str) -> bool:
    """Whether a text may be an address, or a telephone, card or account number."""
    return any(_PERSONAL.search(copy.text) for copy in normalised(text))


def quoted(text: str) -> str:
    """The text in quotes, or `'…'`; a day is shown."""
    return "'…'" if looks_personal(text) and not _DAY.fullmatch(text) else repr(text)
