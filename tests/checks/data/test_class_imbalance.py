from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from audit.errors import CannotMeasure, InputError
from audit.evidence import Bars, Evidence, Slice
from tests.judged import finding, status
from tests.support import measure, subject

CHECK = "data/class_imbalance"


def shares(labels: list[str], **columns: Any) -> Evidence:
    """Of rows that no two are copies of each other, four to a person."""
    rows = np.arange(len(labels))
    frame = pd.DataFrame({"label": labels, "prediction": labels, "person": rows // 4, "amount": rows / 8})
    return measure(CHECK, subject(frame, **columns))


def by_class(evidence: Evidence) -> dict[object, float]:
    return {member.name.to_json()["class"]: member.estimate.value for member in evidence.members if isinstance(member.name, Slice)}


def test_a_worked_example() -> None:
    found = shares(["no"] * 6 + ["yes"] * 3 + ["other"])
    assert by_class(found) == {"no": 0.6, "other": 0.1, "yes": 0.3}
    assert found.figures == (Bars("Rows of each class in test", ("no", "other", "yes"), (6, 1, 3)),)
    assert found.rows == 10


@settings(deadline=None)
@given(st.lists(st.sampled_from("abc"), min_size=1), st.permutations("abc"))
def test_renaming_the_classes_renames_the_shares(labels: list[str], names: list[str]) -> None:
    renamed = {old: f"new {new}" for old, new in zip("abc", names, strict=True)}
    before, after = by_class(shares(labels)), by_class(shares([renamed[label] for label in labels]))
    assert {renamed[str(name)]: share for name, share in before.items()} == after
    assert sum(before.values()) == pytest.approx(1)


def test_agrees_with_scipy() -> None:
    """Wilson's score; exact at the outer end of a share of fewer than fifty hits."""
    estimate = shares(["a"] * 40 + ["b"] * 60).members[0].estimate
    score, exact = (binomtest(40, 100).proportion_ci(0.95, method=method) for method in ("wilson", "exact"))
    assert estimate.bounds(0.025, 0.025) == pytest.approx((exact.low, score.high))


def test_a_class_that_the_candidate_knows_and_the_data_lacks_has_share_zero() -> None:
    frame = pd.DataFrame({"label": ["a", "b"] * 50, "prediction": ["a", "c"] * 50})
    found = measure(CHECK, subject(frame))
    assert by_class(found) == {"a": 0.5, "b": 0.5, "c": 0.0}
    assert status(CHECK, found, min=0.1) == "fail"


def test_the_rarest_class_decides_on_its_interval() -> None:
    """Ten per cent of 400 rows: clearly over .06, clearly under .15, and neither at .09, which the point alone would pass."""
    found = shares(["rare"] * 40 + ["common"] * 360)
    headline = finding(CHECK, found, min=0.09).headline
    assert headline is not None
    assert str(headline.member) == "class=rare"
    assert [status(CHECK, found, min=bound) for bound in (0.06, 0.09, 0.15)] == ["pass", "inconclusive", "fail"]


def test_rows_of_one_person_widen_the_interval() -> None:
    labels = ["a"] * 100 + ["b"] * 100
    alone, grouped = shares(labels).members[0].estimate, shares(labels, group="person").members[0].estimate
    assert grouped.bounds(0.025, 0.025)[0] < alone.bounds(0.025, 0.025)[0]


def test_a_class_on_the_bound_passes_and_fails_no_more_often_than_promised() -> None:
    """Three classes, the rarest truly at the bound of 10 %: at most 2.5 % wrong passes and wrong fails, within 3 errors."""
    rng, trials = np.random.default_rng(20), 400
    seen = [shares(rng.choice(["a", "b", "c"], 400, p=[0.1, 0.45, 0.45]).tolist()) for _ in range(trials)]
    outcome = [status(CHECK, evidence, min=0.1) for evidence in seen]
    most = 0.025 + 3 * np.sqrt(0.025 * 0.975 / trials)
    assert outcome.count("pass") / trials <= most
    assert outcome.count("fail") / trials <= most
    assert np.mean([status(CHECK, evidence, min=0.05) == "pass" for evidence in seen]) > 0.9


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(CannotMeasure, match=r"columns\.label"):
        measure(CHECK, subject(pd.DataFrame({"prediction": ["a"]})))
    with pytest.raises(InputError, match="no value in 1 of 2 rows"):
        measure(CHECK, subject(pd.DataFrame({"prediction": ["a", "b"], "label": ["a", None]}), positive="a"))
