"""What a check says of itself decides which rules apply to it: no name of a family does."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from audit.catalog import discover

if TYPE_CHECKING:
    from audit.check import Measures

ROOT = Path(__file__).parents[1]
FAMILIES = sorted({check_id.split("/")[0] for check_id in discover()})


@pytest.mark.parametrize(
    ("check_id", "measures"),
    [
        ("performance/accuracy", "data"),  # else rows that the model was trained on would count
        ("fairness/impact_ratio", "declarations"),
        ("data/duplicates", "model"),  # else a policy could promote without asking the model anything
    ],
)
def test_what_a_check_measures_goes_with_what_it_needs(check_id: str, measures: Measures) -> None:
    """A check of the candidate cannot pass itself off as one of the data, nor the other way round."""
    with pytest.raises(ValueError, match=f"measures is '{measures}', but its needs"):
        replace(discover()[check_id], measures=measures)


def test_a_check_says_what_it_measures_and_covers() -> None:
    """Neither has a default, so that a new family cannot escape a rule by saying nothing."""
    given = {"measure": None, "question": "?", "remedy": "-", "rmf": (), "better": "higher", "unit": "rows"}
    with pytest.raises(TypeError, match=r"'measures' and 'characteristics'"):
        type(discover()["data/duplicates"])(**given)  # type: ignore[arg-type]  # two arguments are left out on purpose


def test_no_family_is_named_in_a_decision() -> None:
    """Modules above the checks name no family: `startswith("drift/")`, `split("/")[0] in {...}`."""
    pattern = re.compile(rf'startswith\("({"|".join(FAMILIES)})/|split\("/"[^)]*\)\[0\] (not )?in ')
    files = [path for path in (ROOT / "audit").rglob("*.py") if "checks" not in path.parts]
    named = [path.name for path in files if pattern.search(path.read_text("utf-8"))]
    assert named == []
