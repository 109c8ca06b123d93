"""Candidate minus champion on the same rows, for every check that compares."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.candidates.predictions import Predictions
from audit.candidates.saved import SavedComparator
from audit.catalog import discover
from audit.datasets import canonical
from audit.decision.finding import Bound, bounds
from audit.evidence import OVERALL, Churn, Evidence
from audit.phrases import message, question
from audit.policy.schema import ComparatorColumns
from audit.stats import PairedDifference
from tests.compared import COMPARING, compare, seen, swapped, table
from tests.judged import finding, status
from tests.misses import most
from tests.support import SETTINGS, measure, subject
from tests.unplugged import unplugged

ACCURACY = "performance/accuracy"
CLOSED = {"accuracy", "average_precision", "brier_score", "recall", "roc_auc", "log_loss", "top_k_accuracy"}
"""Whose ends are not drawn."""
BINARY: dict[str, Any] = {"positive": 1}


def cells(*rows: tuple[str, str, str, int]) -> pd.DataFrame:
    """Truth, candidate's and champion's answer, and how many rows have these."""
    return pd.DataFrame([row[:3] for row in rows for _ in range(row[3])], columns=["label", "prediction", "old"])


EIGHT = cells(("y", "y", "y", 40), ("y", "y", "n", 6), ("y", "n", "y", 2), ("y", "n", "n", 2), ("n", "n", "n", 30), ("n", "n", "y", 5))
"""Truly y: the candidate finds 46 of 50, the champion 42. Truly n: the candidate is right 35 times of 35, the champion 30."""


def _kappa(agree: int, by_chance: int) -> float:
    """Of 85 rows; `by_chance` is over 85 too."""
    return (agree - by_chance / 85) / (85 - by_chance / 85)


def value(found: Evidence) -> float:
    (member,) = found.members
    return member.estimate.value


def test_these_compare() -> None:
    names = {one.removeprefix("performance/") for one in COMPARING}
    of_labels = {"accuracy", "balanced_accuracy", "cohen_kappa", "f1", "fbeta", "matthews_correlation", "precision", "recall"}
    assert names >= of_labels | {"average_precision", "brier_score", "log_loss", "roc_auc", "top_k_accuracy"}


@pytest.mark.parametrize(
    ("name", "by_hand"),
    [
        ("accuracy", (81 - 72) / 85),
        ("recall", (46 - 42) / 50),
        ("precision", 46 / 46 - 42 / 47),
        ("f1", 2 * 46 / (50 + 46) - 2 * 42 / (50 + 47)),
        ("balanced_accuracy", (46 / 50 + 35 / 35) / 2 - (42 / 50 + 30 / 35) / 2),
        ("fbeta", 5 * 46 / (4 * 50 + 46) - 5 * 42 / (4 * 50 + 47)),
        ("matthews_correlation", 46 * 35 / math.sqrt(46 * 50 * 35 * 39) - (42 * 30 - 5 * 8) / math.sqrt(47 * 50 * 35 * 38)),
        ("cohen_kappa", _kappa(81, 50 * 46 + 35 * 39) - _kappa(72, 50 * 47 + 35 * 38)),
    ],
)
def test_labels_by_hand(name: str, by_hand: float) -> None:
    found = compare(f"performance/{name}", seen(EIGHT, positive="y"))
    assert value(found) == pytest.approx(by_hand, abs=1e-12)
    assert found.members[0].name == OVERALL
    assert found.rows == 85
    low, high = found.members[0].estimate.bounds(0.025, 0.025)
    assert low < by_hand < high


def test_averages_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import f1_score

    frame = table(300, noise=1.5)
    for average in ("macro", "weighted"):
        own, old = (f1_score(frame["label"], frame[column], average=average) for column in ("prediction", "old"))
        assert value(compare("performance/f1", seen(frame, **BINARY), average=average)) == pytest.approx(own - old, abs=1e-12)
    accuracy = value(compare(ACCURACY, seen(frame, **BINARY)))
    assert value(compare("performance/recall", seen(frame, **BINARY), average="micro")) == accuracy
    assert value(compare("performance/recall", seen(frame, **BINARY), average="weighted")) == accuracy


def test_every_class_against_the_rest_is_a_member_where_there_is_no_average() -> None:
    """The differences are those of the two measured alone; a recall is paired among the class's rows."""
    frame = table(400, noise=1.5)
    for check_id in ("performance/precision", "performance/recall", "performance/f1", "performance/fbeta"):
        settings_ = SETTINGS.get(check_id, {}) | {"average": "none"}
        own, old = (measure(check_id, seen(one, by=(("region",),)), **settings_) for one in (frame, swapped(frame)))
        apart = {a.name: a.estimate.value - b.estimate.value for a, b in zip(own.members, old.members, strict=True)}
        together = compare(check_id, seen(frame, by=(("region",),)), **settings_)
        assert [str(one) for one in apart] == [f"region={region}, class={one}" for one in (0, 1) for region in ("north", "south")]
        assert {one.name: one.estimate.value for one in together.members} == pytest.approx(apart, abs=1e-12)
        assert together.notes[0].startswith("average: none, each class against the rest")


