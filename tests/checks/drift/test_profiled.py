"""Drift between windows of which one or both are profiles: what rows say lies within what the profiles say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from audit.candidates.predictions import Predictions
from audit.candidates.saved import SavedPredictions, SavedValues
from audit.catalog import discover
from audit.datasets import Columns
from audit.datasets.column_store import InMemory
from audit.datasets.profiles import making
from audit.datasets.profiles.columns import Numbers
from audit.datasets.reading import read
from audit.errors import CannotMeasure
from audit.metrics.windows import DERIVED
from audit.stats import KolmogorovSmirnov
from audit.stats.sketched import Sketched, kolmogorov_smirnov, largest_distance
from audit.subject import Subject
from audit.testing import assert_complete, assert_crash_blocks, dataset, measure, subject
from tests.failclosed import example
from tests.judged import status
from tests.support import SETTINGS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.evidence import Evidence

ROLES = {"id": "id", "text": "text", "label": "label", "prediction": "prediction"}
ON_PROFILES: dict[str, dict[str, Any]] = {
    "drift/distance": {"statistic": "ks"},
    "drift/ks": {},
    "drift/psi": {},
    "drift/new_categories": {},
    "drift/missingness": {},
    "drift/schema": {},
    "drift/label_shift": {},
    "drift/prediction_drift": {},
}
BINNED = ("jensen_shannon", "hellinger", "chi_squared")


def table(rows: int, seed: int, shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    label = rng.choice(["no", "yes"], rows, p=[0.7, 0.3])
    return pd.DataFrame(
        {
            "id": [f"{seed}-{row}" for row in range(rows)],
            "text": [" ".join(["word"] * size) for size in rng.integers(1, 9, rows)],
            "label": label,
            "prediction": np.where(rng.random(rows) < 0.9, label, "no"),
            "age": rng.normal(40 + 10 * shift, 10, rows),
            "income": np.where(rng.random(rows) < 0.1 + shift / 5, np.nan, rng.lognormal(shift, 1, rows)),
            "grade": rng.integers(0, 6, rows),
            "city": rng.choice(["Bonn", "Köln", "Trier"], rows, p=[0.5 - shift / 5, 0.3 + shift / 5, 0.2]),
            "vip": rng.random(rows) < 0.2,
        }
    )


def as_profile(frame: pd.DataFrame, role: str, folder: Path, slices: tuple[str, ...] = (), **roles: Any) -> Dataset:
    """A data set of the profile of a table, read from its file."""
    columns = Columns.model_validate(ROLES | roles)
    store = InMemory(frame)
    plan = making.Plan(store.names, columns, slices, text=DERIVED)
    path = folder / f"{role}-{len(frame)}.profile.json"
    path.write_text(making.of_frames(store.batches(store.names, 1000), plan, (f"{role:0<64}",)).dump(), encoding="utf-8")
    return read(role, path, columns)


def profiled(seen: Subject, folder: Path, *roles: str, frames: dict[str, pd.DataFrame]) -> Subject:
    """The same subject with profiles in place of some tables."""
    datasets = {role: as_profile(frames[role], role, folder) if role in roles else data for role, data in seen.datasets.items()}
    made = {**datasets}
    return replace(seen, data=made["test"], reference=made["reference"], datasets=made, predicted=Predictions(SavedPredictions(made)))


def pair(folder: Path, *roles: str, seed: int = 0, shift: float = 0.0, rows: tuple[int, int] = (3000, 2500)) -> tuple[Subject, Subject]:
    """Two windows of rows, and the same with profiles for some."""
    frames = {"reference": table(rows[0], 2 * seed), "test": table(rows[1], 2 * seed + 1, shift)}
    seen = subject(frames["test"], reference=frames["reference"])
    return seen, profiled(seen, folder, *roles, frames=frames)


def intervals(evidence: Evidence) -> dict[str, tuple[float, float, float]]:
    return {str(one.name): (one.estimate.value, *one.estimate.bounds(0.025, 0.025)) for one in evidence.members}


@pytest.mark.parametrize("roles", [("test",), ("reference",), ("test", "reference")])
@pytest.mark.parametrize("check", ON_PROFILES)
def test_the_members_are_those_of_rows_and_their_intervals_hold_them(check: str, roles: tuple[str, ...], tmp_path: Path) -> None:
    rows, profiles = pair(tmp_path, *roles, shift=0.2)
    expected, found = (intervals(measure(check, seen, **ON_PROFILES[check])) for seen in (rows, profiles))
    assert expected.keys() == found.keys()
    for name, (value, low, high) in expected.items():
        seen, lowest, highest = found[name]
        inexact = check == "drift/psi" and "reference" in roles  # whose bins are then cut a little elsewhere
        slack = 0.01 if inexact else 1e-9
        assert lowest - slack <= low <= high <= highest + slack, name
        assert seen == pytest.approx(value, abs=0.02), name


@pytest.mark.parametrize("statistic", BINNED)
@pytest.mark.parametrize("roles", [("test",), ("test", "reference")])
def test_binned_distances_hold_those_of_rows(statistic: str, roles: tuple[str, ...], tmp_path: Path) -> None:
    rows, profiles = pair(tmp_path, *roles, shift=0.3)
    expected, found = (intervals(measure("drift/distance", seen, statistic=statistic)) for seen in (rows, profiles))
    assert expected.keys() == found.keys() >= {"column=city"}
    for name, (value, low, high) in expected.items():
        seen, lowest, highest = found[name]
        assert lowest - 0.005 <= low <= high <= highest + 0.005, name
        assert seen == pytest.approx(value, abs=0.02), name


def test_exact_counts_give_the_very_estimates_of_rows(tmp_path: Path) -> None:
    rows, profiles = pair(tmp_path, "test", "reference", shift=0.2)
    exact = ("grade", "city", "vip", "text (words)", "text (characters)")
    for check in ("drift/psi", "drift/missingness", "drift/label_shift", "drift/prediction_drift", "drift/schema", "drift/new_categories"):
        expected, found = ({str(one.name): one.estimate for one in measure(check, seen).members} for seen in (rows, profiles))
        for name, estimate in expected.items():
            if check != "drift/psi" or any(column in name for column in exact):
                assert found[name] == estimate, (check, name)


@pytest.mark.parametrize("seed", range(12))
def test_distances_of_rows_lie_within_the_error_that_is_carried(seed: int, tmp_path: Path) -> None:
    rows, profiles = pair(tmp_path, "test", "reference", seed=seed, shift=seed / 30)
    expected, found = ({str(one.name): one.estimate for one in measure("drift/ks", seen).members} for seen in (rows, profiles))
    sketched = [name for name, estimate in found.items() if isinstance(estimate, Sketched)]
    assert {"column=age", "column=income"} <= set(sketched)
    for name in sketched:
        estimate = found[name]
        assert isinstance(estimate, Sketched)
        assert estimate.least.value <= expected[name].value <= estimate.most.value
        assert estimate.most.value - estimate.least.value < 0.03


def _as_told(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64], float]:
    numbers = Numbers().added(values)
    told = Numbers.from_json(numbers.to_json(600))
    return *told.items(), told.errors.up_to


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_intervals_of_profiles_cover_the_true_distance(shift: float) -> None:
    """Of two normal laws: Phi(d/2) - Phi(-d/2). Each end misses in at most 2.5 %."""
    from scipy.stats import norm

    rng = np.random.default_rng(8)
    truth, missed = float(norm.cdf(shift / 2) - norm.cdf(-shift / 2)), np.zeros(2)
    for _ in range(150):
        one, two = _as_told(rng.normal(size=3000)), _as_told(rng.normal(shift, 1, 2000))
        estimate = kolmogorov_smirnov(largest_distance(one[:2], two[:2]), one[2] + two[2], (3000, 2000))
        assert isinstance(estimate, Sketched)
        low, high = estimate.bounds(0.025, 0.025)
        missed += (low > truth, high < truth)
    assert missed.max() / 150 <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / 150)


def test_without_its_error_a_small_change_would_fail_that_profiles_leave_open(tmp_path: Path) -> None:
    """Where the interval is unplugged from the sketch's error, the finding is another one."""
    _, profiles = pair(tmp_path, "test", "reference", shift=0.3)
    estimate = next(one.estimate for one in measure("drift/ks", profiles).members if str(one.name) == "column=age")
    assert isinstance(estimate, Sketched)
    assert isinstance(estimate.seen, KolmogorovSmirnov)
    low, seen_low = (one.bounds(0.025, 0.025)[0] for one in (estimate, estimate.seen))
    assert low < seen_low - 0.005


