"""The report of a window: the outcome in an operator's words, the budget as a sentence, the evidence, the operations card."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from audit.evidence import Example, Intervals, Part, Point, Slice
from audit.record import BudgetFacts, from_text, to_text
from audit.report import render
from audit.report.charts.evidence import evidence
from audit.report.decision import decision
from audit.report.entries import entries
from audit.report.operations import operations
from audit.report.production import budget, first_action, window_name
from audit.report.windows import windows
from tests.report import example

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.record import AuditRun

ALL = [example.kept, example.watched, example.rolled_back, example.incomplete]


def plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))


@pytest.mark.parametrize(
    ("run", "word", "subtitle", "first"),
    [
        (example.kept, "KEEP", "may keep running", "Nothing, until the next window."),
        (example.watched, "WATCH", "may keep running, and something has moved", "Look at the rows behind the worst member;"),
        (example.rolled_back, "ROLL BACK", "must not keep running", "Route all complaints to the desk, then read the ten oldest."),
        (example.incomplete, "INCOMPLETE", "cannot be judged: evidence is missing", "The check broke: MemoryError."),
    ],
)
def test_the_banner_says_outcome_window_and_first_action(run: Callable[[], AuditRun], word: str, subtitle: str, first: str) -> None:
    html = render(run())
    assert f'<span class="word hue">{word}</span><span class="sub"><bdi>complaint-triage, window 2026-11-30: {subtitle}</bdi>' in html
    assert f"What to do first: {first}" in plain(html)
    assert "<small>2,400 rows, labels until 14 December 2026; window 118 so far</small>" in html
    assert f"<title>{word}: complaint-triage v3" in html


def test_the_budget_is_a_sentence_and_the_alarm_stands_beside_it() -> None:
    run = example.rolled_back()
    view = windows(run, entries(run))
    assert view is not None
    assert view.budget == (
        "Four features and two quality bounds, watched every day: on average at most one false alarm a year, and as rarely a false watch."
    )
    assert view.strongest == "This alarm stands at 10,950 of 365 needed (drift/ks, column: length)."
    assert [(one.chip.word, one.evidence) for one in view.signals] == [
        ("alarm", "10,950 of 365 needed"),
        ("alarm", "812 of 365 needed"),
        ("rising", "146 of 365 needed"),
    ]
    assert view.quiet == "The rest is quiet: twelve members below a tenth of their threshold."
    assert view.retraining == (
        "A new training is due: the alarm of drift/ks stands. Use 30 windows, the first and the last 1 November 2026 and 30 November 2026. "
        "The new candidate must pass policies/retrain.yaml."
    )


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        (BudgetFacts(180, "week", 25.7), "watched every week: on average at most one false alarm in 180 days"),
        (BudgetFacts(None, "500 rows", 2000.0), "watched every 500 rows: on average at most one false alarm in 2,000 windows"),
        (BudgetFacts(30, "hour", 720.0), "watched every hour: on average at most one false alarm a month"),
    ],
)
def test_a_budget_of_any_kind(facts: BudgetFacts, told: str) -> None:
    run = example.kept()
    assert run.monitor is not None
    assert told in budget(run, replace(run.monitor, budget=facts))


def test_features_are_counted_once_and_joint_tests_apart() -> None:
    run = example.kept()
    facts = run.monitor
    assert facts is not None
    joint = tuple(replace(one, member=None) for one in facts.signals if one.requirement == "drift/psi")[:1]
    rest = tuple(one for one in facts.signals if one.requirement != "drift/psi")
    told = budget(run, replace(facts, signals=(*rest, *joint)))
    assert told.startswith("Four features, one joint test of drift and one quality bound, watched every day")


def test_the_decision_page_speaks_of_the_window() -> None:
    run = example.rolled_back()
    view = decision(run, entries(run))
    assert view.lead == "Roll back."
    assert view.rest.startswith("Alarm of drift/ks for column: length since 27 November 2026: evidence 10,950 of 365 needed; alarm of")
    assert [block.check for block in view.blocks] == ["drift/ks", "performance/accuracy"]
    assert {block.when for block in view.blocks} == {"now"}
    assert [gap.what for gap in view.gaps[:3]] == ["labels", "two windows", "F-5 accuracy-of-the-desk"]
    html = render(run)
    assert "release" not in plain(html[html.index("<body") : html.index('<section class="sec " id="scope"')])
    back = view.steps[1]
    assert back.action == (
        "Return to the previous version: `audit rollback triage --to folder:/models`. "
        "Last rollback drill: 1 October 2026, from version 7 to 6, passed in 1.2 s."
    )
    assert back.who == "On-call ML, +1 555 0100, then support-ml@example.org"


def test_what_is_only_watched_is_drawn_and_decides_nothing() -> None:
    run = example.watched()
    found = entries(run)
    view = decision(run, found)
    assert view.blocks_title == "What is watched and has moved"
    assert [block.check for block in view.blocks] == ["drift/ks"]
    assert {one.effect for one in found.worst} == {"ok"}
    assert view.lead == "Keep it running and look: what the policy watches has moved."
    html = render(run)
    assert html.count('class="openf"') == 2  # the chart's diamonds are no alarm's
    assert 'class="lostf"' not in html


def test_a_quiet_window_blocks_nothing_whatever_its_lone_values() -> None:
    """A lone window beyond the bound is inconclusive, which blocks a release and no running system."""
    run = example.kept()
    lone = tuple(replace(one, status="inconclusive") for one in run.findings)
    run = replace(run, findings=lone)
    found = entries(run)
    assert {one.effect for one in found.worst} == {"ok"}
    assert decision(run, found).lead == "Keep it running: no alarm stands."
    assert {one.effect for one in entries(replace(run, monitor=None)).worst} != {"ok"}


def test_certainty_rests_on_all_windows() -> None:
    html = plain(render(example.rolled_back()))
    assert "Yes, by the evidence of 118 windows: 812 of 365 needed. The change most likely began in window 19 November 2026." in html
    assert "It rises: evidence 146 of 365 needed, after 118 windows." in html
    assert "It is far from an alarm: evidence 7.3 of 365 needed" in html


def test_the_operations_card() -> None:
    """What an alarm means, the first action, the way back with its last drill, whom to call and what works meanwhile."""
    run = example.rolled_back()
    view = operations(run, entries(run))
    assert view.now == "ROLL BACK. Route all complaints to the desk, then read the ten oldest."
    assert view.rollback == "audit rollback triage --to folder:/models"
    facts = {one.term: one.value for one in view.facts}
    assert facts["Last rollback drill"] == "1 October 2026, from version 7 to 6, passed in 1.2 s"
    assert facts["Whom to call"] == "On-call ML, +1 555 0100, then support-ml@example.org"
    assert facts["Safe fallback"] == "The desk reads every complaint in the order in which they come."
    assert [(one.check, one.chip.word, one.severity) for one in view.alarms][:2] == [
        ("drift/ks", "alarm", "high"),
        ("performance/accuracy", "alarm", "high"),
    ]


def test_without_a_card_the_ledger_and_the_declared_facts_serve() -> None:
    run = example.rolled_back()
    assert run.policy.monitor is not None
    assert run.last_promotion is not None
    bare = run.policy.model_copy(update={"monitor": run.policy.monitor.model_copy(update={"card": None})})
    never = replace(run, policy=bare, last_promotion=replace(run.last_promotion, drill=None))
    run = replace(run, policy=bare)
    view = operations(run, entries(run))
    assert view.rollback == "audit rollback triage"
    assert first_action(run, entries(run)).startswith("Look at the rows behind the worst member")
    told = {one.term: one.value for one in operations(never, entries(never)).facts}
    assert told["Last rollback drill"] == "none in the ledger: rehearse it with `audit rollback NAME --drill`"


def test_the_chart_of_evidence() -> None:
    """The line crosses the threshold once; what was late, came later or never came is marked, and told in words."""
    facts = example.rolled_back().monitor
    assert facts is not None
    trace = next(one for one in facts.traces if one.requirement == "drift/ks")
    drawn = evidence(trace, facts, "")
    assert drawn is not None
    picture = str(drawn.drawing)
    assert drawn.title == "drift/ks: evidence 10,950 of 365 needed"
    assert picture.count('class="lostf"') == 2  # where the alarm began, and the newest
    assert (picture.count(">△<"), picture.count(">○<"), picture.count(">×<")) == (1, 3, 2)
    assert "last 10,950 at 2026-11-30; reached its threshold of 365 at 2026-11-2" in picture
    assert (
        "came late: 2026-10-02; labels came later: 2026-09-28, 2026-09-29 and 2026-09-30; never came: 2026-09-12 and 2026-09-13" in picture
    )
    quiet = evidence(next(one for one in facts.traces if one.requirement == "performance/f1"), facts, "")
    assert quiet is not None
    assert "never reached its threshold;" in str(quiet.drawing)


@pytest.mark.parametrize("value", [0.0, 1e-300, 1.0, 1e300, float("inf")])
def test_evidence_beyond_every_scale_is_drawn_at_its_edge(value: float) -> None:
    facts = example.kept().monitor
    assert facts is not None
    one = replace(facts.traces[0], relative=tuple(value for _ in facts.history))
    drawn = evidence(one, facts, "")
    assert drawn is not None
    assert "nan" not in str(drawn.drawing).lower().replace("finance", "")
    assert "inf" not in re.sub(r"<(title|desc)>.*?</\1>", "", str(drawn.drawing))
    assert evidence(replace(one, relative=(None,) * len(facts.history)), facts, "") is None


def test_what_moved_is_ranked_by_its_bound() -> None:
    run = example.rolled_back()
    view = windows(run, entries(run))
    assert view is not None
    assert [(one.feature, one.requirement) for one in view.moved[:2]] == [("column: length", "drift/ks"), ("column: words", "drift/ks")]
    assert len(view.moved) == 8
    assert view.moved[0].effect.startswith("0.210 [")


def test_words_and_rows_that_moved_are_pointed_to() -> None:
    run = example.rolled_back()
    drifted = next(one for one in run.findings if one.id == "drift/ks")
    assert drifted.evidence is not None
    words = Intervals("share of texts", ("test", "production"), ("courier",), ((Point(0.0, 0.0, 0.02), Point(0.5, 0.4, 0.6)),))
    rows = (Example("c-1", (Part("the courier …"),)), Example("c-2", (Part("my parcel …"),)))
    shown = replace(drifted, evidence=replace(drifted.evidence, figures=(words,), examples=rows))
    run = replace(run, findings=tuple(shown if one is drifted else one for one in run.findings))
    view = windows(run, entries(run))
    assert view is not None
    assert [one.text for one in view.pointers] == ["share of texts, test to production: courier 0.000 to 0.500.", "two rows to look at."]


def test_windows_are_named_as_people_read_days() -> None:
    assert [window_name(key) for key in ("2026-11-30", "2026-W49", "2026-11", "2026-11-30T14+01:00", "3fa9c1")] == [
        "30 November 2026",
        "2026-W49",
        "2026-11",
        "2026-11-30T14+01:00",
        "3fa9c1",
    ]


@pytest.mark.parametrize("run", [*ALL, example.hostile_window])
def test_a_report_comes_from_the_stored_record(run: Callable[[], AuditRun]) -> None:
    made = run()
    assert render(from_text(to_text(made))) == render(made)


def test_a_window_asks_for_no_signature() -> None:
    html = plain(render(example.rolled_back()))
    assert "UNSIGNED a window needs no signature" in html.replace("UNSIGNEDa", "UNSIGNED a")
    assert "A block cannot be signed" not in html
    assert "audit sign" not in plain(render(example.kept()))


def test_hostile_words_are_inert() -> None:
    html = render(example.hostile_window())
    assert html.count("<script") == 1  # our own
    assert "<img" not in html
    assert "\u202e" not in html
    assert "\x1b" not in html
    assert "{{ 7*7 }}" in html  # as text


def test_a_record_of_an_earlier_release_has_no_traces() -> None:
    run = example.kept()
    assert run.monitor is not None
    older = replace(run, monitor=replace(run.monitor, history=(), traces=()))
    text = to_text(older).replace(',"history":[],"traces":[]', "")
    assert '"traces"' not in text
    assert from_text(text).monitor == older.monitor
    assert Slice((("column", "length"),)) in {one.member for one in run.monitor.signals}
