"""Tables that the benchmarks write on the page of the verdict."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from benchmarks import coverage, populations
from benchmarks.page import options, printed_table, replace_table, table_rows
from benchmarks.trials import table

VERDICT = Path(__file__).parents[2] / "docs" / "verdict.md"
COMMANDS = ("coverage", "flip_rate", "slices", "metric_frame")


def _page(tmp_path: Path) -> Path:
    page = tmp_path / "page.md"
    page.write_text("# Page\n`python -m benchmarks.a` says\n\n```\nold\n```\n\n## More\n`python -m benchmarks.b` too\n\n```\nkept\n```\n")
    return page


def test_only_the_commands_own_table_is_replaced(tmp_path: Path) -> None:
    page = _page(tmp_path)
    before = page.read_text()
    replace_table(page, "a", "new \\1\n")
    assert page.read_text() == before.replace("old", "new \\1")
    assert printed_table(page, "a") == "new \\1"
    assert printed_table(page, "b") == "kept"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_verdict_has_a_place_for_each_table(command: str) -> None:
    assert printed_table(VERDICT, command).count("---") > 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--write", "page.md", "--fast"], "leave out --fast or --write"),
        (["--write", "missing.md"], "no such page: missing.md"),
        (["--write", "other.md"], "other.md has no table below `python -m benchmarks.a`"),
    ],
)
def test_a_page_that_cannot_take_the_table_is_refused(
    given: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _page(tmp_path)
    (tmp_path / "other.md").write_text("`python -m benchmarks.a`\n\n## More\n\n```\nkept\n```\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["a", *given])
    with pytest.raises(SystemExit, match="2"):
        options(argparse.ArgumentParser(), "a", fast="less")
    assert message in capsys.readouterr().err


def test_a_printed_table_is_read_as_it_was_written() -> None:
    rows = [["one, n=3", "0.5 - 0.5 apart", ""], ["two", "0 / 1", "OUTSIDE"]]
    text = "Title\n\n" + table(("name", "truth", ""), rows) + "\n\n2 cases"
    assert table_rows(text, ("name", "truth", "")) == rows


def test_a_run_of_one_kind_keeps_the_other_kinds_lines(tmp_path: Path) -> None:
    """Census is the last kind, of one case; the line of a case that is no more goes."""
    first, census = populations.by_kind()["Proportion"][0], populations.by_kind()["Census"][0]
    old = [coverage.Seen(first, 7, 0.0, 0.5, 0.1).row(), coverage.Seen(census, 7, 0.5, 0.0, 0.1).row(), ("gone", *["0"] * 8, "")]
    page = _page(tmp_path)
    page.write_text(page.read_text().replace(".a`", ".coverage`"))
    replace_table(page, "coverage", coverage.report(old)[0])
    lines = coverage.lines_with([coverage.simulated(census, fast=False)], page)
    assert [line[0] for line in lines] == [first.name, census.name]
    assert [line[-1] for line in lines] == ["OUTSIDE", ""]
    assert coverage.report(lines)[1] == 1
