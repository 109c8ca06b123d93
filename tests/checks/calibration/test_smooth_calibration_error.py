from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from audit.errors import CannotMeasure
from audit.evidence import Lines
from audit.stats import SmoothCalibrationError
from tests.classified import shuffled, three_scored
from tests.judged import status
from tests.support import measure, subject
from tests.unplugged import unplugged

CHECK = "calibration/smooth_calibration_error"


def said(n: int, seed: int, *, off: float = 0.0) -> pd.DataFrame:
    """Scores from .1 to .8 whose event comes true `off` more often than they say."""
    rng = np.random.default_rng(seed)
    score = rng.uniform(0.1, 0.8, n)
    return pd.DataFrame({"label": (rng.random(n) < score + off).astype(int), "score": score, "gender": rng.choice(["f", "m"], n)})


def test_a_worked_example() -> None:
    """All rows given .6, half come true."""
    found = measure(CHECK, subject(pd.DataFrame({"label": [0, 1] * 100, "score": [0.6] * 200})))
    assert found.members[0].estimate.value == pytest.approx(0.1)
    assert "Probability of 1." in found.notes[0]
    assert isinstance(found.figures[0], Lines)


def test_slices_classes_and_the_order_of_rows() -> None:
    frame = three_scored(300).assign(gender=np.tile(["f", "m", "m"], 100))
    found = measure(CHECK, subject(frame, by=(("gender",),), scores=("a", "b", "c")), target="classwise")
    assert {str(one.name) for one in found.members} == {f"gender={g}, class={c}" for g in "fm" for c in "abc"}
    women = frame[frame.gender == "f"]
    alone = SmoothCalibrationError.of(women["b"].to_numpy(), (women.label == "b").to_numpy())
    assert {str(one.name): one.estimate for one in found.members}["gender=f, class=b"] == alone
    top, again = (measure(CHECK, subject(table, scores=("a", "b", "c"))) for table in (frame, shuffled(frame)))
    assert again.members[0].estimate.value == pytest.approx(top.members[0].estimate.value)
    assert "most probable class" in top.notes[0]


def test_the_interval_decides() -> None:
    """Truly .2 off in 2,000 rows; a calibrated model of few rows is not failed for its noise, which its point would."""
    found = measure(CHECK, subject(said(2000, 5, off=0.2)))
    assert [status(CHECK, found, max=bound) for bound in (0.3, 0.2, 0.1)] == ["pass", "inconclusive", "fail"]
    looks = [measure(CHECK, subject(said(200, seed))) for seed in range(25)]
    assert [status(CHECK, one, max=0.02) for one in looks].count("fail") <= 2
    assert [status(CHECK, unplugged(one), max=0.02) for one in looks].count("fail") > 12


def test_people_widen_the_interval() -> None:
    frame = pd.concat([said(150, 5).assign(person=np.arange(150), visit=visit) for visit in (0.5, 1.5, 2.5, 3.5)])
    grouped, alone = (measure(CHECK, seen).members[0].estimate for seen in (subject(frame, group="person"), subject(frame)))
    assert grouped.value == alone.value
    assert grouped.bounds(0.025, 0.025)[1] > alone.bounds(0.025, 0.025)[1] + 0.01
    assert (grouped.support, alone.support) == (150, 600)


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(CannotMeasure, match=r"columns\.score"):
        measure(CHECK, subject(pd.DataFrame({"label": [1, 0], "prediction": [1, 0]})))
    with pytest.raises(ValidationError):
        measure(CHECK, subject(said(20, 0)), bins=10)
