"""Six distances between two windows, feature by feature: their values, p-values and intervals."""

from __future__ import annotations

import importlib.util
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency, cramervonmises_2samp, ks_2samp, wasserstein_distance

from audit.errors import CannotMeasure
from audit.stats.hypothesis_tests import holm
from audit.testing import assert_complete, assert_crash_blocks, assert_order_of_rows_is_irrelevant
from tests.judged import status
from tests.misses import misses, most
from tests.support import measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from audit.evidence import Evidence
    from audit.stats import Estimate
    from audit.subject import Subject

CHECK = "drift/distance"
NUMBERS, BOTH = ("ks", "cramer_von_mises", "wasserstein"), ("jensen_shannon", "hellinger")
ALL = (*NUMBERS, "chi_squared", *BOTH)
needs_alibi = pytest.mark.skipif(importlib.util.find_spec("alibi_detect") is None, reason="needs alibi-detect")


def windows(reference: dict[str, Any], current: dict[str, Any], **roles: Any) -> Subject:
    frames = [pd.DataFrame(columns).assign(prediction="x") for columns in (reference, current)]
    return subject(frames[1], reference=frames[0], **roles)


def drift(reference: dict[str, Any], current: dict[str, Any], **params: Any) -> Evidence:
    return measure(CHECK, windows(reference, current), **params)


def estimate(reference: Any, current: Any, **params: Any) -> Estimate:
    (member,) = drift({"x": reference}, {"x": current}, **params).members
    return member.estimate


def categories(rng: np.random.Generator, n: int, shares: list[float]) -> list[str]:
    return list(rng.choice(list("abcdefghij")[: len(shares)], n, p=shares))


def p_values(found: Evidence) -> dict[str, float]:
    (note,) = [note for note in found.notes if note.startswith("p-values of no change")]
    return {one.rsplit(" ", 1)[0]: float(one.rsplit(" ", 1)[1]) for one in note.split(": ", 1)[1].rstrip(".").split(", ")}


def test_worked_examples_of_categories() -> None:
    """Shares .5 .5 against .8 .2: Cramer's V^2 = (.09/1.3 + .09/.7) / 2, Hellinger^2 = 1 - root .4 - root .1."""
    before, now = ["a"] * 50 + ["b"] * 50, ["a"] * 80 + ["b"] * 20
    assert estimate(before, now, statistic="chi_squared").value ** 2 == pytest.approx((0.09 / 1.3 + 0.09 / 0.7) / 2)
    assert estimate(before, now, statistic="hellinger").value ** 2 == pytest.approx(1 - math.sqrt(0.4) - math.sqrt(0.1))
    assert estimate(before, now, statistic="jensen_shannon").value == pytest.approx(jensenshannon([0.5, 0.5], [0.8, 0.2], base=2))


def test_worked_examples_of_numbers() -> None:
    """1 2 3 4 against 3 4 5 6: the functions differ by 1/4 1/2 1/2 1/2 1/4 0 at 1 to 6, and every row moves by 2."""
    before, now = [1.0, 2, 3, 4], [3.0, 4, 5, 6]
    assert estimate(before, now).value == 0.5
    squares = [1 / 16, 1 / 4, 1 / 4, 1 / 4, 1 / 4, 1 / 4, 1 / 16, 0]  # at the eight rows of both windows, in order
    assert estimate(before, now, statistic="cramer_von_mises").value ** 2 == pytest.approx(np.mean(squares))
    spread = (3.25 - 1.75) / 1.349
    assert estimate(before, now, statistic="wasserstein").value == pytest.approx(2 / spread)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(2, 60), st.integers(2, 60))
def test_numbers_agree_with_scipy(seed: int, n: int, m: int) -> None:
    """KS and Wasserstein at any sizes; Cramer-von Mises at equal ones, where SciPy weighs both windows alike."""
    rng = np.random.default_rng(seed)
    before, now, equal = rng.normal(size=n), rng.normal(0.5, 2, m), rng.normal(0.5, 2, n)
    assert estimate(before, now).value == pytest.approx(ks_2samp(before, now, method="asymp").statistic)
    scale = np.subtract(*np.quantile(before, [0.75, 0.25])) / 1.349
    clipped = [np.clip((side - np.median(before)) / scale, -10, 10) for side in (before, now)]
    assert estimate(before, now, statistic="wasserstein").value == pytest.approx(wasserstein_distance(*clipped))
    root = estimate(before, equal, statistic="cramer_von_mises").value
    assert root**2 == pytest.approx(cramervonmises_2samp(before, equal).statistic * 2 / n)


