"""Texts are scored once, now and in later runs, and nothing that was changed on disk is believed."""

from __future__ import annotations

import logging
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest

from audit.candidates import memory
from audit.candidates.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray


class Lengths:
    """A model that gives a text's length and vowels, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
        self.asked += texts
        return np.array([[len(text), sum(text.count(vowel) for vowel in "aeiou")] for text in texts], dtype=float).reshape(len(texts), 2)


TEXTS = ["a fee", "hurry", "a fee", "", "schön \ud800"]
EXPECTED = [[5, 3], [5, 1], [5, 3], [0, 0], [7, 0]]


@pytest.mark.parametrize("kept", [False, True])
def test_each_text_once(tmp_path: Path, *, kept: bool) -> None:
    """Repeats within a call and between calls are not computed again, and every answer stands at its text."""
    model, seen = Lengths(), Memory(tmp_path / "m.sqlite" if kept else None)
    assert seen.recall("scores", TEXTS, model).tolist() == EXPECTED
    assert seen.recall("scores", [*TEXTS[::-1], "new"], model).tolist() == [*EXPECTED[::-1], [3, 1]]
    assert model.asked == ["a fee", "hurry", "", "schön \ud800", "new"]
    assert seen.recall("scores", [], model).shape == (0, 2)


def test_a_later_run_asks_nothing(tmp_path: Path) -> None:
    """Kinds are kept apart."""
    Memory(tmp_path / "m.sqlite").recall("scores", TEXTS, Lengths())
    model, later = Lengths(), Memory(tmp_path / "m.sqlite")
    assert later.recall("scores", TEXTS, model).tolist() == EXPECTED
    assert model.asked == []
    later.recall("embeddings", TEXTS[:1], model)
    assert model.asked == ["a fee"]


def test_a_changed_entry_is_computed_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One altered vector is noticed; the others stand."""
    path = tmp_path / "m.sqlite"
    Memory(path).recall("scores", TEXTS, Lengths())
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE vectors SET vector = ? WHERE vector = ?", (np.array([9.0, 9.0]).tobytes(), np.array([5.0, 1.0]).tobytes()))
    model = Lengths()
    with caplog.at_level(logging.WARNING):
        assert Memory(path).recall("scores", TEXTS, model).tolist() == EXPECTED
    assert model.asked == ["hurry"]
    assert "1 entries were changed since they were written" in caplog.text


def test_the_file_of_another_model_is_computed_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file copied over another holds what another model said."""
    path = tmp_path / "m.sqlite"
    Memory(path).recall("scores", TEXTS, Lengths())
    path.rename(tmp_path / "other.sqlite")
    with caplog.at_level(logging.WARNING):
        assert Memory(tmp_path / "other.sqlite")._load("scores") == {}
    assert "entries were changed since they were written" in caplog.text


def test_a_file_that_is_no_database(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is replaced, with a warning."""
    path = tmp_path / "m.sqlite"
    path.write_bytes(b"no database at all" * 100)
    with caplog.at_level(logging.WARNING):
        assert Memory(path).recall("scores", TEXTS, Lengths()).tolist() == EXPECTED
    assert "cannot be read" in caplog.text
    model = Lengths()
    Memory(path).recall("scores", TEXTS, model)
    assert model.asked == []


def test_a_place_that_cannot_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The answers come all the same."""
    (tmp_path / "file").write_text("")
    with caplog.at_level(logging.WARNING):
        assert Memory(tmp_path / "file" / "m.sqlite").recall("scores", TEXTS, Lengths()).tolist() == EXPECTED
    assert "cannot be written" in caplog.text


def test_an_interrupted_call_keeps_its_finished_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was computed before the interruption is there afterwards."""
    monkeypatch.setattr(memory, "_BLOCK", 2)

    def fails(texts: Sequence[str]) -> NDArray[np.float64]:
        if "e" in texts:
            raise KeyboardInterrupt
        return np.zeros((len(texts), 1))

    with pytest.raises(KeyboardInterrupt):
        Memory(tmp_path / "m.sqlite").recall("scores", list("abcdef"), fails)
    model = Lengths()
    Memory(tmp_path / "m.sqlite").recall("scores", list("ef"), model)
    assert len(Memory(tmp_path / "m.sqlite")._load("scores")) == 6


def test_threads_share_one_memory(tmp_path: Path) -> None:
    """Answers never mix."""
    seen = Memory(tmp_path / "m.sqlite")
    texts = ["a" * length for length in range(60)]
    with ThreadPoolExecutor(4) as pool:
        for start, found in enumerate(pool.map(lambda start: seen.recall("scores", texts[start:], Lengths()), range(20))):
            assert found[:, 0].tolist() == list(range(start, 60))
