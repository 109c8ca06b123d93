"""Windows compared given a context: a change of the mix of contexts is no drift, a change within one is."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import ks_2samp

from audit.errors import CannotMeasure
from audit.stats.distance import weighted_distance
from audit.testing import assert_complete, assert_crash_blocks, assert_order_of_rows_is_irrelevant
from tests.judged import status
from tests.misses import most
from tests.support import measure, subject

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.subject import Subject

CONDITIONED: dict[str, tuple[str, dict[str, Any]]] = {
    "ks": ("drift/ks", {}),
    "psi": ("drift/psi", {}),
    "distance ks": ("drift/distance", {"statistic": "ks"}),
    "chi_squared": ("drift/distance", {"statistic": "chi_squared"}),
    "jensen_shannon": ("drift/distance", {"statistic": "jensen_shannon"}),
    "hellinger": ("drift/distance", {"statistic": "hellinger"}),
}
CENTRES = {"north": 0.0, "south": 1.5, "west": -1.0}


def window(rng: Generator, rows: int, shares: tuple[float, ...], moved: float = 0.0, *, words: bool = False) -> pd.DataFrame:
    """Rows of three stores, each with a law of its own; `moved` changes the law within the north alone."""
    store = rng.choice(list(CENTRES), rows, p=shares)
    x = np.array([CENTRES[one] + moved * (one == "north") for one in store]) + rng.normal(size=rows)
    cells = np.where(x > 1, "high", np.where(x < -1, "low", "middle")) if words else x
    return pd.DataFrame({"x": cells, "store": store, "prediction": "a"})


def windows(rng: Generator, name: str, moved: float = 0.0, rows: tuple[int, int] = (400, 200)) -> Subject:
    """The mix goes from mostly north to mostly south."""
    words = name == "chi_squared"
    before = window(rng, rows[0], (0.6, 0.2, 0.2), words=words)
    return subject(window(rng, rows[1], (0.2, 0.6, 0.2), moved, words=words), reference=before)


@pytest.mark.parametrize("name", CONDITIONED)
def test_a_change_of_the_mix_alone_is_no_drift(name: str) -> None:
    """Without the context the mix is found almost always; given it, at most 2.5 % of trials say that chance is beaten."""
    check, params = CONDITIONED[name]
    rng, trials = np.random.default_rng(1), 60
    found = [measure(check, windows(rng, name), context=["store"], **params).members for _ in range(trials)]
    assert all(len(members) == 1 for members in found)
    assert np.mean([members[0].estimate.bounds(0.025, 0.025)[0] > 0 for members in found]) <= most(0.025, trials)
    plain = [measure(check, windows(rng, name), columns=["x"], **params).members for _ in range(10)]
    assert np.mean([members[0].estimate.bounds(0.025, 0.025)[0] > 0 for members in plain]) >= 0.9


@pytest.mark.parametrize("name", CONDITIONED)
def test_a_change_within_a_context_is_found(name: str) -> None:
    check, params = CONDITIONED[name]
    rng = np.random.default_rng(2)
    found = [measure(check, windows(rng, name, 2.5, (1500, 900)), context=["store"], **params).members[0].estimate for _ in range(5)]
    assert all(estimate.bounds(0.025, 0.025)[0] > 0 for estimate in found)


@pytest.mark.parametrize("name", CONDITIONED)
def test_the_interval_holds_the_true_distance(name: str) -> None:
    """The truth is that of 30,000 rows of each window; each end misses at most nominally."""
    check, params = CONDITIONED[name]
    rng, trials = np.random.default_rng(3), 40
    truth = measure(check, windows(rng, name, 1.0, (30_000, 30_000)), context=["store"], **params).members[0].estimate.value
    ends = np.array(
        [
            measure(check, windows(rng, name, 1.0, (300, 300)), context=["store"], **params).members[0].estimate.bounds(0.025, 0.025)
            for _ in range(trials)
        ]
    )
    assert np.mean(ends[:, 0] > truth) <= most(0.025, trials)
    assert np.mean(ends[:, 1] < truth) <= most(0.025, trials)


MORE: tuple[dict[str, Any], ...] = ({"columns": ["x"]}, {"context": ["store"]})
ROLES: tuple[dict[str, Any], ...] = ({}, {"group": "who"})


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=12), st.lists(st.integers(-3, 3), min_size=1, max_size=12), st.integers(0, 99))
def test_a_weighted_distance_is_that_of_repeated_rows(one: list[int], other: list[int], seed: int) -> None:
    times = np.random.default_rng(seed).integers(1, 4, len(one))
    values = np.array(one, dtype=float), np.array(other, dtype=float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SciPy's p-value, which is not compared, warns at few rows
        expected = ks_2samp(np.repeat(values[0], times), values[1], method="asymp").statistic
    assert weighted_distance(values[0], times / times.sum(), values[1]) == pytest.approx(expected)


def test_a_worked_example() -> None:
    """Half of store a goes from 1 to 2, store b stays; a had 12 of 20 rows and has 6 of 12: a distance of .5 times half.

    The reference counts as 16 rows: as many as give b, whose 8 rows make half of the mix, its spread.
    """
    before = pd.DataFrame({"x": [1.0, 2.0] * 6 + [9.0] * 8, "store": ["a"] * 12 + ["b"] * 8, "prediction": "p"})
    now = pd.DataFrame({"x": [2.0] * 6 + [9.0] * 6, "store": ["a"] * 6 + ["b"] * 6, "prediction": "p"})
    found = measure("drift/ks", subject(now, reference=before), context=["store"])
    assert found.members[0].estimate.value == pytest.approx(0.25)
    index = measure("drift/psi", subject(now, reference=before), context=["store"]).members[0].estimate
    shares = np.array([[0.25, 0.25, 0.5], [0.0, 0.5, 0.5]]) * [[16], [12]] + 0.5
    p, q = shares / shares.sum(axis=1, keepdims=True)
    assert index.value == pytest.approx(((q - p) * np.log(q / p)).sum())


def test_one_context_changes_nothing() -> None:
    rng = np.random.default_rng(4)
    frames = [pd.DataFrame({"x": rng.normal(size=n), "store": "a", "prediction": "p"}) for n in (90, 70)]
    for name, (check, params) in CONDITIONED.items():
        if name != "chi_squared":
            seen = subject(frames[1], reference=frames[0])
            plain, given_store = (measure(check, seen, **params, **more) for more in MORE)
            assert given_store.members[0].estimate.value == pytest.approx(plain.members[0].estimate.value)
            assert given_store.members[0].estimate.bounds(0.025, 0.025) == pytest.approx(plain.members[0].estimate.bounds(0.025, 0.025))


def test_contexts_without_a_reference_bar_a_pass() -> None:
    """A store that is new, or too rare in the reference, is named and unmeasured; the others are compared."""
    rng = np.random.default_rng(5)
    before, now = window(rng, 2000, (0.5, 0.3, 0.2)), window(rng, 2000, (0.5, 0.3, 0.2))
    new = pd.concat([now, window(rng, 40, (1.0, 0.0, 0.0)).assign(store="east")])
    assert status("drift/ks", measure("drift/ks", subject(now, reference=before), context=["store"]), max=0.2) == "pass"
    found = measure("drift/ks", subject(new, reference=before), context=["store"])
    (entry,) = found.unmeasured
    assert str(entry.name) == "context=store"
    assert "store=east (40 rows)" in entry.reason
    assert status("drift/ks", found, max=0.2) == "inconclusive"
    assert any("reweighted to test's shares of 3 contexts" in note for note in found.notes)
    with pytest.raises(CannotMeasure, match="most rows of test have a value of store that fewer than 5 rows of reference have"):
        measure("drift/ks", subject(now.assign(store="east"), reference=before), context=["store"])


def test_contexts_are_crossed_and_numbers_are_cut_into_ranges() -> None:
    """The hour has 24 values, so it is ten ranges; missing cells are a context of their own."""
    rng = np.random.default_rng(6)
    frames = [
        window(rng, 3000, (0.4, 0.4, 0.2)).assign(hour=rng.integers(0, 24, 3000).astype(float), day=rng.choice([1.0, 2.0, np.nan], 3000))
        for _ in range(2)
    ]
    seen = subject(frames[1], reference=frames[0])
    for context, count in ((["store", "day"], 9), (["hour"], 10), (["day"], 3)):
        found = measure("drift/ks", seen, context=context)
        assert any(f"shares of {count} contexts" in note for note in found.notes)
        assert {str(member.name) for member in found.members} == {"column=x", "column=hour", "column=day"} - {
            f"column={c}" for c in context
        }


def test_rows_of_one_person_count_as_fewer() -> None:
    rng = np.random.default_rng(7)
    frames = [window(rng, 800, (0.4, 0.4, 0.2)).assign(who=np.arange(800) // 4) for _ in range(2)]
    for frame in frames:
        frame["store"] = frame.groupby("who")["store"].transform("first")
    alone, grouped = (
        measure("drift/ks", subject(frames[1], reference=frames[0], **roles), context=["store"], columns=["x"]).members[0].estimate
        for roles in ROLES
    )
    assert grouped.n == pytest.approx(alone.n / 4, rel=0.02)


@pytest.mark.parametrize("name", ["ks", "psi", "jensen_shannon"])
def test_it_behaves(name: str) -> None:
    check, params = CONDITIONED[name]
    rng = np.random.default_rng(8)
    seen = windows(rng, name)
    assert_complete(check, seen, context=["store"], **params)
    assert_crash_blocks(check, seen, context=["store"], **params)
    reference = window(rng, 150, (0.3, 0.4, 0.3))
    frame = window(rng, 90, (0.5, 0.3, 0.2))
    assert_order_of_rows_is_irrelevant(check, lambda table: subject(table, reference=reference), frame, context=["store"], **params)


def test_what_cannot_be_conditioned_is_refused() -> None:
    seen = windows(np.random.default_rng(9), "ks")
    with pytest.raises(CannotMeasure, match="no column 'shop'"):
        measure("drift/ks", seen, context=["shop"])
    with pytest.raises(CannotMeasure, match="test has no column 'store', so windows cannot be compared given it"):
        measure(
            "drift/ks",
            subject(
                window(np.random.default_rng(1), 90, (1, 0, 0)).drop(columns="store"),
                reference=window(np.random.default_rng(1), 90, (1, 0, 0)),
            ),
            context=["store"],
        )
    for check in ("drift/ks", "drift/psi", "drift/distance", "drift/mmd"):
        with pytest.raises(CannotMeasure, match="store is compared and is a context too"):
            measure(check, seen, columns=["x", "store"], context=["store"])
    for statistic in ("cramer_von_mises", "wasserstein"):
        with pytest.raises(ValidationError, match="cannot be compared given a context"):
            measure("drift/distance", seen, statistic=statistic, context=["store"])
    for check in ("drift/ks", "drift/distance"):
        with pytest.raises(ValidationError, match="leave `backend` or `context` out"):
            measure(check, seen, backend="alibi-detect", context=["store"])
