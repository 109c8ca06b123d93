"""An excerpt shows what changed, and no more of the text than that needs."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from audit.evidence import Part
from audit.metrics import excerpts

words = st.lists(st.sampled_from(["send", "help", "at", "once", "pelase", "hlep", "oncee"]), max_size=6)


COMMON = frozenset(["send", "help", "at", "once", "pelase", "hlep", "oncee", "now", "a", "b", "mail", "card", "please"])


def changes(before: str, after: str, common: frozenset[str] = COMMON) -> tuple[Part, ...]:
    return excerpts.changes(before, after, common)


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
    shown = "".join(part.text for part in changes(" ".join(before), " ".join(after), frozenset(before)))
    assert shown == "… w29 w30 w31 w32 w33 w34 w•• X w36 w37 w38 w39"


def test_a_text_changed_all_over_is_cut() -> None:
    """A thousand changed words are not shown."""
    shown = changes(" ".join(["abcd efgh"] * 500), " ".join(["abdc efgh"] * 500))
    assert len("".join(part.text for part in shown)) < 300
    assert shown[-1] == Part("…")


def test_words_that_look_personal_are_masked() -> None:
    """An address and a card number never reach the report, changed or not."""
    shown = changes("mail ann@example.org card 4111111111111111 please", "mail ann@exmaple.org card 411111111111111 plaese")
    text = "".join(part.text for part in shown)
    assert "ann@" not in text
    assert "4111" not in text
    assert [part.text for part in shown if part.mark == "mask"] == ["address", "address", "number", "number"]


def test_only_words_that_many_texts_share_stand_around_a_change() -> None:
    """Numbers in small groups, streets and names are hidden; so are the digits of a changed word."""
    before = "please help Ann Smith 078 05 112, 12 Baker Street, flat 12b now"
    after = "please hlep Ann Smith 078 05 112, 12 Baker Street, flat 1b2 now"
    shown = changes(before, after, frozenset(["please", "now", "help"]))
    assert "".join(part.text for part in shown) == "please help hlep … rare word rare word now"
    assert [part.mark for part in shown if part.text.strip()] == ["same", "deleted", "inserted", "same", "mask", "mask", "same"]


def test_a_changed_name_is_hidden_with_its_misspelling() -> None:
    """An attack aims at the words that count, and a rare one may be a name; a new spelling of a common one is shown."""
    shown = changes("please help krumbholtz", "plaese help krumbhotlz", frozenset(["please", "help"]))
    assert "".join(part.text for part in shown) == "please plaese help rare word rare word"


def test_an_unchanged_name_between_two_changes_is_hidden() -> None:
    """Where two words change places the words between them count as moved; what is only moved is no new spelling."""
    men = frozenset(["men", "women"])
    for common, listed in ((men, frozenset()), (frozenset(), men)):
        shown = excerpts.changes("men krumbholtz women", "women krumbholtz men", common, listed=listed)
        assert "krumbholtz" not in "".join(part.text for part in shown)
        assert "women" in {part.text for part in shown}


def test_words_of_the_list_that_changes_were_made_by_are_shown_in_any_case() -> None:
    shown = excerpts.changes("Women's tax", "Men's tax", frozenset(), listed=frozenset(["men", "women"]))
    assert "".join(part.text for part in shown) == "Women's Men's …"


def test_no_change_no_marks() -> None:
    """Equal texts and empty ones."""
    assert changes("a b", "a b") == (Part("a b"),)
    assert changes("", "") == ()
