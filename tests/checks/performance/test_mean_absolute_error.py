from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from audit.errors import CannotMeasure
from audit.evidence import Evidence, Lines
from tests.compared import compare
from tests.figures import curve, marks
from tests.judged import status
from tests.misses import misses, most
from tests.numbered import NUMBERS, drawn, numbers, regressed
from tests.support import measure, subject
from tests.unplugged import unplugged

CHECK = "performance/mean_absolute_error"


def value(found: Evidence) -> float:
    (member,) = found.members
    return member.estimate.value


def test_a_worked_example() -> None:
    """Off by 1, 2 and 0: 1 on average."""
    assert value(measure(CHECK, regressed(numbers([(1, 2), (5, 3), (4, 4)])))) == 1.0


@given(NUMBERS)
def test_agrees_with_scikit_learn(pairs: list[tuple[float, float]]) -> None:
    from sklearn.metrics import mean_absolute_error

    expected = mean_absolute_error(*zip(*pairs, strict=True))
    assert value(measure(CHECK, regressed(numbers(pairs)))) == pytest.approx(expected, abs=1e-9)


@given(NUMBERS)
def test_scales_and_is_blind_to_order_and_sign(pairs: list[tuple[float, float]]) -> None:
    frame = numbers(pairs)
    here = value(measure(CHECK, regressed(frame)))
    assert value(measure(CHECK, regressed(-3 * frame.iloc[::-1]))) == pytest.approx(3 * here, abs=1e-9)


def test_the_interval_decides() -> None:
    found = measure(CHECK, regressed(drawn(400)))
    mean, (low, high) = value(found), found.members[0].estimate.bounds(0.025, 0.025)
    assert [status(CHECK, found, max=bound) for bound in (high + 0.01, (mean + high) / 2, low - 0.01)] == ["pass", "inconclusive", "fail"]
    assert status(CHECK, unplugged(found), max=(mean + high) / 2) == "pass"


def test_coverage() -> None:
    """Absolute normal errors: a mean of sqrt(2 / pi) times their spread."""
    rng, trials = np.random.default_rng(3), 300

    def draw() -> Any:
        return measure(CHECK, regressed(numbers(np.column_stack([np.zeros(200), rng.normal(0, 2, 200)])))).members[0].estimate

    assert max(misses(draw, 2 * np.sqrt(2 / np.pi), trials)) <= most(0.026, trials)


def test_slices_and_persons() -> None:
    from sklearn.metrics import mean_absolute_error

    frame = pd.concat([drawn(150, gap=3.0)] * 3)
    found = measure(CHECK, regressed(frame, by=(("region",),), group="person"))
    assert [str(one.name) for one in found.members] == ["region=north", "region=south"]
    for one in found.members:
        rows = frame[frame.region == dict(one.name.items)["region"]]  # type: ignore[union-attr]  # names here are slices
        assert one.estimate.value == pytest.approx(mean_absolute_error(rows.label, rows.prediction), abs=1e-12)
    alone = measure(CHECK, regressed(frame, by=(("region",),)))
    assert found.members[0].estimate.support < alone.members[0].estimate.support


def test_against_a_champion_on_the_same_rows() -> None:
    """The paired interval is narrower than the candidate's own: what both find hard drops out. Swapped, it turns round."""
    from sklearn.metrics import mean_absolute_error

    frame = drawn(300)
    found = compare(CHECK, regressed(frame))
    expected = mean_absolute_error(frame.label, frame.prediction) - mean_absolute_error(frame.label, frame.old)
    assert value(found) == pytest.approx(expected, abs=1e-12)
    low, high = found.members[0].estimate.bounds(0.025, 0.025)
    own = measure(CHECK, regressed(frame)).members[0].estimate.bounds(0.025, 0.025)
    assert high - low < own[1] - own[0]
    back = compare(CHECK, regressed(frame.rename(columns={"prediction": "old", "old": "prediction"})))
    assert back.members[0].estimate.bounds(0.025, 0.025) == pytest.approx((-high, -low), abs=1e-9)
    assert found.table["rival_prediction"].tolist() == frame.old.tolist()
    assert "by the champion" in found.notes[0]


def test_a_model_compared_with_itself_says_so() -> None:
    frame = drawn(100)
    found = compare(CHECK, regressed(frame.assign(old=frame.prediction)))
    assert value(found) == 0.0
    assert "give the same number in every row" in found.notes[-1]


def test_the_figure_shows_where_it_is_off() -> None:
    """Bins of equal mass; a model that halves every number is too low by half of what is true."""
    frame = drawn(300)
    found = measure(CHECK, regressed(frame.assign(prediction=frame.label / 2)))
    (figure,) = found.figures
    means, spread = marks(figure), curve(figure, "median, shaded: 8 rows in 10")
    assert means.y == pytest.approx(means.x)
    assert all(low < mean < high for low, mean, high in zip(means.lower, means.y, means.upper, strict=True))
    assert all(low < middle < high for low, middle, high in zip(spread.lower, spread.y, spread.upper, strict=True))
    assert isinstance(figure, Lines)
    assert re.fullmatch(r"predictions near [−\d.]+ are too (low|high) by [\d.]+ on average", figure.title)
    assert re.fullmatch(r"\d+ of 12 bins of 25 rows or more are off beyond their 95\u00a0% interval\.", figure.foot)
    for one in figure.curves[2:]:
        off = [low > 0 or high < 0 for low, high in zip(one.lower, one.upper, strict=True)]
        assert set(off) == {one.style == "exceptions"}
    assert found.examples[0].row == str(int(frame.label.abs().argmax()) + 1)
    assert "too low by" in found.examples[0].note


def test_a_model_that_is_off_by_chance_alone_is_said_to_be() -> None:
    frame = drawn(300)
    noise = np.random.default_rng(3).normal(0, 1, 300)
    (figure,) = measure(CHECK, regressed(frame.assign(prediction=frame.label + noise - noise.mean()))).figures
    assert isinstance(figure, Lines)
    assert (figure.title == "no stretch of predictions is off by more than chance") == (len(figure.curves) == 3)


def test_no_figure_of_few_rows_or_of_one_answer() -> None:
    assert measure(CHECK, regressed(drawn(49))).figures == ()
    assert measure(CHECK, regressed(drawn(300).assign(prediction=10.0))).figures == ()


def test_a_model_that_is_always_right_settles_nothing() -> None:
    """Without any spread nothing says how far off the next row is."""
    found = measure(CHECK, regressed(numbers([(x, x) for x in range(200)])))
    assert (value(found), found.examples) == (0.0, ())
    assert status(CHECK, found, max=1.0) == "inconclusive"


def test_what_cannot_be_measured_is_refused() -> None:
    frame = drawn(40)
    with pytest.raises(CannotMeasure, match="gives classes, not numbers"):
        measure(CHECK, subject(frame))
    with pytest.raises(CannotMeasure, match="holds no number in 1 of 40 rows"):
        measure(CHECK, regressed(frame.assign(label=[np.nan, *frame.label[1:]])))
    with pytest.raises(CannotMeasure, match="no column of true numbers"):
        measure(CHECK, regressed(frame.drop(columns="label")))