def test_scores_by_hand() -> None:
    """Two of each class: the candidate ranks all four pairs rightly, the champion three; losses are means of -ln p."""
    frame = pd.DataFrame({"label": [1, 1, 0, 0], "score": [0.9, 0.6, 0.5, 0.1], "old_score": [0.9, 0.4, 0.5, 0.2]})
    assert value(compare("performance/roc_auc", seen(frame, **BINARY))) == pytest.approx(0.25)
    own = -(math.log(0.9) + math.log(0.6) + math.log(0.5) + math.log(0.9)) / 4
    old = -(math.log(0.9) + math.log(0.4) + math.log(0.5) + math.log(0.8)) / 4
    assert value(compare("performance/log_loss", seen(frame, **BINARY))) == pytest.approx(own - old)


def test_scores_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import log_loss, roc_auc_score

    frame = table(400, noise=1.0)
    area = roc_auc_score(frame["label"], frame["score"]) - roc_auc_score(frame["label"], frame["old_score"])
    loss = log_loss(frame["label"], frame["score"]) - log_loss(frame["label"], frame["old_score"])
    assert value(compare("performance/roc_auc", seen(frame, **BINARY))) == pytest.approx(area, abs=1e-12)
    assert value(compare("performance/log_loss", seen(frame, **BINARY))) == pytest.approx(loss, abs=1e-12)


@pytest.mark.parametrize("name", ["roc_auc", "average_precision"])
def test_a_mean_over_classes_is_compared_class_by_class(name: str) -> None:
    rng = np.random.default_rng(8)
    label, evidence = rng.integers(0, 3, 400), rng.normal(size=(400, 3))
    columns: dict[str, Any] = {}
    for prefix in ("new", "old"):
        raw = np.exp(evidence + rng.normal(size=(400, 3)) + 1.5 * np.eye(3)[label])
        columns |= {f"{prefix}_{one}": share for one, share in zip("abc", (raw / raw.sum(axis=1, keepdims=True)).T, strict=True)}
    frame = pd.DataFrame(columns).assign(label=np.array(list("abc"))[label])
    made = subject(frame, scores={one: f"new_{one}" for one in "abc"})
    old = subject(frame, scores={one: f"old_{one}" for one in "abc"})
    own = ComparatorColumns.model_validate({"scores": {one: f"old_{one}" for one in "abc"}})
    champion = Predictions(SavedComparator({"test": made.data}, own, made.classes))
    both = compare(f"performance/{name}", replace(made, comparator=champion, against="champion"), average="macro")
    apart = [value(measure(f"performance/{name}", one, average="macro")) for one in (made, old)]
    assert value(both) == pytest.approx(apart[0] - apart[1], abs=1e-12)
    low, high = both.members[0].estimate.bounds(0.025, 0.025)
    assert low < value(both) < high
    assert any("over all rows" in note and f"{apart[0]:.3f} by the candidate, {apart[1]:.3f}" in note for note in both.notes)


