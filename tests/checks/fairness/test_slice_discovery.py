"""The search for weak slices: its attributes, its halves, its order."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, ttest_ind

from audit import seeds
from audit.checks.fairness._slice_discovery import attributes, search, texts
from audit.checks.fairness._slice_discovery.holdout import Halves, signed_deviance, signed_square
from audit.evidence import Slice
from audit.metrics import windows
from tests.support import dataset

if TYPE_CHECKING:
    from numpy.typing import NDArray

EVERY = np.ones(16, dtype=bool)


def halved(wrong: NDArray[np.generic], seed: int = 0) -> Halves:
    return Halves.of(wrong.astype(bool), None, seeds.stream(seed, "test"))


def values(name: str, cells: list[str] | NDArray[np.str_]) -> attributes.Attribute:
    data = dataset(pd.DataFrame({name: cells}))
    (found,) = attributes.of_columns(windows.features(data, data, [name])[0], np.ones(len(cells), dtype=bool), 1)
    return found


def test_numbers_of_many_values_are_cut_at_quantiles_and_every_run_of_bins_is_a_condition() -> None:
    found = attributes.of_numbers("age", np.arange(1.0, 17.0), EVERY)
    said = [name for name, _ in found.conditions]
    assert said[:3] == ["up to 2", "up to 4", "up to 6"]
    assert {"above 14", "above 2 to 6", None} < set(said)
    assert len(said) == 8 * 9 // 2 - 1 + 1
    assert found.mask(said.index("above 2 to 6")).tolist() == [2 < value <= 6 for value in range(1, 17)]


def test_few_values_are_told_one_by_one_and_missing_cells_are_a_condition() -> None:
    found = attributes.of_numbers("children", np.array([0.0, 1, 2, np.nan] * 4), EVERY)
    said = [name for name, _ in found.conditions]
    assert said == ["0", "0 to 1", "1", "1 to 2", "2", None]
    assert found.mask(3).tolist() == [False, True, True, False] * 4
    assert found.mask(5).tolist() == [False, False, False, True] * 4


def meant(said: str, column: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Rows that a reader of the condition would take."""
    words = said.split()
    if words[0] == "up":
        return np.asarray(column <= float(words[2]))
    if words[0] == "above":
        return np.asarray((column > float(words[1])) & (column <= float(words[3]) if len(words) > 2 else True))
    return np.asarray((column >= float(words[0])) & (column <= float(words[-1])))


@settings(deadline=None)
@given(st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(float("nan")), st.just(float("inf"))), min_size=1, max_size=60))
def test_bins_of_numbers_part_all_rows_and_conditions_mean_what_they_say(cells: list[float]) -> None:
    column = np.array(cells)
    found = attributes.of_numbers("x", column, np.ones(len(cells), dtype=bool))
    assert found.codes.min() >= 0
    assert found.codes.max() < found.bins
    for place, (said, _) in enumerate(found.conditions):
        if said is None:
            assert found.mask(place).tolist() == np.isnan(column).tolist()
        else:
            assert found.mask(place).tolist() == meant(said, column).tolist()


@pytest.mark.parametrize("scale", [1e-310, 1e-200, 1e200, 8e307])
def test_numbers_at_the_ends_of_the_floats_are_cut_too(scale: float) -> None:
    column = np.linspace(-2, 2, 16) * scale
    found = attributes.of_numbers("x", column, EVERY)
    assert found.bins > 4 or scale < 1e-300
    assert np.isin(found.codes, range(found.bins)).all()


def test_times_are_cut_like_numbers_and_written_as_days_or_moments() -> None:
    days = pd.date_range("2024-01-01", periods=16).strftime("%Y-%m-%d")
    hours = pd.date_range("2024-01-01", periods=16, freq="h").strftime("%Y-%m-%d %H:%M:%S")
    data = dataset(pd.DataFrame({"day": days, "hour": hours}))
    day, hour = attributes.of_columns(windows.features(data, data, ["day", "hour"])[0], EVERY, 1)
    assert [name for name, _ in day.conditions][:2] == ["up to 2024-01-02", "up to 2024-01-04"]
    assert hour.conditions[0][0] == "up to 2024-01-01 01:00:00"
    assert hour.mask(0).sum() == day.mask(0).sum() == 2