def test_p_values_agree_with_scipy() -> None:
    rng = np.random.default_rng(1)
    for shift in (0.0, 0.1, 0.15):
        before, now = rng.normal(size=400), rng.normal(shift, size=300)
        assert p_values(drift({"x": before}, {"x": now}))["x"] == pytest.approx(ks_2samp(before, now, method="asymp").pvalue, rel=0.06)
        seen = p_values(drift({"x": before}, {"x": now}, statistic="cramer_von_mises"))["x"]
        assert seen == pytest.approx(cramervonmises_2samp(before, now).pvalue, abs=0.02)
    one, two = (categories(rng, n, [0.5, 0.3, 0.2]) for n in (400, 250))
    table = [[side.count(name) for name in "abc"] for side in (one, two)]
    seen = p_values(drift({"x": one}, {"x": two}, statistic="chi_squared"))["x"]
    assert seen == pytest.approx(chi2_contingency(table).pvalue, rel=0.06)


def test_p_values_are_corrected_over_the_features() -> None:
    """Holm's correction of what each feature has alone."""
    rng = np.random.default_rng(2)
    before, now = (
        {name: rng.normal(shift, size=200) for name, shift in zip("abc", shifts, strict=True)} for shifts in ((0, 0, 0), (0, 0.3, 0.2))
    )
    alone = [p_values(drift({name: before[name]}, {name: now[name]}))[name] for name in "abc"]
    assert list(p_values(drift(before, now)).values()) == pytest.approx(holm(alone).tolist(), rel=0.05)


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(NUMBERS), st.integers(0, 10_000), st.integers(20, 80), st.integers(20, 80))
def test_unit_and_origin_change_nothing(statistic: str, seed: int, n: int, m: int) -> None:
    """A change of unit moves no value and no interval."""
    rng = np.random.default_rng(seed)
    before, now = rng.normal(size=n), rng.normal(0.5, size=m)
    one, other = estimate(before, now, statistic=statistic), estimate(8 * before + 4, 8 * now + 4, statistic=statistic)
    assert other.value == pytest.approx(one.value)
    assert other.bounds(0.025, 0.01) == pytest.approx(one.bounds(0.025, 0.01), abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(("chi_squared", *BOTH)), st.integers(0, 10_000), st.permutations("abc"))
def test_renaming_categories_and_swapping_windows_change_nothing(statistic: str, seed: int, names: list[str]) -> None:
    rng = np.random.default_rng(seed)
    before, now = categories(rng, 100, [0.5, 0.3, 0.2]), categories(rng, 140, [0.2, 0.3, 0.5])
    renamed = dict(zip("abc", names, strict=True))
    first = estimate(before, now, statistic=statistic).value
    assert estimate([renamed[c] for c in before], [renamed[c] for c in now], statistic=statistic).value == pytest.approx(first)
    assert estimate(now, before, statistic=statistic).value == pytest.approx(first)


LAWS: dict[str, tuple[Any, Any]] = {
    "normal": (lambda rng, n: rng.normal(size=n), lambda rng, n: rng.normal(0.5, 1, n)),
    "heavy tails": (lambda rng, n: rng.standard_t(2, n), lambda rng, n: rng.standard_t(2, n) + 0.5),
    "ties": (lambda rng, n: rng.poisson(1, n) * 1.0, lambda rng, n: rng.poisson(1.5, n) * 1.0),
    "one value dominates": (lambda rng, n: (rng.random(n) < 0.3) * 1.0, lambda rng, n: (rng.random(n) < 0.1) * 1.0),
}


