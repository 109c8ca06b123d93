"""Entities of very unequal size: the few rows that miss may lie in small ones, whose totals alone know too little."""

from __future__ import annotations

import math

import numpy as np
import pytest

from audit.stats import Proportion

LEVEL, TRIALS = 0.025, 300


@pytest.mark.parametrize("truth", [0.7, 0.9, 0.95])
def test_the_lower_end_errs_no_more_than_it_says(truth: float) -> None:
    """40 entities of lognormal size whose rows all agree: the lower end is above the truth in at most 2.5 % of draws."""
    rng = np.random.default_rng(11)
    missed = 0
    for _ in range(TRIALS):
        sizes = np.maximum(1, np.round(np.exp(rng.normal(2.5, 1.2, 40)))).astype(int)
        hit = np.repeat(rng.random(40) < truth, sizes)
        missed += Proportion.of(hit, np.repeat(np.arange(40), sizes)).bounds(LEVEL, LEVEL)[0] > truth
    assert missed / TRIALS <= LEVEL + 3 * math.sqrt(LEVEL * (1 - LEVEL) / TRIALS)


def test_independent_rows_in_entities_keep_their_precision() -> None:
    """Where rows of an entity are no more alike than others, the design effect stays near 1."""
    rng = np.random.default_rng(12)
    codes = np.repeat(np.arange(100), 12)
    effects = [Proportion.of(rng.random(1200) < 0.8, codes).design_effect for _ in range(100)]
    assert np.median(effects) < 1.1
