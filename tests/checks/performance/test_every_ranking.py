"""What holds of every check of how well scores rank the rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from audit.errors import CannotMeasure
from tests.classified import scored, three_scored
from tests.judged import status
from tests.support import measure, subject
from tests.unplugged import unplugged

every = pytest.mark.parametrize("check", ["performance/average_precision", "performance/roc_auc"])


@every
def test_a_slice_of_one_class_is_unmeasured(check: str) -> None:
    frame = scored(200)
    frame.loc[frame.gender == "f", "label"] = 1
    found = measure(check, subject(frame, by=(("gender",),)))
    assert [(str(one.name), one.reason) for one in found.unmeasured] == [("gender=f", "no row is of another class: add rows to this slice")]
    assert status(check, found, min=0.5) == "inconclusive"


@every
def test_the_interval_decides(check: str) -> None:
    found = measure(check, subject(scored(300)))
    value, (low, high) = found.members[0].estimate.value, found.members[0].estimate.bounds(0.025, 0.025)
    middle = (value + low) / 2
    assert [status(check, found, min=bound) for bound in (low - 0.01, middle, high + 0.01)] == ["pass", "inconclusive", "fail"]
    assert status(check, unplugged(found), min=middle) == "pass"


@every
def test_rows_of_one_person_widen_the_interval(check: str) -> None:
    frame = pd.concat([scored(100).assign(person=np.arange(100))] * 4).assign(row=np.arange(400))
    grouped, alone = (measure(check, subject(frame, group=one)).members[0].estimate for one in ("person", "row"))
    assert grouped.value == alone.value
    assert grouped.bounds(0.025, 0.025)[0] < alone.bounds(0.025, 0.025)[0] - 0.01


@every
def test_data_without_scores_are_refused(check: str) -> None:
    with pytest.raises(CannotMeasure, match=r"columns\.score"):
        measure(check, subject(pd.DataFrame({"label": [1, 0], "prediction": [1, 0]})))


@every
@pytest.mark.parametrize("average", ["macro", "none"])
def test_a_true_class_without_scores_is_refused(check: str, average: str) -> None:
    """The others' numbers would say nothing of it; scikit-learn refuses it too. Against one positive class it is of the rest."""
    frame = three_scored(300)
    frame.loc[:99, "label"] = "d"
    with pytest.raises(CannotMeasure, match="no probability for d, a true class: it knows a, b, c"):
        measure(check, subject(frame, scores=("a", "b", "c")), average=average)
    assert measure(check, subject(frame, scores=("a", "b", "c"), positive="a")).members[0].estimate.n == 300
