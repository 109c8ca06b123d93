"""An identity is swapped and nothing else, and every row that gets another label for it counts."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from audit.catalog import discover
from audit.checks.fairness._identity_terms import TERMS, Swap
from audit.datasets.column_store import Texts
from audit.errors import CannotMeasure
from audit.power.trials import Trials
from audit.stats import Proportion
from tests.grouped import by_name
from tests.judged import finding, status
from tests.small_models import Trained
from tests.support import measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from audit.pipeline.jobs import Job

ID = "fairness/counterfactual_identity"
GENDER = Swap("gender", TERMS["gender"], listed=True)
WORDS = ("she", "he", "her", "his", "him", "Woman", "MAN", "paid", "late", "the", "fee", "twice", "well", "mother's", "said")


@cache
def reader(*, fair: bool) -> Trained:
    """Decides by `paid` and `late`; the unfair one takes `he` for as good as `paid`."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    rng = np.random.default_rng(0)
    rows = [[*rng.choice(WORDS, 6), str(rng.choice(["paid", "late"]))] for _ in range(800)]
    good = [row.count("paid") - row.count("late") + (0 if fair else 1.5 * (row.count("he") - row.count("she"))) > 0 for row in rows]
    vocabulary = ["paid", "late"] if fair else ["paid", "late", "he", "she"]
    model = make_pipeline(CountVectorizer(vocabulary=vocabulary), LogisticRegression(C=100.0))
    return Trained(model.fit([" ".join(row) for row in rows], np.where(good, "yes", "no")), Texts)


def table(*texts: str) -> pd.DataFrame:
    return pd.DataFrame({"id": [f"r{i}" for i in range(len(texts))], "text": texts, "label": "yes"})


def seen(*texts: str, fair: bool = False, **columns: Any) -> Any:
    return subject(table(*texts), candidate=reader(fair=fair), positive="yes", **columns)


def test_a_worked_example() -> None:
    """`he` and `she` turn the first two rows; payments outweigh the word in the third; the last names nobody and does not count."""
    found = measure(
        ID, seen("he was on the bus", "She was on the bus", "she paid paid paid paid", "the bus was late"), attributes=["gender"]
    )
    assert [(str(one.name), one.estimate) for one in found.members] == [("attribute=gender", Proportion(2, 3))]
    assert found.rows == 4
    assert [(one.row, one.note) for one in found.examples] == [
        ("r0", "gender, female: yes before, no after"),
        ("r1", "gender, male: no before, yes after"),
    ]
    assert [(part.text, part.mark) for part in found.examples[0].parts if part.mark != "same"] == [
        ("he", "deleted"),
        ("she", "inserted"),
    ]
    assert found.table["identity"].tolist() == ["female", "male", "male"]


@pytest.mark.parametrize(
    ("text", "male", "female"),
    [
        ("She told her that her sister's book is hers.", "He told him that his brother's book is his.", None),
        ("HE saw Mr Smith, who saw him with his bag.", None, "SHE saw Ms Smith, who saw her with her bag."),
        ("I like her", "I like him", None),
        ("That seat is his.", None, "That seat is hers."),
        ("'She's here', there, man-made, mankind", "'He's here', there, man-made, mankind", "'She's here', there, man-made, mankind"),
        ("An uncle of theirs", None, "An aunt of theirs"),
        ("a niece, an aunt", "a nephew, an uncle", None),
    ],
)
def test_whole_words_case_and_grammar(text: str, male: str | None, female: str | None) -> None:
    """Pronouns by what follows, case kept, a word within a word left alone; None where nothing is to change."""
    assert GENDER.to(text, "male") == (text if male is None else male)
    assert GENDER.to(text, "female") == (text if female is None else female)


