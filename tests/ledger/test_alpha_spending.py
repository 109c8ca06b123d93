"""The error that looks at one test set share."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.ledger.alpha_spending import Look, Plan, left, level_in_words, levels
from audit.stats.hypothesis_tests import spent

ALPHA = 0.025
POCOCK = Plan(5, "pocock")


def looks(*of: tuple[str, int], plan: Plan = POCOCK) -> list[Look]:
    return [Look(candidate, number, plan) for candidate, number in of]


def test_five_looks_by_hand() -> None:
    """Pocock's spending .025 log(1 + (e - 1) k/5) is .0074, .0131, .0177, .0216, .025: the levels are its increments."""
    given_ = levels(looks(*zip("abcde", range(1, 6), strict=True)), ALPHA)
    total = [0.025 * math.log(1 + (math.e - 1) * k / 5) for k in range(6)]
    assert given_ == pytest.approx([later - earlier for earlier, later in pairwise(total)], abs=1e-12)
    assert given_ == spent("pocock", 5, ALPHA)
    assert [level_in_words(one) for one in given_] == [".0074", ".0057", ".0046", ".0039", ".0034"]
    assert math.fsum(given_) == pytest.approx(ALPHA, abs=1e-15)


def test_one_more_look_than_planned_has_nothing() -> None:
    assert levels(looks(*zip("abcdef", range(1, 7), strict=True)), ALPHA)[-1] == 0.0
    assert left(looks(*zip("abcde", range(1, 6), strict=True)), ALPHA) == 0.0


def test_the_same_candidate_again_has_the_same_level() -> None:
    """Early, and when all looks are used up."""
    given_ = levels(looks(("a", 1), ("b", 2), ("a", 1), ("c", 3), ("d", 4), ("e", 5), ("a", 1), ("e", 5)), ALPHA)
    assert given_[2] == given_[0]
    assert given_[6] == pytest.approx(given_[0], rel=1e-12)  # what is left is the rest of a sum
    assert given_[5] == given_[7] > 0


def test_a_plan_that_is_stretched_gives_nothing_back() -> None:
    """Five looks are used up; six, or ten, or another spending, leave as little as five."""
    used = looks(*zip("abcde", range(1, 6), strict=True))
    for plan in (Plan(6, "pocock"), Plan(10, "obrien-fleming"), Plan(1000, "pocock")):
        assert levels([*used, Look("f", 6, plan)], ALPHA)[-1] == 0.0
    half = looks(*zip("ab", (1, 2), strict=True))
    cut = levels([*half, Look("c", 3, Plan(3, "obrien-fleming"))], ALPHA)
    assert cut[-1] == pytest.approx(ALPHA - cut[0] - cut[1])
    assert cut[-1] < spent("obrien-fleming", 3, ALPHA)[2]


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdefgh"), st.integers(1, 12), st.integers(1, 12), st.sampled_from(["pocock", "obrien-fleming"])),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from([0.025, 0.05, 0.1]),
)
def test_candidates_of_one_set_never_use_more_than_there_is(of: list[tuple[str, int, int, str]], alpha: float) -> None:
    """Whatever the numbers, plans and repetitions: Boole's sum over candidates, each at its highest level, is at most alpha."""
    made = [Look(candidate, number, Plan(most, kind)) for candidate, number, most, kind in of]  # type: ignore[arg-type]  # a literal
    given_ = levels(made, alpha)
    highest = {look.candidate: max(g for g, other in zip(given_, made, strict=True) if other.candidate == look.candidate) for look in made}
    assert min(given_) >= 0
    assert math.fsum(highest.values()) <= alpha * (1 + 1e-12)


def test_levels_are_said_as_people_write_them() -> None:
    assert [level_in_words(one) for one in (0.0042, 0.025, 5.4e-7, 0.0)] == [".0042", ".025", "5.4e-07", "0"]
