"""What must hold of every report, whatever the run."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer.main
from jinja2 import StrictUndefined, UndefinedError
from markupsafe import escape

from audit import catalog
from audit.cli.app import app
from audit.datasets import Columns
from audit.frameworks import nist_ai_rmf
from audit.phrases import remedy
from audit.policy.schema import CandidateSpec, DatasetSpec, System, Trust
from audit.report import render
from audit.report.entries import entries
from audit.report.follow_up import register, waivers
from audit.report.page import _environment
from audit.report.phrases import action_of
from audit.report.text import day
from tests.report import example

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

    from audit.record import AuditRun

RUNS: dict[str, Callable[[], AuditRun]] = {
    run.__name__: run
    for run in (
        *(example.block, example.waived, example.conditions, example.promote),
        *(example.all_errors, example.hostile, example.crowded, example.compared, example.looked_at),
    )
}
VOID = {"meta", "input", "wbr", "br", "path", "circle", "line", "rect", "use"}
NEVER = ("nist compliant", "nist certified", "42001 certified", "ai act compliant", "bias free", "passed sr 11-7", "compliant")


class Reader(HTMLParser):
    """Collects tags, and refuses what is not nested."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[tuple[int, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"{tag}: an attribute twice"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> without a start"
        assert self.open.pop() == tag, f"</{tag}> out of order"

    def handle_data(self, data: str) -> None:
        if self.open and re.fullmatch(r"h[1-6]", self.open[-1]):
            self.headings.append((int(self.open[-1][1]), data.strip()))


@pytest.fixture(scope="module", params=RUNS)
def page(request: pytest.FixtureRequest) -> tuple[AuditRun, str]:
    run = RUNS[request.param]()
    return run, render(run)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    assert reader.open == [], "an element is left open"
    return reader


