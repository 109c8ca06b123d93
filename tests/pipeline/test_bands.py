"""Bands of a column of numbers under `by`: their edges, their names, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from audit.datasets.bands import Bands, quantile_bands
from audit.errors import CannotMeasure, PolicyError
from audit.export import json as results_json
from audit.governance.policy_diff import differences
from audit.phrases import message
from audit.pipeline import replay
from audit.policy.loading import load
from tests.pipeline.in_process import audited
from tests.running import policy
from tests.support import dataset

if TYPE_CHECKING:
    from pathlib import Path

    from audit.datasets import Dataset
    from audit.record import AuditRun

ROLES = {"label": "label", "prediction": "prediction"}


def rows(count: int = 1000) -> pd.DataFrame:
    """Ages 20 to 69 alike often; the answer is wrong of all that are 60 or more, and of nobody else."""
    age = 20 + np.arange(count) % 50
    label = (np.arange(count) // 50) % 2
    return pd.DataFrame({"label": label, "prediction": np.where(age >= 60, 1 - label, label), "age": age, "sex": np.arange(count) % 2})


def numbers(**columns: list[Any]) -> Dataset:
    return dataset(pd.DataFrame(columns))


def slices(audit: AuditRun, place: int = 0) -> dict[str, tuple[int, float | None]]:
    """Rows and value of each slice by its name in `results.json`."""
    found = json.loads(results_json.text(audit))["findings"][place]
    return {" ".join(str(value) for value in one["slice"].values()): (one["n"], one["value"]) for one in found["slices"]}


def accuracy(by: object, **more: object) -> dict[str, Any]:
    return {"check": "performance/accuracy", "by": by, "min": 0.8, **more}


def test_an_edge_begins_a_band() -> None:
    bands = Bands("age", (25.0, 45.0))
    data = numbers(age=[24.9, 25, 44.9, 45, None, 1e9, -3])
    assert bands.names == ("under 25", "25 to <45", "45 and over")
    assert bands.codes(data).tolist() == [0, 1, 1, 2, 3, 2, 0]
    assert bands.empty(numbers(age=[30.0, None])) == ("under 25", "45 and over")


@pytest.mark.parametrize(
    ("edge", "name"), [(0.5, "under 0.5"), (-2.0, "under -2"), (50000.0, "under 50000"), (0.1 + 0.2, "under 0.30000000000000004")]
)
def test_names_hold_the_edge_exactly(edge: float, name: str) -> None:
    assert Bands("x", (edge,)).names[0] == name


def test_quantiles_are_values_of_the_data() -> None:
    assert quantile_bands(numbers(x=list(range(1, 101))), "x", 4).edges == (26.0, 51.0, 76.0)
    assert np.bincount(quantile_bands(numbers(x=list(range(1, 101))), "x", 4).codes(numbers(x=list(range(1, 101))))).tolist() == [25] * 4


def test_equal_numbers_share_a_band() -> None:
    assert quantile_bands(numbers(x=[0] * 70 + [1] * 20 + [2] * 10), "x", 4).edges == (1.0,)
    with pytest.raises(CannotMeasure, match="too few different numbers for 4 bands"):
        quantile_bands(numbers(x=[0] * 70 + [1]), "x", 4)


def test_each_band_is_a_slice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audit = audited(tmp_path, monkeypatch, policy(accuracy([{"age": [30, 60]}]), columns=ROLES), test=rows())
    assert slices(audit) == {"under 30": (200, 1.0), "30 to <60": (600, 1.0), "60 and over": (200, 0.0)}
    assert audit.findings[0].status == "fail"
    assert "age=60 and over" in message(audit.findings[0])
    assert json.loads(results_json.text(audit))["findings"][0]["by"] == [[{"age": [30, 60]}]]


def test_bands_stand_beside_columns_and_cross_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = rows()
    frame.loc[:99, "age"] = None
    audit = audited(tmp_path, monkeypatch, policy(accuracy(["sex", ["sex", {"age": [60]}]]), columns=ROLES), test=frame)
    found = slices(audit)
    assert set(found) == {"0", "1", "0 under 60", "0 60 and over", "0 None", "1 under 60", "1 60 and over", "1 None"}
    assert found["0 None"][0] == 50
    assert found["1 60 and over"] == (90, 0.0)


def test_two_bandings_of_one_column_are_families_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audit = audited(tmp_path, monkeypatch, policy(accuracy([{"age": [60]}, {"age": [30]}]), columns=ROLES), test=rows())
    assert {name: n for name, (n, _) in slices(audit).items()} == {"under 60": 800, "60 and over": 200, "under 30": 200, "30 and over": 800}
    shown = {str(one.name): one.rows for one in audit.sampled if one.cell is None}
    assert shown == {"age=under 60": 800, "age=60 and over": 200, "age=under 30": 200, "age=30 and over": 800}


def test_other_edges_are_measured_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache keeps evidence by its edges; with the same ones nothing is measured again."""
    counts = []
    for edge, reused in ((30, False), (40, False), (30, True)):
        audit = audited(tmp_path, monkeypatch, policy(accuracy([{"age": [edge]}]), columns=ROLES), test=rows())
        assert audit.findings[0].id in audit.run.reused or not reused
        counts.append(sorted(n for n, _ in slices(audit).values()))
    assert counts == [[200, 800], [400, 600], [200, 800]]