@pytest.mark.parametrize("check", ON_PROFILES)
def test_evidence_of_profiles_is_complete_and_a_crash_blocks(check: str, tmp_path: Path) -> None:
    _, profiles = pair(tmp_path, "test", "reference", rows=(1500, 1500))
    assert_complete(check, profiles, **ON_PROFILES[check])
    assert_crash_blocks(check, profiles, **ON_PROFILES[check])


def test_a_change_fails_and_none_passes(tmp_path: Path) -> None:
    for shift, expected in ((0.0, "pass"), (1.0, "fail")):
        _, profiles = pair(tmp_path, "test", "reference", shift=shift)
        evidence = measure("drift/ks", profiles, columns=["age"])
        assert status("drift/ks", evidence, max=0.1) == expected


def test_new_categories_that_a_profile_may_hide_widen_the_interval(tmp_path: Path) -> None:
    reference, current = table(2000, 1), table(1000, 2)
    current.loc[:59, "city"], current.loc[60:66, "city"] = "Mainz", "Ulm"
    reference.loc[:4, "city"] = "Ulm"
    rows = subject(current, reference=reference)
    by_role = {"reference": reference, "test": current}
    share = {}
    for roles in ((), ("test",), ("reference",), ("test", "reference")):
        seen = profiled(rows, tmp_path, *roles, frames=by_role)
        share[roles] = next(one.estimate for one in measure("drift/new_categories", seen, columns=["city"]).members)
    assert [round(one.value, 3) for one in share.values()] == [0.06, 0.06, 0.067, 0.06]
    both = share["test", "reference"]
    assert isinstance(both, Sketched)
    assert (both.least.value, both.most.value) == (0.0, 0.067)  # Mainz may be what the reference hides; Ulm is hidden and may be new


