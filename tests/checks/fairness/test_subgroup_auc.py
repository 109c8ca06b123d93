from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.catalog import discover, info
from audit.checks.fairness.subgroup_auc import whole_word
from audit.errors import CannotMeasure
from audit.phrases import message
from audit.pipeline import judging
from audit.pipeline.jobs import Job
from audit.policy.schema import Requirement
from tests import realdata, realgroups
from tests.classified import shuffled
from tests.grouped import by_name
from tests.judged import status
from tests.misses import misses, most
from tests.support import measure, subject
from tests.unplugged import unplugged

CHECK = "fairness/subgroup_auc"
BY = (("gender",),)


def defined(label: pd.Series, score: pd.Series, inside: pd.Series) -> dict[str, float]:
    """Borkan and others' three areas, by scikit-learn on the rows that each names."""
    from sklearn.metrics import roc_auc_score

    of = {
        "subgroup": inside,
        "bpsn": (inside & (label == 0)) | (~inside & (label == 1)),
        "bnsp": (inside & (label == 1)) | (~inside & (label == 0)),
    }
    return {kind: float(roc_auc_score(label[rows], score[rows])) for kind, rows in of.items() if label[rows].nunique() == 2}


def drawn(seed: int, shift: float = 0.0, n: int = 600) -> pd.DataFrame:
    """Half of the rows are of group f, whose scores are shifted."""
    rng = np.random.default_rng(seed)
    label, inside = rng.random(n) < 0.5, np.arange(n) % 2 == 0
    score = 1 / (1 + np.exp(-(1.5 * label - 0.75 + shift * inside + rng.normal(0, 1, n))))
    return pd.DataFrame({"gender": np.where(inside, "f", "m"), "label": label.astype(int), "score": score})


def test_a_worked_example() -> None:
    """f: positives .9 and .4, negative .5; m: positive .6, negatives .7 and .1."""
    frame = pd.DataFrame({"gender": list("fffmmm"), "label": [1, 1, 0, 1, 0, 0], "score": [0.9, 0.4, 0.5, 0.6, 0.7, 0.1]})
    found = by_name(measure(CHECK, subject(frame, by=BY)))
    assert {name: value for name, value in found.items() if "=f" in name} == {
        "gender=f, auc=subgroup": 0.5,
        "gender=f, auc=bpsn": 1.0,
        "gender=f, auc=bnsp": 0.75,
    }
    assert found["gender=m, auc=bpsn"] == found["gender=f, auc=bnsp"]


rows = st.lists(st.tuples(st.sampled_from("fmx"), st.booleans(), st.integers(1, 9)), min_size=4, max_size=60)


@given(rows)
def test_agrees_with_the_definition(some: list[tuple[str, bool, int]]) -> None:
    frame = pd.DataFrame(some, columns=["gender", "label", "score"]).assign(
        label=lambda f: f.label.astype(int), score=lambda f: f.score / 10
    )
    evidence = measure(CHECK, subject(frame, by=BY))
    expected = {
        f"gender={group}, auc={kind}": area
        for group in frame.gender.unique()
        for kind, area in defined(frame.label, frame.score, frame.gender == group).items()
    }
    assert by_name(evidence) == pytest.approx(expected, abs=1e-12)
    assert len(evidence.unmeasured) == 3 * frame.gender.nunique() - len(expected)


@given(rows)
def test_the_order_of_rows_and_the_scale_of_scores_are_of_no_account(some: list[tuple[str, bool, int]]) -> None:
    frame = pd.DataFrame(some, columns=["gender", "label", "score"]).assign(
        label=lambda f: f.label.astype(int), score=lambda f: f.score / 10
    )
    bent = shuffled(frame.assign(score=frame.score**3))
    assert by_name(measure(CHECK, subject(bent, by=BY))) == pytest.approx(by_name(measure(CHECK, subject(frame, by=BY))))


@pytest.mark.data
@pytest.mark.parametrize("name", realgroups.NAMES)
def test_agrees_on_real_people(name: str) -> None:
    frame = realgroups.table(name)
    found = by_name(measure(CHECK, subject(frame, by=(("group",),))))
    for group in frame.group.unique():
        for kind, area in defined(frame.label, frame.score, frame.group == group).items():
            assert found[f"group={group}, auc={kind}"] == pytest.approx(area, abs=1e-9)


@pytest.mark.data
def test_agrees_on_sentences_with_identity_terms() -> None:
    """A model that dislikes one term: its negatives are ranked too high, and bpsn alone shows it."""
    whole = pd.read_csv(realdata.path("identity_templates") / "en_sentence_templates.csv.gz").iloc[::12].reset_index(drop=True)
    rng = np.random.default_rng(1)
    label = (whole["toxicity"] == "toxic").astype(int)
    gay = whole["phrase"].str.contains(r"\bgay\b", case=False)
    score = 1 / (1 + np.exp(-(3.0 * label - 1.5 + 2.5 * gay + rng.normal(0, 1, len(whole)))))
    frame = pd.DataFrame({"text": whole["phrase"], "label": label, "score": score})
    found = by_name(measure(CHECK, subject(frame), terms=["GAY", "muslim"]))
    for term in ("GAY", "muslim"):
        inside = whole["phrase"].str.contains(rf"\b{term}\b", case=False)
        for kind, area in defined(label, frame.score, inside).items():
            assert found[f"term={term}, auc={kind}"] == pytest.approx(area, abs=1e-9)
    assert found["term=GAY, auc=bpsn"] < 0.9 < min(found["term=GAY, auc=subgroup"], found["term=muslim, auc=bpsn"])


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("I am gay.", True),
        ("GAY people", True),
        ("a gay-friendly place", True),
        ("Gaynor sang", False),
        ("gays", False),
        ("the _gay_ word", False),
    ],
)
def test_a_term_is_a_whole_word_in_any_case(text: str, *, there: bool) -> None:
    assert (whole_word("gay").search(text) is not None) == there


