"""The edges of two shares, at which an end clears its bound, against each end itself."""

from __future__ import annotations

import pytest

from audit.power.laws.decision_rule import Asked
from audit.power.laws.proportions import edges, two_shares
from audit.stats import Difference, Proportion, Ratio


def asked(bound: float, *, floor: bool) -> Asked:
    return Asked(bound=bound, floor=floor, alpha=0.025, count=6, min_n=30, failing=0.025)


@pytest.mark.parametrize(("bound", "of"), [(0.3, Difference), (0.1, Difference), (0.02, Difference), (0.8, Ratio)])
def test_the_edges_are_where_the_ends_clear(bound: float, of: type[Difference | Ratio]) -> None:
    """For every number of hits of the second sample, those too at which no hits of the first suffice; off by a hit at most rarely."""
    pair, wanted = of(Proportion(300, 400), Proportion(310, 420)), asked(bound, floor=of is Ratio)
    off = 0
    for which, edge in enumerate(edges(pair, wanted)):
        for y, x in enumerate(edge.tolist()):
            for hits in {x - 1, x} & set(range(401)):
                levels = (wanted.levels[0], 0.5) if which == 0 else (0.5, wanted.levels[1])
                end = of(Proportion(int(hits), 400), Proportion(y, 420)).bounds(*levels)[which]
                off += wanted.clears(end) != (hits == x)
    assert off <= 4


@pytest.mark.parametrize("growth", [1.0, 4.0, 16.0])
def test_a_gap_within_its_bound_is_sure_to_pass_where_one_group_is_always_chosen(growth: float) -> None:
    """Shares of 1 and 0.733: the edge breaks off near by, and what was drawn across that place foresaw a fail, the surer the more rows."""
    pair = Difference(Proportion(7025, 7393), Proportion(9598, 10098))
    clears, stays = two_shares(pair, 0.2666, growth, asked(0.3, floor=False))
    assert clears < 1e-6
    assert stays > 0.999