@pytest.mark.parametrize("statistic", NUMBERS)
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("sizes", [(30, 30), (200, 60)])
def test_intervals_of_numbers_hold_the_truth(statistic: str, law: str, sizes: tuple[int, int]) -> None:
    """The truth is that of 50,000 rows; under no change it is 0. Each end misses at most nominally.

    The Wasserstein distance is told in the observed reference's spread, so its truth is told in that too.
    """
    rng, trials = np.random.default_rng(3), 120
    before, now = LAWS[law]
    large = before(rng, 50_000), now(rng, 50_000)

    def one(*, changed: bool) -> tuple[bool, bool]:
        reference, current = before(rng, sizes[0]), (now if changed else before)(rng, sizes[1])
        while statistic == "wasserstein" and np.ptp(reference) == 0:
            reference = before(rng, sizes[0])
        low, high = estimate(reference, current, statistic=statistic).bounds(0.025, 0.025)
        if not changed:
            return low > 0, False
        return low > truth(reference) + 1e-9, high < truth(reference) - 1e-9

    def truth(reference: Any) -> float:
        if statistic != "wasserstein":
            return fixed
        quartiles = np.quantile(reference, [0.25, 0.5, 0.75])
        scale = (quartiles[2] - quartiles[0]) / 1.349 or reference.std()
        return float(wasserstein_distance(*(np.clip((side[:10_000] - quartiles[1]) / scale, -10, 10) for side in large)))

    fixed = 0.0 if statistic == "wasserstein" else estimate(*large, statistic=statistic).value
    for changed in (False, True):
        seen = np.array([one(changed=changed) for _ in range(trials)])
        assert seen.mean(axis=0).max() <= most(0.025, trials)


SHARES: dict[str, tuple[list[float], list[float]]] = {
    "even": ([0.1] * 10, [0.05] * 5 + [0.15] * 5),
    "one dominates": ([0.91, 0.03, 0.03, 0.03], [0.8, 0.1, 0.05, 0.05]),
    "far": ([0.8, 0.1, 0.1], [0.1, 0.1, 0.8]),
}


@pytest.mark.parametrize("statistic", ["chi_squared", *BOTH])
@pytest.mark.parametrize("law", SHARES)
@pytest.mark.parametrize("sizes", [(200, 30), (300, 300)])
def test_intervals_of_categories_hold_the_truth(statistic: str, law: str, sizes: tuple[int, int]) -> None:
    """Each end misses at most nominally, with and without a change; the truth is that of the shares themselves."""
    from audit.stats import BinnedDistance
    from audit.stats.distribution_distance import Divergence, squared_divergence

    rng, trials = np.random.default_rng(4), 600
    kind: Divergence = statistic  # type: ignore[assignment]  # one of them
    for p, q in (SHARES[law], (SHARES[law][0],) * 2):

        def draw(p: Any = p, q: Any = q) -> BinnedDistance:
            counts = rng.multinomial(sizes[0], p), rng.multinomial(sizes[1], q)
            there = counts[0] + counts[1] > 0
            return BinnedDistance.of(kind, counts[0][there], counts[1][there], sizes)

        truth = math.sqrt(squared_divergence(kind, np.array(p), np.array(q)))
        assert max(misses(draw, truth + 1e-9, trials)[0], misses(draw, truth - 1e-9, trials)[1]) <= most(0.025, trials)


def test_an_alarm_needs_a_change_that_is_sure_and_large() -> None:
    """A shift of .03 standard deviations at 100,000 rows is sure and small; 20 rows show a large value and prove nothing."""
    rng = np.random.default_rng(5)
    for statistic in NUMBERS:
        found = drift({"x": rng.normal(size=100_000)}, {"x": rng.normal(0.03, size=100_000)}, statistic=statistic)
        assert p_values(found)["x"] < 0.001
        assert any(note.startswith("Changed beyond what chance alone gives") for note in found.notes)
        assert [status(CHECK, found, max=bound) for bound in (0.0, 0.2)] == ["fail", "pass"]
        few = drift({"x": rng.normal(size=40)}, {"x": rng.normal(size=40)}, statistic=statistic)
        assert status(CHECK, few, max=few.members[0].estimate.value) == "inconclusive"
        assert status(CHECK, unplugged(few), max=few.members[0].estimate.value) == "pass"


def test_missing_cells() -> None:
    """They rank below every number, are a category, and are left out by the Wasserstein distance, which a note says."""
    before, now = [1.0, 2.0, 3.0, 4.0] * 10, [1.0, None, 4.0, None] * 10
    assert estimate(before, now).value == 0.5
    assert estimate(before, now, statistic="cramer_von_mises").value > 0.3
    assert estimate(before, now, statistic="wasserstein").value == pytest.approx(0.5 * 1.349 / 1.5)
    assert estimate(["a"] * 40, ["a", None] * 20, statistic="chi_squared").value ** 2 == pytest.approx((0.25 / 1.5 + 0.25 / 0.5) / 2)
    found = drift({"x": before}, {"x": now}, statistic="wasserstein")
    assert "x: missing in 0.0% of the reference and 50.0% of the current window." in found.notes


