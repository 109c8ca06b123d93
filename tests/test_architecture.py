"""The walk of a requirement that docs/architecture.md draws, followed through a real run."""

from __future__ import annotations

import dataclasses
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from audit.pipeline.run import Options, audit_policy
from audit.policy.schema import Requirement
from audit.progress import SILENT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
HOPS = re.findall(r"^\| \d+ \| `([\w/]+)\.(\w+)` \| `(\w+)` \|", PAGE, re.MULTILINE)
"""Module, function and the form that leaves it, as the page has them."""
MOST = 15
DEPTH = 5
"""How deep a requirement may lie in what a function takes or returns."""
POLICY = """\
policy: walk
candidate: {task: tabular-classification, load: {kind: predictions}}
columns: {label: label, prediction: prediction, positive: 1}
datasets: {test: {path: test.csv}}
require: [{check: performance/accuracy, min: 0.8}]
"""


@dataclasses.dataclass
class Walk:
    """What a run called, in order, and what became of its requirement."""

    calls: list[str] = dataclasses.field(default_factory=list)
    """Hops by the time of their first return."""
    without: set[str] = dataclasses.field(default_factory=set)
    """Hops after the schema that neither took nor returned the requirement."""
    forms: set[str] = dataclasses.field(default_factory=set)
    """Types of this project that were returned and hold the requirement."""
    taken: dict[int, Any] = dataclasses.field(default_factory=dict)


def holds(value: Any, depth: int = DEPTH) -> bool:
    """Whether a requirement lies in a value, or in a part of it."""
    if isinstance(value, Requirement):
        return True
    if depth == 0 or isinstance(value, (str, bytes, int, float, type(None))):
        return False
    return any(holds(part, depth - 1) for part in parts(value))


def parts(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, (tuple, list)):
        yield from value
    elif isinstance(value, BaseModel):
        yield from (getattr(value, name) for name in type(value).model_fields)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from (getattr(value, field.name, None) for field in dataclasses.fields(value))


def follow(policy: Path, out: Path) -> Walk:
    """One run in this process, watched."""
    walk, files = Walk(), {str(ROOT / "audit" / f"{module}.py"): module for module, _, _ in HOPS}
    named = {(module, function) for module, function, _ in HOPS}

    def watch(frame: FrameType, event: str, value: Any) -> None:
        code = frame.f_code
        hop = (files.get(code.co_filename, ""), code.co_name)
        if hop in named and event == "call":
            walk.taken[id(frame)] = dict(frame.f_locals)
        if event != "return" or f"{ROOT}/audit/" not in code.co_filename:
            return
        if hop in named:
            name = f"{hop[0]}.{hop[1]}"
            if name not in walk.calls:
                walk.calls.append(name)
                if not holds(value) and not holds(walk.taken.get(id(frame), {})):
                    walk.without.add(name)
        if type(value).__module__.startswith("audit.") and not code.co_name.startswith(("_", "<")) and holds(value):
            walk.forms.add(type(value).__name__)

    sys.setprofile(watch)
    try:
        outcome = audit_policy(policy, Options(out, "audit run walk.yaml"), SILENT)
    finally:
        sys.setprofile(None)
    assert outcome.audit.verdict.decision == "promote"
    return walk


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    folder = tmp_path_factory.mktemp("walk")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("AUDIT_CACHE", str(folder / "cache"))
        rows = [f"{i % 2},{(i % 2) ^ (i % 10 == 0)}" for i in range(1200)]
        (folder / "test.csv").write_text("\n".join(["label,prediction", *rows]) + "\n", encoding="utf-8")
        (folder / "walk.yaml").write_text(POLICY, encoding="utf-8")
        return follow(Path("walk.yaml"), folder / "reports")


def test_the_walk_is_short() -> None:
    assert 10 <= len(HOPS) <= MOST
    assert f"**{len(HOPS)} hops**" in PAGE
    drawn = re.findall(r"^ *\w+\[\"([\w/]+)\.(\w+)", PAGE, re.MULTILINE)
    assert drawn == [(module, function) for module, function, _ in HOPS], "the picture and the table say the same"


def test_a_run_takes_every_hop_in_order(walk: Walk) -> None:
    """Each function returns, for the first time, after the one above it."""
    assert walk.calls == [f"{module}.{function}" for module, function, _ in HOPS]


def test_every_hop_after_the_schema_has_the_requirement_itself(walk: Walk) -> None:
    """What a hop takes or returns holds the requirement as the schema typed it; before that it is text and a tree, at the end a line."""
    first = next(place for place, hop in enumerate(HOPS) if hop[2] == "Policy")
    last = next(place for place, hop in enumerate(HOPS) if hop[2] == "Line")
    typed = {f"{module}.{function}" for module, function, _ in HOPS[first : last + 1]}
    assert walk.without & typed == set()


def test_no_other_form_of_a_requirement_is_made(walk: Walk) -> None:
    """Whatever holds it is a form of the table, or one of those that the page says only hand it on."""
    (handed_on,) = re.findall(r"^Handed on as it is: (.*)\.$", PAGE, re.MULTILINE)
    assert walk.forms - {"Requirement"} <= {form for _, _, form in HOPS} | set(re.findall(r"`(\w+)`", handed_on))
