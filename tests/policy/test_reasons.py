"""Texts that say nothing are told from reasons and from stated facts."""

from __future__ import annotations

import pytest

from audit.policy.declared_facts import blank, is_reason


@pytest.mark.parametrize(
    "text",
    [
        *("", "-", "...", "x1", "TODO", "n/a", "N / A", "tbd", "aaaa bbbb", "none", "see above", "not applicable", "not needed here"),
        *("to be decided", "will be done later", "no reason given", "example", "lorem ipsum", "x y z", "1 2 3", "\u200b", "out of scope"),
        *("TODO: ask the legal department", "siehe oben", "wird noch geklärt", "voir ci-dessus", "por definir"),
    ],
)
def test_filler_is_no_reason(text: str) -> None:
    assert not is_reason(text)


@pytest.mark.parametrize(
    "text",
    [
        *("routing only; a person reads every complaint", "the data name no person and no group", "Offline demo without users"),
        *("nur interne Weiterleitung", "仅用于内部路由", "модель только сортирует письма", "a sandbox, and nobody acts on it"),
        "Covered by the penetration test of May",
    ],
)
def test_a_sentence_in_any_language_is_a_reason(text: str) -> None:
    assert is_reason(text)


@pytest.mark.parametrize("value", [None, "", " ", "-", "...", "?", "TODO", "n/a", "N.A.", "To do", ["tbd"], [], "none"])
def test_placeholders_state_nothing(value: object) -> None:
    assert blank(value)


@pytest.mark.parametrize("value", ["MIT", "docs/back.md", "a@example.org", ["customers", "tbd"], 3, "银行客户", "none known"])
def test_facts_are_stated(value: object) -> None:
    assert not blank(value)