def test_quantiles_are_named_and_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audit = audited(tmp_path, monkeypatch, policy(accuracy({"age": {"bands": 5}}), columns=ROLES), test=rows())
    assert set(slices(audit)) == {"under 30", "30 to <40", "40 to <50", "50 to <60", "60 and over"}
    assert audit.findings[0].evidence is not None
    assert audit.findings[0].evidence.notes == (
        "The bands of age are under 30, 30 to <40, 40 to <50, 50 to <60, 60 and over: their edges are quantiles of test.",
    )


def test_groups_of_bands_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"check": "fairness/equal_opportunity_difference", "by": [{"age": [60]}], "max": 0.1}
    audit = audited(tmp_path, monkeypatch, policy(asked, columns=ROLES | {"positive": 1}), test=rows())
    assert (audit.findings[0].status, audit.findings[0].headline and audit.findings[0].headline.value) == ("fail", 1.0)
    assert str(audit.findings[0].headline and audit.findings[0].headline.member) == "age=under 60 against age=60 and over"


def test_a_given_band_without_a_row_prevents_a_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audit = audited(tmp_path, monkeypatch, policy(accuracy([{"age": [18]}]), columns=ROLES), test=rows().query("age < 60"))
    assert audit.findings[0].status == "inconclusive"
    assert "no row of test has age under 18: add such rows, or take the edge out" in message(audit.findings[0])


def test_a_replay_measures_bands_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = policy(accuracy([{"age": [30, 60]}]), accuracy({"age": {"bands": 4}}, id="quantiles"), columns=ROLES)
    audit = audited(tmp_path, monkeypatch, asked, test=rows())
    replayed = replay.replay(tmp_path / "reports" / audit.run.id)
    assert replayed.same
    assert [one.measured_again for one in replayed.findings] == [3, 4]


@pytest.mark.parametrize(
    ("by", "told"),
    [
        ("age", "column 'age' holds 50 different numbers, and each would be a slice of its own; name bands in the policy"),
        (["sex", ["sex", "age"]], "column 'age' holds 50 different numbers"),
        ([{"word": [3]}], "column 'word' holds no numbers (category), and bands are of numbers"),
        ([{"sex": {"bands": 9}}, {"one": {"bands": 2}}], "column 'one' holds too few different numbers for 2 bands"),
        ([{"salary": [3]}], "column 'salary' is not in"),
    ],
)
def test_columns_without_bands_are_refused_at_their_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: object, told: str) -> None:
    frame = rows().assign(word="x", one=1)
    with pytest.raises(PolicyError) as refused:
        audited(tmp_path, monkeypatch, policy(accuracy(by), columns=ROLES), test=frame)
    (mistake,) = refused.value.mistakes
    assert told in mistake.message
    assert mistake.line > 10


def test_numbers_declared_a_category_are_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sets = {"test": {"path": "test.csv", "types": {"age": "category"}}}
    audit = audited(tmp_path, monkeypatch, policy(accuracy("age"), columns=ROLES, datasets=sets), test=rows())
    assert len(audit.findings[0].slices) == 50


def test_drift_has_features_and_no_bands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"check": "drift/psi", "reference": "before", "by": [{"age": [30]}], "max": 0.2}
    sets = {"test": {"path": "test.csv"}, "before": {"path": "before.csv"}}
    with pytest.raises(PolicyError, match=r"looks at features and not at groups of rows; write `by: \[age\]`"):
        audited(tmp_path, monkeypatch, policy(asked, columns=ROLES, datasets=sets), test=rows(), before=rows())


def test_new_edges_loosen_a_policy(tmp_path: Path) -> None:
    old, new = (tmp_path / name for name in ("old.yaml", "new.yaml"))
    for path, edges in ((old, "[30, 60]"), (new, "[30]")):
        path.write_text(
            "policy: p\ndatasets: {test: {path: t.csv}}\ncolumns: {label: y, prediction: z}\n"
            "candidate: {task: tabular-classification, load: {kind: predictions}}\n"
            f"require: [{{check: performance/accuracy, by: [{{age: {edges}}}], min: 0.8}}]\n"
        )
    found = differences(load(old).policy, load(new).policy)
    told = {(one.kind, one.words) for one in found}
    assert told == {("loosened", "age at 30, 60: no longer measured separately"), ("tightened", "age at 30: looked at apart")}


def test_a_lost_group_of_a_given_band_prevents_a_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once promoted on women under 60, a later test set without one of them does not pass."""
    asked = policy(accuracy([["sex", {"age": [60]}]], min_n=10), columns=ROLES)
    frame = rows().assign(prediction=lambda seen: seen["label"])
    assert audited(tmp_path, monkeypatch, asked, test=frame).verdict.decision == "promote"
    later = audited(tmp_path, monkeypatch, asked, test=frame.query("sex == 1 or age >= 60"))
    assert later.findings[0].status == "inconclusive"
    assert "sex=0, age=under 60" in message(later.findings[0])
