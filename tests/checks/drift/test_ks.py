from __future__ import annotations

import importlib.util
import time
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import ks_2samp

from audit.catalog import discover
from audit.errors import CannotMeasure
from audit.evidence import Evidence, Slice
from tests.judged import finding, status
from tests.support import measure, subject

CHECK = "drift/ks"
needs_alibi = pytest.mark.skipif(importlib.util.find_spec("alibi_detect") is None, reason="needs alibi-detect")
numbers = st.lists(st.integers(-9, 9).map(float), min_size=1, max_size=30)


def drift(reference: dict[str, Any], current: dict[str, Any], roles: dict[str, Any] | None = None, **params: Any) -> Evidence:
    frames = [pd.DataFrame(columns).assign(prediction="x") for columns in (reference, current)]
    return measure(CHECK, subject(frames[1], reference=frames[0], **(roles or {})), **params)


def by_column(evidence: Evidence) -> dict[object, float]:
    return {member.name.to_json()["column"]: member.estimate.value for member in evidence.members if isinstance(member.name, Slice)}


def test_a_worked_example() -> None:
    """Reference 1 2 3 4, current 3 4 5 6: below 3 lie half of the one and none of the other."""
    found = drift({"x": [1, 2, 3, 4]}, {"x": [3, 4, 5, 6]})
    assert by_column(found) == {"x": 0.5}
    assert found.rows == 8


@settings(deadline=None)
@given(numbers, numbers)
def test_agrees_with_scipy_and_is_symmetric(reference: list[float], current: list[float]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy's p-value, which is not compared, warns at few rows
        expected = ks_2samp(reference, current, method="asymp").statistic
    assert by_column(drift({"x": reference}, {"x": current}))["x"] == pytest.approx(expected)
    assert by_column(drift({"x": current}, {"x": reference}))["x"] == pytest.approx(expected)


@settings(deadline=None)
@given(numbers, numbers)
def test_an_increasing_change_of_unit_changes_nothing(reference: list[float], current: list[float]) -> None:
    before = by_column(drift({"x": reference}, {"x": current}))
    after = by_column(drift({"x": [2 * x + 1 for x in reference]}, {"x": [2 * x + 1 for x in current]}))
    assert before == pytest.approx(after)


def test_cells_that_go_missing_are_drift() -> None:
    """Half of the column vanishes and the rest stays as it was: a distance of one half, and both shares are told."""
    found = drift({"x": [1.0, 2.0, 3.0, 4.0]}, {"x": [1.0, None, 4.0, None]})
    assert by_column(found) == {"x": 0.5}
    assert "x: missing in 0.0% of the reference and 50.0% of the current window." in found.notes


def test_a_column_of_numbers_that_turns_into_text_is_drift() -> None:
    found = drift({"x": [1.0, 2.0] * 50}, {"x": ["unknown", "2"] * 50})
    assert by_column(found) == {"x": 0.5}
    assert any("50 cells that are no numbers" in note for note in found.notes)


def test_a_column_that_is_gone_bars_a_pass() -> None:
    rows = np.arange(2000) % 50
    found = drift({"x": rows, "y": rows}, {"x": rows})
    assert [str(entry.name) for entry in found.unmeasured] == ["column=y"]
    assert status(CHECK, found, max=0.9) != "pass"
    assert status(CHECK, drift({"x": rows}, {"x": rows}), max=0.9) == "pass"


def test_a_text_is_compared_by_its_length_and_letters() -> None:
    rng = np.random.default_rng(1)
    short, long = (["word " * int(k) for k in rng.integers(low, low + 5, 300)] for low in (3, 9))
    found = drift({"text": short}, {"text": long})
    assert set(by_column(found)) == {"text (words)", "text (characters)", "text (share of letters)"}
    assert by_column(found)["text (words)"] == 1.0
    assert set(by_column(drift({"text": short}, {"text": long}, columns=["text (words)"]))) == {"text (words)"}


def test_categories_are_left_to_psi_and_count_as_unmeasured() -> None:
    found = drift({"x": [1, 2] * 50, "colour": ["red", "blue"] * 50}, {"x": [1, 2] * 50, "colour": ["red"] * 100})
    assert [str(one.name) for one in found.unmeasured] == ["column=colour"]
    assert "drift/psi compares categories" in found.unmeasured[0].reason
    assert status(CHECK, found, max=0.9) == "inconclusive"
    with pytest.raises(CannotMeasure, match="colour"):
        drift({"x": [1], "colour": ["red"]}, {"x": [1], "colour": ["red"]}, columns=["colour"])


def test_truth_values_are_numbers() -> None:
    assert by_column(drift({"x": [True, False]}, {"x": [True, True]})) == {"x": 0.5}


def test_the_interval_decides() -> None:
    """The worst of two features: D = .30 at 2 x 500 rows passes .45, fails .15 and settles nothing at .32, where the point would pass."""
    reference = np.arange(500)
    found = drift({"x": reference, "y": reference}, {"x": reference, "y": reference + 150})
    decided = finding(CHECK, found, max=0.45)
    assert decided.headline is not None
    assert decided.headline.value == pytest.approx(0.30)
    assert str(decided.headline.member) == "column=y"
    assert [status(CHECK, found, max=bound) for bound in (0.15, 0.32, 0.45)] == ["fail", "inconclusive", "pass"]


def test_false_alarms_and_power() -> None:
    """Ten features, 300 rows a side. Without drift at most 2.5 % of the looks say that chance is beaten; a shift of half a sd fails."""
    rng, trials = np.random.default_rng(4), 200
    still = [drift(*(dict(zip("abcdefghij", rng.normal(size=(10, 300)), strict=True)) for _ in range(2))) for _ in range(trials)]
    alarms = sum(status(CHECK, found, max=0.0) == "fail" for found in still)
    assert alarms / trials <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / trials)
    moved = [drift({"x": rng.normal(size=300)}, {"x": rng.normal(0.5, size=300)}) for _ in range(50)]
    assert sum(status(CHECK, found, max=0.05) == "fail" for found in moved) >= 40