def test_links_lead_somewhere_and_ids_are_unique(page: tuple[AuditRun, str]) -> None:
    """Elements are nested, every link stays inside the page and has a target, and no id occurs twice."""
    tags = read(page[1]).tags
    ids = [attrs["id"] for _, attrs in tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = [attrs["href"] or "" for _, attrs in tags if "href" in attrs]
    assert targets
    assert {target[:1] for target in targets} == {"#"}
    assert {target[1:] for target in targets} <= set(ids)


def test_asks_nothing_of_the_network(page: tuple[AuditRun, str]) -> None:
    """No address, no source, no import: one file. The only script is the one whose digest the content policy names."""
    _, html = page
    assert not re.search(r"https?:|//\w|url\(|@import", html.split("<body")[0])
    tags = read(html).tags
    assert not [tag for tag, attrs in tags if {"src", "srcset", "action", "data", "poster"} & set(attrs)]
    assert not [tag for tag, _ in tags if tag in {"link", "img", "iframe", "object", "embed", "base"}]
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src &#39;sha256-{digest}&#39;" in html or f"script-src 'sha256-{digest}'" in html
    assert not [attrs for _, attrs in tags if any(name.startswith("on") for name in attrs)]


def test_every_drawing_has_words(page: tuple[AuditRun, str]) -> None:
    """An SVG is an image with a title, or decoration beside words that say the same."""
    drawings = re.findall(r"<svg\b([^>]*)>(<title>[^<]+</title>)?", page[1])
    assert drawings
    assert all(bool(title) == ('role="img"' in attrs) and bool(title) != ('aria-hidden="true"' in attrs) for attrs, title in drawings)


def test_regions_can_be_told_apart(page: tuple[AuditRun, str]) -> None:
    """No two landmarks of one kind carry the same name."""
    names = [attrs["aria-label"] for _, attrs in read(page[1]).tags if attrs.get("role") == "region"]
    assert len(names) == len(set(names))


def test_headings_descend_one_level_at_a_time(page: tuple[AuditRun, str]) -> None:
    """Sections come in the order of their numbers; no heading skips a level."""
    headings = read(page[1]).headings
    levels = [level for level, text in headings if text]
    assert levels[0] in {1, 2}
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
    numbers = re.findall(r'<h2 id="h-\w+"><span class="no">(\w+)</span>', page[1])
    assert numbers == [*(str(number) for number in range(1, 14)), "A", "B", "C"]


def test_every_finding_is_told_and_linked(page: tuple[AuditRun, str]) -> None:
    """Each finding has its part of section 7, its line of section 4, and its id in words."""
    run, html = page
    for number, finding in enumerate(run.findings, 1):
        assert html.count(f'<article class="finding" id="F-{number}">') == 1
        assert html.count(f'<a href="#F-{number}">F-{number}</a>') >= 1
        assert finding.id == example.NASTY or finding.id in html.replace("<wbr>", "")
    assert html.count('<tr role="row" data-status=') == len(run.findings)


def test_all_72_lines_are_there(page: tuple[AuditRun, str]) -> None:
    """Every subcategory has a cell and a row, measured or not."""
    for line in nist_ai_rmf().subcategories:
        anchor = line.id.lower().replace(" ", "-").replace(".", "-")
        assert page[1].count(f'<tr id="{anchor}">') == 1
        assert page[1].count(f'href="#{anchor}" aria-label=') == 1


def test_says_nothing_it_may_not(page: tuple[AuditRun, str]) -> None:
    """Words that claim more than evidence can carry are never printed; what must be said of every report is."""
    text = page[1].lower()
    assert not [words for words in NEVER if words in text]
    assert "not a certification" in text
    assert "unsigned" in text
    assert not re.search(r">\s*(none|nan|null|undefined|inf)\s*<", text)


def test_is_the_same_every_time(page: tuple[AuditRun, str]) -> None:
    """The same run gives the same bytes, and they are UTF-8."""
    assert render(page[0]).encode() == page[1].encode()


def test_decision_is_on_its_face() -> None:
    """The decision, its date and the rule stand in the page's title and head."""
    for run, word in ((example.block(), "BLOCK"), (example.promote(), "PROMOTE"), (example.conditions(), "PROMOTE WITH CONDITIONS")):
        html = render(run)
        assert f"<title>{word}: complaint-triage v3, run {run.run.id}</title>" in html
        assert f'<span class="word hue">{word}</span>' in html
        assert all(reason.rule in html for reason in run.verdict.reasons if reason.finding is None)


def test_generated_data_is_marked() -> None:
    """A data set whose source says that it is made up marks the head of the page and every printed page; others do not."""
    from dataclasses import replace

    run = example.promote()
    assert "Generated data: nobody in it is real." in render(run)
    assert "Made up, by the source that the policy names: train and test." in render(run)
    real = replace(run, datasets=tuple(replace(data, source="message log") for data in run.datasets))
    assert "Generated data" not in render(real)
    synthetic = replace(run, datasets=(replace(run.datasets[0], source="Synthetic, by script"),))
    assert "every data set of this run" in render(synthetic)


def test_size() -> None:
    """Twenty findings with every kind of figure stay below 400 kB."""
    from dataclasses import replace

    findings = example.block().findings
    more = [replace(one, requirement=one.requirement.model_copy(update={"id": f"{one.id}/again"})) for one in findings[:4]]
    run = example.audit_run([*findings, *more])
    assert len(run.findings) == 20
    assert len(render(run).encode()) < 400_000


def test_undefined_names_and_unfinished_values_are_refused() -> None:
    """A template that asks for what no view gives fails, and so does a view that gives a number in place of words."""
    environment = _environment()
    assert environment.undefined is StrictUndefined
    with pytest.raises(UndefinedError):
        environment.from_string("{{ missing }}").render()
    with pytest.raises(TypeError, match="finished strings, not float"):
        environment.from_string("{{ value }}").render(value=0.5)


def test_waivers_come_with_what_they_say() -> None:
    """Those in force first, with all that was accepted; of the others why they have no effect."""
    html = render(example.waived())
    part = html[html.index('id="conditions"') : html.index('id="operations"')]
    assert [part.index(f'id="waiver-{name}"') for name in ("C-1", "W-2", "W-3")] == sorted(
        part.index(f'id="waiver-{name}"') for name in ("C-1", "W-2", "W-3")
    )
    for said in (
        "<b>in force.</b>",
        "<b>VOID.</b>",
        "<b>unused.</b>",
        "Rita Reviewer (reviewer, line 2)",
        "Control: a person reads",
        "Ends within 7 days",
    ):
        assert said in part
    assert "Expired at 1 November 2026, 00:00 UTC." in part
    assert "<script>alert" not in html
    assert "No waiver was looked at." in render(example.conditions())


def test_every_command_and_key_that_a_page_names_exists(page: tuple[AuditRun, str]) -> None:
    """`audit NAME` is a command, and a dotted name of the policy file is one of its keys."""
    words = re.sub(r"<(style|script)>.*?</\1>", "", page[1], flags=re.DOTALL)
    words = re.sub(r"<[^>]+>", "", words.replace("<wbr>", ""))
    commands = {command.name for command in typer.main.get_command(app).commands.values()}  # type: ignore[attr-defined]  # a group
    named = set(re.findall(r"(?:`|^|[(>])audit ([a-z]+)\b", words, re.MULTILINE))
    assert named
    assert named <= {name for name in commands if name}
    keys: dict[str, type[BaseModel]] = {
        "system": System,
        "candidate": CandidateSpec,
        "datasets": DatasetSpec,
        "columns": Columns,
        "trust": Trust,
    }
    for first, shape in keys.items():
        unknown = set(re.findall(rf"(?<![\w./]){first}\.(\w+)", words)) - set(shape.model_fields)
        assert not unknown, f"{first}.{', '.join(sorted(unknown))}"
    assert not re.search(r"\b(?:meta|ledger)\.[a-z]", words)


def test_page_one_lists_every_blocker_with_action_person_and_date() -> None:
    for run in (example.block(), example.all_errors(), example.crowded()):
        html = render(run).replace("<wbr>", "")
        first = html[html.index('id="decision"') : html.index('id="scope"')]
        for entry in entries(run).having("block"):
            shown = [part for part in re.split(r"<li>|<tr>", first) if f'href="#{entry.label}"' in part and entry.finding.id in part]
            assert shown, entry.finding.id
            assert entry.finding.owner in shown[0]
            due = {one.finding: day(one.due) for one in run.verdict.conditions}
            assert due.get(entry.finding.id, "no date set") in shown[0]
            assert escape(action_of(entry.finding)[:60].rpartition(" ")[0]) in shown[0]


def test_page_one_counts_what_is_left_of_waivers_at_the_day_of_the_run() -> None:
    """Whole days from the start of the run, not from the reader's day; only waivers in force count, the first to end first."""
    run = example.waived()
    in_force = next(one for one in run.waivers if one.standing == "in_force")
    later = replace(in_force, id="W-9", until="2026-12-20T01:00:00+00:00")
    run = replace(run, waivers=(later, *run.waivers), run=replace(run.run, started="2026-11-20T02:00:00+00:00"))
    html = render(run).replace("<wbr>", "")
    first = html[html.index('id="decision"') : html.index('id="scope"')]
    shown = re.findall(r'<a href="#waiver-([\w-]+)">.*?<b>(.*?)</b>, until (.*?): <bdi class="id">(.*?)</bdi>', first)
    assert shown == [
        ("C-1", "seven days left", "27 November 2026, 12:00 UTC", in_force.check),
        ("W-9", "29 days left", "20 December 2026, 01:00 UTC", in_force.check),
    ]
    assert "Waivers in force" not in render(example.block())


@pytest.mark.parametrize("run", [example.block(), example.conditions(), example.compared()])
def test_members_are_named_in_words_on_the_whole_page(run: AuditRun) -> None:
    """`gender: male`, never `gender=male`: in sentences, tables, plots and conditions."""
    shown = re.sub(r"<style>.*?</style>|<script>.*?</script>|<[^>]*>", "\n", render(run).replace("<wbr>", ""), flags=re.DOTALL)
    names = {column for finding in run.findings for one in finding.slices for column, _ in getattr(one.name, "items", ())}
    assert names
    assert re.findall(rf"\b(?:{'|'.join(names)})=\w+", shown) == []


def test_conditions_say_what_closes_them() -> None:
    run = example.conditions()
    html = render(run).replace("<wbr>", "")
    first = html[html.index('id="decision"') : html.index('id="scope"')]
    for condition in run.verdict.conditions:
        entry = entries(run).of(condition.finding)
        assert entry is not None
        assert f'Closed when <bdi class="id">{condition.finding}</bdi> passes in a new audit.' in first
        assert str(escape(remedy(entry.finding)[:80].rpartition(" ")[0])) in first


def test_golden(golden: Callable[[Path, str], None]) -> None:
    """The page as it was last looked at; style and script, which have their own files, are left out."""
    html = render(example.conditions())
    html = re.sub(r"<style>.*?</style>|<script>.*?</script>|sha256-[\w+/=]+(?=')", "", html, flags=re.DOTALL)
    golden(Path(__file__).parent / "golden" / "conditions.html", html)


def test_a_bad_value_is_no_degree_of_risk() -> None:
    """After `Low:` in a register of risks a reader would take the risk for low."""
    run = example.block()
    finding = run.findings[0]
    for check_id in catalog.discover():
        told = replace(run, findings=(replace(finding, status="fail", check=catalog.info(check_id)),))
        assert register(told, entries(told))[0].risk.startswith("Where the value is ")


def test_a_comparison_says_what_a_worse_candidate_means() -> None:
    run = example.compared()
    assert "Where the candidate is worse than the champion, its release serves people worse than what runs today." in render(run)


def test_what_was_not_trained_stands_under_its_own_heading() -> None:
    html = render(example.compared())
    assert html.index("<h3>Training</h3>") < html.index("The candidate was loaded as it is") < html.index("<h3>Data sets</h3>")
    assert "Nobody has signed this report." in html
    assert "No person has signed" not in html


def test_an_unused_waivers_check_keeps_its_name() -> None:
    run = example.waived()
    passed = replace(run.waivers[0], id="W-4", check="performance/f1", why=("performance/f1 passes without it: delete it",))
    (last,) = waivers(replace(run, waivers=(passed,)), entries(run))
    assert last.said == ("performance/f1 passes without it: delete it.",)
    assert last.until == "27 November 2026, 12:00 UTC"
