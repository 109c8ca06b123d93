"""The steps that are promised a limit keep it."""

from __future__ import annotations

import pytest

from benchmarks import costs

PLACES = {step.name: place for place, step in enumerate(costs.STEPS)}


@pytest.mark.parametrize("name", ["ratio gate, 200 groups", "F1, 200 slices of 100,000 rows"])
def test_gates_over_many_groups_take_under_a_second(name: str) -> None:
    """In processor seconds, the best of three."""
    assert costs.measure(PLACES[name])["seconds"] < 1.0


def test_a_step_that_this_tree_lacks_is_named() -> None:
    with pytest.raises(ImportError, match=r"audit\.nowhere:nothing"):
        costs.named("audit.nowhere:nothing", "audit.stats:nothing")
