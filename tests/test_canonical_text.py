"""Values as text, one by one and many at once."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.canonical_text import canonical, canonical_json, canonical_values, without_surrogates

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PLAIN = [1, 1.0, True, False, "1", "True", "true", "", None, math.nan, pd.NA, pd.NaT]
OF_NUMPY = [np.int64(1), np.float32(1), np.bool_(1), np.str_("TRUE")]
EQUAL = [Decimal("1.0"), Decimal(1), [1], NOON, NOON.astimezone(timezone(timedelta(hours=1)))]
"""Values that are equal to others and have another text, or that cannot be looked up."""


@given(st.lists(st.sampled_from([*PLAIN, *OF_NUMPY, *EQUAL]) | st.text(max_size=3) | st.integers() | st.floats(), max_size=40))
def test_many_are_as_each(values: list[object]) -> None:
    """Equal values of other types, in whatever order they come, keep their own text."""
    assert canonical_values(values) == [canonical(value) for value in values]


def test_halves_of_surrogate_pairs_become_escapes_wherever_they_stand() -> None:
    """And nothing else changes: what is signed reads back as it was."""
    value = {"a\ud800": ["b\udc80", 1, None, True, {"c": ("d", 0.5)}], "e": "\U0001f600"}
    found = without_surrogates(value)
    assert found == {"a\\ud800": ["b\\udc80", 1, None, True, {"c": ["d", 0.5]}], "e": "\U0001f600"}
    assert json.loads(canonical_json(found)) == found


def test_plain_values_have_one_spelling() -> None:
    assert canonical_json({"b": 1, "a": [True, None, "ä"]}) == '{"a":[true,null,"\\u00e4"],"b":1}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(float("nan"))
