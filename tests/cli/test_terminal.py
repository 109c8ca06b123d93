"""Nothing that came from data moves the cursor."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.cli.base import paint
from audit.cli.exit_codes import USAGE, ci_commands_spelt_out, guarded
from audit.cli.summary import Line
from audit.errors import AuditError, InputError, Mistake, PolicyError
from audit.formatting import neutral


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


def printed(error: AuditError, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Lines on standard error of a command that ends with this error."""

    def work() -> int:
        raise error

    assert guarded(work) == USAGE
    return capsys.readouterr().err.splitlines()


def test_a_mistake_is_one_line_whatever_it_quotes(capsys: pytest.CaptureFixture[str]) -> None:
    error = PolicyError((Mistake("a.yaml", 2, 1, "second"), Mistake("a.yaml", 1, 1, "first\nb.yaml:9:9: forged")))
    assert printed(error, capsys) == ["a.yaml:1:1: first\\nb.yaml:9:9: forged", "a.yaml:2:1: second"]


def test_each_message_of_an_error_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Line breaks inside a message come from a cell, a header or a file's name."""
    assert printed(InputError("cell 'a\n::error::b'", "two\x07"), capsys) == ["cell 'a\\n::error::b'", "two\\x07"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::error file=a::b", "\\x3a:error file=a::b"),
        ("  ::set-output name=a::b", "  \\x3a:set-output name=a::b"),
        ("a ##[error]b", "a \\x23#[error]b"),
        ("a ##vso[task.complete]", "a \\x23#vso[task.complete]"),
        ("##teamcity[buildStop]", "\\x23#teamcity[buildStop]"),
        ("a::b ## c", "a::b ## c"),
    ],
)
def test_commands_to_a_ci_system_are_spelt_out(text: str, shown: str) -> None:
    assert neutral(text) == shown


def test_what_libraries_print_holds_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    with ci_commands_spelt_out():
        sys.stdout.write("fine\n::error::a\n")
        sys.stderr.writelines(["::warning::b\n"])
    assert capsys.readouterr() == ("fine\n\\x3a:error::a\n", "\\x3a:warning::b\n")


@pytest.mark.parametrize("columns", ["0", "1"])
def test_a_terminal_without_width_shows_results_all_the_same(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    paint([Line("a result")])
    assert capsys.readouterr().out == "a result\n"
