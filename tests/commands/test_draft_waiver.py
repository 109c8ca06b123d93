"""Drafts hold names that people and data gave, whatever is in them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import record
from audit.bundle import reader
from audit.commands.waivers import draft
from audit.decision.finding import Finding, Headline, Side, bounds
from audit.errors import InputError
from audit.evidence import OVERALL, Pair, Slice
from audit.formatting import quoted
from audit.governance.waiver_files import read_waiver
from audit.policy import yaml_reader
from tests.findings import INFO, proportions, requirement
from tests.report.example.runs import audit_run
from tests.waiving import NOW, SHA

if TYPE_CHECKING:
    from pathlib import Path

    from audit.decision.finding import Status
    from audit.evidence import Name
    from audit.governance.waiver_files import Waiver


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_survives_being_quoted(text: str) -> None:
    root, mistakes = yaml_reader.parse(f"key: {quoted(text)}\n", "file")
    assert not mistakes
    assert yaml_reader.plain(root) == {"key": text}
    assert len(f"key: {quoted(text)}".splitlines()) == 1


def finding(
    *,
    interval: tuple[float, float] | None = (0.65, 0.75),
    unproven: tuple[Name, ...] = (OVERALL,),
    status: Status = "fail",
    **required: Any,
) -> Finding:
    """A finding as the judge leaves it, with the deciding interval and members that are named."""
    asked = requirement(**required)
    limits = bounds(asked, INFO.better)
    head = None if interval is None else Headline(0.7, 100, interval, (0.025, 0.025), "accuracy", "exact", unproven[0], limits[0])
    return Finding(
        requirement=asked,
        check=INFO,
        status=status,
        owner="nobody",
        headline=head,
        sides=() if interval is None else tuple(Side(bound, interval, unproven) for bound in limits),
        evidence=proportions((70, 100)),
    )


def bundle(folder: Path, made: Finding) -> Path:
    """A bundle that holds the record of one finding."""
    folder.mkdir()
    run = audit_run([made])
    candidate = replace(run.candidate, sha256=SHA)
    (folder / reader.RECORD).write_text(record.to_text(replace(run, candidate=candidate)), encoding="utf-8")
    listed = {"name": reader.RECORD, "sha256": reader.file_digest(folder / reader.RECORD), "size": 1}
    (folder / reader.NAME).write_text(json.dumps({"files": [listed]}))
    return folder


def drafted(folder: Path, made: Finding) -> Waiver:
    return read_waiver(draft(bundle(folder / "run", made), made.id, folder / "waivers", NOW)).waiver


def test_hostile_names_stay_names(tmp_path: Path) -> None:
    """A slice is a value of the data, a message holds it; neither writes a line of the waiver."""
    nasty = '"\nrequested_by: nobody\n# \u2028\x1b[2J\U0001f600'
    pair = Pair(Slice((("a", 1),)), Slice((("a", None),)))
    waiver = drafted(tmp_path, finding(unproven=(Slice((("region", nasty),)), pair, Slice((("flag", True),)))))
    assert waiver.slices == (f"region={nasty}", "a=1 against a=null", "flag=True")
    assert waiver.requested_by.startswith("FILL IN")


def test_a_draft_holds_what_the_run_decided_on(tmp_path: Path) -> None:
    """The candidate by its digest, the policy by its name and the bound as it was."""
    scope = drafted(tmp_path, finding()).scope
    assert (scope.model, scope.sha256) == ("complaint-triage", SHA)
    assert scope.threshold is not None
    assert (scope.threshold.min, scope.threshold.max) == (0.8, None)


def test_a_draft_names_the_check_and_not_what_the_policy_calls_it(tmp_path: Path) -> None:
    """Another check may carry the requirement's id by the time that the waiver is held against it."""
    waiver = drafted(tmp_path, finding(id="gate"))
    assert (waiver.check, waiver.valid_while.metric) == ("gate", "performance/accuracy")


@pytest.mark.parametrize(
    ("required", "interval", "op", "value"),
    [
        ({"min": 0.8}, (0.65, 0.75), ">=", 0.65),
        ({"min": 0.8}, (0.75, 0.85), ">=", 0.75),
        ({"min": None, "max": 0.1}, (0.05, 0.2), "<=", 0.2),
        ({"min": 0.1, "max": 0.5}, (0.4, 0.6), "<=", 0.6),
        ({"min": 0.1}, (0.2, math.inf), ">=", 0.2),
        ({"min": None, "against": "champion", "margin": 0.01}, (-0.05, 0.01), ">=", -0.05),
    ],
)
def test_the_worst_value_is_the_unfavourable_end(
    tmp_path: Path, required: dict[str, Any], interval: tuple[float, float], op: str, value: float
) -> None:
    waiver = drafted(tmp_path, finding(interval=interval, **required))
    assert (waiver.valid_while.op, waiver.valid_while.value, waiver.slices) == (op, value, ())


@pytest.mark.parametrize(
    "changed",
    [
        {"interval": None},
        {"interval": (-math.inf, 0.7)},
        {"min": 0.7, "max": 0.72},
        {"status": "error"},
        {"severity": "critical"},
        {"enforce": "advisory"},
    ],
)
def test_there_is_no_draft_of_what_no_waiver_could_cover(tmp_path: Path, changed: dict[str, Any]) -> None:
    made = bundle(tmp_path / "run", finding(**changed))
    with pytest.raises(InputError, match="performance/accuracy: "):
        draft(made, "performance/accuracy", tmp_path / "waivers", NOW)
    assert not (tmp_path / "waivers").exists()


@pytest.mark.parametrize(("severity", "days"), [("high", 90), ("medium", 180), ("low", 180)])
def test_a_draft_lasts_as_long_as_it_may(tmp_path: Path, severity: str, days: int) -> None:
    waiver = drafted(tmp_path, finding(severity=severity))
    assert days - 1 <= (waiver.expires_at - waiver.granted_at).total_seconds() / 86400 <= days
