from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from scipy.special import expit

from audit.errors import CannotMeasure
from audit.evidence import Evidence, Lines
from audit.stats import Coefficient
from tests.classified import shuffled, three_scored
from tests.judged import finding, status
from tests.misses import most
from tests.support import measure, subject
from tests.unplugged import unplugged

CHECK = "calibration/slope_and_intercept"


def said(n: int, seed: int, *, slope: float = 1.0, intercept: float = 0.0) -> pd.DataFrame:
    """Scores whose event has `intercept` + `slope` times the stated log odds."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1.5, n)
    hit = rng.random(n) < expit(intercept + slope * x)
    return pd.DataFrame({"label": hit.astype(int), "score": expit(x), "gender": rng.choice(["f", "m"], n)})


def lines(found: Evidence) -> dict[str, float]:
    return {str(one.name): one.estimate.value for one in found.context}


def test_a_worked_example() -> None:
    """Of 40 rows given .2 ten come true, of 40 given .8 thirty: slope log 3 / log 4, so .2075 from 1; intercept 0."""
    frame = pd.DataFrame({"label": [int(i < 10) for i in range(40)] + [int(i < 30) for i in range(40)], "score": [0.2] * 40 + [0.8] * 40})
    found = measure(CHECK, subject(frame))
    assert lines(found) == pytest.approx({"line=slope": np.log(3) / np.log(4), "line=intercept": 0.0}, abs=1e-9)
    assert [str(one.name) for one in found.members] == ["parameter=slope", "parameter=intercept"]
    assert [one.estimate.value for one in found.members] == pytest.approx([1 - np.log(3) / np.log(4), 0.0], abs=1e-9)
    assert isinstance(found.figures[0], Lines)


def test_agrees_with_scikit_learn() -> None:
    """Each class of three against the rest."""
    from sklearn.linear_model import LogisticRegression

    frame = three_scored(500)
    found = lines(measure(CHECK, subject(frame, scores=("a", "b", "c")), target="classwise"))
    for one in "abc":
        logit = np.log(frame[one].to_numpy() / (1 - frame[one].to_numpy()))
        model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000).fit(logit[:, None], frame.label == one)
        assert found[f"class={one}, line=slope"] == pytest.approx(float(model.coef_[0, 0]), abs=1e-5)


def test_one_of_both_is_judged_where_the_policy_says_so() -> None:
    frame = said(1500, 1, intercept=1.0)
    both, slope = measure(CHECK, subject(frame)), measure(CHECK, subject(frame), parameter="slope")
    assert both.members[0] == slope.members[0]
    assert len(slope.members) == 1
    assert both.context == slope.context
    assert status(CHECK, both, max=0.5) == "fail"
    assert status(CHECK, slope, max=0.5) == "pass"


def test_slices_order_and_the_top_class() -> None:
    frame = said(3000, 2).assign(
        score=lambda table: np.where(table.gender == "f", table.score, expit(2 * np.log(table.score / (1 - table.score))))
    )
    found = measure(CHECK, subject(frame, by=(("gender",),)))
    values = lines(found)
    assert values["gender=m, line=slope"] == pytest.approx(values["gender=f, line=slope"] / 2, rel=0.25)
    assert lines(measure(CHECK, subject(shuffled(frame), by=(("gender",),)))) == pytest.approx(values, abs=1e-6)
    failing = finding(CHECK, found, max=0.3).failing
    assert [str(one) for one in failing] == ["gender=m, parameter=slope"]
    assert "most probable class" in measure(CHECK, subject(frame), target="top").notes[0]


def test_the_notes_say_which_way() -> None:
    """Twice as sure as it may be, and too low as a whole."""
    assert "too extreme" in measure(CHECK, subject(said(2000, 3, slope=0.5))).notes[0]
    assert "too timid" in measure(CHECK, subject(said(2000, 3, slope=2.0))).notes[0]
    assert "too low" in measure(CHECK, subject(said(2000, 3, intercept=0.8))).notes[0]
    frame = said(2000, 3).assign(score=lambda table: table.score.where(table.index >= 7, 1.0))
    assert "7 of 2,000 rows are stated as good as 0 or 1" in measure(CHECK, subject(frame)).notes[0]


def test_the_interval_decides() -> None:
    """A slope truly .2 off; a calibrated model of few rows is not failed for its noise, which its point would."""
    found = measure(CHECK, subject(said(6000, 4, slope=0.8)), parameter="slope")
    assert [status(CHECK, found, max=bound) for bound in (0.35, 0.2, 0.1)] == ["pass", "inconclusive", "fail"]
    looks = [measure(CHECK, subject(said(150, seed)), parameter="slope") for seed in range(60)]
    assert np.mean([status(CHECK, one, max=0.05) == "fail" for one in looks]) <= most(0.025, 60)
    assert np.mean([status(CHECK, unplugged(one), max=0.05) == "fail" for one in looks]) > 0.5


def test_people_widen_the_interval() -> None:
    frame = pd.concat([said(200, 5).assign(person=np.arange(200))] * 4)
    both = (subject(frame, group="person"), subject(frame.drop(columns="person")))  # with the person as a feature they would be copies
    grouped, alone = (measure(CHECK, seen).context[0].estimate for seen in both)
    assert isinstance(grouped, Coefficient)
    assert isinstance(alone, Coefficient)
    assert grouped.value == alone.value
    assert grouped.error == pytest.approx(2 * alone.error, rel=0.1)
    assert grouped.support < 200


def test_a_slice_without_a_line_bars_a_pass() -> None:
    """All men are of one class: nothing can be said of them, and so nothing passes."""
    frame = said(600, 6)
    frame.loc[frame.gender == "m", "label"] = 0
    found = measure(CHECK, subject(frame, by=(("gender",),)))
    assert [str(one.name) for one in found.unmeasured] == ["gender=m, parameter=slope", "gender=m, parameter=intercept"]
    assert status(CHECK, found, max=10) == "inconclusive"


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(CannotMeasure, match=r"columns\.score"):
        measure(CHECK, subject(pd.DataFrame({"label": [1, 0], "prediction": [1, 0]})))
    with pytest.raises(CannotMeasure, match="in every row"):
        measure(CHECK, subject(said(50, 0).assign(label=1), positive=1))
    with pytest.raises(CannotMeasure, match="parts the rows"):
        measure(CHECK, subject(said(50, 0).assign(label=lambda table: (table.score > 0.5).astype(int))))
    for params in ({"parameter": "both"}, {"bins": 10}):
        with pytest.raises(ValidationError):
            measure(CHECK, subject(said(20, 0)), **params)
