from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from audit.stats.hypothesis_tests import mcnemar_exact, mcnemar_mid_p

counts = st.integers(0, 500)


@pytest.mark.parametrize(("only_first", "only_second", "exact", "mid_p"), [(1, 7, 0.070, 0.039), (6, 16, 0.053, 0.035)])
def test_as_fagerland_lydersen_and_laake_printed_it(only_first: int, only_second: int, exact: float, mid_p: float) -> None:
    """Airway hyper-responsiveness (Bentur 2009) and complete response (Cavo 2012). By hand: 18/256, and 8/256 less."""
    assert mcnemar_exact(only_first, only_second) == pytest.approx(exact, abs=1e-3)
    assert mcnemar_mid_p(only_first, only_second) == pytest.approx(mid_p, abs=1e-3)


def test_by_hand() -> None:
    """Eight throws: one or none come up in 9 of 256 ways, one in 8."""
    assert mcnemar_exact(1, 7) == pytest.approx(18 / 256)
    assert mcnemar_mid_p(1, 7) == pytest.approx(10 / 256)


@given(counts, counts)
def test_agrees_with_scipy_and_does_not_know_which_is_first(first: int, second: int) -> None:
    n = first + second
    expected = binomtest(first, n).pvalue if n else 1.0
    assert mcnemar_exact(first, second) == mcnemar_exact(second, first) == pytest.approx(expected)
    assert mcnemar_mid_p(first, second) == mcnemar_mid_p(second, first)
    assert mcnemar_mid_p(first, second) == pytest.approx(min(1.0, 2 * binom.cdf(min(first, second), n, 0.5) - binom.pmf(first, n, 0.5)))
    assert mcnemar_mid_p(first, second) <= mcnemar_exact(first, second)


def test_rejects_as_often_as_it_may() -> None:
    """Two equal models that differ on eight rows: the exact test is far below its 5 %, mid-p somewhat above."""
    weight = binom.pmf(range(9), 8, 0.5)
    rejected = [sum(w for k, w in enumerate(weight) if test(k, 8 - k) <= 0.05) for test in (mcnemar_exact, mcnemar_mid_p)]
    assert rejected == pytest.approx([2 / 256, 18 / 256])


@pytest.mark.parametrize("test", [mcnemar_exact, mcnemar_mid_p])
def test_negative_counts_are_refused(test: object) -> None:
    assert callable(test)
    with pytest.raises(ValueError, match="at least 0"):
        test(-1, 3)