def test_rare_values_are_no_condition_and_labels_are_no_attribute() -> None:
    frame = pd.DataFrame({"region": ["n"] * 6 + ["s"] * 5 + ["w"], "label": 1, "prediction": 1, "age": 3})
    data = dataset(frame, sensitive=("region",), features=("age",))
    assert attributes.default_columns(data) == ("region", "age")
    (region,) = attributes.of_columns(windows.features(data, data, ["region"])[0], np.ones(12, dtype=bool), 5)
    assert [name for name, _ in region.conditions] == ["n", "s"]


def test_entities_stay_whole() -> None:
    clusters = np.repeat(np.arange(50), np.arange(50) % 4 + 1)
    halves = Halves.of(np.zeros(len(clusters), dtype=bool), clusters, seeds.stream(0, "test"))
    assert all(len(set(halves.search[clusters == one])) == 1 for one in range(50))
    assert len(np.unique(clusters[halves.search])) == 25


@given(st.integers(1, 50), st.integers(1, 50), st.data())
def test_the_deviance_is_that_of_a_table_of_four(n: int, m: int, data: st.DataObject) -> None:
    x, y = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    found = float(signed_deviance(np.array(float(x)), np.array(float(n)), float(x + y), float(n + m)))
    if 0 < x + y < n + m:
        table = [[x, n - x], [y, m - y]]
        assert abs(found) == pytest.approx(chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic, abs=1e-8)
        assert found == 0 or (found > 0) == (x * m >= y * n)
    else:
        assert found == pytest.approx(0, abs=1e-9)


def sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([len(values), values.sum(), np.square(values).sum()])


@given(st.lists(st.floats(0, 100), min_size=2, max_size=40), st.lists(st.floats(0, 100), min_size=2, max_size=40))
def test_the_square_is_that_of_welchs_t(inside: list[float], rest: list[float]) -> None:
    one, other = np.array(inside), np.array(rest)
    found = float(signed_square(sums(one), sums(np.concatenate([one, other]))))
    if min(one.std(), other.std()) > 0.01:  # else scipy warns that only rounding is left
        t = float(ttest_ind(one, other, equal_var=False).statistic)
        assert found == pytest.approx(np.sign(t) * t**2, rel=1e-6, abs=1e-6)


def test_one_row_that_is_far_off_makes_no_slice_and_a_side_of_one_row_has_no_score() -> None:
    calm, wild = np.arange(50.0) % 5, np.append(np.arange(49.0) % 5, 1e6)
    assert 0 < float(signed_square(sums(wild), sums(np.concatenate([wild, calm])))) < 1.1
    assert float(signed_square(sums(wild[-1:]), sums(wild))) == 0
    assert float(signed_square(sums(calm), sums(calm))) == 0


def test_numbers_that_are_all_as_near_have_no_slice_that_stands_out() -> None:
    halves = Halves.of(np.full(400, 2.5), None, seeds.stream(0, "test"))
    assert halves.excess(np.arange(100)) == 0
    whole = Halves.of(np.where(np.arange(400) < 100, 1.0, 0.0), None, seeds.stream(0, "test"))
    assert whole.excess(np.arange(100)) > 1e6


def planted(n: int = 4000) -> tuple[list[attributes.Attribute], NDArray[np.bool_]]:
    """Wrong in a tenth of the rows, and in half of two parts: region n, and region s crossed with plan b."""
    rng = np.random.default_rng(5)
    region, plan = rng.choice(list("nsew"), n), rng.choice(list("abc"), n)
    weak = (region == "n") | ((region == "s") & (plan == "b"))
    known = [values("region", region), values("plan", plan), values("noise", rng.choice(list("xyz"), n))]
    return known, rng.random(n) < np.where(weak, 0.5, 0.1)


