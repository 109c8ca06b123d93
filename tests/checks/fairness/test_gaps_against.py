"""Gaps between groups against those of another model on the same rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from audit.catalog import discover
from audit.errors import CannotMeasure
from audit.stats import Proportion
from tests.compared import compare, seen, table
from tests.grouped import by_name
from tests.numbered import regressed
from tests.support import measure, subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.random import Generator

    from audit.evidence import Evidence

PARITY, OPPORTUNITY = "fairness/demographic_parity_difference", "fairness/equal_opportunity_difference"
_PAIRED = {check_id: check for check_id, check in discover().items() if check.compare is not None and check.by == "groups"}
GAPS = tuple(check_id for check_id, check in _PAIRED.items() if "values" not in check.needs)
ODDS, MEAN, ERROR, AREAS = (
    f"fairness/{name}" for name in ("average_odds_difference", "mean_difference", "error_difference", "subgroup_auc")
)
BY = (("gender",),)
FORTH, BACK = "gender=f against gender=m", "gender=m against gender=f"


def cells(group: str, both: int, later: int, earlier: int, neither: int) -> pd.DataFrame:
    """So many rows that both models, only the candidate, only the other, or neither call positive."""
    rows = [(1, 1)] * both + [(1, 0)] * later + [(0, 1)] * earlier + [(0, 0)] * neither
    return pd.DataFrame(rows, columns=["prediction", "old"]).assign(gender=group, label=1)


EXAMPLE = pd.concat([cells("f", 45, 15, 5, 35), cells("m", 25, 5, 10, 60)], ignore_index=True)


def against(frame: pd.DataFrame, **more: Any) -> Any:
    return seen(frame, by=(("gender",),), **{"positive": 1, "score": None} | more)


def test_every_gap_on_fixed_rows_has_a_paired_form() -> None:
    """A precision has other rows under each model, and a ratio no paired estimate: those are refused."""
    assert set(_PAIRED) == {
        ODDS,
        MEAN,
        ERROR,
        PARITY,
        OPPORTUNITY,
        "fairness/equalized_odds_difference",
        "fairness/false_negative_rate_difference",
        "fairness/false_positive_rate_difference",
    }


def test_a_worked_example() -> None:
    """The other model gives .50 and .35, the candidate .60 and .30: the gap of .15 became one of .30."""
    found = compare(PARITY, against(EXAMPLE))
    assert by_name(found) == pytest.approx({FORTH: 0.15, BACK: -0.45})
    assert [str(one.name) for one in found.context] == [
        "gender=f, model=champion",
        "gender=f, model=candidate",
        "gender=m, model=champion",
        "gender=m, model=candidate",
    ]
    assert [one.estimate for one in found.context] == [Proportion(50, 100), Proportion(60, 100), Proportion(35, 100), Proportion(30, 100)]
    assert (found.rows, found.unit) == (200, "widening of the gap against the champion")


@pytest.mark.parametrize("check_id", GAPS)
def test_the_value_is_the_difference_of_the_gaps_that_the_check_itself_measures(check_id: str) -> None:
    """Candidate's gap less the size of the other's, for every ordered pair, in any order of the other model's classes."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({name: rng.integers(0, 2, 400) for name in ("label", "prediction", "old")})
    frame["gender"] = rng.choice(["f", "m"], 400)
    now = by_name(measure(check_id, subject(frame, by=(("gender",),), positive=1)))
    then = by_name(measure(check_id, subject(frame.assign(prediction=frame["old"]), by=(("gender",),), positive=1)))
    assert by_name(compare(check_id, against(frame))) == pytest.approx({name: now[name] - abs(then[name]) for name in now}, abs=1e-12)


def test_classes_in_another_order_are_the_same_classes() -> None:
    rng = np.random.default_rng(2)
    names = np.array(["a", "b", "c"])
    frame = pd.DataFrame({name: names[rng.integers(0, 3, 300)] for name in ("label", "prediction", "old")}).assign(
        gender=rng.choice(["f", "m"], 300)
    )
    made = seen(frame, by=(("gender",),))
    expected = by_name(compare(PARITY, made))
    assert made.comparator is not None
    made.comparator.candidate.classes = ("c", "a", "b")  # type: ignore[misc]  # as a loaded model may list them
    assert by_name(compare(PARITY, made)) == expected
    assert len(expected) == 6


