"""What is said of a word that is not known."""

from __future__ import annotations

import pytest

from audit.policy.messages import nearest

KNOWN = (
    "performance/f1",
    "performance/r2",
    "performance/accuracy",
    "performance/brier_score",
    "performance/roc_auc",
    "fairness/subgroup_auc",
)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("performance/f1_score", "performance/f1"),
        ("r2_score", "performance/r2"),
        ("performance/brier_score_loss", "performance/brier_score"),
        ("performance/acuracy", "performance/accuracy"),
        ("preformance/f1", "performance/f1"),
        ("fairness/accuracy", "performance/accuracy"),
    ],
)
def test_scikit_learns_names_and_slips_lead_to_the_check_that_is_meant(word: str, meant: str) -> None:
    """The family that all share is no likeness: `f1_score` is no Brier score."""
    assert nearest(word, KNOWN) == f"did you mean {meant!r}?"


def test_a_word_like_none_of_them_is_told_what_there_is() -> None:
    assert nearest("performance/nope", KNOWN, "`audit checks` lists them") == "`audit checks` lists them"
    assert nearest("zzz", ("b", "a")) == "known: a, b"
    assert nearest("zzz", ()) == "there are none"
