"""Fisher's exact test of one side."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from audit.stats import Proportion
from audit.stats.hypothesis_tests import more_hits


def test_a_worked_example() -> None:
    """The lady tasting tea: three of her four are right. Of the 70 ways to choose four cups 16 have three right and one has four."""
    assert more_hits(Proportion(3, 4), Proportion(1, 4)) == pytest.approx(17 / 70, abs=1e-12)


@given(st.integers(1, 400), st.integers(1, 400), st.data())
def test_agrees_with_scipy(n: int, m: int, data: st.DataObject) -> None:
    x, y = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    assert more_hits(Proportion(x, n), Proportion(y, m)) == pytest.approx(
        fisher_exact([[x, n - x], [y, m - y]], alternative="greater").pvalue, rel=1e-9, abs=1e-12
    )


def test_a_far_tail_keeps_its_digits() -> None:
    assert more_hits(Proportion(50, 50), Proportion(0, 50)) == pytest.approx(1 / comb(100, 50), rel=1e-9)


def test_no_more_hits_than_chance_gives_are_no_evidence() -> None:
    assert more_hits(Proportion(0, 30), Proportion(7, 30)) == pytest.approx(1.0, abs=1e-12)


def test_it_errs_at_most_at_its_level() -> None:
    """Enumerated over every outcome of two samples of one true share."""
    n, m, share = 20, 35, 0.15
    chance = {k: comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(n + 1)}
    rest = {k: comb(m, k) * share**k * (1 - share) ** (m - k) for k in range(m + 1)}
    for level in (0.05, 0.01):
        hit = sum(chance[x] * rest[y] for x in chance for y in rest if more_hits(Proportion(x, n), Proportion(y, m)) <= level)
        assert 0 < hit <= level


def test_rows_of_entities_are_refused() -> None:
    clustered = Proportion.of(np.array([True, False, True, True]), np.array([0, 0, 1, 1]))
    with pytest.raises(ValueError, match="independent"):
        more_hits(clustered, Proportion(1, 4))
