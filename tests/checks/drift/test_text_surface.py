"""Length, letters, vocabulary and language of the texts of two windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from audit.checks.drift._language import UNKNOWN, language
from audit.evidence import Intervals
from audit.stats import Difference, Proportion
from audit.testing import assert_complete, assert_crash_blocks, assert_refused
from tests.judged import status
from tests.support import measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from audit.evidence import Evidence
    from audit.subject import Subject

CHECK = "drift/text_surface"
ENGLISH = "my parcel has not arrived and nobody answers the phone"
GERMAN = "mein paket ist nicht angekommen und niemand geht ans telefon"
LANGUAGES = {
    ENGLISH: "english",
    GERMAN: "german",
    "je n'ai toujours pas reçu mon colis et personne ne répond au téléphone": "french",
    "todavía no ha llegado mi paquete y nadie contesta el teléfono": "spanish",
    "il mio pacco non è ancora arrivato e nessuno risponde al telefono": "italian",
    "a minha encomenda ainda não chegou e ninguém atende o telefone": "portuguese",
    "mijn pakket is nog niet aangekomen en niemand neemt de telefoon op": "dutch",
    "моя посылка ещё не пришла": "cyrillic",
    "το δέμα μου δεν έχει φτάσει": "greek",
    "我的包裹还没有到我很着急": "han",
    "12345 !!": UNKNOWN,
}


def windows(before: list[str], now: list[str], **roles: Any) -> Subject:
    frames = [pd.DataFrame({"text": texts, "prediction": "a"}) for texts in (before, now)]
    return subject(frames[1], reference=frames[0], **roles)


def surface(before: list[str], now: list[str], seed: int = 0) -> Evidence:
    return measure(CHECK, windows(before, now), seed)


def values(found: Evidence) -> dict[str, float]:
    return {str(member.name).removeprefix("column=text "): member.estimate.value for member in found.members}


def test_a_worked_example() -> None:
    """Every text is the same before. Now one in four has four unseen words of nine and is longer; its language stays."""
    short, long = "the parcel has not arrived", "the parcel has not arrived because drivers were striking"
    before, now = [short] * 40, [short] * 30 + [long] * 10
    found = surface(before, now)
    words = 10 * 4 / (30 * 5 + 10 * 9)
    assert values(found) == pytest.approx(
        {"(words)": 0.25, "(characters)": 0.25, "(share of letters)": 0.25, "(unseen words)": words, "(other language)": 0.0}
    )
    estimate = found.members[3].estimate
    assert isinstance(estimate, Difference)
    assert (estimate.first.hits, estimate.first.n, estimate.first.entities) == (40, 240, 40)
    assert (estimate.second.hits, estimate.second.n) == (0, 20 * 5)


@pytest.mark.parametrize("text", LANGUAGES)
def test_the_heuristic_tells_plain_sentences(text: str) -> None:
    assert language(text) == LANGUAGES[text]


@settings(deadline=None, max_examples=30)
@given(st.text(max_size=60))
def test_the_heuristic_answers_any_text_whatever_its_case(text: str) -> None:
    assert isinstance(language(text), str)
    if text.upper().lower() == text.lower():
        assert language(text.upper()) == language(text)


def test_another_language_is_drift_and_said_to_be_a_guess() -> None:
    found = surface([ENGLISH] * 90 + [GERMAN] * 10, [ENGLISH] * 60 + [GERMAN] * 40)
    assert found.members[4].estimate == Difference(Proportion(40, 100), Proportion(10, 100))
    (note,) = [note for note in found.notes if "heuristic" in note]
    assert "most texts of reference are english; others in test: german 40.0%." in note
    assert status(CHECK, found, max=0.1) == "fail"


def test_lengths_agree_with_scipy() -> None:
    rng = np.random.default_rng(0)
    before, now = (["word " * int(k) for k in rng.integers(1, high, 100)] for high in (9, 14))
    expected = ks_2samp([len(text.split()) for text in before], [len(text.split()) for text in now], method="asymp").statistic
    assert values(surface(before, now))["(words)"] == pytest.approx(expected)


def test_rare_words_that_are_new_anyway_are_not_called_drift() -> None:
    """A tenth of the words occurs once only: half of the reference lacks those of the other half too, so the rise is near 0."""
    rng = np.random.default_rng(1)

    def window(first: int) -> list[str]:
        return [" ".join(f"name{first + 9 * i + j}x" if rng.random() < 0.1 else "word" for j in range(9)) for i in range(400)]

    found = surface(window(0), window(100_000))
    assert abs(values(found)["(unseen words)"]) < 0.03
    low, high = found.members[3].estimate.bounds(0.025, 0.025)
    assert low < 0 < high


def words_of(found: Evidence) -> dict[str, tuple[float, float]]:
    """Shares of texts before and now of the words that a figure names."""
    figures = [one for one in found.figures if isinstance(one, Intervals)]
    pairs = [(name, points) for one in figures for name, points in zip(one.names, one.points, strict=True)]
    return {name: (before.value, now.value) for name, (before, now) in pairs if before is not None and now is not None}


def test_words_that_moved_are_named_with_their_shares() -> None:
    """By the evidence that they moved; a word of few texts, a name and a number never."""
    before = [f"case {i} my parcel is late" for i in range(200)]
    now = [f"case {i} the courier is late{' says Zelda' if i % 2 else ''}" for i in range(190)]
    now += [f"case {i} my parcel is late sesame" for i in range(9)]
    found = surface(before, now)
    shares = words_of(found)
    assert set(shares) == {"courier", "the", "my", "parcel", "says"}
    assert list(shares)[-1] == "says"
    assert shares["courier"] == pytest.approx((0.0, 190 / 199))
    assert shares["parcel"] == pytest.approx((1.0, 9 / 199))
    assert any(note.startswith("5 of 8 common words moved beyond chance") for note in found.notes), found.notes


def test_without_drift_no_word_is_named() -> None:
    rng = np.random.default_rng(4)
    words = [f"word{'abcdefghijklmnopqrst'[i]}" for i in range(20)]
    texts = [" ".join(rng.choice(words, 6)) for _ in range(600)]
    found = surface(texts[:300], texts[300:])
    assert words_of(found) == {}
    assert "No word of 20 common ones moved beyond chance (two proportions, Holm)." in found.notes


def test_the_words_of_one_who_writes_often_are_not_named() -> None:
    """Ten texts of one entity show nothing of them."""
    frames = [pd.DataFrame({"text": texts, "prediction": "a", "who": who}) for texts, who in (
        ([f"plain text {i}" for i in range(60)], [f"p{i}" for i in range(60)]),
        ([f"secretword {i}" for i in range(40)] + [f"plain text {i}" for i in range(20)], ["one"] * 40 + [f"q{i}" for i in range(20)]),
    )]  # fmt: skip
    found = measure(CHECK, subject(frames[1], reference=frames[0], group="who"), 0)
    assert "secretword" not in words_of(found)


def test_the_interval_decides() -> None:
    rng = np.random.default_rng(2)
    before, now = ([f"{ENGLISH} {'please ' * int(k)}" for k in rng.integers(0, 4, 80)] for _ in range(2))
    found = surface(before, now)
    bound = max(values(found).values())
    assert status(CHECK, found, max=bound) == "inconclusive"
    assert status(CHECK, unplugged(found), max=bound) == "pass"
    assert status(CHECK, surface(before * 60, before * 60), max=0.1) == "pass"


def test_windows_without_words_bar_a_pass() -> None:
    found = surface([ENGLISH] * 200, ["!!"] * 200)
    assert [str(one.name) for one in found.unmeasured] == ["column=text (unseen words)"]
    assert status(CHECK, surface(["!!"] * 200, ["!!"] * 200), max=0.9) == "inconclusive"


def test_it_behaves() -> None:
    """Which half of the reference is the vocabulary is drawn by the seed, and equal seeds give equal evidence."""
    texts = [f"{ENGLISH} {'again ' * (i % 5)}" for i in range(60)]
    assert_complete(CHECK, windows(texts, texts[::-1]))
    assert_crash_blocks(CHECK, windows(texts, texts[::-1]))
    assert surface(texts, texts[::-1], seed=3) == surface(texts, texts[::-1], seed=3)


def test_what_cannot_be_measured_is_refused() -> None:
    assert_refused(CHECK, windows(["one text"], ["another", "text"]), because="needs two texts")
    frame = pd.DataFrame({"x": [1.0, 2.0], "prediction": "a"})
    assert_refused(CHECK, subject(frame, reference=frame), because="no text column")
    assert_refused(CHECK, subject(frame), because="under `reference`")
