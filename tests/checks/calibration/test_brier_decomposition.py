from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from audit.errors import CannotMeasure
from audit.evidence import Lines
from audit.stats import SquaredDistance
from tests.classified import shuffled, three_scored
from tests.judged import status
from tests.support import measure, subject
from tests.unplugged import unplugged

CHECK = "calibration/brier_decomposition"


def said(n: int, seed: int, *, off: float = 0.0) -> pd.DataFrame:
    """Scores from .2 to .7 whose event comes true `off` more often than they say."""
    rng = np.random.default_rng(seed)
    score = rng.uniform(0.2, 0.7, n)
    return pd.DataFrame({"label": (rng.random(n) < score + off).astype(int), "score": score, "gender": rng.choice(["f", "m"], n)})


def test_a_worked_example() -> None:
    """Ten rows given .2 of which four come true, ten given .8 of which six do: reliability .04, less Bröcker's .24 / 9."""
    frame = pd.DataFrame({"label": [1] * 4 + [0] * 6 + [1] * 6 + [0] * 4, "score": [0.2] * 10 + [0.8] * 10})
    found = measure(CHECK, subject(frame), bins=2)
    assert found.members[0].estimate.value == pytest.approx(0.04 - 0.24 / 9)
    assert "Brier score 0.280 = 0.040 reliability − 0.010 resolution + 0.250 uncertainty" in found.notes[0]
    assert not found.context  # ten of the rarer outcome are too few for the resolution's interval
    assert isinstance(found.figures[0], Lines)


def test_agrees_with_scikit_learn() -> None:
    """The score that is parted is that of `brier_score_loss`; a class of three against the rest."""
    from sklearn.metrics import brier_score_loss

    frame = said(1000, 1)
    assert f"Brier score {brier_score_loss(frame.label, frame.score):.3f} = " in measure(CHECK, subject(frame)).notes[0]
    three = three_scored(500)
    notes = measure(CHECK, subject(three, scores=("a", "b", "c")), target="classwise").notes
    assert [
        f"Brier score {brier_score_loss(three.label == one, three[one]):.3f} = " in note for one, note in zip("abc", notes, strict=True)
    ] == [True] * 3


def test_slices_classes_and_the_order_of_rows() -> None:
    frame = said(1200, 2, off=0.2).assign(label=lambda table: table.label.where(table.gender == "f", 0))
    found = measure(CHECK, subject(frame, by=(("gender",),)))
    assert [str(one.name) for one in found.members] == ["gender=f", "gender=m"]
    assert found.members[1].estimate.value > found.members[0].estimate.value > 0
    assert [str(one.name) for one in found.context] == ["gender=f, part=resolution"]
    again = measure(CHECK, subject(shuffled(frame), by=(("gender",),)))
    assert [one.estimate.value for one in again.members] == pytest.approx([one.estimate.value for one in found.members])
    classes = measure(CHECK, subject(three_scored(400), scores=("a", "b", "c")), target="classwise")
    assert [str(one.name) for one in classes.members] == ["class=a", "class=b", "class=c"]


def test_the_interval_decides() -> None:
    """Truly .15 off, so .0225; a calibrated model of few rows is not failed for its noise, which its point would."""
    found = measure(CHECK, subject(said(3000, 3, off=0.15)))
    assert [status(CHECK, found, max=bound) for bound in (0.04, 0.0225, 0.01)] == ["pass", "inconclusive", "fail"]
    looks = [measure(CHECK, subject(said(150, seed))) for seed in range(40)]
    assert np.mean([status(CHECK, one, max=0.001) == "fail" for one in looks]) <= 0.1
    assert np.mean([status(CHECK, unplugged(one), max=0.001) == "fail" for one in looks]) > 0.3


def test_people_widen_the_interval() -> None:
    frame = pd.concat([said(200, 5).assign(person=np.arange(200))] * 4).assign(row=np.arange(800))
    grouped, alone = (measure(CHECK, seen).members[0].estimate for seen in (subject(frame, group=one) for one in ("person", "row")))
    assert isinstance(grouped, SquaredDistance)
    assert isinstance(alone, SquaredDistance)
    assert grouped.seen == alone.seen
    assert grouped.chance > 3 * alone.chance
    assert grouped.support == 200


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(CannotMeasure, match=r"columns\.score"):
        measure(CHECK, subject(pd.DataFrame({"label": [1, 0], "prediction": [1, 0]})))
    with pytest.raises(CannotMeasure, match=r"columns\.positive"):
        measure(CHECK, subject(three_scored(20), scores=("a", "b", "c")), target="positive")
    for params in ({"bins": 1}, {"target": "second"}):
        with pytest.raises(ValidationError):
            measure(CHECK, subject(said(20, 0)), **params)
