"""GitHub Actions: commands that GitHub's runner reads as they were meant, within its limits."""

from __future__ import annotations

import re

from audit.export import github
from tests.report import example

COMMAND = re.compile(r"::(error|warning|notice) ([^:\n]*)::([^\n]*)")


def obeyed(text: str) -> list[tuple[str, dict[str, str], str]]:
    """What a runner does: a command a line, with its escapes undone."""
    found = []
    for line in text.splitlines():
        match = COMMAND.fullmatch(line)
        assert match, line
        properties = dict(part.split("=", 1) for part in match[2].split(","))
        found.append((match[1], {key: undone(value) for key, value in properties.items()}, undone(match[3])))
    return found


def undone(text: str) -> str:
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",").replace("%25", "%")


def test_worst_first_at_the_lines_of_the_policy() -> None:
    """A block shows its errors before its warnings, each with file and line."""
    found = obeyed(github.commands(example.block()))
    assert found
    levels = [level for level, _, _ in found]
    assert levels == sorted(levels, key=["error", "warning", "notice"].index)
    assert all(int(properties["line"]) >= 1 and properties["file"] for level, properties, _ in found if level != "notice")
    assert found[0][1]["title"] in {one.id for one in example.block().findings}


def test_at_most_ten_of_a_kind_and_the_rest_counted() -> None:
    """GitHub drops what is beyond ten errors of a step; the notice says how many there are."""
    broken = [example.without(example.ACCURACY, "error", "broke", id=f"a-{number}") for number in range(25)]
    found = obeyed(github.commands(example.audit_run(broken)))
    errors = [one for one in found if one[0] == "error"]
    assert len(errors) == 10
    (notice,) = [one for one in found if one[0] == "notice"]
    more = int(re.match(r"(\d+) more", notice[2])[1])  # type: ignore[index]  # the match is what is tested
    assert more >= 15


def test_nothing_in_a_name_is_a_command() -> None:
    """Line ends, percent signs and commands in messages and ids stay inside their own command."""
    attack = "x\n::error::owned%0A::stop-commands::y"
    finding = example.without(example.ACCURACY, "error", attack)
    found = obeyed(github.commands(example.audit_run([finding])))
    assert any("owned%0A" in text for _, _, text in found)
    assert all("\n" not in text for _, _, text in found)


def test_a_promotion_says_nothing() -> None:
    """No annotation where all is good."""
    assert github.commands(example.promote()) == ""


def test_summary_keeps_to_its_size() -> None:
    """GitHub drops a summary beyond 1 MiB as a whole, so that findings beyond it are counted instead, in letters of any width."""
    broken = [example.without(example.ACCURACY, "error", "語" * 500, id=f"a-{number}") for number in range(1200)]
    text = github.summary(example.audit_run(broken))
    assert 300_000 < len(text.encode()) <= 1024 * 1024
    assert "more in the report" in text
