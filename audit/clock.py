"""The time of a run."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from audit.errors import InputError


def earliest(started: datetime) -> datetime:
    """The earlier of the two: a run that is given a time to come begins nothing before its day."""
    return min(started, datetime.now(UTC))


def now() -> datetime:
    """UTC; `SOURCE_DATE_EPOCH` where that is set, so that a run can be repeated byte for byte."""
    fixed = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        return datetime.fromtimestamp(int(fixed), UTC) if fixed else datetime.now(UTC)
    except (ValueError, OverflowError, OSError) as error:
        msg = f"SOURCE_DATE_EPOCH is {fixed!r}: set it to whole seconds since 1970, or take it away"
        raise InputError(msg) from error
