from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from audit.stats.hypothesis_tests import benjamini_hochberg, false_coverage, holm
from tests.misses import most

PUBLISHED = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
"""The fifteen comparisons of Benjamini & Hochberg 1995, section 3.2."""
lists = st.lists(st.floats(0, 1).map(lambda p: round(p, 4)), min_size=1, max_size=25)


def test_the_fifteen_published_p_values() -> None:
    """Four rejections by their procedure, three by Bonferroni and by Holm."""
    assert (benjamini_hochberg(PUBLISHED) <= 0.05).sum() == 4
    assert (np.array(PUBLISHED) <= 0.05 / 15).sum() == 3
    assert (holm(PUBLISHED) <= 0.05).sum() == 3
    assert benjamini_hochberg(PUBLISHED)[3] == pytest.approx(0.0095 * 15 / 4)
    assert holm(PUBLISHED)[3] == pytest.approx(0.0095 * 12)


def by_hand(p: list[float], alpha: float) -> tuple[list[bool], list[bool]]:
    """Both procedures as their papers tell them: walk up until one is too large; walk down until one is small enough."""
    order = sorted(range(len(p)), key=p.__getitem__)
    down, up = [False] * len(p), [False] * len(p)
    for step, one in enumerate(order):
        if p[one] > alpha / (len(p) - step):
            break
        down[one] = True
    last = max((rank for rank, one in enumerate(order, start=1) if p[one] <= alpha * rank / len(p)), default=0)
    for one in order[:last]:
        up[one] = True
    return down, up


@given(lists, st.sampled_from([0.0123, 0.05, 0.2]))
def test_the_adjusted_values_reject_what_the_walks_reject(p: list[float], alpha: float) -> None:
    down, up = by_hand(p, alpha)
    near = 1e-12
    assert [bool(one) for one in holm(p) <= alpha + near] == down
    assert [bool(one) for one in benjamini_hochberg(p) <= alpha + near] == up


@given(lists, st.integers(0, 10**6))
def test_the_order_of_tests_is_of_no_account(p: list[float], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(p))
    for adjust in (holm, benjamini_hochberg):
        assert np.allclose(adjust(p)[order], adjust(np.array(p)[order]))
        assert np.all(adjust(p) >= np.array(p))
    assert np.all(benjamini_hochberg(p) <= holm(p) + 1e-12)


def test_thirty_tests_without_an_effect() -> None:
    """Uncorrected, 79 % of such lists hold a false alarm; with Holm 5 %. One list a row."""
    p = np.random.default_rng(1).random((4000, 30))
    assert np.mean((p <= 0.05).any(axis=1)) == pytest.approx(0.785, abs=0.02)
    assert np.mean((holm(p) <= 0.05).any(axis=1)) <= most(0.05, 4000)
    assert np.mean((benjamini_hochberg(p) <= 0.05).any(axis=1)) <= most(0.05, 4000)


def test_five_effects_among_thirty() -> None:
    """At three standard errors, one-sided, Benjamini-Hochberg finds 69 %, Holm 54 %, with a share of false finds that it promises."""
    from scipy.special import ndtr

    z = np.random.default_rng(2).normal(size=(4000, 30)) + np.where(np.arange(30) < 5, 3.0, 0.0)
    p = ndtr(-z)
    found = benjamini_hochberg(p) <= 0.05
    assert found[:, :5].mean() == pytest.approx(0.69, abs=0.02)
    assert (holm(p) <= 0.05)[:, :5].mean() == pytest.approx(0.54, abs=0.02)
    false_share = found[:, 5:].sum(axis=1) / np.maximum(found.sum(axis=1), 1)
    assert false_share.mean() <= most(0.05, 4000)


@pytest.mark.parametrize("p", [0.5, [0.1, 1.2], [-0.1], [float("nan")]])
def test_what_is_no_list_of_p_values_is_refused(p: object) -> None:
    for adjust in (holm, benjamini_hochberg):
        with pytest.raises(ValueError, match="0 to 1"):
            adjust(p)  # type: ignore[arg-type]  # wrong on purpose


def test_the_level_of_the_ends_of_what_is_named() -> None:
    """Benjamini & Yekutieli 2005: two of four named at q = .05 get ends that err at .025 each; the whole list, .05; none, nothing."""
    assert false_coverage([0.001, 0.02, 0.3, 0.9], 0.05) == pytest.approx(0.025)
    assert false_coverage([0.001, 0.02], 0.05) == pytest.approx(0.05)
    assert false_coverage([0.3, 0.9], 0.05) == 0.0
    assert false_coverage([], 0.05) == 0.0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_what_is_named_has_a_p_value_below_that_level(p: list[float]) -> None:
    """So that its interval, made by the same test, leaves the hypothesis out."""
    level, adjusted = false_coverage(p, 0.05), benjamini_hochberg(p)
    assert all(one <= level * (1 + 1e-12) for one, named in zip(p, adjusted <= 0.05, strict=True) if named)


def test_the_share_of_named_ones_whose_end_misses() -> None:
    """Twenty true means, half of them 0 and half 2 standard errors: of the named ones' lower ends at most a share q misses on average."""
    rng, q = np.random.default_rng(3), 0.05
    truth = np.repeat([0.0, 2.0], 10)
    shares = []
    for z in rng.normal(truth, 1, (3000, 20)):
        p = norm.sf(z)
        named, level = benjamini_hochberg(p) <= q, false_coverage(p, q)
        missed = named & (z - norm.isf(level or 0.5) > truth)
        shares.append(missed.sum() / max(1, named.sum()))
    assert np.mean(shares) <= q + 3 * np.std(shares) / np.sqrt(len(shares))
    assert np.mean(shares) > q / 5
