from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from audit.checks.calibration._stated_probabilities import TargetParams
from audit.checks.calibration._temperature import Suggestion, fitted, scaled, suggestion
from audit.evidence import Lines
from tests.classified import three_scored
from tests.figures import rows
from tests.support import measure, subject

CHECK = "calibration/expected_calibration_error"


def said(n: int, seed: int, temperature: float = 1.0) -> pd.DataFrame:
    """Scores whose true log odds are the stated ones over a temperature."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 2, n)
    return pd.DataFrame({"label": (rng.random(n) < expit(x / temperature)).astype(int), "score": expit(x)})


def suggested(frame: pd.DataFrame, seed: int = 0, **columns: object) -> Suggestion:
    return suggestion(subject(frame, **columns), TargetParams(target=None), np.random.default_rng(seed))  # type: ignore[arg-type]  # columns by name


def falls(note: str) -> tuple[float, float, float]:
    """The fall of the log loss with its ends; one that rises is told by a number above 0 too."""
    found = re.search(r"(falls|rises) by (\S+) \[(\S+), (\S+)\]", note)
    assert found is not None
    move, *numbers = found.groups()
    value, low, high = (float(one.replace("−", "-")) for one in numbers)
    assert value >= 0
    assert low <= value <= high
    return (value, low, high) if move == "falls" else (-value, -high, -low)


def test_a_worked_example() -> None:
    """Two probabilities: at temperature 2 the odds of .9 to .1, nine, become three."""
    assert scaled(np.array([[0.9, 0.1]]), 2.0) == pytest.approx(np.array([[0.75, 0.25]]))
    assert scaled(np.array([[0.5, 0.3, 0.2]]), 1.0) == pytest.approx(np.array([[0.5, 0.3, 0.2]]))
    codes = np.array([0] * 75 + [1] * 25)
    assert fitted(np.tile([0.9, 0.1], (100, 1)), codes) == pytest.approx(2.0, abs=1e-3)  # three in four come true


def test_the_order_of_classes_stays() -> None:
    table = three_scored(50)[["a", "b", "c"]].to_numpy()
    assert (scaled(table, 3.0).argmax(axis=1) == table.argmax(axis=1)).all()
    assert scaled(table, 3.0).sum(axis=1) == pytest.approx(np.ones(50))
    assert np.isfinite(scaled(np.array([[1.0, 0.0]]), 0.1)).all()


def test_a_model_that_is_too_sure_gains() -> None:
    """Truly at temperature 2; the gain is measured on the half that was not fitted on."""
    found = suggested(said(2000, 1, 2.0))
    note = found.notes[0]
    assert 1.6 < float(note.split("temperature ")[1].split(" ")[0]) < 2.5
    assert "fitted on 1,000 of these rows, drawn at random. On the other 1,000" in note
    assert "a gain beyond chance" in note
    assert falls(note)[1] > 0
    (drawn,) = found.figures
    assert sum(rows(drawn)) == 1000


def test_a_calibrated_model_gains_nothing_beyond_chance() -> None:
    """In 60 samples: an interval on rows that were fitted on would promise a gain far more often."""
    notes = [suggested(said(400, seed), seed).notes[0] for seed in range(60)]
    assert sum("a gain beyond chance" in note for note in notes) <= 5
    assert np.mean([falls(note)[0] for note in notes]) < 0.001
    assert {"falls", "rises"} == {move for note in notes for move in ("falls", "rises") if f"log loss {move} by" in note}


def test_people_stay_on_one_side() -> None:
    """Rows of one person are alike: whoever were on both sides would gain on what was fitted."""
    frame = pd.concat([said(300, 2).assign(person=np.arange(300))] * 3, ignore_index=True)
    assert "fitted on 450 of these rows" in suggested(frame, group="person").notes[0]


def test_few_rows_or_an_unknown_class_suggest_nothing() -> None:
    assert suggested(said(199, 3)) == Suggestion()
    unknown = three_scored(300).assign(label=lambda table: table.label.where(table.index > 0, "d"))
    assert suggested(unknown, scores=("a", "b", "c")) == Suggestion()


def test_it_moves_no_judged_number_and_stands_in_the_finding() -> None:
    found = measure(CHECK, subject(said(600, 4, 2.0)))
    assert "Suggested remedy: temperature" in found.notes[-1]
    assert "changes no prediction" in found.notes[-1]
    assert ["temperature" in figure.title for figure in found.figures if isinstance(figure, Lines)] == [False, True]
    assert measure(CHECK, subject(said(600, 4, 2.0))) == found
    lines = measure("calibration/slope_and_intercept", subject(said(600, 4, 2.0)))
    assert "Suggested remedy: temperature" in lines.notes[-1]


def test_every_check_suggests_the_same_temperature() -> None:
    """Two temperatures for one model would leave a reader to choose; another policy's seed halves the rows anew."""
    seen = subject(said(600, 4, 2.0))
    line, errors = (measure(f"calibration/{check}", seen).notes[-1] for check in ("slope_and_intercept", "expected_calibration_error"))
    assert line == errors
    assert measure(CHECK, replace(seen, seed=7)).notes[-1].split(",")[0] != errors.split(",")[0]


def test_the_error_before_and_after_is_over_the_bins_that_are_judged() -> None:
    frame = said(600, 4, 2.0)
    few, many = (measure(CHECK, subject(frame), bins=bins) for bins in (5, 15))
    assert [len(rows(figure)) for figure in few.figures] == [5, 5]
    assert few.notes[-1].split("goes from")[0] == many.notes[-1].split("goes from")[0]
    assert few.notes[-1] != many.notes[-1]