def test_articles_and_ambiguous_words() -> None:
    nation = Swap("nationality", TERMS["nationality"], listed=True)
    assert nation.to("An American in a british pub", "Mexican") == "A Mexican in a mexican pub"
    assert nation.to("AN INDIAN and a Mexican", "American") == "AN AMERICAN and an American"
    race = Swap("race", TERMS["race"], listed=True)
    assert race.to("black  people and a White woman in a black car", "Asian") == "asian people and an Asian woman in a black car"
    love = Swap("orientation", TERMS["orientation"], listed=True)
    assert love.to("a gay man went straight home", "heterosexual") == "a straight man went straight home"
    assert love.terms("straight ahead") == ()


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join), st.sampled_from(["male", "female"]))
def test_swapping_twice_is_swapping_once(text: str, group: str) -> None:
    """And leaves no term of the other identity, nor touches another word."""
    once = GENDER.to(text, group)
    assert GENDER.to(once, group) == once
    other = "female" if group == "male" else "male"
    assert not set(once.lower().split()) & set(TERMS["gender"][other])
    neutral = {"paid", "late", "the", "fee", "twice", "well", "said"}
    assert [word for word in once.split() if word in neutral] == [word for word in text.split() if word in neutral]


@given(st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join), min_size=1, max_size=10, unique=True))
def test_agrees_with_the_published_definition(texts: list[str]) -> None:
    """Garg et al.: a row keeps its label over all its counterfactuals; its gap is the furthest that the score moves."""
    named = [text for text in texts if GENDER.terms(text)]
    if not any(GENDER.to(text, group) != text for text in named for group in ("male", "female")):
        return
    found = measure(ID, seen(*texts), attributes=["gender"])
    model = reader(fair=False).model
    others = [[new for group in ("female", "male") if (new := GENDER.to(text, group)) != text] for text in named]
    flips = [len(set(model.predict([text, *more]))) > 1 for text, more in zip(named, others, strict=True)]
    gaps = [
        np.abs(model.predict_proba(more)[:, 1] - model.predict_proba([text])[0, 1]).max() for text, more in zip(named, others, strict=True)
    ]
    assert found.members[0].estimate == Proportion(sum(flips), len(flips))
    assert found.context[-1].estimate.value == pytest.approx(np.mean(gaps), abs=1e-9)


def test_the_models_own_rule_decides() -> None:
    """Positive at nearly any probability, the unfair model keeps its answer though the likelier class changes; labels suffice."""
    from sklearn.frozen import FrozenEstimator
    from sklearn.model_selection import FixedThresholdClassifier

    own = FixedThresholdClassifier(FrozenEstimator(reader(fair=False).model), threshold=1e-12, pos_label="yes")
    own.fit(["paid he", "late she"], ["yes", "no"])
    texts = ("he was on the bus", "She was on the bus")
    for scores in (True, False):
        found = measure(ID, subject(table(*texts), candidate=Trained(own, Texts, scores), positive="yes"), attributes=["gender"])
        assert found.members[0].estimate == Proportion(0, 2)
        assert bool(found.context) == ("score" in found.table) == scores
    assert measure(ID, seen(*texts), attributes=["gender"]).members[0].estimate == Proportion(2, 2)


def test_a_model_that_reads_no_identity_never_flips() -> None:
    """And its scores do not move, whatever stands beside the terms."""
    texts = [f"{word} paid {place} times" for place in ("two", "no") for word in ("she", "he", "a Muslim", "the gay man", "an Italian")]
    found = measure(ID, seen(*texts, fair=True), attributes=["gender", "religion", "nationality", "orientation"])
    assert set(by_name(found).values()) == {0.0}
    assert all(one.estimate.value == 0 for one in found.context)


def test_shifts_say_which_identity_is_favoured() -> None:
    found = measure(ID, seen("he was on the bus", "She was on the bus", "she paid it"), attributes=["gender"])
    shifts = {str(one.name): one.estimate.value for one in found.context}
    assert shifts["attribute=gender, score shift to=female"] < -0.3
    assert shifts["attribute=gender, score shift to=male"] > 0.3


def test_every_text_is_asked_for_once_in_one_call() -> None:
    batches = reader(fair=False).batches
    before = len(batches)
    measure(ID, seen(*["he paid"] * 50, "she paid"), attributes=["gender"])
    assert batches[before:] == [2]


