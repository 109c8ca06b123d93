"""Associations of a base model's encoder, and the gap of a probe on it."""

from __future__ import annotations

from itertools import combinations
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from audit.candidates.predictions import Predictions
from audit.candidates.saved import SavedPredictions
from audit.catalog import discover
from audit.checks.fairness._association import ATTRIBUTES, TARGETS, Association, associate, embedded
from audit.errors import CannotMeasure
from audit.stats import Census, Difference, Proportion
from audit.subject import Subject
from tests.grouped import by_name
from tests.judged import status
from tests.support import dataset, measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from audit.evidence import Evidence
    from audit.finetune.base import Base

CHECK = "fairness/inherited_bias"
TEST = {
    "trades": {"targets": {"f": ["she", "her"], "m": ["he", "him"]}, "attributes": {"care": ["nurse", "home"], "craft": ["smith", "forge"]}}
}
PLANE = {
    "she": (1, 0),
    "her": (0.8, 0.6),
    "he": (0, 1),
    "him": (0.6, 0.8),
    "nurse": (1, 0),
    "home": (0.6, 0.8),
    "smith": (0, 1),
    "forge": (-0.6, 0.8),
}
"""Unit vectors whose products can be worked out by hand."""


def in_the_plane(texts: Sequence[str]) -> NDArray[np.float64]:
    """Words as points; lengths differ, which must not matter."""
    return np.array([PLANE[text] for text in texts], dtype=float) * 3.0


def asked(embed: Any = in_the_plane, **params: Any) -> Evidence:
    base = cast("Base", SimpleNamespace(embed_texts=embed))
    data = dataset(pd.DataFrame({"text": ["x"], "label": ["y"], "prediction": ["y"]}))
    made = Subject(data, Predictions(SavedPredictions({"test": data})), base=base)
    return measure(CHECK, made, **({"tests": TEST, "templates": ["{}"]} | params))


def test_a_worked_example() -> None:
    """s: she .8 - -.3 = 1.1, her .88 - .3 = .58, he .4 - .9 = -.5, him .8 - .54 = .26: d = .96 / .6697; 1 of 6 partitions."""
    found = asked()
    s = np.array([1.1, 0.58, -0.5, 0.26])
    d = (s[:2].mean() - s[2:].mean()) / s.std(ddof=1)
    assert d == pytest.approx(0.96 / 0.6697, abs=1e-3)
    (forth, back) = by_name(found).values()
    assert (forth, back) == pytest.approx((d, -d), abs=1e-9)
    assert isinstance(found.members[0].estimate, Census)
    assert (found.table["p"].tolist(), found.table["p_mirrored"].tolist()) == (pytest.approx([1 / 6]), pytest.approx([1.0]))
    assert not found.context, "a p is no rate of a group behind the gap, as the report calls what stands beside pairs"
    assert found.rows == 8
    assert "one-sided p 0.167 (all partitions)" in found.notes[1]


def direct(vectors: NDArray[np.float64], sizes: tuple[int, int, int]) -> tuple[float, float]:
    """The test as its paper writes it, word by word and partition by partition."""

    def cos(u: NDArray[np.float64], v: NDArray[np.float64]) -> float:
        return float(u @ v / np.sqrt((u @ u) * (v @ v)))

    x, y, a, b = np.split(vectors, np.cumsum(sizes))
    s = [np.mean([cos(w, one) for one in a]) - np.mean([cos(w, one) for one in b]) for w in (*x, *y)]
    effect = (np.mean(s[: len(x)]) - np.mean(s[len(x) :])) / np.std(s, ddof=1)
    seen = sum(s[: len(x)]) - sum(s[len(x) :])
    others = [2 * sum(s[i] for i in half) - sum(s) for half in combinations(range(len(s)), len(x))]
    return float(effect), len([one for one in others if one >= seen - 1e-9]) / len(others)


@given(st.integers(0, 10**6), st.integers(2, 5), st.integers(2, 5), st.integers(2, 6))
def test_agrees_with_a_direct_implementation(seed: int, first: int, second: int, third: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(first + second + 2 * third, 7))
    lists = np.split([f"w{i}" for i in range(len(vectors))], np.cumsum([first, second, third]))
    x, y, a, b = (tuple(str(word) for word in one) for one in lists)
    found = associate(Association("t", {"x": x, "y": y}, {"a": a, "b": b}), vectors, np.random.default_rng(0))
    assert found is not None
    assert (found.effect, found.p) == pytest.approx(direct(vectors, (first, second, third)), abs=1e-9)
    assert found.p + found.p_mirrored > 1
    swapped = associate(
        Association("t", {"y": y, "x": x}, {"a": a, "b": b}),
        vectors[[*range(first, first + second), *range(first), *range(first + second, len(vectors))]],
        np.random.default_rng(0),
    )
    assert swapped is not None
    assert swapped.effect == pytest.approx(-found.effect, abs=1e-9)
    assert swapped.p == pytest.approx(found.p_mirrored)


def test_drawn_partitions_agree_with_all() -> None:
    """Ten words against ten are drawn 100,000 times: within four Monte-Carlo errors of the 184,756 there are; never 0."""
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(28, 6))
    vectors[:10] += 0.4 * vectors[20:24].mean(axis=0)
    lists = [tuple(f"{name}{i}" for i in range(size)) for name, size in (("x", 10), ("y", 10), ("a", 4), ("b", 4))]
    found = associate(Association("t", {"x": lists[0], "y": lists[1]}, {"a": lists[2], "b": lists[3]}), vectors, rng)
    assert found is not None
    assert not found.exact
    p = direct(vectors, (10, 10, 4))[1]
    assert abs(found.p - p) < 4 * np.sqrt(p * (1 - p) / 100_000) + 1e-5


