"""Windows as wholes, compared given a context, beside alibi-detect's ContextMMDDrift."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from audit.checks.drift import _kernel
from audit.stats import MeanDiscrepancy
from audit.testing import assert_complete, assert_crash_blocks
from tests.judged import status
from tests.misses import most
from tests.support import measure, subject

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.evidence import Evidence

CHECK = "drift/mmd"
MIXES = (0.7, 0.3), (0.3, 0.7)
needs_alibi = pytest.mark.skipif(importlib.util.find_spec("alibi_detect") is None, reason="needs alibi-detect")


def frame(rng: Generator, rows: int, shares: tuple[float, float], moved: float = 0.0) -> pd.DataFrame:
    """Rows of two stores that lie 2 apart; `moved` changes the first feature within store b alone."""
    store = rng.choice(["a", "b"], rows, p=shares)
    x = rng.normal(size=(rows, 2)) + 2.0 * (store == "b")[:, None]
    x[:, 0] += moved * (store == "b")
    return pd.DataFrame(x).add_prefix("x").assign(store=store, prediction="p")


def drift(rng: Generator, moved: float = 0.0, rows: tuple[int, int] = (100, 90), **params: Any) -> Evidence:
    before, now = frame(rng, rows[0], MIXES[0]), frame(rng, rows[1], MIXES[1], moved)
    settings: dict[str, Any] = {"permutations": 99, "context": ["store"]} | params
    return measure(CHECK, subject(now, reference=before), **settings)


def p_value(found: Evidence, start: str = "Is there a change") -> float:
    (note,) = [note for note in found.notes if note.startswith(start)]
    return float(note.split("p = ")[1].split(",")[0].split(";")[0])


def discrepancy(found: Evidence) -> MeanDiscrepancy:
    (member,) = found.members
    assert isinstance(member.estimate, MeanDiscrepancy)
    return member.estimate


def test_a_change_of_the_mix_alone_is_no_drift() -> None:
    """Neither the interval nor the permutations find it, and the estimate is 0 on average; without the context both find it always."""
    rng, trials = np.random.default_rng(1), 80
    found = [drift(rng) for _ in range(trials)]
    squared = [discrepancy(one).squared for one in found]
    assert abs(np.mean(squared)) <= 3 * np.std(squared) / np.sqrt(trials)
    assert np.mean([discrepancy(one).bounds(0.025, 0.025)[0] > 0 for one in found]) <= most(0.025, trials)
    assert np.mean([p_value(one) <= 0.05 for one in found]) <= most(0.05, trials)
    plain = [drift(rng, context=[], columns=["x0", "x1"]) for _ in range(5)]
    assert all(p_value(one) <= 0.01 and discrepancy(one).bounds(0.025, 0.025)[0] > 0 for one in plain)


def test_a_change_within_a_context_is_found_and_its_interval_holds_the_truth() -> None:
    rng, trials = np.random.default_rng(2), 40
    large = drift(rng, 1.5, (700, 700))
    assert status(CHECK, large, max=0.02) == "fail"
    truth = discrepancy(large).squared
    found = [drift(rng, 1.5) for _ in range(trials)]
    ends = np.array([discrepancy(one).bounds(0.025, 0.025) for one in found])
    assert np.mean(ends[:, 0] > truth) <= most(0.025, trials)
    assert np.mean(ends[:, 1] < truth) <= most(0.025, trials)
    assert np.mean([p_value(one) <= 0.05 for one in found]) >= 0.9


def test_a_worked_example() -> None:
    """Weights, and the mean embeddings' distance by the definition; one context for all rows is none."""
    rng = np.random.default_rng(3)
    before, now = rng.normal(size=(6, 2)), rng.normal(1, size=(4, 2))
    contexts = np.array([0, 0, 1, 1, 1, 1, 0, 0, 0, 1])
    seen = _kernel.gaussian(before, now, contexts)
    weights = np.array([-3 / 8] * 2 + [-1 / 16] * 4 + [1 / 4] * 4)
    assert seen.weights == pytest.approx(weights)
    assert seen.squared_distance == pytest.approx(weights @ seen.table @ weights)
    same = _kernel.gaussian(before, now, np.zeros(10, dtype=int))
    plain = _kernel.gaussian(before, now)
    assert (same.squared(), same.error(rng)) == (plain.squared(), plain.error(rng))


def test_contexts_of_few_rows_are_unmeasured() -> None:
    rng = np.random.default_rng(4)
    before, now = frame(rng, 300, MIXES[0]), frame(rng, 300, MIXES[1])
    now.loc[:9, "store"] = "c"
    found = measure(CHECK, subject(now, reference=before), context=["store"])
    (entry,) = found.unmeasured
    assert "store=c (10 rows)" in entry.reason
    assert found.rows == 590
    assert status(CHECK, found, max=0.5) == "inconclusive"


def test_it_behaves() -> None:
    rng = np.random.default_rng(5)
    seen = subject(frame(rng, 80, MIXES[1]), reference=frame(rng, 90, MIXES[0]))
    assert_complete(CHECK, seen, context=["store"])
    assert_crash_blocks(CHECK, seen, context=["store"])


@pytest.mark.full
@needs_alibi
def test_the_other_backend_agrees_and_names_its_licence() -> None:
    """ContextMMDDrift, too, finds what changes within a store and not what changes in the mix; the estimate stays ours."""
    for moved, changed in ((0.0, False), (2.0, True)):
        ours, theirs = (drift(np.random.default_rng(6), moved, (150, 120), backend=backend) for backend in ("audit", "alibi-detect"))
        assert theirs.members == ours.members
        assert (p_value(ours) <= 0.05) == changed
        assert (p_value(theirs, "Its test of 100 permutations") <= 0.05) == changed
        assert theirs.backend.startswith("alibi-detect 0.")
        assert any("Business Source License 1.1" in note for note in theirs.notes)
        assert drift(np.random.default_rng(6), moved, (150, 120), backend="alibi-detect") == theirs
