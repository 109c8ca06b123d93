"""A bound that any model meets is refused, also where only the data or the parameters say that it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from audit.catalog import discover, info
from audit.phrases import message
from audit.pipeline import judging
from audit.pipeline.jobs import Job
from audit.policy.schema import Requirement
from tests.numbered import regressed
from tests.support import OWN, SETTINGS, subject

if TYPE_CHECKING:
    from pathlib import Path

    from audit.decision.finding import Finding
    from audit.subject import Subject

TWO = pd.DataFrame({"label": [0, 1] * 100, "prediction": [0, 1] * 100, "score": [0.1, 0.9] * 100, "group": ["a", "a", "b", "b"] * 50})
THREE = pd.DataFrame({"label": list("abc") * 50, "a": 0.2, "b": 0.3, "c": 0.5})


def ran(check_id: str, made: Subject, params: dict[str, object] | None = None, **asked: object) -> Finding:
    check = discover()[check_id]
    requirement = Requirement.model_validate({"check": check_id, "id": check_id, "by": made.by, **asked})
    job = Job(requirement, check, info(check_id), check.params.model_validate(params or {}), made, 0, 0.95, "x")
    (found,) = judging.findings([job])
    return found


@pytest.mark.parametrize(("most", "status"), [(1.5, "not_run"), (1.0, "not_run"), (0.999, "pass")])
def test_the_brier_score_of_two_classes_is_at_most_one(most: float, status: str) -> None:
    found = ran("performance/brier_score", subject(TWO), max=most)
    assert found.status == status
    assert ("is always met: here performance/brier_score lies between 0 and 1" in message(found)) == (status == "not_run")


def test_the_brier_score_of_three_classes_may_be_held_against_more_than_one() -> None:
    made = subject(THREE, scores={one: one for one in "abc"})
    assert ran("performance/brier_score", made, max=1.5).status == "pass"


@pytest.mark.parametrize(("margin", "status"), [(1.5, "not_run"), (0.5, "pass")])
def test_two_brier_scores_are_at_most_one_apart(margin: float, status: str) -> None:
    made = subject(TWO)
    compared = replace(made, comparator=made.predicted)
    assert ran("performance/brier_score", compared, against="champion", margin=margin).status == status


@pytest.mark.parametrize(("most", "status"), [(3.0, "not_run"), (1.0, "not_run"), (0.999, "pass")])
def test_shares_of_groups_are_at_most_one_apart(most: float, status: str) -> None:
    assert ran("fairness/mean_difference", subject(TWO, by=(("group",),)), max=most).status == status


def test_numbers_of_groups_are_any_distance_apart() -> None:
    values = [float(one) for one in range(200)]
    frame = pd.DataFrame({"label": values, "prediction": values, "group": ["a", "b"] * 100})
    assert ran("fairness/mean_difference", regressed(frame, by=(("group",),)), max=300.0).status == "pass"


@pytest.mark.parametrize(("least", "status"), [(-2.0, "not_run"), (0.0, "not_run"), (0.5, "pass")])
def test_a_function_of_the_projects_own_is_held_to_the_range_that_is_declared(tmp_path: Path, least: float, status: str) -> None:
    (tmp_path / "measure.py").write_text(OWN, encoding="utf-8")
    made = replace(subject(TWO), project=str(tmp_path))
    assert ran("performance/custom", made, SETTINGS["performance/custom"], min=least).status == status