def test_equal_words_give_no_effect_more_often_than_p_says() -> None:
    """Words drawn alike: p at most .05 in about one test in twenty."""
    rng = np.random.default_rng(4)
    words = [tuple(f"{name}{i}" for i in range(5)) for name in "xyab"]
    test = Association("t", {"x": words[0], "y": words[1]}, {"a": words[2], "b": words[3]})
    small = [found.p <= 0.05 for _ in range(400) if (found := associate(test, rng.normal(size=(20, 8)), rng))]
    assert np.mean(small) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_sentences_of_a_word_are_averaged() -> None:
    """Each of length 1 first, so that a long sentence counts no more."""
    vectors = {"a x": [2.0, 0.0], "b x": [0.0, 8.0], "a y": [0.0, 1.0], "b y": [0.0, 3.0]}
    found = embedded(lambda texts: np.array([vectors[text] for text in texts]), ["x", "y"], ["a {}", "b {}"])
    np.testing.assert_allclose(found, [[0.5, 0.5], [0.0, 1.0]])


def test_words_that_the_model_does_not_know_are_unmeasured() -> None:
    """Two words with one vector: nothing can be said, and nothing passes."""
    found = asked(lambda texts: in_the_plane(["she" if text == "he" else text for text in texts]))
    assert not found.members
    assert "does not know them" in found.unmeasured[0].reason
    assert status(CHECK, found, max=1.9) != "pass"


def test_both_directions_are_judged_and_the_census_says_so() -> None:
    """An association the other way round fails as well; a census is its value, plugged or not."""
    mirrored = {"trades": {"targets": {"m": ["he", "him"], "f": ["she", "her"]}, "attributes": TEST["trades"]["attributes"]}}
    assert [status(CHECK, asked(), max=bound) for bound in (1.5, 1.0)] == ["pass", "fail"]
    assert [status(CHECK, asked(tests=mirrored), max=bound) for bound in (1.5, 1.0)] == ["pass", "fail"]
    assert all(one.estimate.method == "census" for one in asked().members)


def probed(women: tuple[int, int], men: tuple[int, int], **more: Any) -> Evidence:
    """The probe gives the class to so many of so many; the tuned model to nobody."""
    rows = [("f", i < women[0]) for i in range(women[1])] + [("m", i < men[0]) for i in range(men[1])]
    frame = pd.DataFrame(rows, columns=["gender", "given"]).assign(
        label=lambda one: np.where(one["given"], "y", "n"), prediction="n", text="x"
    )
    now, before = (dataset(one, positive="y") for one in (frame, frame.assign(prediction=frame["label"])))

    class Probe(SavedPredictions):
        def predict(self, _data: Any) -> Any:
            return super().predict(before)

    base = cast("Base", SimpleNamespace(probe=Predictions(Probe({"test": before}))))
    made = Subject(now, Predictions(SavedPredictions({"test": now})), by=(("gender",),), base=base)
    return measure(CHECK, made, judged="gap", **more)


def test_the_gap_of_the_probe() -> None:
    """The figures of the demographic parity difference, of the base in place of the candidate; the interval decides."""
    found = probed((56, 70), (48, 80))
    assert found.members[0].estimate == Difference(Proportion(56, 70), Proportion(48, 80))
    assert found.members[0].estimate.bounds(0.025, 0.025) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert found.rows == 150
    assert [status(CHECK, found, max=bound) for bound in (0.4, 0.25, 0.15, 0.01)] == ["pass", "inconclusive", "inconclusive", "fail"]
    assert [status(CHECK, unplugged(found), max=bound) for bound in (0.25, 0.15)] == ["pass", "fail"]


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"tests": {"t": {"targets": {"a": ["x", "y"]}, "attributes": {"b": ["u", "v"], "c": ["w", "z"]}}}}, "two lists"),
        ({"tests": {"t": {"targets": {"a": ["x"], "b": ["y"]}, "attributes": {"b": ["u", "v"], "c": ["w", "z"]}}}}, "at least two words"),
        ({"tests": {"t": {"targets": {"a": ["x", "y"], "b": ["x", "z"]}, "attributes": {"b": ["u", "v"], "c": ["w", "z"]}}}}, "'x' twice"),
        ({"templates": ["This is a word."]}, "where the word stands"),
        ({"published": []}, "name at least one test"),
        ({"published": ["weat99"]}, "Input should be"),
    ],
)
def test_refused_parameters(params: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        discover()[CHECK].params.model_validate(params)


def test_refused_candidates() -> None:
    with pytest.raises(CannotMeasure, match="not fine-tuned here"):
        measure(CHECK, subject(pd.DataFrame({"text": ["x"], "label": ["y"], "prediction": ["y"]})))


def test_the_published_lists_are_whole() -> None:
    """Eight words a list, eighteen names each in the fifth; no word twice in one test's targets or attributes."""
    for name, targets in TARGETS.items():
        Association(name, targets, ATTRIBUTES[name])
        assert {len(words) for words in targets.values()} == {18 if name == "weat5" else 8}
        assert {len(words) for words in ATTRIBUTES[name].values()} == {8}
