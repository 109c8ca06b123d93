from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.candidates.capabilities import Embeddings, Labels, find
from audit.catalog import discover
from audit.checks.fairness._slice_discovery.holdout import Q, p_value
from audit.errors import CannotMeasure
from audit.evidence import Slice
from audit.stats import Difference, Proportion
from tests.judged import status
from tests.support import measure, subject
from tests.unplugged import unplugged
from tests.weak_slices import CHECK, COLUMNS, figure, fourfold, halves, named, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from audit.candidates.capabilities import C
    from audit.evidence import Evidence


def messages(n: int, seed: int) -> pd.DataFrame:
    """Texts of everyday words; wrong in a tenth of them, and in half of those that hold `refund`."""
    rng = np.random.default_rng(seed)
    known = [chr(97 + i) * 3 for i in range(20)]
    text = [" ".join(rng.choice(known, rng.integers(3, 9))) + (" refund" if rng.random() < 0.15 else "") for _ in range(n)]
    label = rng.integers(0, 2, n)
    wrong = rng.random(n) < np.where(["refund" in one for one in text], 0.5, 0.1)
    return pd.DataFrame({"text": text, "label": label, "prediction": np.where(wrong, 1 - label, label)})


def test_a_worked_example() -> None:
    """Region n is always wrong, every other row right: on the judging half the gap is 1, whoever is in it."""
    frame = pd.DataFrame({"region": ["n", "s", "e", "w"] * 100, "label": 1})
    frame["prediction"] = np.where(frame["region"] == "n", 0, 1)
    found = measure(CHECK, subject(frame, sensitive=["region"]))  # a group tells no case from another, so that rows are no copies
    first = found.members[0]
    assert (str(first.name), first.estimate.value, first.estimate.n) == ("region=n", 1.0, 200)
    assert named(found) == ["region=n"]
    assert figure(found).wrong[0] == figure(found).rows[0]
    assert figure(found).rest_wrong[0] == 0
    assert (found.examples[0].parts[0].text, found.examples[0].note) == ("truly 1, the candidate says 0", "region=n")


def test_the_planted_slice_is_found_and_named_with_its_gap() -> None:
    found = measure(CHECK, subject(table(4000, 0)))
    (weak,) = named(found)
    assert weak.startswith(("region=n, age=above", "age=above"))
    assert figure(found).lower[0] > 0.15
    assert status(CHECK, found, max=0.1) == "fail"
    assert any(note.startswith(f"Weak: {weak}. Wrong in ") for note in found.notes)


def test_missing_cells_are_a_slice() -> None:
    place = np.arange(800)
    town = pd.Series(["x" if row % 4 else None for row in place], dtype=object)
    frame = table(800, 0, weak=0.1).assign(town=town, grade=np.where(place % 5, 1.5, np.nan))
    frame.loc[frame["town"].isna(), "prediction"] = 1 - frame["label"]
    found = measure(CHECK, subject(frame))
    assert found.members[0].name == Slice((("town", None),))
    assert named(found)[0] == "town=null"


def test_gaps_are_differences_of_scikit_learns_accuracies_on_the_judging_half() -> None:
    from sklearn.metrics import accuracy_score

    frame = table(2000, 1)
    found = measure(CHECK, subject(frame))
    judged, right = halves(found)
    assert judged.sum() == 1000
    assert (right == (frame["label"] == frame["prediction"])).all()
    for number, member in enumerate(found.members, start=1):
        rows = np.asarray(found.table[f"slice {number}"], dtype=bool)
        inside, rest = (frame[judged & part] for part in (rows, ~rows))
        gap = accuracy_score(rest["label"], rest["prediction"]) - accuracy_score(inside["label"], inside["prediction"])
        assert member.estimate.value == pytest.approx(gap, abs=1e-9)