def test_two_kinds_of_one_column_are_unmeasured_and_bar_a_pass(tmp_path: Path) -> None:
    frames = {"reference": table(1500, 1), "test": table(1500, 2).assign(age=["old", "young"] * 750)}
    rows = subject(frames["test"], reference=frames["reference"])
    found = measure("drift/ks", profiled(rows, tmp_path, "test", frames=frames))
    assert {str(one.name): one.reason for one in found.unmeasured}["column=age"].startswith("'age' is compared as numbers, and the profile")
    assert status("drift/ks", found, max=0.9) != "pass"


def test_rows_of_entities_are_not_compared_by_profiles(tmp_path: Path) -> None:
    frame = table(1200, 5).assign(who=[f"p{row % 100}" for row in range(1200)])
    whose = as_profile(frame, "test", tmp_path, group="who")
    seen = subject(frame, reference=table(1000, 6).assign(who=[f"p{row % 90}" for row in range(1000)]), group="who")
    with pytest.raises(CannotMeasure, match="needs rows of column 'who'"):
        measure("drift/ks", replace(seen, data=whose))


@pytest.mark.parametrize(
    ("check", "params"),
    [
        ("drift/ks", {"context": ["city"], "columns": ["age"]}),
        ("drift/psi", {"context": ["city"], "columns": ["age"]}),
        ("drift/distance", {"statistic": "wasserstein", "columns": ["age"]}),
        ("drift/distance", {"statistic": "cramer_von_mises", "columns": ["age"]}),
        ("drift/mmd", {"columns": ["age"]}),
        ("drift/text_surface", {}),
    ],
)
@pytest.mark.parametrize("roles", [("test",), ("reference",)])
def test_what_needs_rows_says_so(check: str, params: dict[str, Any], roles: tuple[str, ...], tmp_path: Path) -> None:
    _, profiles = pair(tmp_path, *roles, rows=(800, 800))
    with pytest.raises(CannotMeasure, match=r"needs rows of column '\w+', and .*profile\.json is a profile"):
        measure(check, profiles, **params)