def test_the_interval_holds_the_true_distance() -> None:
    """Uniform on 0 to 1 against uniform on .2 to 1.2: the true distance is .2. Each side misses at most nominally."""
    rng, trials = np.random.default_rng(5), 400
    looks = [drift({"x": rng.uniform(size=200)}, {"x": rng.uniform(0.2, 1.2, 150)}) for _ in range(trials)]
    ends = np.array([found.members[0].estimate.bounds(0.025, 0.025) for found in looks])
    most = 0.025 + 3 * np.sqrt(0.025 * 0.975 / trials)
    assert np.mean(ends[:, 0] > 0.2) <= most
    assert np.mean(ends[:, 1] < 0.2) <= most


def test_a_small_change_at_large_n_is_told_and_not_called_a_failure() -> None:
    rng = np.random.default_rng(6)
    found = drift({"x": rng.normal(size=100_000)}, {"x": rng.normal(0.03, size=100_000)})
    assert any(note.startswith("Changed beyond what chance alone gives") and "column=x" in note for note in found.notes)
    assert status(CHECK, found, max=0.1) == "pass"


def test_rows_of_one_person_count_as_fewer() -> None:
    rng = np.random.default_rng(7)
    one, two = ({"x": rng.normal(size=400), "person": np.arange(400) // 4} for _ in range(2))
    alone, grouped = drift(one, two, columns=["x"]), drift(one, two, {"group": "person"}, columns=["x"])
    assert (alone.members[0].estimate.n, grouped.members[0].estimate.n) == (800, 200)
    assert grouped.members[0].estimate.bounds(0.025, 0.025)[1] > alone.members[0].estimate.bounds(0.025, 0.025)[1]


@pytest.mark.full
@needs_alibi
def test_the_other_backend_agrees_and_names_its_licence() -> None:
    rng = np.random.default_rng(8)
    frames = {"x": rng.normal(size=500), "y": rng.normal(size=500)}, {"x": rng.normal(0.2, size=400), "y": rng.normal(size=400)}
    ours, theirs = drift(*frames), drift(*frames, backend="alibi-detect")
    assert by_column(theirs) == pytest.approx(by_column(ours), abs=1e-6)
    assert theirs.members[0].estimate.bounds(0.025, 0.025) == pytest.approx(ours.members[0].estimate.bounds(0.025, 0.025), abs=1e-6)
    assert theirs.backend.startswith("alibi-detect 0.")
    assert any("Business Source License 1.1" in note for note in theirs.notes)
    assert ours.backend == "audit"


def test_truncated_windows_are_noticed() -> None:
    seen = subject(pd.DataFrame({"x": range(9), "prediction": "a"}), reference=pd.DataFrame({"x": range(5), "prediction": "a"}))
    check = discover()[CHECK]
    assert measure(CHECK, seen).rows == check.expected_rows(seen, check.params()) == 14
    assert seen.reference is not None
    assert measure(CHECK, replace(seen, reference=seen.reference.head(3))).rows == 12


def test_a_hundred_thousand_rows_of_twenty_features_take_seconds() -> None:
    rng = np.random.default_rng(9)
    frames = [{f"x{i}": column for i, column in enumerate(rng.normal(size=(20, 100_000)))} for _ in range(2)]
    started = time.process_time()
    drift(*frames)
    assert time.process_time() - started < 20


def test_what_cannot_be_measured_is_refused() -> None:
    frame = pd.DataFrame({"x": [1, 2], "prediction": "a"})
    alone = subject(frame)
    with pytest.raises(CannotMeasure, match="under `reference`"):
        measure(CHECK, alone)
    with pytest.raises(CannotMeasure, match="same file"):
        measure(CHECK, replace(alone, reference=alone.data))
    with pytest.raises(CannotMeasure, match="reference: the data set has no rows"):
        measure(CHECK, subject(frame, reference=frame.head(0)))
    with pytest.raises(CannotMeasure, match="no column 'z'"):
        drift({"x": [1]}, {"x": [1]}, columns=["z"])
    with pytest.raises(CannotMeasure, match="no numeric feature"):
        drift({"c": ["a"]}, {"c": ["b"]})
    with pytest.raises(ValidationError):
        drift({"x": [1]}, {"x": [1]}, backend="evidently")


def test_by_names_the_features() -> None:
    reference, current = ({"x": [1, 2, 3, 4], "y": y, "c": list("abcd")} for y in ([1, 2, 3, 4], [5, 6, 7, 8]))
    frames = [pd.DataFrame(columns).assign(prediction="x") for columns in (reference, current)]
    seen = subject(frames[1], reference=frames[0], features=["x"], by=(("y",),))
    assert by_column(measure(CHECK, seen)) == {"y": 1.0}
    with pytest.raises(CannotMeasure, match="leave one of them out"):
        measure(CHECK, seen, columns=["x"])
    with pytest.raises(CannotMeasure, match="not numeric: c"):
        measure(CHECK, replace(seen, by=(("c",),)))
    with pytest.raises(CannotMeasure, match="no column 'z'"):
        measure(CHECK, replace(seen, by=(("z",),)))
    with pytest.raises(CannotMeasure, match="one feature at a time"):
        measure(CHECK, replace(seen, by=(("x", "y"),)))
