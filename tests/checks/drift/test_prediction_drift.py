from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from audit.candidates.saved import SavedValues
from audit.errors import CannotMeasure
from audit.evidence import Bars, Evidence, Pair
from audit.stats import Difference
from tests.judged import finding, status
from tests.misses import misses, most
from tests.support import dataset, measure, subject

CHECK = "drift/prediction_drift"
said = st.lists(st.sampled_from("abc"), min_size=1, max_size=40)


def drift(reference: Any, current: Any, **roles: Any) -> Evidence:
    frames = [data if isinstance(data, pd.DataFrame) else pd.DataFrame({"prediction": data}) for data in (reference, current)]
    return measure(CHECK, subject(frames[1], reference=frames[0], **roles))


def changes(evidence: Evidence) -> dict[str, float]:
    return {str(member.name): member.estimate.value for member in evidence.members}


def test_a_worked_example() -> None:
    """40 % yes before, 70 % now: +.3 of yes one way and -.3 the other; the shares are shown beside."""
    found = drift(["yes"] * 4 + ["no"] * 6, ["yes"] * 7 + ["no"] * 3, positive="yes")
    assert changes(found) == {
        "window=test, class=yes against window=reference, class=yes": pytest.approx(0.3),
        "window=reference, class=yes against window=test, class=yes": pytest.approx(-0.3),
    }
    assert [(str(member.name), member.estimate.value) for member in found.context] == [
        ("window=test, class=yes", 0.7),
        ("window=reference, class=yes", 0.4),
    ]
    assert found.figures == (Bars("predicted class", ("no", "yes"), (0.3, 0.7), (0.6, 0.4), ("reference", "test")),)
    assert found.rows == 20


def test_more_classes_are_all_judged_and_two_of_no_known_favour_too() -> None:
    assert len(drift(list("aabc"), list("abcc")).members) == 6
    assert len(drift(list("ab"), list("ab")).members) == 4


def test_a_class_that_was_never_predicted_before_is_a_change() -> None:
    found = drift(list("ab") * 50, list("abc") * 50)
    assert changes(found)["window=test, class=c against window=reference, class=c"] == pytest.approx(1 / 3)


@settings(deadline=None)
@given(said, said)
def test_the_two_directions_mirror_each_other_and_the_worst_is_never_negative(reference: list[str], current: list[str]) -> None:
    found = drift(reference, current)
    told = {member.name: member.estimate.value for member in found.members}
    for name, change in told.items():
        assert isinstance(name, Pair)
        assert told[Pair(name.second, name.first)] == pytest.approx(-change)
    assert max(told.values()) >= 0


def test_agrees_with_newcombe_by_hand() -> None:
    """Newcombe's method 10 from the Wilson ends of 70 of 100 and 40 of 100."""

    def wilson(hits: int, n: int) -> tuple[float, float]:
        z, p = norm.ppf(0.975), hits / n
        centre, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)

    (l1, u1), (l2, u2) = wilson(70, 100), wilson(40, 100)
    found = drift(["y"] * 40 + ["n"] * 60, ["y"] * 70 + ["n"] * 30, positive="y").members[0].estimate.bounds(0.025, 0.025)
    assert found == pytest.approx((0.3 - np.hypot(0.7 - l1, u2 - 0.4), 0.3 + np.hypot(u1 - 0.7, 0.4 - l2)))


def test_the_interval_decides() -> None:
    """A change of .10 at 1,600 rows a side: passes .20, fails .02, and settles nothing at .11, where the point would pass."""
    found = drift(["y"] * 640 + ["n"] * 960, ["y"] * 800 + ["n"] * 800, positive="y")
    assert [status(CHECK, found, max=bound) for bound in (0.02, 0.11, 0.2)] == ["fail", "inconclusive", "pass"]
    decided = finding(CHECK, found, max=0.2)
    assert decided.headline is not None
    assert decided.headline.value == pytest.approx(0.1)


def test_a_fall_counts_as_much_as_a_rise() -> None:
    found = drift(["y"] * 200 + ["n"] * 200, ["y"] * 100 + ["n"] * 300, positive="y")
    assert status(CHECK, found, max=0.1) == "fail"


def test_false_alarms_coverage_and_power() -> None:
    rng, trials = np.random.default_rng(7), 300
    most = 0.025 + 3 * np.sqrt(0.025 * 0.975 / trials)
    still = [drift(*(rng.choice(list("abc"), 300, p=[0.6, 0.3, 0.1]) for _ in range(2))) for _ in range(trials)]
    assert np.mean([status(CHECK, found, max=0.0) == "fail" for found in still]) <= most
    assert np.mean([status(CHECK, found, max=0.15) == "pass" for found in still]) > 0.8
    moved = [
        drift(rng.choice(["y", "n"], 300, p=[0.3, 0.7]), rng.choice(["y", "n"], 300, p=[0.5, 0.5]), positive="y") for _ in range(trials)
    ]
    ends = np.array([found.members[0].estimate.bounds(0.025, 0.025) for found in moved])
    assert np.mean(ends[:, 0] > 0.2) <= most
    assert np.mean(ends[:, 1] < 0.2) <= most
    assert np.mean([status(CHECK, found, max=0.05) == "fail" for found in moved]) > 0.9


