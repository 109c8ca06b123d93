"""Markdown: what it says, within a comment's size, and nothing that a page acts on."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.export import markdown
from tests.report import example


def test_worst_first_with_the_decision_above() -> None:
    """The first line is the decision; the first finding is one that blocks; the conditions come as a list to tick."""
    text = markdown.text(example.block())
    assert text.startswith("## ⛔ Block")
    rows = [line for line in text.splitlines() if line.startswith("| ") and "finding" not in line]
    assert re.match(r"\| (❌|⚠️|❓|⏸️)", rows[0])
    assert len(rows) == len(example.block().findings)
    assert "- [ ] by 20" in markdown.text(example.conditions())


@pytest.mark.parametrize("most", [1_000, 5_000, 65_536])
def test_never_longer_than_asked(most: int) -> None:
    """Findings that have no room are counted, so that no reader takes the list for whole."""
    broken = [example.without(example.ACCURACY, "error", "broke " * 20, id=f"a-{number}") for number in range(900)]
    text = markdown.text(example.audit_run(broken), most)
    assert len(text) <= most
    shown = sum(line.startswith("| ⚠️") for line in text.splitlines())
    assert f"_{900 - shown} more in the report._" in text
    assert shown >= 1


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "[a](javascript:alert(1))",
        "![](https://tracker.example/x.png)",
        "https://evil.example/ www.evil.example",
        "@everyone fixes #1",
        "a | b | c",
        "`code` **bold** _under_ ~~gone~~",
        "<!-- hidden",
        "line\n\n# heading\n- [x] done",
    ],
)
def test_attacks_are_text(attack: str) -> None:
    """No sign of Markdown, HTML, link, mention or issue is left in what comes from outside."""
    text = markdown.escaped(attack)
    assert not re.search(r"[<>\[\]`*_~|#@!\n](?!!-- -->)", text.replace("&#64;<!-- -->", "").replace("&#35;<!-- -->", "").replace("&#", ""))
    assert "://" not in text
    assert "www." not in text


@given(st.text())
def test_what_is_escaped_reads_as_it_was(text: str) -> None:
    """Undone as a browser does it, the escaped text is the text with its spaces joined and what cannot be seen spelt out."""
    import html

    from audit.formatting import neutral

    assert html.unescape(markdown.escaped(text).replace("<!-- -->", "")) == " ".join(neutral(text).split())
