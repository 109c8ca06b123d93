"""`[tool.audit]` of pyproject.toml in the current directory: defaults of options, which the command line overrides."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.errors import Mistake, PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FILE = Path("pyproject.toml")
_KEYS = ("out", "formats", "jobs", "policies")
_NOT_HERE = {"allow-outside": "--allow-outside", "allow_outside": "--allow-outside"}
"""Keys that would loosen what a command refuses: a file that a pull request may change cannot set them."""
_TAKES_OUT = ("run", "plan", "validate", "monitor", "history", "rollback")
"""Commands whose `--out` is the folder of the bundles."""


def option_defaults() -> dict[str, dict[str, Any]]:
    """Defaults by command and option. PolicyError names every key that is unknown or of the wrong kind, with its line."""
    section, text = _section()
    if mistakes := tuple(_mistakes(section, text)):
        raise PolicyError(mistakes)
    found: dict[str, dict[str, Any]] = {name: {} for name in _TAKES_OUT}
    if "out" in section:
        for name in _TAKES_OUT:
            found[name]["out"] = section["out"]
    found["run"] |= {key: section[key] for key in ("formats", "jobs") if key in section}
    found["monitor"] |= {"jobs": section["jobs"]} if "jobs" in section else {}
    for name in ("run", "validate"):
        found[name] |= {"policies": section["policies"]} if "policies" in section else {}
    return found


def _section() -> tuple[dict[str, Any], str]:
    import tomllib

    try:
        text = FILE.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}, ""
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError((Mistake(str(FILE), 1, 1, f"cannot be read ({error}); mend the file"),)) from error
    if not re.search(r"\baudit\b", text):
        return {}, text
    try:
        tool = tomllib.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError as error:
        raise PolicyError((Mistake(str(FILE), 1, 1, f"is no TOML: {error}; mend the file"),)) from error
    section = tool.get("audit", {}) if isinstance(tool, dict) else {}
    if not isinstance(section, dict):
        raise PolicyError((Mistake(str(FILE), _line(text, "audit"), 1, "tool.audit is no table; write its keys below [tool.audit]"),))
    return section, text


def _mistakes(section: Mapping[str, object], text: str) -> Iterator[Mistake]:
    for key, value in section.items():
        what = _problem(key, value)
        if what is not None:
            yield Mistake(str(FILE), _line(text, key), 1, f"tool.audit.{key}: {what}")


def _problem(key: str, value: object) -> str | None:
    from audit.policy.messages import nearest

    if key in _NOT_HERE:
        return f"cannot be set in a file; give {_NOT_HERE[key]} on the command line"
    if key not in _KEYS:
        return f"unknown key; {nearest(key, _KEYS)}"
    if key == "jobs":
        good = isinstance(value, int) and not isinstance(value, bool) and value > 0
        return None if good else "is no number of jobs; give a whole number of at least 1"
    if key == "out":
        return None if isinstance(value, str) and value.strip() else 'is no folder; give text, such as "reports"'
    good = isinstance(value, list) and bool(value) and all(isinstance(one, str) and one.strip() for one in value)
    return None if good else 'is no list of texts; give a list, such as ["..."]'


def _line(text: str, key: str) -> int:
    """The line of a key behind the heading of its table; of the heading where it stands in another form."""
    inside, heading = False, 1
    for number, line in enumerate(text.splitlines(), start=1):
        if table := re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line):
            inside = table[1].replace(" ", "").replace('"', "") == "tool.audit"
            heading = number if inside else heading
        elif inside and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line):
            return number
    return heading
