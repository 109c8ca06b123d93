"""Nothing that came from data moves the cursor."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import InputError, Mistake, PolicyError
from audit.terminal import error_lines, neutral


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Größe ≥ 5 µm, 日本語", "Größe ≥ 5 µm, 日本語"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("two\nlines\r", "two\\nlines\\r"),
        ("\x9b2J", "\\x9b2J"),
        ("abc\u202ecba", "abc\\u202ecba"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("\ud800", "\\ud800"),
    ],
)
def test_control_characters_are_spelt_out(text: str, shown: str) -> None:
    assert neutral(text) == shown


@given(st.text())
def test_whatever_is_said_stays_on_its_line(text: str) -> None:
    shown = neutral(text)
    assert len(shown.splitlines()) <= 1
    assert all(unicodedata.category(letter)[0] != "C" for letter in shown)
    assert neutral(shown) == shown


def test_a_mistake_is_one_line_whatever_it_quotes() -> None:
    error = PolicyError((Mistake("a.yaml", 2, 1, "second"), Mistake("a.yaml", 1, 1, "first\nb.yaml:9:9: forged")))
    assert error_lines(error) == ["a.yaml:1:1: first\\nb.yaml:9:9: forged", "a.yaml:2:1: second"]


def test_other_errors_keep_their_lines() -> None:
    assert error_lines(InputError("one\ntwo\x07")) == ["one", "two\\x07"]
