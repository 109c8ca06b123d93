"""The time of a run."""

from __future__ import annotations

import os
from datetime import UTC, datetime


def now() -> datetime:
    """UTC; `SOURCE_DATE_EPOCH` where that is set, so that a run can be repeated byte for byte."""
    fixed = os.environ.get("SOURCE_DATE_EPOCH")
    return datetime.fromtimestamp(int(fixed), UTC) if fixed else datetime.now(UTC)
