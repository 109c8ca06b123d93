"""Counts of values: exact while there are few, never beyond the stated shortfall after that, and without the names of rare ones."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.datasets.profiles import categories
from audit.datasets.profiles.categories import Categories, name_of

COUNTS = st.dictionaries(st.sampled_from("abcdefghij"), st.integers(1, 60), max_size=10)


def _holds(found: Categories, truth: Counter[str]) -> None:
    assert found.rows == truth.total()
    for name, rows in truth.items():
        listed = found.counts.get(name, 0)
        assert listed <= rows <= listed + found.shortfall(name), name
    assert sum(name not in found.counts for name in truth) <= found.hidden


@given(st.lists(COUNTS, min_size=1, max_size=5))
def test_counts_of_parts_add_up_and_lie_within_what_is_told(parts: list[dict[str, int]]) -> None:
    truth: Counter[str] = Counter()
    exact, told = Categories(), Categories()
    for part in parts:
        truth += Counter(part)
        exact, told = exact.merged(Categories(part)), told.merged(Categories(part).disclosed())
    assert dict(exact.counts) == dict(truth)
    _holds(told, truth)
    _holds(told.disclosed(), truth)


@given(COUNTS, COUNTS)
def test_the_order_of_two_makes_no_difference(one: dict[str, int], two: dict[str, int]) -> None:
    first, second = Categories(one).disclosed(), Categories(two).disclosed()
    assert first.merged(second).to_json() == second.merged(first).to_json()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_many_values_are_cut_within_rows_over_values(seed: int) -> None:
    rng, truth, found = np.random.default_rng(seed), Counter[str](), Categories()
    kept = categories.WORKING
    categories.WORKING = 64
    try:
        for _ in range(10):
            part = Counter(map(str, rng.zipf(1.3, 300).tolist()))
            truth += part
            found = found.merged(Categories(part))
    finally:
        categories.WORKING = kept
    _holds(found, truth)
    assert found.unlisted <= truth.total() / 32


def test_names_of_few_rows_are_not_told() -> None:
    found = Categories({"usual": 500, "nobody@example.org": 9, "ten": 10})
    assert found.to_json() == {"values": [["ten", 10], ["usual", 500]], "other": 9, "unlisted": 9, "hidden": 1}


def test_a_file_lists_no_more_letters_than_there_is_room_for() -> None:
    found = Categories({f"value {i:05}": 1000 - i for i in range(900)})
    told = found.disclosed(500)
    assert len(told.counts) == 31
    assert (told.rows, told.hidden, told.unlisted) == (found.rows, 900 - len(told.counts), 1000 - len(told.counts))


def test_long_values_are_named_by_their_beginning_and_a_digest() -> None:
    one, two = name_of("x" * 1_000_000), name_of("x" * 999_999)
    assert len(one) < 120
    assert one != two
    assert name_of("\ud800" * 200) != name_of("x" * 200)
    assert name_of("short") == "short"
