"""docs/questions.md: its links are followed in a rendered report, and each leads to the answer."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from audit.ledger import Ledger
from audit.report.text import day
from tests.command import audit
from tests.signing import OPEN, PASSING, audited, policy, sign

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path(__file__).parent.parent / "docs" / "questions.md"
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.read_text().splitlines() if line.startswith("| ")][1:]
TIME = "2026-05-02T10:00:00+00:00"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """A signed release with a condition, after one that was promoted; its page, and its results."""
    folder = tmp_path_factory.mktemp("questions")
    first = audited(folder, policy(PASSING, OPEN | {"min": 0.94}))
    ledger = Ledger(first.parent / "ledger.sqlite")
    run = json.loads(next(one.payload for one in ledger.verified() if one.kind == "run"))
    facts = {name: run[name] for name in ("run", "policy", "decision", "candidate_sha256", "bundle_sha256")}
    ledger.append(TIME, "promotion", facts | {"move": "m", "name": "triage", "version": "7", "target": "folder:x", "finished": TIME})
    bundle = audited(folder, policy(version=4))
    sign(bundle, "Olga Owner", "owner")
    sign(bundle, "Rita Reviewer", "independent-reviewer")
    done = audit("report", str(bundle), "--key", "keys", "-o", "page.html", cwd=folder)
    assert done.returncode == 0, done.stderr
    return (folder / "page.html").read_text(), json.loads((bundle / "results.json").read_text())


def words(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", "", html)))


def part(html: str, anchor: str) -> str:
    """The section, or the part of one, that an anchor leads to."""
    begin = html.index(f'id="{anchor}"')
    section = html.rfind("<section", 0, begin)
    return html[begin if html.rfind("</section>", 0, begin) < section < begin - 60 else section : html.index("</section>", begin)]


ANSWERS: list[Callable[[dict[str, Any]], list[str]]] = [
    lambda _: ["The rule that decides", "blocks"],
    lambda told: [told["candidate"]["sha256"], told["datasets"]["test"]["sha256"]],
    lambda _: ["credit decisions", "declared out of scope", "Secure and resilient"],
    lambda _: ["To pass", "strict", "Would pass with accuracy", "Passing findings nearest to their bound", "performance/accuracy"],
    lambda told: ["What ends, in order of date", day(told["valid_until"]), "this decision"],
    lambda told: ["strict passes in a new audit under this policy", told["conditions"][0]["owner"], day(told["conditions"][0]["due"])],
    lambda _: ["Signed by Olga Owner as owner and Rita Reviewer as independent reviewer", "second, validates independently"],
    lambda _: ["declared in part", "Declared: system.purpose, system.affected and system.legal_basis"],
    lambda _: ["Against triage version 7", "strict", "at least 0.94", "at least 0.95"],
    lambda _: ["What runs today stays: triage version 7", "docs/rollback.md", "oncall@example.org"],
]


def test_there_are_ten() -> None:
    assert len(ROWS) == len(ANSWERS) == 10
    assert all(question.endswith("?") for question, _, _ in ROWS)


@pytest.mark.parametrize(("row", "answer"), list(zip(ROWS, ANSWERS, strict=True)), ids=lambda one: one[0] if isinstance(one, list) else "")
def test_each_is_answered_within_two_clicks(
    row: list[str], answer: Callable[[dict[str, Any]], list[str]], report: tuple[str, dict[str, Any]]
) -> None:
    """The first click is in the contents or on the banner, a second one in the part that the first leads to; there the answer stands."""
    html, results = report
    question, _, clicks = row
    path = re.findall(r"`#([\w-]+)`", clicks)
    assert 1 <= len(path) <= 2, question
    here = html[: html.index("</nav>")]
    for anchor in path:
        assert f'href="#{anchor}"' in here, anchor
        here = part(html, anchor)
    said = words(here)
    for expected in answer(results):
        assert expected in said, (question, expected)
