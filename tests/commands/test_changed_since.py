"""`audit run --changed-since BUNDLE` says what was reused, and what was measured anew and why."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.running import policy, run, table

if TYPE_CHECKING:
    from pathlib import Path

REQUIRE: list[dict[str, Any]] = [
    {"check": "performance/accuracy", "min": 0.8},
    {"check": "performance/f1", "min": 0.8},
    {"check": "governance/declared_fields", "max": 50},
]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Of a first run."""
    done, results = run(tmp_path, policy(*REQUIRE))
    assert results is not None, done.stderr
    return tmp_path / "reports" / str(results["run"]["id"])


def told(bundle: Path, made: dict[str, Any]) -> list[str]:
    """What the command prints of the comparison."""
    done, results = run(bundle.parents[1], made, "--changed-since", str(bundle))
    assert results is not None, done.stderr
    lines = done.stdout.splitlines()
    return lines[next(place for place, line in enumerate(lines) if line.startswith("Since run")) :]


def test_unchanged_inputs_are_reused(bundle: Path) -> None:
    said = told(bundle, policy(*REQUIRE[:2], {**REQUIRE[2], "max": 40}))
    assert said[0] == f"Since run {bundle.name}: 3 of 3 measurements reused."
    assert [line.split() for line in said[1:]] == [["reused", one["check"]] for one in REQUIRE]


def test_what_changed_is_named(bundle: Path) -> None:
    made = policy(
        REQUIRE[0],
        {**REQUIRE[1], "average": "weighted"},
        {"check": "performance/recall", "min": 0.5},
        {"check": "data/train_test_leakage", "max": 5},
    )
    said = told(bundle, made | {"columns": {**made["columns"], "positive": 1}})
    assert re.fullmatch(r"Since run .*: 0 of 4 measurements reused\.", said[0])
    assert said[1:] == [
        "  measured anew   performance/accuracy: changed since: data, candidate",
        "  measured anew   performance/f1: changed since: parameters, data, candidate",
        "  measured anew   performance/recall: is new",
        "  not measured    data/train_test_leakage: is new",
        "  gone            governance/declared_fields",
    ]


def test_other_rows_are_measured_anew(bundle: Path) -> None:
    table(rows=1100).to_csv(bundle.parents[1] / "test.csv", index=False)
    said = told(bundle, policy(*REQUIRE))
    assert said[1:] == [
        "  measured anew   performance/accuracy: changed since: data, candidate",
        "  measured anew   performance/f1: changed since: data, candidate",
        "  measured anew   governance/declared_fields: changed since: data",
    ]


def test_a_bundle_that_cannot_be_read_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    done, results = run(tmp_path, policy(*REQUIRE), "--changed-since", str(tmp_path))
    assert (done.returncode, results) == (2, None)
    assert "no bundle that can be read" in done.stderr