def test_both_planted_slices_come_first_and_none_of_their_parts() -> None:
    known, wrong = planted()
    found = search.Search(known, halved(wrong), 32).propose(10)
    assert [one.name for one in found[:2]] == [Slice((("region", "n"),)), Slice((("region", "s"), ("plan", "b")))]
    north = found[0].rows
    assert all((one.rows & north).sum() <= 0.5 * one.rows.sum() for one in found[1:])


def test_numbers_are_searched_by_how_far_off_they_are() -> None:
    known, weak = planted()
    error = np.random.default_rng(1).exponential(np.where(weak, 4.0, 1.0))
    found = search.Search(known, Halves.of(error, None, seeds.stream(0, "test")), 100).propose(10)
    assert [str(one.name) for one in found[:2]] == ["region=n", "region=s, plan=b"]
    assert all((one.rows & found[0].rows).sum() <= 0.5 * one.rows.sum() for one in found[1:])


def test_a_value_of_one_large_entity_does_not_hide_the_other_values() -> None:
    """All 400 rows of region n are of one entity and wrong; a fifth of 200 entities of region s is wrong, hardly any of 200 of region e."""
    region = np.repeat(["n", "s", "e"], [400, 200, 200])
    who = np.concatenate([np.zeros(400, dtype=np.int64), np.arange(1, 401)])
    wrong = np.concatenate([np.ones(400), np.arange(200) % 5 == 0, np.arange(200) % 50 == 0]).astype(bool)
    halves = Halves.of(wrong, who, seeds.stream(0, "test"))
    (found, *_) = search.Search([values("region", region)], halves, 32, who).propose(10)
    assert str(found.name) == "region=s"


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000))
def test_slices_and_their_rest_have_the_least_entities_in_both_halves(seed: int) -> None:
    rng = np.random.default_rng(seed)
    who = np.sort(rng.integers(0, 300, 1500))
    known = [values(name, rng.choice(list("abcdef"), 1500)) for name in ("one", "two")]
    codes = np.unique(who, return_inverse=True)[1]
    halves = Halves.of(rng.random(1500), codes, seeds.stream(seed, "test"))
    found = search.Search(known, halves, 40, codes).propose(10)
    assert found
    for one in found:
        for half in (halves.search, ~halves.search):
            assert min(len(np.unique(who[one.rows & half])), len(np.unique(who[~one.rows & half]))) >= 40


def test_entities_that_are_in_every_slice_are_no_hindrance() -> None:
    """Of 80 entities each half has 40, and every one of them has rows of every region: a slice of region n holds them all."""
    region = np.array(list("nsew"))[np.arange(1600) % 4]
    who = np.arange(1600) // 4 % 80
    wrong = (region == "n") & (np.arange(1600) % 3 > 0)
    found = search.Search([values("region", region)], Halves.of(wrong, who, seeds.stream(0, "test")), 32, who).propose(10)
    assert str(found[0].name) == "region=n"


def test_what_is_served_better_than_the_rest_is_not_proposed() -> None:
    """Nor is what is worse only where the planted slices are left out."""
    known, wrong = planted()
    halves = halved(wrong)
    for one in search.Search(known, halves, 32).propose(10):
        assert wrong[halves.search & one.rows].mean() >= wrong[halves.search & ~one.rows].mean()


def test_a_slice_that_is_served_better_stands_in_where_there_is_no_other() -> None:
    rng = np.random.default_rng(0)
    region = np.where(np.arange(400) % 4 == 0, [f"r{i}" for i in range(400)], "n")  # all other values are too rare
    wrong = np.where(region == "n", False, rng.random(400) < 0.9)
    found = search.Search([values("region", region)], halved(wrong), 20).propose(10)
    assert [str(one.name) for one in found] == ["region=n"]


