"""Errors of predicted numbers without labels, from a model of the loss that is fitted on a labelled reference."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from audit.candidates.predictions import Predictions
from audit.candidates.saved import SavedValues
from audit.checks.performance.estimated_error import _Losses
from audit.errors import MissingExtra
from audit.evidence import storage
from audit.stats import ExpectedLoss
from audit.subject import Subject
from audit.testing import assert_complete, assert_crash_blocks, assert_refused
from tests.judged import status
from tests.support import dataset, measure
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from audit.evidence import Evidence

pytest.importorskip("sklearn", reason="needs scikit-learn")
CHECK = "performance/estimated_error"
ROLES: dict[str, Any] = {"label": "label", "prediction": "prediction", "features": ["x"]}


def rows(rng: np.random.Generator, n: int, mean: float = 0.0) -> pd.DataFrame:
    """Errors grow with the feature: their mean size is that of a normal number of deviation .3 + exp(.6 x)."""
    x = rng.normal(mean, 1, n)
    return pd.DataFrame({"x": x, "prediction": x, "label": x + rng.normal(0, 1, n) * (0.3 + np.exp(0.6 * x))})


def seen(reference: pd.DataFrame, window: pd.DataFrame, *, labelled: bool = False, **roles: Any) -> Subject:
    own = ROLES | roles
    datasets = {"test": dataset(window, "test", **own), "reference": dataset(reference, "reference", **own)}
    if not labelled:
        datasets["test"] = dataset(window.drop(columns="label"), "test", **own | {"label": None})
    predicted = Predictions(SavedValues(datasets))
    return Subject(data=datasets["test"], predicted=predicted, reference=datasets["reference"], datasets=datasets)


def of(evidence: Evidence) -> ExpectedLoss:
    (member,) = evidence.members
    assert isinstance(member.estimate, ExpectedLoss)
    return member.estimate


def test_a_worked_example() -> None:
    """One sort of rows: the model expects 1 and 3 of the window, and on held-out rows 2 too little on average.

    The loss is 2 + 2 = 4; each of the window's rows moves it by 1/2 of what it is off, each of four labelled ones by 1/4, over the
    root of 3/4 for its own pull on the mean.
    """
    losses = _Losses(
        loss=np.array([2.0, 4.0, 4.0, 6.0]),
        held_out=np.full(4, 2.0),
        window=np.array([[1.0, 1.0], [3.0, 3.0]]),
        part=np.arange(4),
        weight=np.ones(4),
        unlike=np.array([False, True]),
        clusters=(None, None),
    )
    found = losses.estimate(root=False)
    assert found.value == 4.0
    assert found.mean.deviation**2 / found.mean.units == pytest.approx(0.5**2 * 2 + (2**2 + 2**2) / 16 / (3 / 4))
    assert (found.fall, found.rise) == (2.5, 0.5)  # the second row is expected to lose 5 of 2 rows, and loses 0 or 6 at the ends
    assert losses.estimate(root=True).value == 2.0


def test_the_error_follows_the_shift_and_the_interval_holds_it() -> None:
    rng = np.random.default_rng(0)
    reference, window = rows(rng, 1500), rows(rng, 500, mean=0.7)
    x = rng.normal(0.7, 1, 100_000)
    deviation = 0.3 + np.exp(0.6 * x)
    truths = {"mean_absolute_error": np.sqrt(2 / np.pi) * deviation.mean(), "root_mean_squared_error": np.sqrt(np.mean(deviation**2))}
    for metric, truth in truths.items():
        found = of(measure(CHECK, seen(reference, window), metric=metric))
        low, high = found.bounds(0.025, 0.025)
        assert low < truth < high
        assert found.value == pytest.approx(truth, rel=0.12)
    assert np.abs(reference.label - reference.prediction).mean() < 0.8 * truths["mean_absolute_error"]


def test_the_interval_decides_and_the_stored_evidence_says_the_same() -> None:
    rng = np.random.default_rng(1)
    found = assert_complete(CHECK, seen(rows(rng, 600), rows(rng, 200)))
    again = storage.from_bytes(storage.to_bytes(found))
    just_above = of(found).value + 0.01
    assert [status(CHECK, one, max=just_above) for one in (found, again)] == ["inconclusive"] * 2
    assert status(CHECK, unplugged(found), max=just_above) == "pass"
    assert [status(CHECK, found, max=bound) for bound in (0.5, 3.0)] == ["fail", "pass"]
    assert_crash_blocks(CHECK, seen(rows(rng, 150), rows(rng, 60)))


def test_labels_of_the_window_that_disagree_stop_it() -> None:
    rng = np.random.default_rng(2)
    reference, window = rows(rng, 500), rows(rng, 150)
    off = window.assign(label=window.label + 5)
    found = measure(CHECK, seen(reference, off, labelled=True))
    assert not found.members
    assert "labels disagree: 150 of the 150 rows of test have labels" in found.unmeasured[0].reason
    assert measure(CHECK, seen(reference, window, labelled=True)).members


def test_losses_that_changed_within_the_reference_are_not_judged() -> None:
    rng = np.random.default_rng(3)
    reference = rows(rng, 1000).assign(when=pd.date_range("2026-01-01", periods=1000, freq="h").astype(str))
    reference.loc[800:, "label"] += 4
    window = rows(rng, 200).assign(when="2026-06-01 00:00:00")
    found = measure(CHECK, seen(reference, window, time="when"))
    assert not found.members
    assert "standard errors more than the others make it" in found.unmeasured[0].reason


def test_what_cannot_be_measured_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    reference, window = rows(rng, 120), rows(rng, 50)
    same = seen(reference, window)
    assert same.reference is not None
    unlabelled = replace(same.reference, columns=same.reference.columns.model_copy(update={"label": None}))
    assert_refused(CHECK, replace(same, reference=unlabelled), because="name their column under columns.label")
    assert_refused(CHECK, same, because="a model of the loss needs features", columns=[])
    assert_refused(CHECK, seen(reference[:99], window), because="99 labelled rows, and 100 are needed")
    bare = [one.drop(columns="x") for one in (reference, window)]
    assert_refused(CHECK, seen(*bare, features=None), because="name columns under columns.features")
    monkeypatch.setitem(__import__("sys").modules, "sklearn.ensemble", None)
    with pytest.raises(MissingExtra, match="scikit-learn is not installed"):
        measure(CHECK, same)