def test_terms_may_have_parts_marks_and_other_scripts() -> None:
    assert whole_word("middle eastern").search("a Middle\n Eastern family")
    assert whole_word("c++").search("he likes C++, a lot")
    assert whole_word("élève").search("UN ÉLÈVE")
    assert not whole_word("a.b").search("axb")


def test_a_column_of_flags_gives_one_group() -> None:
    frame = drawn(1).assign(female=lambda f: f.gender == "f", male=lambda f: (f.gender == "m").astype(int))
    found = by_name(measure(CHECK, subject(frame, by=(("female",), ("male",)))))
    assert {name.split(", ")[0].lower() for name in found} == {"female=true", "male=1"}
    named = by_name(measure(CHECK, subject(frame, by=BY)))
    assert list(found.values()) == pytest.approx(list(named.values()))


def test_more_classes_are_taken_one_against_the_rest() -> None:
    rng = np.random.default_rng(2)
    scores = rng.dirichlet([1, 1, 1], 240).round(3)
    frame = pd.DataFrame(scores, columns=["sa", "sb", "sc"]).assign(label=list("abc") * 80, gender=["f", "f", "m"] * 80)
    frame["gender"] = rng.permutation(frame["gender"])
    frame[["sa", "sb", "sc"]] = frame[["sa", "sb", "sc"]].div(frame[["sa", "sb", "sc"]].sum(axis=1), axis=0)
    evidence = measure(CHECK, subject(frame, by=BY, scores={"a": "sa", "b": "sb", "c": "sc"}))
    expected = defined((frame.label == "b").astype(int), frame.sb, frame.gender == "f")
    assert by_name(evidence)["gender=f, class=b, auc=bpsn"] == pytest.approx(expected["bpsn"], abs=1e-12)
    assert len(evidence.members) == 2 * 3 * 3


def test_an_empty_side_bars_a_pass_and_is_named() -> None:
    frame = drawn(3)
    frame = frame[(frame.gender == "m") | (frame.label == 1)]
    found = measure(CHECK, subject(frame, by=BY))
    assert {str(one.name): one.reason for one in found.unmeasured} == {
        "gender=f, auc=subgroup": "no row of this group is truly other than 1: add such rows",
        "gender=f, auc=bpsn": "no row of this group is truly other than 1: add such rows",
        "gender=m, auc=bnsp": "no row outside this group is truly other than 1: add such rows",
    }
    assert status(CHECK, found, min=0.1) == "inconclusive"
    nowhere = measure(CHECK, subject(drawn(3).assign(text="nothing"), by=BY), terms=["gay"])
    assert {str(one.name) for one in nowhere.unmeasured} == {f"term=gay, auc={kind}" for kind in ("subgroup", "bpsn", "bnsp")}


def test_the_interval_decides() -> None:
    found = measure(CHECK, subject(drawn(4), by=BY))
    low = min(by_name(found).values())
    bounds = (low - 0.15, low - 0.02, low + 0.02, low + 0.15)
    assert [status(CHECK, found, min=bound) for bound in bounds] == ["pass", "inconclusive", "inconclusive", "fail"]
    assert [status(CHECK, unplugged(found), min=bound) for bound in bounds] == ["pass", "pass", "fail", "fail"]


def test_coverage_of_each_area() -> None:
    """Truly as far apart as normals are: two of the groups' means lie 1.5 apart, the shift adds .5 in one of them."""
    from scipy.stats import norm

    trials, seeds = 200, iter(range(1000))
    truth = {"subgroup": norm.cdf(1.5 / 2**0.5), "bpsn": norm.cdf(1.0 / 2**0.5), "bnsp": norm.cdf(2.0 / 2**0.5)}
    looks = [measure(CHECK, subject(drawn(next(seeds), 0.5, 300), by=BY)).members[:3] for _ in range(trials)]
    for place, kind in enumerate(("subgroup", "bpsn", "bnsp")):
        estimates = iter([members[place].estimate for members in looks])
        assert max(misses(estimates.__next__, truth[kind], trials)) <= most(0.03, trials)


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(CannotMeasure, match="under `by`, or identity terms"):
        measure(CHECK, subject(drawn(1)))
    with pytest.raises(CannotMeasure, match=r"columns\.text"):
        measure(CHECK, subject(drawn(1)), terms=["gay"])
    with pytest.raises(ValueError, match="terms"):
        measure(CHECK, subject(drawn(1)), terms=[" "])


@pytest.mark.parametrize("flag", [[0, 1], [False, True], [None, 1.0]])
def test_rows_without_a_flag_are_the_background_and_break_no_run(flag: list[object]) -> None:
    """The engine holds every slice that the policy names against what the check says; one without a word would be an error."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"label": [0, 1] * 300, "score": np.tile([0.2, 0.8], 300) + rng.uniform(-0.2, 0.2, 600)})
    frame["about"] = pd.Series(flag, dtype=object)[rng.integers(0, 2, 600)].to_numpy()
    by, check = (("about",),), discover()[CHECK]
    asked = Requirement(check=CHECK, id=CHECK, by=by, min=0.7)
    (found,) = judging.findings([Job(asked, check, info(CHECK), check.params(), subject(frame, by=by), 0, 0.95, "x")])
    assert found.status == "pass", message(found)
    assert found.evidence is not None
    assert len(found.evidence.members) == 3
    assert [note.partition(":")[0] for note in found.evidence.notes] == [str(one) for one in found.evidence.background]