def test_accuracy_by_slice_is_that_of_rows(tmp_path: Path) -> None:
    frame = table(2000, 4)
    rows = subject(frame, by=(("city",), ("city", "vip")))
    data = as_profile(frame, "test", tmp_path, slices=("city", "vip"))
    seen = replace(rows, data=data, datasets={"test": data}, predicted=Predictions(SavedPredictions({"test": data})))
    for check in ("performance/accuracy", "performance/recall", "fairness/demographic_parity_difference"):
        found = []
        for one in (rows, seen):
            columns = one.data.columns.model_copy(update={"positive": "yes"})
            by = (("city",),) if check.startswith("fairness") else one.by
            found.append(measure(check, replace(one, data=replace(one.data, columns=columns), by=by)))
        assert [(str(one.name), one.estimate) for one in found[0].members] == [(str(one.name), one.estimate) for one in found[1].members]


@pytest.fixture(scope="module")
def windows_of_all(tmp_path_factory: pytest.TempPathFactory) -> tuple[Subject, Path]:
    folder = tmp_path_factory.mktemp("profiled")
    example.tables(folder)
    frames = {role: pd.read_csv(folder / f"{name}.csv") for role, name in {"test": "test", "reference": "production"}.items()}
    roles: dict[str, Any] = {"positive": "urgent", "features": ("size", "weight_kg", "group")}
    datasets = {role: as_profile(frame, role, folder, slices=("group",), **roles) for role, frame in frames.items()}
    seen = subject(frames["test"], reference=frames["reference"], **roles)
    predicted = Predictions(SavedPredictions(datasets))
    return replace(seen, data=datasets["test"], reference=datasets["reference"], datasets=datasets, predicted=predicted), folder


@pytest.mark.parametrize("check", sorted(set(discover()) - {"privacy/pii_in_text"}))  # which loads its recognizers before it reads a text
def test_every_check_measures_a_profile_or_says_that_it_needs_rows(check: str, windows_of_all: tuple[Subject, Path]) -> None:
    """Whatever is measured on a profile is measured alike on rows in any order: nothing else asks for rows without a word."""
    seen, folder = windows_of_all
    found = discover()[check]
    if found.by == "groups":
        seen = replace(seen, by=(("group",),))
    settings = SETTINGS.get(check, {})
    needs: CannotMeasure | None = None
    try:
        measure(check, replace(seen, project=str(folder)), **{key: value for key, value in settings.items() if key != "by"})
    except CannotMeasure as error:
        needs = error
    if needs is not None:
        assert check not in ON_PROFILES, str(needs)
    else:
        assert found.measures in {"drift", "declarations"} or not found.needs.isdisjoint({"labels", "predictions", "positive"}), check


@pytest.mark.parametrize(("check", "column"), [("drift/label_shift", "label"), ("drift/prediction_drift", "prediction")])
def test_true_and_predicted_numbers_are_compared(check: str, column: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    frames = {role: pd.DataFrame({"label": rng.normal(shift, 1, 2500)}) for role, shift in (("reference", 0.0), ("test", 0.5))}
    frames = {role: frame.assign(prediction=frame["label"] + rng.normal(size=2500)) for role, frame in frames.items()}
    rows = {role: dataset(frame, role) for role, frame in frames.items()}
    found = {}
    for kind in ("rows", "profiles"):
        seen = rows if kind == "rows" else {role: as_profile(frame, role, tmp_path, id=None, text=None) for role, frame in frames.items()}
        one = Subject(data=seen["test"], predicted=Predictions(SavedValues(seen)), reference=seen["reference"], datasets=seen)
        found[kind] = measure(check, one).members[0].estimate
    assert isinstance(found["profiles"], Sketched)
    assert found["profiles"].least.value <= found["rows"].value <= found["profiles"].most.value
    blank = frames["test"].assign(**{column: frames["test"][column].where(np.arange(2500) > 3)})
    seen = rows | {"test": as_profile(blank, "test", tmp_path, id=None, text=None)}
    with pytest.raises(CannotMeasure, match=rf"column '{column}' holds no number in 4 of 2,500 rows"):
        measure(check, Subject(data=seen["test"], predicted=Predictions(SavedValues(seen)), reference=seen["reference"], datasets=seen))
