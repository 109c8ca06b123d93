"""Comparing two audits by what they say."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from benchmarks.same_values import differences

FINDING: dict[str, Any] = {
    "id": "a",
    "check": "performance/f1",
    "status": "pass",
    "disposition": "none",
    "severity": "high",
    "enforce": "required",
    "on": "test",
    "params": {"average": "macro"},
    "threshold": {"min": 0.8, "max": None},
    "headline": {"value": 0.9, "n": 100, "interval": [0.85, 0.93]},
    "slices": [{"slice": {"region": "north"}, "value": 0.9}],
    "message": "fine",
}
RESULTS: dict[str, Any] = {"decision": "promote", "exit_code": 0, "findings": [FINDING]}


def changed(*path: Any, to: object) -> dict[str, Any]:
    made = copy.deepcopy(RESULTS)
    place: Any = made
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return made


def test_sentences_and_rounding_are_no_difference() -> None:
    assert list(differences(RESULTS, changed("findings", 0, "message", to="put better"), 1e-9)) == []
    assert list(differences(RESULTS, changed("findings", 0, "headline", "value", to=0.9 + 1e-12), 1e-9)) == []


@pytest.mark.parametrize(
    ("path", "to", "told"),
    [
        (("decision",), "block", "decision: 'promote' before, 'block' now"),
        (("findings", 0, "headline", "interval", 0), 0.849, "a.headline.interval[0]: 0.85 before, 0.849 now"),
        (("findings", 0, "headline"), None, "a.headline: "),
        (("findings", 0, "slices"), [], "a.slices: "),
        (("findings", 0, "params", "beta"), 2, "a.params.beta: None before, 2 now"),
        (("findings",), [], "a: only in the old results"),
    ],
)
def test_what_differs_is_told_with_its_place(path: tuple[Any, ...], to: object, told: str) -> None:
    (line,) = differences(RESULTS, changed(*path, to=to), 1e-9)
    assert line.startswith(told)