@pytest.mark.parametrize("check_id", COMPARING)
def test_the_difference_is_that_of_the_two_measured_alone(check_id: str) -> None:
    """In every slice, whatever the check."""
    frame = table(600, noise=1.0)
    own, old = (measure(check_id, seen(one, by=(("region",),), **BINARY), **SETTINGS.get(check_id, {})) for one in (frame, swapped(frame)))
    apart = {a.name: a.estimate.value - b.estimate.value for a, b in zip(own.members, old.members, strict=True)}
    together = compare(check_id, seen(frame, by=(("region",),), **BINARY))
    assert {one.name: one.estimate.value for one in together.members} == pytest.approx(apart, abs=1e-12)


@pytest.mark.parametrize("check_id", COMPARING)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_swapping_the_two_mirrors_the_members(check_id: str, seed: int) -> None:
    frame = table(200, seed, noise=1.0)
    one, other = (compare(check_id, seen(made, by=(("region",),), **BINARY)) for made in (frame, swapped(frame)))
    for a, b in zip(one.members, other.members, strict=True):
        assert a.estimate.value == pytest.approx(-b.estimate.value, abs=1e-12)
        low, high = a.estimate.bounds(0.025, 0.01)
        assert b.estimate.bounds(0.01, 0.025) == pytest.approx((-high, -low), abs=_apart(check_id))


def _apart(check_id: str) -> float:
    """Resampled ends mirror within the resample's own error."""
    name = check_id.rsplit("/", 1)[1]
    return 1e-9 if name in CLOSED else 0.04 if name in {"cohen_kappa", "fbeta", "matthews_correlation"} else 0.02


@pytest.mark.parametrize("check_id", COMPARING)
def test_a_champion_like_the_candidate(check_id: str) -> None:
    """The difference is exactly 0 and its interval honest: it neither vanishes nor passes any margin however small."""
    frame = table(400).assign(old=lambda one: one["prediction"], old_score=lambda one: one["score"])
    found = compare(check_id, seen(frame, **BINARY))
    assert value(found) == 0.0
    low, high = found.members[0].estimate.bounds(0.025, 0.025)
    assert low < 0 < high
    assert low == pytest.approx(-high, abs=_apart(check_id))
    assert "The candidate and the champion give the same answer in every row." in found.notes
    assert status(check_id, found, against="champion", margin=0.0) == "inconclusive"


@pytest.mark.parametrize("check_id", COMPARING)
def test_the_interval_decides_and_not_the_point(check_id: str) -> None:
    """Worse by a hair less than the margin: the point would pass, as unplugging the interval shows."""
    frame, better = table(300, noise=1.5), 1 if discover()[check_id].better == "higher" else -1
    found = max((compare(check_id, seen(one, **BINARY)) for one in (frame, swapped(frame))), key=lambda one: -better * value(one))
    margin = abs(value(found)) + 1e-6
    assert status(check_id, found, against="champion", margin=margin) == "inconclusive"
    assert status(check_id, unplugged(found), against="champion", margin=margin) == "pass"


@pytest.mark.parametrize("check_id", COMPARING)
def test_rows_of_one_person_widen_the_interval(check_id: str) -> None:
    frame = pd.concat([table(150, noise=1.5)] * 4, ignore_index=True)
    alone, together = (
        compare(check_id, seen(frame.assign(person=person), group="person", **BINARY)).members[0].estimate.bounds(0.025, 0.025)
        for person in (np.arange(600), np.tile(np.arange(150), 4))
    )
    assert together[1] - together[0] > 1.3 * (alone[1] - alone[0])