def test_names_say_which_rows_they_mean() -> None:
    frame = table(3000, 2)
    found = measure(CHECK, subject(frame))
    for number, member in enumerate(found.members, start=1):
        assert isinstance(member.name, Slice)
        meant = np.ones(len(frame), dtype=bool)
        for column, said in member.name.items:
            cells, words = frame[column], str(said).split()
            if column != "age":
                meant &= (cells == said).to_numpy()
                continue
            low = float(words[1]) if words[0] == "above" else -np.inf
            high = float(words[-1]) if "to" in words else np.inf
            meant &= ((cells > low) & (cells <= high)).to_numpy()
        assert (np.asarray(found.table[f"slice {number}"]) == meant).all()


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000))
def test_names_of_values_and_order_of_columns_are_of_no_account(seed: int) -> None:
    frame = table(800, seed, weak=0.4)
    renamed = frame["region"].map(dict(zip("nsew", "ABCD", strict=True)))
    turned = frame[["plan", "prediction", "age", "label", "region"]].assign(region=renamed)
    ours, theirs = measure(CHECK, subject(frame)), measure(CHECK, subject(turned))
    if ours.members[0].estimate != theirs.members[0].estimate:  # two slices are equally bad in the searched half: the first column's counts
        assert searched(ours) == searched(theirs)


def searched(found: Evidence) -> tuple[int, int]:
    """Rows of the first slice in the searched half, and those that are wrong."""
    rows = found.table["slice 1"] & (found.table["half"] == "searched")
    return int(rows.sum()), int((rows & ~found.table["right"]).sum())


def test_of_two_slices_that_are_equally_bad_the_first_columns_is_taken() -> None:
    """The seed gives two such slices, and the order of the columns decides between them."""
    frame = table(800, 2865, weak=0.4)
    turned = frame[["plan", "prediction", "age", "label", "region"]]
    ours, theirs = measure(CHECK, subject(frame)), measure(CHECK, subject(turned))
    assert (str(ours.members[0].name), str(theirs.members[0].name)) == ("region=n, age=above 48", "plan=b, region=n")
    assert searched(ours) == searched(theirs)


def test_the_same_seed_finds_the_same_and_another_draws_other_halves() -> None:
    frame = table(1000, 3)
    first, again, other = (measure(CHECK, subject(frame), seed=seed) for seed in (1, 1, 2))
    assert first.members == again.members
    assert first.notes == again.notes
    assert (first.table["half"] != other.table["half"]).any()


def test_a_model_that_is_always_right_passes() -> None:
    """The largest slices stand in for weak ones: a gap of 0, and an interval."""
    found = measure(CHECK, subject(table(4000, 4, weak=0.0, usual=0.0)))
    assert [member.estimate.value for member in found.members] == [0.0] * len(found.members)
    assert named(found) == []
    assert "No slice is named" in found.notes[1]
    assert (status(CHECK, found, max=0.1), status(CHECK, found, max=0.0)) == ("pass", "inconclusive")


def test_a_word_that_many_texts_hold_is_found_and_its_examples_are_masked() -> None:
    found = measure(CHECK, subject(messages(2500, 0)))
    assert named(found) == ["text (holds the word)=refund"]
    assert "Clusters of texts were not looked at" in found.notes[-1]
    frame = messages(2500, 0).assign(text=lambda it: it["text"] + " Erika")
    shown = measure(CHECK, subject(frame)).examples
    assert shown
    assert all("Erika" not in part.text for example in shown for part in example.parts)


class Embedder:
    """A candidate that keeps the labels of a table and embeds texts by their first word."""

    def __init__(self, behind: object) -> None:
        self.behind = behind

    def __getattr__(self, name: str) -> object:
        return getattr(self.behind, name)

    def get(self, capability: type[C]) -> C | None:
        return find((Labels(), Embeddings(self.embed)), capability)

    def embed(self, said: Sequence[str]) -> NDArray[np.float64]:
        return np.array([np.eye(3)["abc".index(text[0])] for text in said])


def test_a_neighbourhood_of_the_embedding_is_found() -> None:
    rng = np.random.default_rng(0)
    first = rng.choice(list("abc"), 1500)
    frame = pd.DataFrame({"text": [f"{one}{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}" for i, one in enumerate(first)], "label": 1})
    frame["prediction"] = np.where(rng.random(1500) < np.where(first == "b", 0.5, 0.1), 0, 1)
    seen = subject(frame)
    seen.predicted.candidate = Embedder(seen.candidate)  # type: ignore[assignment]  # a wrapped model
    found = measure(CHECK, seen, clusters=3)
    (weak,) = named(found)
    assert weak.startswith("text (cluster among 3)=")
    assert (np.asarray(found.table["slice 1"]) == (first == "b")).all()