def test_what_is_proposed_does_not_depend_on_the_judging_half() -> None:
    known, wrong = planted()
    halves = halved(wrong)
    other = Halves(halves.search, np.where(halves.search, wrong, ~wrong))
    near = np.random.default_rng(2).exponential(1 + wrong)
    numbers = (Halves(halves.search, near), Halves(halves.search, np.where(halves.search, near, 1e9)))
    for pair in ((halves, other), numbers):
        names = [[one.name for one in search.Search(known, each, 32).propose(10)] for each in pair]
        assert names[0] == names[1]


def test_slices_and_their_rest_have_the_least_rows_in_both_halves() -> None:
    known, wrong = planted(600)
    halves = halved(wrong)
    for one in search.Search(known, halves, 40).propose(10):
        for half in (halves.search, ~halves.search):
            assert min((one.rows & half).sum(), (~one.rows & half).sum()) >= 40


def test_a_model_that_is_always_right_has_its_largest_slices_proposed() -> None:
    known, wrong = planted()
    found = search.Search(known, halved(np.zeros_like(wrong)), 32).propose(3)
    assert len(found) == 3
    assert len(found[0].name.items) == 1
    searched = halved(wrong).search
    sizes = [int((attribute.mask(i) & searched).sum()) for attribute in known for i in range(len(attribute.conditions))]
    assert (found[0].rows & searched).sum() == max(sizes)


def test_nothing_is_proposed_where_no_part_is_large_enough() -> None:
    known, wrong = planted(60)
    assert search.Search(known, halved(wrong), 32).propose(10) == ()


def test_clusters_of_points_are_found_and_the_same_for_the_same_stream() -> None:
    rng = np.random.default_rng(0)
    true = rng.integers(0, 4, 400)
    points = np.eye(8)[true] * 5 + rng.normal(0, 0.1, (400, 8))
    codes = [texts.nearest(points, texts.centres(points, 4, seeds.stream(1, "k"))) for _ in range(2)]
    assert codes[0].tolist() == codes[1].tolist()
    assert len({(a, b) for a, b in zip(codes[0], true, strict=True)}) == 4


def test_fewer_points_than_clusters() -> None:
    assert len(texts.centres(np.ones((5, 2)), 3, seeds.stream(1, "k"))) == 1


TEXTS = [f"please refund the order {'now' * (i % 2)}" for i in range(40)] + [f"ZÜRICH, ärger! number{i}" for i in range(40)]


def test_marks_of_texts_by_hand() -> None:
    """`ZÜRICH, ärger!` has 14 characters: 6 capitals, 2 letters outside ASCII, 2 marks of punctuation, no digit."""
    text = "ZÜRICH, ärger!"
    found = {one.name: one for one in texts.marks([text, "", "abc 12"] * 6, np.ones(18, dtype=bool))}
    assert list(found) == [
        texts.LENGTH,
        texts.CHARACTERS,
        "text (share of capitals)",
        "text (share of letters outside a to z)",
        "text (share of punctuation)",
        "text (share of digits)",
    ]
    capitals = found["text (share of capitals)"]
    assert [name for name, _ in capitals.conditions] == ["0", "0.429", None]
    assert capitals.mask(1).tolist() == [True, False, False] * 6
    foreign = found["text (share of letters outside a to z)"]
    assert foreign.mask(1).tolist() == [True, False, False] * 6
    digits = found["text (share of digits)"]
    assert digits.mask(1).tolist() == [False, False, True] * 6


def test_words_are_those_that_many_different_texts_hold() -> None:
    """`zürich` is written in capitals, `number1` stands once: either may be a name. `secret` stands often, but in one text only."""
    said = [f"{text} {'secret' if i == 1 else ''} {chr(97 + i // 26)}{chr(97 + i % 26)}" for i, text in enumerate(TEXTS)]
    said += [said[1]] * 40
    held = texts.tokens(said)
    assert "zürich" in held[40]
    found = texts.words(said, held, halved(np.zeros(len(said))), 10)
    names = {one.conditions[0][0] for one in found}
    assert "secret" not in names
    assert "zürich" not in names
    assert "ärger" in names
    (word,) = [one for one in found if one.conditions[0][0] == "ärger"]
    assert word.mask(0).tolist() == ["ärger" in text for text in said]