def test_scores_are_shown_where_there_are_any() -> None:
    frames = [pd.DataFrame({"prediction": ["1", "0"], "score": score}) for score in ([0.95, 0.05], [0.55, 0.45])]
    shown = drift(*frames).figures[1]
    assert isinstance(shown, Bars)
    assert shown.title == "score of 1"
    assert (shown.reference[0], shown.reference[9], shown.counts[4], shown.counts[5]) == (0.5, 0.5, 0.5, 0.5)


def test_who_is_in_both_windows_counts_once() -> None:
    """The same 200 customers before and now, of whom the first twelve now all get yes: what is their own drops out of the change."""
    rng = np.random.default_rng(0)
    before = pd.DataFrame({"prediction": rng.choice(["y", "n"], 200), "person": [f"p{i}" for i in range(200)]})
    now = before.assign(prediction=lambda f: f.prediction.where(np.arange(200) >= 12, "y"))[::-1]
    same, others = (
        drift(before, now.assign(person=now.person + suffix), positive="y", group="person").members[0].estimate for suffix in ("", " too")
    )
    assert isinstance(same, Difference)
    assert isinstance(others, Difference)
    assert (same.first, same.second) == (others.first, others.second)
    assert (others.correlation, others.shared) == (0.0, 0.0)
    assert same.correlation > 0.9
    assert same.shared == 200
    assert np.ptp(same.bounds(0.025, 0.025)) < 0.5 * np.ptp(others.bounds(0.025, 0.025))
    assert same.bounds(0.025, 0.025)[0] < same.value < same.bounds(0.025, 0.025)[1]


def test_people_who_turn_round_between_windows_are_covered() -> None:
    """Each customer's chance of yes is the rest of what it was: as two samples the interval would be too narrow."""
    rng, trials = np.random.default_rng(1), 250

    def draw(*, honest: bool) -> Difference:
        chance = np.repeat(rng.beta(0.6, 0.6, 60), 4)
        frames = [
            pd.DataFrame({"prediction": np.where(rng.random(240) < one, "y", "n"), "person": np.repeat(np.arange(60), 4)})
            for one in (chance, 1 - chance)
        ]
        found = drift(*frames, positive="y", group="person").members[0].estimate
        assert isinstance(found, Difference)
        return found if honest else Difference(found.first, found.second)

    assert max(misses(lambda: draw(honest=True), 0.0, trials)) <= most(0.03, trials)
    assert max(misses(lambda: draw(honest=False), 0.0, trials)) > most(0.025, trials)


def test_rows_of_one_person_widen_the_interval() -> None:
    frames = [pd.DataFrame({"prediction": ["y", "y", "n", "n"] * 50, "person": np.arange(200) // 2 + first}) for first in (0, 100)]
    alone, grouped = drift(*frames, positive="y"), drift(*frames, positive="y", group="person")
    assert grouped.members[0].estimate.bounds(0.025, 0.025)[1] > alone.members[0].estimate.bounds(0.025, 0.025)[1]


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(CannotMeasure, match="under `reference`"):
        measure(CHECK, subject(pd.DataFrame({"prediction": ["a"]})))
    with pytest.raises(CannotMeasure, match="no rows"):
        drift(pd.DataFrame({"prediction": pd.Series([], dtype=object)}), ["a"])


def moved(before: Any, now: Any) -> Evidence:
    """Two windows of predicted numbers."""
    tables = {"test": pd.DataFrame({"prediction": now}), "reference": pd.DataFrame({"prediction": before})}
    candidate = SavedValues({role: dataset(table, role) for role, table in tables.items()})
    return measure(CHECK, subject(tables["test"], reference=tables["reference"], candidate=candidate))


def test_numbers_by_hand() -> None:
    """Three of four lie at 1 or 2 before, one of four now: half of the rows apart."""
    (member,) = moved([1.0, 2.0, 2.0, 5.0], [2.0, 5.0, 6.0, 7.0]).members
    assert (str(member.name), member.estimate.value) == ("overall", 0.5)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.lists(st.integers(0, 9), min_size=1, max_size=40))
def test_numbers_against_counting(before: list[int], now: list[int]) -> None:
    """The largest difference, at any number, of the shares of rows up to it."""
    (member,) = moved(np.array(before, dtype=float), np.array(now, dtype=float)).members
    shares = [[sum(x <= at for x in rows) / len(rows) for at in range(10)] for rows in (before, now)]
    assert member.estimate.value == pytest.approx(max(abs(a - b) for a, b in zip(*shares, strict=True)), abs=1e-12)


def test_numbers_that_moved_fail_and_others_pass() -> None:
    rng = np.random.default_rng(0)
    before, same, other = rng.normal(0, 1, 2000), rng.normal(0, 1, 2000), rng.normal(0.5, 1, 2000)
    assert [status(CHECK, moved(before, now), max=0.1) for now in (same, other)] == ["pass", "fail"]
    (figure,) = moved(before, other).figures
    assert isinstance(figure, Bars)
    assert figure.title == "predicted value"
    assert sum(figure.counts) == pytest.approx(1.0)