def test_rows_of_one_entity_stay_in_one_half_and_widen_the_interval() -> None:
    found = measure(CHECK, subject(fourfold(6), group="who", features=COLUMNS))
    judged, _ = halves(found)
    assert all(len(set(judged[i : i + 4])) == 1 for i in range(0, 2000, 4))
    estimate = found.members[0].estimate
    assert isinstance(estimate, Difference)
    assert estimate.second.entities == estimate.second.n / 4
    assert estimate.second.design_effect == pytest.approx(4, rel=0.05)
    assert "of at least 32 entities each" in found.notes[0]


def test_copies_of_rows_name_no_slice_where_it_is_said_whose_they_are() -> None:
    """Every row stands there four times. Taken as independent they name slices in most runs, as entities hardly ever."""
    runs = {
        group: sum(bool(named(measure(CHECK, subject(fourfold(seed), group=group, features=COLUMNS), seed=seed))) for seed in range(20))
        for group in ("who", None)
    }
    assert runs["who"] <= 3
    assert runs[None] >= 10


def test_its_interval_decides() -> None:
    found = measure(CHECK, subject(table(1200, 7, weak=0.1)))
    worst = max(member.estimate.value for member in found.members)
    assert status(CHECK, found, max=worst + 0.001) == "inconclusive"
    assert status(CHECK, unplugged(found), max=worst + 0.001) == "pass"


@pytest.mark.parametrize(
    ("rest", "inside"), [((450, 500), (60, 100)), ((900, 1000), (30, 40)), ((480, 500), (35, 40)), ((700, 1000), (61, 100))]
)
def test_the_p_value_is_the_level_at_which_the_interval_reaches_zero(rest: tuple[int, int], inside: tuple[int, int]) -> None:
    gap = Difference(Proportion(*rest), Proportion(*inside))
    p = p_value(gap)
    assert gap.bounds(p * 1.0001, 0.5)[0] >= 0
    assert p_value(Difference(gap.second, gap.first)) == 1.0


def test_named_slices_have_intervals_above_zero() -> None:
    for seed in range(20):
        drawn = figure(measure(CHECK, subject(table(1500, seed, weak=0.3))))
        assert all(low > 0 for low, yes in zip(drawn.lower, drawn.named, strict=True) if yes)


def test_on_a_model_without_weak_slices_few_runs_name_one() -> None:
    """Sixty runs at q = .05: seven or more would come once in fifty times even if it erred at its level."""
    runs = sum(bool(named(measure(CHECK, subject(table(600, seed, weak=0.1)), seed=seed))) for seed in range(60))
    assert Q == 0.05
    assert runs <= 6


@pytest.mark.parametrize(
    ("frame", "params", "said"),
    [
        (table(60, 0), {}, "nothing splits its 60 rows into slices of at least 32 in each half: add rows"),
        (table(400, 0)[["label", "prediction"]], {}, "nothing splits"),
        (table(0, 0), {}, "nothing splits its 0 rows"),
        (messages(400, 0).assign(text=""), {}, "nothing splits"),
        (table(400, 0), {"columns": ["town"]}, "no column 'town'"),
        (table(400, 0), {"clusters": 5}, "clusters are made of texts"),
        (messages(400, 0), {"clusters": 5}, "texts"),
        (table(400, 0).drop(columns="label"), {}, "no label column"),
    ],
)
def test_what_cannot_be_measured_is_said(frame: pd.DataFrame, params: dict[str, Any], said: str) -> None:
    with pytest.raises(CannotMeasure, match=said):
        measure(CHECK, subject(frame), **params)


def test_a_single_entity_cannot_be_halved() -> None:
    with pytest.raises(CannotMeasure, match="nothing splits its 400 rows into slices of at least 32 entities in each half"):
        measure(CHECK, subject(messages(400, 0).assign(who="one"), group="who"))


@pytest.mark.parametrize("params", [{"k": 0}, {"min_rows": 3}, {"depth": 3}])
def test_wrong_parameters_are_refused(params: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(params))):
        discover()[CHECK].params.model_validate(params)
