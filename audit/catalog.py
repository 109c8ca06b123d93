"""The catalogue of checks: the tree under `audit/checks` is the registry."""

from __future__ import annotations

import importlib
import pkgutil
import re
from functools import cache
from typing import TYPE_CHECKING

from audit.check import Check, CheckInfo
from audit.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEADINGS = ("Purpose", "Risk", "Limitations", "Reference")


@cache
def discover() -> Mapping[str, Check]:
    """Every check by its id, in the order of their ids. A module without a `CHECK` is refused with its name."""
    import audit.checks as tree

    found: dict[str, Check] = {}
    for module in pkgutil.walk_packages(tree.__path__, prefix="audit.checks."):
        if module.ispkg or "._" in module.name:  # `_name.py` stands beside the checks that it helps
            continue
        check = getattr(importlib.import_module(module.name), "CHECK", None)
        if not isinstance(check, Check):
            msg = f"{module.name}: a check's module defines `CHECK = Check(...)`"
            raise ToolError(msg)
        found["/".join(module.name.split(".")[2:])] = check
    return dict(sorted(found.items()))


@cache
def info(check_id: str) -> CheckInfo:
    """What a reader needs to know of a check: its facts and the four headings of its docstring."""
    check = discover()[check_id]
    text = documentation(check_id)
    return CheckInfo(
        id=check_id,
        question=check.question,
        remedy=check.remedy,
        rmf=check.rmf,
        better=check.better,
        unit=check.unit,
        purpose=text["Purpose"],
        risk=text["Risk"],
        limitations=text["Limitations"],
        reference=text["Reference"],
        groups=check.by == "groups",
        asks_the_model=check.asks_the_model,
        measures=check.measures,
        characteristics=check.characteristics,
    )


def documentation(check_id: str) -> dict[str, str]:
    """The docstring of a check by heading; `Summary` is its first paragraph. A missing heading is refused."""
    module = importlib.import_module("audit.checks." + check_id.replace("/", "."))
    summary, _, rest = (module.__doc__ or "").partition("\n\n")
    parts = re.split(rf"^({'|'.join(_HEADINGS)})\b", rest, flags=re.MULTILINE)
    found = {"Summary": " ".join(summary.split())}
    found |= {heading: " ".join(body.split()) for heading, body in zip(parts[1::2], parts[2::2], strict=True)}
    missing = [heading for heading in _HEADINGS if not found.get(heading)]
    if missing:
        msg = f"{check_id}: its docstring lacks {', '.join(missing)}"
        raise ToolError(msg)
    return found
