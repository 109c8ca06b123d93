"""A classifier, cross-fitted on rows of both windows, tells how far they can be told apart."""

from __future__ import annotations

import importlib.util
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from audit.catalog import discover
from audit.errors import CannotMeasure, MissingExtra
from audit.stats import Auc
from audit.testing import assert_complete, assert_crash_blocks, assert_refused
from tests.judged import status
from tests.misses import most
from tests.support import measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audit.evidence import Evidence
    from audit.subject import Subject

pytest.importorskip("sklearn", reason="needs scikit-learn")
CHECK = "drift/classifier_two_sample"
needs_alibi = pytest.mark.skipif(importlib.util.find_spec("alibi_detect") is None, reason="needs alibi-detect")


def windows(before: Any, now: Any, **roles: Any) -> Subject:
    frames = [pd.DataFrame(rows).rename(columns=lambda name: f"x{name}" if isinstance(name, int) else name) for rows in (before, now)]
    return subject(frames[1].assign(prediction="a"), reference=frames[0].assign(prediction="a"), **roles)


def drift(before: NDArray[Any], now: NDArray[Any], seed: int = 0, **params: Any) -> Evidence:
    return measure(CHECK, windows(before, now), seed, **params)


def texts(rng: np.random.Generator, topics: list[str]) -> dict[str, list[str]]:
    return {"text": [f"{rng.choice(topics)} {rng.choice(['late', 'lost', 'wrong'])} {rng.choice(['again', 'today'])}" for _ in range(200)]}


def area(found: Evidence) -> Auc:
    (member,) = found.members
    assert isinstance(member.estimate, Auc)
    return member.estimate


def test_windows_that_share_no_value_are_told_apart_always() -> None:
    """Rows 0 to 89 against rows 100 to 189: every current row ranks above every reference row of its fold."""
    found = area(drift(np.arange(90.0)[:, None], np.arange(100.0, 190.0)[:, None]))
    assert found.value == 1.0
    assert (found.positives, found.negatives) == (90, 90)
    assert found.rarer == pytest.approx(90 / 2.25)
    assert found.bounds(0.025, 0.025)[0] == pytest.approx(0.025 ** (1 / 40))


def test_agrees_with_scikit_learns_area_over_each_fold() -> None:
    """The value is nearly the mean of the folds' own areas, which do not depend on how each fold's classifier scales its scores."""
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    from audit.checks.drift import classifier_two_sample as c2st

    rng = np.random.default_rng(0)
    rows, is_now = np.vstack([rng.normal(size=(200, 2)), rng.normal(0.7, size=(200, 2))]), np.repeat([False, True], 200)
    score = c2st.cross_fitted(c2st.of_tables(0), rows, is_now, 4, 3)
    folds = StratifiedKFold(4, shuffle=True, random_state=3).split(rows, is_now)
    expected = np.mean([roc_auc_score(is_now[test], score[test]) for _, test in folds])
    assert Auc.of(is_now, score).value == pytest.approx(expected, abs=0.01)


def test_features_that_only_go_together_differently_are_found() -> None:
    """Both columns keep their law; their correlation turns round, which no test of one feature sees."""
    rng = np.random.default_rng(1)
    x, noise = rng.normal(size=(2, 400)), 0.3 * rng.normal(size=(2, 400))
    found = drift(np.column_stack([x[0], x[0] + noise[0]]), np.column_stack([x[1], -x[1] + noise[1]]))
    assert status(CHECK, found, max=0.6) == "fail"


def test_chance_is_not_called_drift() -> None:
    """60 pairs of windows of one law: the area is near .5 on average, and the corrected variance is that of the areas or more."""
    rng, trials = np.random.default_rng(2), 60
    areas = [area(drift(rng.normal(size=(80, 2)), rng.normal(size=(80, 2)), seed=i)) for i in range(trials)]
    assert np.mean([found.value for found in areas]) == pytest.approx(0.5, abs=0.03)
    assert np.mean([found.bounds(0.025, 0.025)[0] > 0.5 for found in areas]) <= most(0.025, trials)
    assert np.std([found.value for found in areas]) <= 1.2 * np.sqrt(np.mean([found.variance for found in areas]))


def test_the_interval_decides() -> None:
    rng = np.random.default_rng(3)
    few = drift(rng.normal(size=(80, 2)), rng.normal(size=(80, 2)))
    bound = max(0.5, few.members[0].estimate.value) + 0.01
    assert status(CHECK, few, max=bound) == "inconclusive"
    assert status(CHECK, unplugged(few), max=bound) == "pass"
    assert status(CHECK, drift(rng.normal(size=(1500, 2)), rng.normal(size=(1500, 2))), max=0.55) == "pass"


def test_texts_are_compared_by_their_words() -> None:
    rng = np.random.default_rng(4)
    before, same, other = texts(rng, ["parcel", "invoice"]), texts(rng, ["parcel", "invoice"]), texts(rng, ["router", "parcel"])
    assert status(CHECK, measure(CHECK, windows(before, same)), max=0.65) == "pass"
    assert status(CHECK, measure(CHECK, windows(before, other)), max=0.65) == "fail"