def test_clusters_are_told_by_their_words() -> None:
    points = np.repeat(np.eye(2), 40, axis=0)
    allowed = frozenset({"refund", "ärger"})
    (found,) = texts.clusters(points, 2, texts.tokens(TEXTS), allowed, np.ones(80, dtype=bool), seeds.stream(0, "k"))
    told = {name for name, _ in found.conditions}
    assert {(name or "").split(": ")[1] for name in told} == {"refund", "ärger"}


def test_there_are_small_clusters_and_larger_ones() -> None:
    points = np.random.default_rng(0).normal(size=(80, 3))
    found = texts.clusters(points, 20, texts.tokens(TEXTS), frozenset(), np.ones(80, dtype=bool), seeds.stream(0, "k"))
    assert [(one.name, one.bins) for one in found] == [(f"text (cluster among {k})", k) for k in (20, 10, 5)]


def test_clusters_are_told_by_what_is_rare_elsewhere() -> None:
    """`the` stands in nine of ten texts here and in eight of ten elsewhere; `loan` in four of ten here and nowhere else."""
    points = np.repeat(np.eye(2), 10, axis=0)
    held = [frozenset({"the"} if i % 10 else ()) | frozenset({"loan"} if i in {1, 2, 3, 4} else ()) for i in range(10)]
    held += [frozenset({"the"} if i > 1 else ()) for i in range(10)]
    (found,) = texts.clusters(points, 2, held, frozenset({"the", "loan"}), np.ones(20, dtype=bool), seeds.stream(0, "k"))
    assert {(name or "").partition(": ")[2] for name, _ in found.conditions} == {"loan", ""}


def test_a_word_that_tells_is_more_often_here_by_hand() -> None:
    """Of 40 texts here 20 hold `loan` and 30 `the`, of 60 elsewhere 3 and 40: its log-odds over their error, as Monroe et al. have it."""
    here, everywhere = Counter({"loan": 20, "the": 30, "card": 4}), Counter({"loan": 23, "the": 70, "card": 5})
    assert texts.distinctive(here, everywhere, 40, 100) == ["loan", "card"]
    words, others = 54 + 40, 44 + 60
    z = {}
    for word in ("loan", "card"):
        prior = 500 * everywhere[word] / (98 + 100)
        one, other = here[word] + prior, everywhere[word] - here[word] + prior
        ratio = (one / (words + 500 - one)) / (other / (others + 500 - other))
        z[word] = np.log(ratio) / np.sqrt(1 / one + 1 / other)
    assert z["loan"] > z["card"] > 0


def test_what_tells_a_cluster_is_nothing_where_nothing_is_elsewhere() -> None:
    assert texts.distinctive(Counter({"loan": 5}), Counter({"loan": 5}), 9, 9) == []
    assert texts.distinctive(Counter({"loan": 5}), Counter({"loan": 5}), 5, 9) == ["loan"]
    assert texts.distinctive(Counter(), Counter({"loan": 5}), 0, 9) == []


def test_clusters_have_the_same_names_whatever_the_judging_half_says() -> None:
    rng = np.random.default_rng(0)
    said = [" ".join(rng.choice(["loan", "card", "bill", "the"], 3)) for _ in range(80)]
    points, searched = np.eye(4)[rng.integers(0, 4, 80)], np.arange(80) % 2 == 0
    other = [text if searched[row] else "nothing of the kind" for row, text in enumerate(said)]
    known = frozenset({"loan", "card", "bill", "the", "nothing"})
    names = [texts.clusters(points, 4, texts.tokens(each), known, searched, seeds.stream(0, "k"))[0].conditions for each in (said, other)]
    assert names[0] == names[1]
