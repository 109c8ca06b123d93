"""Evidence from use: dates, sources and sampling error; what is stale or about another model is absent and never a pass."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.checks.online._ratings import krippendorff_alpha
from audit.errors import CannotMeasure
from audit.stats import Difference, Mean, MeanDifference, Proportion
from audit.testing import assert_complete, assert_crash_blocks, assert_refused
from tests.command import audit
from tests.judged import status
from tests.support import measure, subject

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from audit.evidence import Evidence
    from audit.subject import Subject

CHECK = "online/declared"
DATED = {"source": "experiment 412", "measured": {"since": "2026-10-01", "until": "2026-10-31"}, "expires": "2027-01-31"}
KRIPPENDORFF = (  # Computing Krippendorff's alpha-reliability, 2011, example C: four observers and twelve units
    (1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3),
    (None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None),
)


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1796083200")  # 2026-12-01


def seen(folder: Path, **said: Any) -> Subject:
    (folder / "use.json").write_text(json.dumps(DATED | said), encoding="utf-8")
    return replace(subject(pd.DataFrame({"label": ["a"], "prediction": ["a"]})), project=str(folder))


def evidence(folder: Path, kind: str, what: Any, **params: Any) -> Evidence:
    return measure(CHECK, seen(folder, **{kind: what}), file="use.json", kind=kind, **params)


def table(folder: Path, rows: Sequence[tuple[str, str, object]]) -> dict[str, object]:
    pd.DataFrame(rows, columns=["item", "rater", "rating"]).to_csv(folder / "ratings.csv", index=False)
    return {"path": "ratings.csv", "scale": [1, 5]}


def test_an_ab_test_is_the_difference_of_its_arms(tmp_path: Path) -> None:
    arms = {"control": {"n": 1000, "hits": 100}, "candidate": {"n": 1100, "hits": 143}}
    found = evidence(tmp_path, "ab_test", arms)
    assert found.members[0].estimate == Difference(Proportion(143, 1100), Proportion(100, 1000))
    assert found.expires == "2027-01-31"
    assert "not measured here: experiment 412; measured 2026-10-01 to 2026-10-31, counts until 2027-01-31" in found.notes[0]
    assert status(CHECK, found, min=0.0) == "pass", "0.030 [0.003, 0.057]"
    assert status(CHECK, found, min=0.02) == "inconclusive"


def test_where_lower_is_better_the_arms_change_places(tmp_path: Path) -> None:
    arms = {"control": {"n": 400, "mean": 12.0, "deviation": 3.0}, "candidate": {"n": 500, "mean": 10.0, "deviation": 2.0}}
    (member,) = evidence(tmp_path, "ab_test", arms | {"better": "lower"}).members
    first, second = Mean(12.0, 3.0, 0.0, 400.0, 400), Mean(10.0, 2.0, 0.0, 500.0, 500)
    assert member.estimate == MeanDifference(first, second)
    assert member.estimate.value == 2.0


def test_engagement_and_overrides_are_shares(tmp_path: Path) -> None:
    assert evidence(tmp_path, "engagement", {"n": 50, "hits": 20}).members[0].estimate == Proportion(20, 50)
    kept = evidence(tmp_path, "overrides", {"n": 200, "overridden": 10})
    assert kept.members[0].estimate == Proportion(190, 200)
    assert status(CHECK, kept, min=0.9) == "pass"


def test_every_open_incident_is_named_and_fails(tmp_path: Path) -> None:
    one = {"severity": "high", "summary": "wrong queue", "owner": "support", "due": "2026-12-20", "opened": "2026-11-02"}
    told = [one | {"id": "INC-1", "closed": "2026-11-20"}, one | {"id": "INC-2"}, one | {"id": "INC-3", "severity": "low"}]
    found = evidence(tmp_path, "incidents", told, severity="medium")
    assert [(member.name.to_json(), member.estimate.value) for member in found.members] == [
        ({"incident": "INC-1"}, 1.0),
        ({"incident": "INC-2"}, 0.0),
    ]
    assert [(one.row, one.note) for one in found.examples] == [("INC-2", "high, open since 2026-11-02, due 2026-12-20, owner support")]
    assert status(CHECK, found, min=1) == "fail"
    assert status(CHECK, evidence(tmp_path, "incidents", told[:1]), min=1) == "pass"
    assert status(CHECK, evidence(tmp_path, "incidents", []), min=1) == "pass"


def test_agreement_is_krippendorffs(tmp_path: Path) -> None:
    rows = [(str(i), str(r), value) for r, given_ in enumerate(KRIPPENDORFF) for i, value in enumerate(given_) if value is not None]
    found = evidence(tmp_path, "ratings", table(tmp_path, rows))
    assert "41 ratings of 12 items by 4 raters. Krippendorff's alpha (interval distances): 0.849." in found.notes
    assert found.members[0].estimate.value == pytest.approx(np.mean([value for _, _, value in rows]))
    with pytest.raises(CannotMeasure, match=r"agreement is 0\.849, and 0\.9 is asked for"):
        evidence(tmp_path, "ratings", table(tmp_path, rows), agreement=0.9)


def test_the_error_of_ratings_is_that_of_raters_where_one_rater_dominates(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [(f"i{i}", "busy" if i < 300 else f"r{i}", int(rng.integers(1, 6))) for i in range(400)]
    (member,) = evidence(tmp_path, "ratings", table(tmp_path, rows)).members
    assert isinstance(member.estimate, Mean)
    assert member.estimate.units < 2, "300 of 400 ratings by one person: (sum of sizes) squared over sum of squares is 1.8"


@given(st.lists(st.tuples(st.integers(0, 4), st.floats(1, 5, width=16)), min_size=2, max_size=40))
def test_alpha_is_that_of_all_pairs(told: list[tuple[int, float]]) -> None:
    """The formula by moments against the definition, pair by pair."""
    items, values = (np.array(column) for column in zip(*told, strict=True))
    groups = [values[items == item] for item in np.unique(items) if np.sum(items == item) > 1]
    rated = np.concatenate(groups) if groups else np.array([])
    apart = sum((a - b) ** 2 for a in rated for b in rated)
    found = krippendorff_alpha(items, values)
    if apart < 1e-9:
        assert found is None or found == pytest.approx(1)
        return
    observed = sum(sum((a - b) ** 2 for a in group for b in group) / (len(group) - 1) for group in groups) / len(rated)
    assert found == pytest.approx(1 - observed / (apart / (len(rated) * (len(rated) - 1))), abs=1e-6)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"expires": "2026-11-30"}, "absent: it expired on 2026-11-30"),
        ({"measured": {"since": "2026-12-01", "until": "2026-12-02"}}, "measured until 2026-12-02, which is still to come"),
        ({"candidate": "0" * 64}, "absent: it is about the model 000000000000"),
        ({"engagement": {"n": 5, "hits": 6}}, "counts 6 hits among 5"),
        ({"engagement": {"n": 5}}, "give n and hits, or n, mean and deviation"),
        ({"engagement": {"n": 5, "hits": True}}, r"use.json:1:\d+: "),
        ({"engagement": None}, "holds no evidence, not engagement"),
        ({"surprise": 1}, r"use.json:1:\d+: .*surprise"),
        ({"measured": {"since": "2026-10-02", "until": "2026-10-01"}}, "set `until` to the last day"),
    ],
)
def test_what_does_not_count_is_refused(tmp_path: Path, said: dict[str, Any], told: str) -> None:
    made = seen(tmp_path, **({"engagement": {"n": 5, "hits": 2}} | said))
    with pytest.raises(CannotMeasure, match=told):
        measure(CHECK, made, file="use.json", kind="engagement")


def test_a_file_outside_and_none_at_all_are_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    made = seen(tmp_path, engagement={"n": 5, "hits": 2})
    assert_refused(CHECK, replace(made, project=str(tmp_path / "in")), file="../use.json", kind="engagement", because="outside the project")
    assert_refused(CHECK, made, file="none.json", kind="engagement", because="cannot be read")


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([("a", "x", 6)], r"ratings.csv:2: '6' is no number from 1 to 5"),
        ([("a", "x", "nan")], r"is no number"),
        ([("a", "x", 3), ("a", "x", 4)], "rated one item twice"),
        ([], "holds no rating"),
    ],
)
def test_ratings_that_are_none_are_refused(tmp_path: Path, rows: list[tuple[str, str, object]], told: str) -> None:
    with pytest.raises(CannotMeasure, match=told):
        evidence(tmp_path, "ratings", table(tmp_path, rows))


def test_it_behaves(tmp_path: Path) -> None:
    made = seen(tmp_path, engagement={"n": 50, "hits": 20})
    assert_complete(CHECK, made, file="use.json", kind="engagement")
    assert_crash_blocks(CHECK, made, file="use.json", kind="engagement")


def test_an_open_incident_is_a_condition_and_the_files_end_is_the_decisions(tmp_path: Path) -> None:
    """At medium severity; the decision is stale by the file's last day at latest. Out of date, the same file blocks."""
    incident = {"id": "INC-2", "severity": "high", "summary": "x", "owner": "y", "due": "2026-12-20", "opened": "2026-11-02"}
    (tmp_path / "use.json").write_text(json.dumps(DATED | {"expires": "2026-12-03", "incidents": [incident]}))
    pd.DataFrame({"id": range(200), "label": ["a", "b"] * 100, "prediction": ["a", "b"] * 100}).to_csv(tmp_path / "test.csv", index=False)
    (tmp_path / "policy.yaml").write_text(
        """
policy: use
datasets: {test: {path: test.csv}}
columns: {id: id, label: label, prediction: prediction, positive: a}
candidate: {task: tabular-classification, load: {kind: predictions}}
require:
  - {check: performance/accuracy, min: 0.8}
  - {check: online/declared, file: use.json, kind: incidents, min: 1, severity: medium}
"""
    )
    done = audit("run", "policy.yaml", "-o", "out", cwd=tmp_path)
    assert done.returncode == 4, done.stdout + done.stderr
    (path,) = (tmp_path / "out").glob("*/results.json")
    results = json.loads(path.read_text())
    assert [one["finding"] for one in results["conditions"]] == ["online/declared"]
    assert results["valid_until"] == "2026-12-03"
    done = audit("run", "policy.yaml", "-o", "late", cwd=tmp_path, SOURCE_DATE_EPOCH="1796428800")  # 2026-12-05
    assert done.returncode == 3, done.stdout + done.stderr
    assert "absent: it expired on 2026-12-03" in done.stdout
