"""Text from outside cannot act: not as markup, not as style, not on a terminal, not by turning round."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from audit.evidence import OVERALL, Evidence, Example, Member, Part
from audit.report import render
from audit.report.text import clean, css_string
from audit.stats import Proportion
from tests.report import example

ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]")


def test_nothing_hostile_gets_out() -> None:
    """With an attack in every name there is still one script, ours, no image, no handler, and the attack can be read."""
    html = render(example.hostile())
    assert re.findall(r"<(script|img|style)\b", html) == ["style", "script"]
    assert not re.search(r"<[^>]*\sonerror=", html)
    assert html.count("</style>") == html.count("</title>\n") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "{{ 7*7 }}" in html
    assert not ACTING.search(html)
    assert "␛[31m" in html
    assert "[U+202E]txt.exe" in html


def test_style_holds_only_our_rules() -> None:
    """A policy's version that tries to end a CSS string ends nothing: what it says is all in escapes."""
    style = re.search(r"<style>(.*?)</style>", render(example.hostile()), re.DOTALL)
    assert style
    heads = re.findall(r'@(?:top|bottom)-\w+ \{ content: "([^"\n]*)"; \}', style[1])
    assert len(heads) == 3
    assert all(re.fullmatch(r"(\w| |\\[0-9a-f]{1,6} )*", head) for head in heads)


def test_lone_surrogates_do_not_stop_the_report() -> None:
    """Broken text of a data set is spelt out, so that the page can be written as UTF-8."""
    evidence = Evidence((Member(OVERALL, Proportion(9, 10)),), "share", 10, examples=(Example("\ud800", (Part("a\udfff"),)),))
    run = example.audit_run([example.judged(example.ACCURACY, evidence, min=0.5)])
    assert "a[U+DFFF]" in render(run).encode().decode()


@given(st.text())
def test_clean_leaves_only_what_is_seen(text: str) -> None:
    """What comes out is printable, but for line ends, tabs and the two joiners; printable text comes out as it went in."""
    cleaned = clean(text)
    assert all(char.isprintable() or char in "\n\t\u200c\u200d\u00a0" for char in cleaned)
    assert clean(cleaned) == cleaned
    if text.isprintable():
        assert cleaned == text


@given(st.text())
def test_css_string_cannot_be_left(text: str) -> None:
    """No quote, backslash, bracket or line end stands unescaped, and a reader of CSS gets the cleaned text back."""
    escaped = css_string(text)
    assert re.fullmatch(r"(\w| |\\[0-9a-f]+ )*", escaped)
    back = re.sub(r"\\([0-9a-f]+) ", lambda found: chr(int(found[1], 16)), escaped)
    assert back == clean(text).replace("\n", " ")


def test_words_of_a_finding_are_escaped() -> None:
    """What a check says of broken data is shown as text."""
    attack = "<b onclick=x>"
    finding = replace(example.without(replace(example.F1, remedy=attack), "error", attack), owner=attack)
    assert "<b onclick" not in render(example.audit_run([finding]))


def test_backticks_make_code_and_nothing_else() -> None:
    """Names in backticks are set as code; what stands between them is escaped like all other text."""
    finding = example.without(example.F1, "error", "Set `columns.score`. `<img src=x>` and a lone `")
    html = render(example.audit_run([finding]))
    assert "Set <code>columns.score</code>." in html
    assert "<code>&lt;img src=x&gt;</code> and a lone `" in html
