"""What holds of every check of a regression model's errors: its interval, in slices, and against a champion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from audit.errors import CannotMeasure
from tests import realdata
from tests.compared import compare
from tests.judged import status
from tests.numbered import drawn, regressed
from tests.reference import scikit_learn
from tests.support import measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.evidence import Evidence

RMSE, R2, PINBALL = "performance/root_mean_squared_error", "performance/r2", "performance/pinball_loss"
THEIRS: dict[str, Callable[[pd.Series[float], pd.Series[float]], float]] = {
    "performance/mean_absolute_error": scikit_learn("mean_absolute_error"),
    RMSE: scikit_learn("root_mean_squared_error"),
    R2: scikit_learn("r2_score"),
    PINBALL: scikit_learn("mean_pinball_loss"),
}
"""Scikit-learn's, by the check."""
FLOORS = frozenset({R2})


def value(found: Evidence) -> float:
    (member,) = found.members
    return member.estimate.value


@pytest.mark.parametrize("check_id", THEIRS)
def test_the_interval_decides(check_id: str) -> None:
    found = measure(check_id, regressed(drawn(400)))
    low, high = found.members[0].estimate.bounds(0.025, 0.025)
    name, end = ("min", low) if check_id in FLOORS else ("max", high)
    other, middle = (high, (value(found) + low) / 2) if name == "min" else (low, (value(found) + high) / 2)
    away = 0.01 if name == "max" else -0.01
    assert [status(check_id, found, **{name: bound}) for bound in (end + away, middle, other - away)] == ["pass", "inconclusive", "fail"]
    assert status(check_id, unplugged(found), **{name: middle}) == "pass"


@pytest.mark.parametrize("check_id", THEIRS)
def test_slices_and_persons(check_id: str) -> None:
    frame = pd.concat([drawn(150, gap=2.0)] * 3)
    found, alone = (measure(check_id, regressed(frame, by=(("region",),), **more)) for more in ({"group": "person"}, {}))
    assert [str(one.name) for one in found.members] == ["region=north", "region=south"]
    for (_, rows), one, other in zip(frame.groupby("region"), found.members, alone.members, strict=True):
        assert one.estimate.value == pytest.approx(THEIRS[check_id](rows.label, rows.prediction), abs=1e-9)
        assert one.estimate.support < other.estimate.support  # copies of a row are one row, and rows of a person one person


@pytest.mark.parametrize("check_id", [RMSE, R2, PINBALL])
def test_against_a_champion_on_the_same_rows(check_id: str) -> None:
    """The difference is scikit-learn's, its interval narrower than the candidate's own, and turns round with the models."""
    frame = drawn(300)
    found = compare(check_id, regressed(frame))
    metric = THEIRS[check_id]
    assert value(found) == pytest.approx(metric(frame.label, frame.prediction) - metric(frame.label, frame.old), abs=1e-9)
    low, high = found.members[0].estimate.bounds(0.025, 0.025)
    assert high - low < np.ptp(measure(check_id, regressed(frame)).members[0].estimate.bounds(0.025, 0.025))
    back = compare(check_id, regressed(frame.rename(columns={"prediction": "old", "old": "prediction"})))
    assert back.members[0].estimate.bounds(0.025, 0.025) == pytest.approx((-high, -low), abs=1e-9)


@pytest.mark.parametrize("check_id", THEIRS)
def test_what_cannot_be_measured_is_refused(check_id: str) -> None:
    with pytest.raises(CannotMeasure, match="holds no number in 1 of 40 rows"):
        measure(check_id, regressed(drawn(40).assign(label=lambda f: f.label.where(f.index > 0))))
    with pytest.raises(CannotMeasure, match="gives classes, not numbers"):
        measure(check_id, subject(drawn(40)))


@pytest.mark.data
def test_values_on_california_housing() -> None:
    """Incomes predicted from the other columns of 8,232 rows by trees; scikit-learn says the same, also north and south of 36 degrees."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    folder = realdata.path("california_housing")
    train, test = (pd.read_csv(folder / f"{name}.csv.gz") for name in ("reference", "analysis"))
    features = ["HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude", "Longitude"]
    model = HistGradientBoostingRegressor(max_iter=30, random_state=0).fit(train[features], train["MedInc"])
    frame = pd.DataFrame({"label": test["MedInc"], "prediction": model.predict(test[features])})
    frame["region"] = np.where(test["Latitude"] > 36, "north", "south")
    for check_id, metric in THEIRS.items():
        assert value(measure(check_id, regressed(frame))) == pytest.approx(metric(frame.label, frame.prediction), abs=1e-9)
        sliced = measure(check_id, regressed(frame, by=(("region",),)))
        for (_, rows), one in zip(frame.groupby("region"), sliced.members, strict=True):
            assert one.estimate.value == pytest.approx(metric(rows.label, rows.prediction), abs=1e-9)
