"""Lengths of time as policies write them."""

from __future__ import annotations

import re

_FORM = re.compile(r"([1-9]\d{0,3})\s*(d|days?|w|weeks?)?")


def days(duration: int | str | None) -> int | None:
    """Days of 90, `90d` or `12 weeks`; None where it is not set or no duration."""
    match = _FORM.fullmatch(str(duration).strip())
    if match is None:
        return None
    return int(match[1]) * (7 if (match[2] or "d").startswith("w") else 1)
