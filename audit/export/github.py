"""GitHub Actions: annotations at the policy's lines, a step's summary and a comment, within GitHub's limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.decision.rules import worst_first
from audit.export import Export, markdown
from audit.export._outcomes import blocking, meaning, sentence
from audit.export._places import locations
from audit.formatting import neutral

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.export._places import Location
    from audit.record import AuditRun

ANNOTATIONS, SUMMARY = "github/annotations.txt", "github/summary.md"
_MOST = 10
"""Errors, and as many warnings, that GitHub shows of one step."""
_MOST_OF_A_SUMMARY = 1_000_000
"""Bytes; GitHub drops a summary of more than 1 MiB as a whole."""
_LEVELS = {"bad": "error", "broken": "error", "unproven": "error", "advisory": "warning", "waived": "warning"}


def commands(audit: AuditRun) -> str:
    """Workflow commands, worst first; what is beyond GitHub's limit is counted in a notice."""
    where = locations(audit)
    rows = [("error", where[None], "decision", text) for text in blocking(audit)]
    rows += [
        (_LEVELS[meaning(one)], where[one.id], one.id, sentence(one)) for one in worst_first(audit.findings) if meaning(one) in _LEVELS
    ]
    errors, warnings = ([one for one in rows if one[0] == level][:_MOST] for level in ("error", "warning"))
    shown = errors + warnings
    lines = [_command(*one) for one in shown]
    if more := len(rows) - len(shown):
        lines.append(f"::notice title=audit::{more} more in the report")
    return "".join(f"{line}\n" for line in lines)


def _command(level: str, place: Location, title: str, told: str) -> str:
    at = {"file": place.path, "line": str(place.line), "endLine": str(place.end_line), "title": title}
    return f"::{level} {','.join(f'{key}={_property(value)}' for key, value in at.items())}::{_data(told)}"


def _data(text: str) -> str:
    """Text after the second `::`."""
    return neutral(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def summary(audit: AuditRun) -> str:
    """The step's summary: as a comment, with more room."""
    text = markdown.text(audit, _MOST_OF_A_SUMMARY)
    most = _MOST_OF_A_SUMMARY
    while len(text.encode("utf-8", "backslashreplace")) > _MOST_OF_A_SUMMARY:  # letters of more than one byte
        most = most * 3 // 4
        text = markdown.text(audit, most)
    return text


def _files(audit: AuditRun) -> Iterator[tuple[str, str]]:
    yield ANNOTATIONS, commands(audit)
    yield SUMMARY, summary(audit)
    yield "github/comment.md", markdown.text(audit)


EXPORTS = (Export("github", "annotations, step summary and comment of GitHub Actions", lambda audit: dict(_files(audit)), ANNOTATIONS),)
