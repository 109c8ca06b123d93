"""An excerpt shows what changed, and no more of the text than that needs."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from audit.attacks import changes
from audit.evidence import Part

words = st.lists(st.sampled_from(["send", "help", "at", "once", "pelase", "hlep", "oncee"]), max_size=6)


def text_of(parts: tuple[Part, ...], *marks: str) -> list[str]:
    return " ".join(part.text for part in parts if part.mark in marks).split()


def test_changed_words_stand_side_by_side() -> None:
    """By hand: one word swapped."""
    assert changes("send help now", "send hlep now") == (
        Part("send"),
        Part(" "),
        Part("help", "deleted"),
        Part(" "),
        Part("hlep", "inserted"),
        Part(" "),
        Part("now"),
    )


@settings(deadline=None)
@given(words, words)
def test_both_texts_can_be_read_off(before: list[str], after: list[str]) -> None:
    """What is the same and what was deleted is the text before; what is the same and inserted the one after."""
    parts = changes(" ".join(before), " ".join(after))
    assert text_of(parts, "same", "deleted") == before
    assert text_of(parts, "same", "inserted") == after


def test_unchanged_stretches_of_a_long_text_are_left_out() -> None:
    """Forty words with one change near the end: six on its left, what follows, and a sign for the rest."""
    before = [f"w{i}" for i in range(40)]
    after = [*before[:35], "X", *before[36:]]
    shown = "".join(part.text for part in changes(" ".join(before), " ".join(after)))
    assert shown == "… w29 w30 w31 w32 w33 w34 w35 X w36 w37 w38 w39"


def test_a_text_changed_all_over_is_cut() -> None:
    """A thousand changed words are not shown."""
    shown = changes(" ".join(["abcd efgh"] * 500), " ".join(["abdc efgh"] * 500))
    assert len("".join(part.text for part in shown)) < 300
    assert shown[-1] == Part("…")


def test_words_that_look_personal_are_masked() -> None:
    """An address and a card number never reach the report, changed or not."""
    shown = changes("mail ann@example.org card 4111111111111111 please", "mail ann@example.org card 411111111111111 plaese")
    text = "".join(part.text for part in shown)
    assert "ann@" not in text
    assert "4111" not in text
    assert [part.text for part in shown if part.mark == "mask"] == ["address", "number", "number"]


def test_no_change_no_marks() -> None:
    """Equal texts and empty ones."""
    assert changes("a b", "a b") == (Part("a b"),)
    assert changes("", "") == ()