def test_a_margin_faces_the_side_that_is_worse() -> None:
    """Higher is better: at least minus the margin; lower is better: at most plus the margin."""
    asked = finding(ACCURACY, compare(ACCURACY, seen(EIGHT)), against="champion", margin=0.02).requirement
    assert bounds(asked, "higher") == (Bound(-0.02, floor=True),)
    assert bounds(asked, "lower") == (Bound(0.02, floor=False),)
    worse = table(2000, noise=0.2).assign(score=0.5)
    found = compare("performance/log_loss", seen(worse, **BINARY))
    assert value(found) > 0.1
    assert status("performance/log_loss", found, against="champion", margin=0.05) == "fail"
    assert (
        status("performance/log_loss", compare("performance/log_loss", seen(swapped(worse), **BINARY)), against="champion", margin=0.0)
        == "pass"
    )


def test_not_significantly_worse_is_no_pass() -> None:
    """Three lost and two gained of 60: McNemar sees nothing, and nothing is proved."""
    found = compare(ACCURACY, seen(cells(("y", "y", "y", 55), ("y", "n", "y", 3), ("y", "y", "n", 2))))
    made = finding(ACCURACY, found, against="champion", margin=0.01)
    assert made.status == "inconclusive"
    assert message(made).endswith("Seeing no difference from the champion proves nothing: the interval must lie within the margin.")
    assert any("exact p 1.000, mid-p 0.688" in note and "does not prove that there is none" in note for note in found.notes)
    assert question(made) == "Is it no worse than the champion, in accuracy?"


def test_too_few_rows_bar_a_pass() -> None:
    found = compare(ACCURACY, seen(cells(("y", "y", "y", 20)).assign(amount=[row / 8 for row in range(20)])))
    assert status(ACCURACY, found, against="champion", margin=0.5) == "inconclusive"
    assert status(ACCURACY, found, against="champion", margin=0.5, min_n=20) == "pass"


def test_the_worst_slice_decides() -> None:
    """As good in the north and worse in the south; the whole hides it."""
    north = cells(("y", "y", "y", 900)).assign(region="north")
    south = cells(("y", "y", "y", 80), ("y", "n", "y", 20)).assign(region="south")
    frame = pd.concat([north, south])
    whole = finding(ACCURACY, compare(ACCURACY, seen(frame)), against="champion", margin=0.05)
    split = finding(ACCURACY, compare(ACCURACY, seen(frame, by=(("region",),))), against="champion", margin=0.05)
    assert (whole.status, split.status) == ("pass", "fail")
    assert split.headline is not None
    assert str(split.headline.member) == "region=south"


def test_what_either_model_lacks_is_unmeasured() -> None:
    """The champion calls nothing y, so that it has no precision; a recall needs rows that are truly y."""
    frame = cells(("y", "y", "n", 40), ("n", "n", "n", 40)).assign(region="north")
    found = compare("performance/precision", seen(frame, positive="y"))
    assert [one.reason for one in found.unmeasured] == ["the champion: no row is predicted y: add rows to this slice"]
    calm = pd.concat([frame, cells(("n", "n", "n", 40)).assign(region="south")])
    recall = compare("performance/recall", seen(calm, by=(("region",),), positive="y"))
    assert [(str(one.name), one.reason) for one in recall.unmeasured] == [("region=south", "no row is truly y: add rows to this slice")]
    assert status("performance/recall", recall, against="champion", margin=0.9) == "inconclusive"


@pytest.mark.parametrize("slices", [1, 5])
def test_a_candidate_on_the_margin_seldom_passes(slices: int) -> None:
    """Truly worse by exactly the margin in one slice, by nothing in the others: at most 2.5 % pass."""
    rng, trials, n, margin = np.random.default_rng(5), 1000, 400, 0.03
    on_margin = rng.multinomial(n, [0.85, 0.03, 0.06, 0.06], trials)  # both right, gained, lost, both wrong
    good = rng.multinomial(4000, [0.9, 0.03, 0.01, 0.06], (trials, slices - 1)) if slices > 1 else np.zeros((trials, 0, 4), int)
    passed = 0
    for bad, others in zip(on_margin, good, strict=True):
        ends = [PairedDifference(*map(int, table_)).bounds(0.025, 0.5)[0] for table_ in (bad, *others)]
        passed += min(ends) >= -margin
    assert passed / trials <= most(0.025, trials)
    assert passed > 0  # a rule that passes nothing would meet any such limit