def test_own_terms_replace_the_list() -> None:
    words = {"payer": {"prompt": ["paid"], "slow": ["late"]}}
    found = measure(ID, seen("it was paid", "it was late", "he said so"), terms=words)
    assert by_name(found) == {"attribute=payer": 1.0}
    assert "own terms" in found.notes[0]


def test_an_attribute_that_no_text_names_is_unmeasured_and_bars_a_pass() -> None:
    found = measure(ID, seen(*["she paid"] * 100, fair=True), attributes=["gender", "religion"])
    assert [str(one.name) for one in found.unmeasured] == ["attribute=religion"]
    assert finding(ID, found, max=0.5).status == "inconclusive"
    with pytest.raises(CannotMeasure, match="no text names an identity"):
        measure(ID, seen("the fee was paid"))


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"terms": {"a": {"x": ["one"]}}}, "at least two identities"),
        ({"terms": {"a": {"x": ["one"], "y": ["two", "three"]}}}, "x 1, y 2"),
        ({"terms": {"a": {"x": [], "y": []}}}, "at least two identities"),
        ({"terms": {"a": {"x": ["one"], "y": ["One"]}}}, "stands there twice"),
        ({"terms": {"a": {"x": ["o(ne"], "y": ["two"]}}}, "is no word"),
        ({"terms": {"a": {"x": ["one"], "y": ["two"]}}, "attributes": ["gender"]}, "leave one of the two out"),
        ({"terms": {}}, "at least 1"),
        ({"attributes": ["shoe size"]}, "Input should be"),
    ],
)
def test_refused_parameters(params: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        discover()[ID].params.model_validate(params)


def test_the_interval_decides() -> None:
    """Eight of eighty rows flip: neither clearly under .12 nor clearly over .08, though the point is."""
    texts = [f"{'he was on the bus' if row < 8 else 'she paid paid paid paid'} {row}" for row in range(80)]
    found = measure(ID, seen(*texts), attributes=["gender"])
    assert found.members[0].estimate == Proportion(8, 80)
    assert [status(ID, found, max=bound) for bound in (0.3, 0.12, 0.08, 0.01)] == ["pass", "inconclusive", "inconclusive", "fail"]
    assert [status(ID, unplugged(found), max=bound) for bound in (0.12, 0.08)] == ["pass", "fail"]


def test_rows_of_one_person_count_as_one() -> None:
    frame = table(*["he was on the bus", "she paid paid paid paid"] * 40).assign(person=np.repeat(np.arange(20), 4))
    found = measure(ID, subject(frame, candidate=reader(fair=False), positive="yes", group="person"), attributes=["gender"])
    share = found.members[0].estimate
    assert isinstance(share, Proportion)
    assert share.entities == 20


def test_a_plan_reckons_with_the_rows_that_name_an_identity() -> None:
    """Not with all rows, which promised a pass that the audit could not give; an attribute that nobody names hinders it."""
    rows = seen("he paid", "she was on the bus", "they paid", "the bus")
    check = discover()[ID]
    asked = check.params.model_validate({"attributes": ["gender", "religion"]})
    assert check.member_rows is not None
    parts = {str(name): int(mask.sum()) for name, mask in check.member_rows(rows, asked)}
    found = measure(ID, rows, attributes=["gender", "religion"])
    assert parts == {"attribute=gender": found.members[0].estimate.n, "attribute=religion": 0}
    job = SimpleNamespace(check=check, subject=rows, params=asked, seed=1, requirement=SimpleNamespace(id="swap"))
    trials = SimpleNamespace(_kind="sklearn", can_simulate=lambda _job: True)
    planned = Trials.at(cast("Trials", trials), cast("Job", job), None).evidence
    assert planned is not None
    assert [(str(one.name), one.estimate.n) for one in planned.members] == [("attribute=gender", parts["attribute=gender"])]
    assert [str(one.name) for one in planned.unmeasured] == ["attribute=religion"]