def test_infinite_and_huge_cells_have_a_distance() -> None:
    big = np.finfo(float).max
    before, now = [-big, -1.0, 0.0, 1.0, big] * 8, [-np.inf, 0.0, 0.5, 2.0, np.inf] * 8
    for statistic in ("ks", "cramer_von_mises", "wasserstein"):
        assert 0 < estimate(before, now, statistic=statistic).value < 20


def test_the_wrong_kind_of_column_is_refused_or_unmeasured() -> None:
    rows = {"x": [1.0, 2.0] * 50, "c": ["red", "blue"] * 50}
    for statistic in NUMBERS:
        assert [str(one.name) for one in drift(rows, rows | {"x": [2.0, 3] * 50}, statistic=statistic).unmeasured] == ["column=c"]
        with pytest.raises(CannotMeasure, match="not numeric: c"):
            drift(rows, rows, statistic=statistic, columns=["c"])
    found = drift(rows, rows, statistic="chi_squared")
    assert [str(one.name) for one in found.unmeasured] == ["column=x"]
    with pytest.raises(CannotMeasure, match="chi_squared compares categories"):
        drift(rows, rows, statistic="chi_squared", columns=["x"])
    for statistic in BOTH:
        assert {str(one.name) for one in drift(rows, rows, statistic=statistic).members} == {"column=x", "column=c"}


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(ValidationError, match="alibi-detect has no wasserstein"):
        drift({"x": [1]}, {"x": [1]}, statistic="wasserstein", backend="alibi-detect")
    with pytest.raises(ValidationError):
        drift({"x": [1]}, {"x": [1]}, statistic="energy")
    with pytest.raises(CannotMeasure, match="no column 'z'"):
        drift({"x": [1]}, {"x": [1]}, columns=["z"])
    with pytest.raises(CannotMeasure, match="no feature column"):
        drift({"prediction": ["a"]}, {"prediction": ["b"]}, statistic="hellinger")
    (entry,) = drift({"x": [7] * 40}, {"x": [8] * 40}, statistic="wasserstein").unmeasured
    assert "are the same" in entry.reason


def test_rows_of_one_person_count_as_fewer() -> None:
    rng = np.random.default_rng(7)
    one, two = ({"x": rng.normal(size=400), "person": np.arange(400) // 4} for _ in range(2))
    for statistic in (*NUMBERS, *BOTH):
        alone, grouped = (
            measure(CHECK, windows(one, two, **roles), statistic=statistic, columns=["x"]) for roles in ({}, {"group": "person"})
        )
        assert (alone.members[0].estimate.n, grouped.members[0].estimate.n) == (800, 200)
        assert grouped.members[0].estimate.bounds(0.025, 0.025)[1] > alone.members[0].estimate.bounds(0.025, 0.025)[1]


@pytest.mark.parametrize("statistic", ALL)
def test_it_behaves(statistic: str) -> None:
    rng = np.random.default_rng(8)
    kept = {"x": rng.normal(size=60)} if statistic in NUMBERS else {"x": categories(rng, 60, [0.5, 0.3, 0.2])}
    seen = windows(kept, kept)
    assert_complete(CHECK, seen, statistic=statistic)
    assert_crash_blocks(CHECK, seen, statistic=statistic)
    frame = pd.DataFrame(kept).assign(prediction="x")
    assert_order_of_rows_is_irrelevant(CHECK, lambda table: subject(table, reference=frame.head(50)), frame, statistic=statistic)


@pytest.mark.full
@needs_alibi
def test_the_other_backend_agrees_and_names_its_licence() -> None:
    """Equal windows: the same KS distance and p-values as `KSDrift`, `CVMDrift` and `ChiSquareDrift`."""
    rng = np.random.default_rng(9)
    numbers = {"x": rng.normal(size=400)}, {"x": rng.normal(0.12, size=400)}
    words = tuple({"x": categories(rng, 400, shares)} for shares in ([0.5, 0.3, 0.2], [0.46, 0.32, 0.22]))
    for statistic, frames, tolerance in (("ks", numbers, 0.02), ("cramer_von_mises", numbers, 0.02), ("chi_squared", words, 0.001)):
        ours, theirs = (drift(*frames, statistic=statistic, backend=backend) for backend in ("audit", "alibi-detect"))
        assert theirs.members[0].estimate.value == pytest.approx(ours.members[0].estimate.value, abs=1e-6)
        assert p_values(theirs)["x"] == pytest.approx(p_values(ours)["x"], abs=tolerance)
        assert theirs.backend.startswith("alibi-detect 0.")
        assert any("Business Source License 1.1" in note for note in theirs.notes)
        assert ours.backend == "audit"