def test_churn_counts_every_row_once_and_the_table_holds_both_answers() -> None:
    frame = EIGHT.assign(region=["north", "south"] * 42 + ["north"])
    found = compare(ACCURACY, seen(frame, by=(("region",),)))
    (churn,) = found.figures
    assert isinstance(churn, Churn)
    assert churn.names == ("all rows", "region=north", "region=south")
    assert (churn.both_right[0], churn.gained[0], churn.lost[0], churn.both_wrong[0], churn.changed[0]) == (70, 11, 2, 2, 13)
    for counts in (churn.both_right, churn.gained, churn.lost, churn.both_wrong, churn.changed):
        assert counts[0] == counts[1] + counts[2]
    assert "Of 85 rows 11 are gained and 2 lost against the champion; the answer changes in 13, a churn of 15.3 %." in found.notes
    assert (found.table["rival_prediction"] == frame["old"].to_numpy()).all()
    assert (found.table["prediction"] == frame["prediction"].to_numpy()).all()


def test_both_wrong_in_another_way_is_churn_too() -> None:
    (churn,) = compare(ACCURACY, seen(cells(("a", "b", "c", 5), ("a", "a", "a", 5), ("b", "b", "b", 1), ("c", "c", "c", 1)))).figures
    assert isinstance(churn, Churn)
    assert (churn.gained[0], churn.lost[0], churn.changed[0]) == (0, 0, 5)


def test_examples_are_masked_and_name_what_was_said() -> None:
    frame = EIGHT.assign(text=[f"please call Ann Miller on 0151 4433{i:03d} now" for i in range(85)], id=[f"r{i}" for i in range(85)])
    found = compare(ACCURACY, seen(frame))
    assert [one.note.split(":")[0] for one in found.examples] == ["lost", "lost", "gained", "gained"]
    assert found.examples[0].row == "r46"
    assert found.examples[0].note == "lost: truly y; the champion says y, the candidate n"
    assert "".join(part.text for part in found.examples[0].parts) == "please call … on … now"


def test_examples_without_texts_say_what_their_columns_hold() -> None:
    frame = EIGHT.assign(age=range(85), desk=["a"] * 45 + ["b"] * 40)
    found = compare(ACCURACY, seen(frame))
    assert "".join(part.text for part in found.examples[0].parts).endswith("age: above the middle; desk: b")


def test_a_tiny_p_is_told_in_words() -> None:
    notes = compare(ACCURACY, seen(cells(("y", "y", "y", 55), ("y", "n", "y", 60)))).notes
    assert any("exact p below 0.000001, mid-p below 0.000001." in one for one in notes)


def test_with_entities_no_p_is_told() -> None:
    notes = compare(ACCURACY, seen(table(200, noise=1.5), group="person")).notes
    assert not any("exact p" in one for one in notes)
    assert any("rows of one entity move together" in one for one in notes)


def test_labels_are_compared_as_they_are_read() -> None:
    """1 and 1.0 and "1" are one class for both models."""
    frame = table(100)
    spelt = frame.assign(old=frame["old"].astype(float))
    assert canonical(1.0) == "1"
    assert value(compare(ACCURACY, seen(spelt))) == value(compare(ACCURACY, seen(frame)))


def test_nothing_to_compare_with_is_an_error() -> None:
    with pytest.raises(ValueError, match="no model to compare with"):
        compare(ACCURACY, replace(seen(EIGHT), comparator=None))