def test_rows_of_one_person_count_as_one() -> None:
    found = compare(PARITY, against(EXAMPLE.assign(person=np.arange(200) // 4), group="person"))
    assert found.members[0].estimate.support == 25


def drawn(rng: Generator, n: int, rates: dict[str, tuple[float, float]], *, shared: float = 0.7) -> pd.DataFrame:
    """Rows of two groups; both models decide by one number of the row in a share of the rows, by their own elsewhere."""
    parts = []
    for group, (now, then) in rates.items():
        common, own = rng.random(n), rng.random(n)
        other = np.where(rng.random(n) < shared, common, own)
        answers = {"prediction": (common < now).astype(int), "old": (other < then).astype(int)}
        parts.append(pd.DataFrame(answers | {"gender": group, "label": 1}))
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("check_id", [PARITY, OPPORTUNITY])
@pytest.mark.parametrize(
    ("rates", "truth"),
    [
        ({"f": (0.6, 0.5), "m": (0.4, 0.4)}, 0.1),
        ({"f": (0.3, 0.3), "m": (0.3, 0.3)}, 0.0),
        ({"f": (0.9, 0.6), "m": (0.6, 0.9)}, 0.0),
        ({"f": (0.15, 0.05), "m": (0.05, 0.05)}, 0.1),
    ],
)
def test_each_end_misses_as_seldom_as_it_says(check_id: str, rates: dict[str, tuple[float, float]], truth: float) -> None:
    """Of 400 draws of 150 rows a group; the widening of the first group over the second, within 3 Monte-Carlo errors of 2.5 %."""
    rng, draws, below, above = np.random.default_rng(7), 400, 0, 0
    for _ in range(draws):
        found = compare(check_id, against(drawn(rng, 150, rates)))
        estimate = next(one.estimate for one in found.members if str(one.name) == FORTH)
        low, high = estimate.bounds(0.025, 0.025)
        below, above = below + (truth < low), above + (truth > high)
    allowed = 0.025 + 3 * np.sqrt(0.025 * 0.975 / draws)
    assert max(below, above) / draws <= allowed, (below, above)


def test_the_interval_decides_and_is_no_point() -> None:
    (first, *_) = compare(PARITY, against(EXAMPLE)).members
    low, high = first.estimate.bounds(0.025, 0.025)
    assert low < 0.15 < high
    assert low == pytest.approx(0.0268, abs=1e-3)


def test_one_group_alone_is_refused() -> None:
    with pytest.raises(CannotMeasure, match="one group only"):
        compare(PARITY, against(EXAMPLE[EXAMPLE["gender"] == "f"]))


@pytest.mark.parametrize(
    ("check_id", "params"),
    [(MEAN, {}), (ERROR, {"metric": "mean_absolute_error"}), (ERROR, {"metric": "mean_error"})],
)
def test_gaps_of_means_are_those_that_the_check_itself_measures(check_id: str, params: dict[str, Any]) -> None:
    frame = off(np.random.default_rng(3), 80, {"f": (1.0, 0.5), "m": (0.4, 0.9)}).assign(weight=np.tile([1.0, 2.0], 80))
    columns = {"weight": "weight"} if check_id == MEAN else {}
    alone = [frame.drop(columns="old"), frame.drop(columns="prediction").rename(columns={"old": "prediction"})]
    now, then = (by_name(measure(check_id, regressed(one, by=BY, **columns), **params)) for one in alone)
    found = compare(check_id, regressed(frame, by=BY, **columns), **params)
    assert by_name(found) == pytest.approx({name: now[name] - abs(then[name]) for name in now}, abs=1e-9)
    assert len(found.context) == 4


def off(rng: Generator, n: int, scales: dict[str, tuple[float, float]]) -> pd.DataFrame:
    """Rows of two groups with skewed errors of 2 on average times the model's scale, which both models share in part."""
    parts = []
    for group, (now, then) in scales.items():
        label, common = rng.normal(10, 3, n), rng.exponential(1, n)
        models = {"prediction": now, "old": then}
        answers = {name: label + scale * (common + rng.exponential(1, n)) for name, scale in models.items()}
        parts.append(pd.DataFrame(answers | {"label": label, "gender": group}))
    return pd.concat(parts, ignore_index=True)


def assert_covers(truth: float, estimates: Iterator[Evidence]) -> None:
    """Each end misses the true widening of f over m in 2.5 % of the draws at most, within 3 Monte-Carlo errors."""
    ends = [next(one.estimate for one in found.members if str(one.name) == FORTH).bounds(0.025, 0.025) for found in estimates]
    below, above = (sum(outside) for outside in zip(*((truth < low, truth > high) for low, high in ends), strict=True))
    allowed = 0.025 + 3 * np.sqrt(0.025 * 0.975 / len(ends))
    assert max(below, above) / len(ends) <= allowed, (below, above)


@pytest.mark.parametrize("persons", [False, True])
@pytest.mark.parametrize(
    ("check_id", "scales", "truth"),
    [
        (MEAN, {"f": (1.0, 0.8), "m": (0.6, 0.7)}, 0.6),
        (ERROR, {"f": (0.9, 0.6), "m": (0.5, 0.4)}, 0.4),
        (ERROR, {"f": (0.5, 0.5), "m": (0.9, 0.4)}, -1.0),
    ],
)
def test_ends_of_means_miss_as_seldom_as_they_say(
    check_id: str, scales: dict[str, tuple[float, float]], truth: float, *, persons: bool
) -> None:
    """Of 600 draws of 120 rows a group, each of them twice where rows belong to persons."""

    def draws() -> Iterator[Evidence]:
        rng = np.random.default_rng(11)
        for _ in range(600):
            frame = off(rng, 120, scales)
            if persons:
                frame = pd.concat([frame.assign(person=np.arange(len(frame)))] * 2, ignore_index=True)
            yield compare(check_id, regressed(frame, by=BY, **({"group": "person"} if persons else {})))

    assert_covers(truth, draws())


@pytest.mark.parametrize(("truth", "rates"), [(0.1, ((0.7, 0.5), (0.5, 0.4), (0.3, 0.2), (0.3, 0.3))), (0.0, ((0.5, 0.5),) * 4)])
def test_ends_of_the_mean_gap_in_odds_miss_as_seldom_as_they_say(truth: float, rates: tuple[tuple[float, float], ...]) -> None:
    """Of 600 draws of 150 rows a group and class; hits of f and m, then false alarms of f and m, by candidate and champion."""

    def draws() -> Iterator[Evidence]:
        rng = np.random.default_rng(5)
        for _ in range(600):
            hits = drawn(rng, 150, {"f": rates[0], "m": rates[1]})
            alarms = drawn(rng, 150, {"f": rates[2], "m": rates[3]}).assign(label=0)
            yield compare(ODDS, against(pd.concat([hits, alarms], ignore_index=True)))

    assert_covers(truth, draws())


def test_shares_of_a_class_compare_as_parity_does() -> None:
    assert by_name(compare(MEAN, against(EXAMPLE))) == by_name(compare(PARITY, against(EXAMPLE)))


@pytest.mark.parametrize(
    ("check_id", "params", "told"),
    [
        (MEAN, {"of": "labels"}, "the same for both models"),
        (ERROR, {"metric": "root_mean_squared_error"}, "no paired interval"),
    ],
)
def test_what_has_no_paired_form_is_not_measured(check_id: str, params: dict[str, Any], told: str) -> None:
    frame = off(np.random.default_rng(3), 40, {"f": (1.0, 0.5), "m": (0.4, 0.9)})
    with pytest.raises(CannotMeasure, match=told):
        compare(check_id, regressed(frame, by=BY), **params)


def test_weighted_shares_have_no_paired_form() -> None:
    with pytest.raises(CannotMeasure, match="shares of weighted rows"):
        compare(MEAN, against(EXAMPLE.assign(weight=1.0), weight="weight"))


def test_areas_of_groups_are_the_differences_of_both_models_own() -> None:
    """And each interval is as wide as the differences of 300 bootstrap samples spread, within a quarter."""
    frame, by = table(600, seed=4), (("region",),)
    found = compare(AREAS, seen(frame, by=by, positive=1))
    now, then = (by_name(measure(AREAS, subject(one, by=by, positive=1))) for one in (frame, frame.assign(score=frame["old_score"])))
    assert by_name(found) == pytest.approx({name: now[name] - then[name] for name in now}, abs=1e-12)
    assert (len(found.members), found.unit) == (6, "ROC AUC difference from the champion")
    rng = np.random.default_rng(0)
    samples = [by_name(compare(AREAS, seen(frame.iloc[rng.integers(0, 600, 600)], by=by, positive=1))) for _ in range(300)]
    for one in found.members:
        low, high = one.estimate.bounds(0.025, 0.025)
        least, most = np.quantile([sample[str(one.name)] for sample in samples], [0.025, 0.975])
        assert high - low == pytest.approx(float(most - least), rel=0.25)