def test_rows_that_look_new_are_shown_where_windows_differ() -> None:
    """Every row shown is one of the 150 that moved; where nothing moved beyond chance, none is shown."""
    rng = np.random.default_rng(7)
    before = rng.normal(size=(300, 2))
    now = before + rng.normal(scale=1e-3, size=(300, 2))
    assert drift(before, now).examples == ()
    now[:150] = rng.normal(8, size=(150, 2))
    found = drift(before, now)
    assert len(found.examples) == 8
    assert {int(one.row) for one in found.examples} <= set(range(1, 151)), "rows are counted from 1"
    assert not any("below the middle" in one.parts[0].text for one in found.examples)


def test_rows_are_drawn_and_said_to_be() -> None:
    """At most `max_rows`, one of each person; the same seed draws the same."""
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(300, 2))
    found = drift(rows, rows[:90] + 0.1, max_rows=100)
    seen, check = windows(rows, rows[:90] + 0.1), discover()[CHECK]
    assert found.rows == 190 == check.expected_rows(seen, check.params.model_validate({"max_rows": 100}))
    assert "100 of the 300 rows of reference were drawn at random and compared." in found.notes
    assert drift(rows, rows[:90] + 0.1, max_rows=100).members == found.members
    people = [{"x": rng.normal(size=200), "who": np.arange(200) // 4} for _ in range(2)]
    assert measure(CHECK, windows(*people, group="who"), columns=["x"]).rows == 100


def test_it_behaves() -> None:
    rng = np.random.default_rng(6)
    seen = windows(rng.normal(size=(60, 2)), rng.normal(size=(60, 2)))
    assert_complete(CHECK, seen)
    assert_crash_blocks(CHECK, seen)


def test_what_cannot_be_measured_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(7).normal(size=(60, 2))
    assert_refused(CHECK, windows(rows[:9], rows), because="each window needs 10 rows")
    assert_refused(CHECK, windows(rows, rows[:, :1]), because="no column 'x1'")
    with pytest.raises(CannotMeasure, match="under `reference`"):
        measure(CHECK, subject(pd.DataFrame({"x": [1.0], "prediction": "a"})))
    monkeypatch.setitem(__import__("sys").modules, "sklearn.ensemble", None)
    with pytest.raises(MissingExtra, match="scikit-learn is not installed"):
        drift(rows, rows + 1)


@pytest.mark.full
@needs_alibi
def test_the_other_backend_agrees_and_names_its_licence() -> None:
    """Its p-value of the same classifier says the same: small where the windows differ, not where they do not; the area stays ours."""
    rng = np.random.default_rng(8)
    before, same, other = rng.normal(size=(150, 2)), rng.normal(size=(150, 2)), rng.normal(1.0, size=(150, 2))
    for now, differs in ((same, False), (other, True)):
        ours, theirs = drift(before, now), drift(before, now, backend="alibi-detect")
        assert theirs.members == ours.members
        (note,) = [note for note in theirs.notes if note.startswith("Its cross-fitted test")]
        assert (float(note.split("p = ")[1].split(";")[0]) < 0.05) == differs
        assert (area(ours).bounds(0.025, 0.025)[0] > 0.5) == differs
        assert theirs.backend.startswith("alibi-detect 0.")
        assert any("Business Source License 1.1" in note for note in theirs.notes)


@pytest.mark.full
@needs_alibi
def test_the_other_backend_tells_texts_apart_by_the_same_classifier() -> None:
    """Its p-value is that of Kolmogorov and Smirnov between the probabilities, which no change leaves even and a new topic makes small."""
    rng = np.random.default_rng(9)
    before, same, other = texts(rng, ["parcel", "invoice"]), texts(rng, ["parcel", "invoice"]), texts(rng, ["router", "parcel"])
    for now, differs in ((same, False), (other, True)):
        found = measure(CHECK, windows(before, now), backend="alibi-detect")
        (note,) = [note for note in found.notes if note.startswith("Its cross-fitted test")]
        assert (float(note.split("p = ")[1].split(";")[0]) < 0.05) == differs
        assert found.members == measure(CHECK, windows(before, now)).members


@pytest.mark.full
@needs_alibi
def test_the_other_backend_gets_the_rows_themselves() -> None:
    """By places or as rows, ClassifierDrift gives the same distance and p-value."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its imports use what numba and torch have deprecated
        from alibi_detect import cd

    from audit.checks.drift import _alibi, classifier_two_sample

    rng = np.random.default_rng(10)
    before, now = rng.normal(size=(60, 2)), rng.normal(0.5, size=(50, 2))
    settings = {"backend": "sklearn", "preds_type": "probs", "binarize_preds": False, "n_folds": 5, "seed": 0, "use_calibration": False}
    direct = cd.ClassifierDrift(before, classifier_two_sample.of_tables(0), p_val=0.05, **settings).predict(now)["data"]
    found = _alibi.classifier(np.vstack([before, now]), np.repeat([False, True], [60, 50]), classifier_two_sample.of_tables(0), 0)
    assert found == pytest.approx((direct["distance"], direct["p_val"]))
