"""Values as text, one by one and many at once."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from audit.canonical_text import canonical, canonical_values

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PLAIN = [1, 1.0, True, False, "1", "True", "true", "", None, math.nan, pd.NA, pd.NaT]
OF_NUMPY = [np.int64(1), np.float32(1), np.bool_(1), np.str_("TRUE")]
EQUAL = [Decimal("1.0"), Decimal(1), [1], NOON, NOON.astimezone(timezone(timedelta(hours=1)))]
"""Values that are equal to others and have another text, or that cannot be looked up."""


@given(st.lists(st.sampled_from([*PLAIN, *OF_NUMPY, *EQUAL]) | st.text(max_size=3) | st.integers() | st.floats(), max_size=40))
def test_many_are_as_each(values: list[object]) -> None:
    """Equal values of other types, in whatever order they come, keep their own text."""
    assert canonical_values(values) == [canonical(value) for value in values]
