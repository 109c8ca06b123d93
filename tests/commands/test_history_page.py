"""`audit history --html`: the page beside the bundles, from ledger and records alone, with whatever names inert."""

from __future__ import annotations

import json
import re
import shutil
import time
from datetime import date, timedelta
from typing import TYPE_CHECKING

from audit.commands import history_page, past
from audit.commands.history import trend_lines
from audit.ledger import Entry, Large, Ledger
from audit.ledger.chain import following_entry
from audit.report.history.past import alarm, observations
from tests import running
from tests.command import audit
from tests.commands.test_review import answered
from tests.signing import OPEN, PASSING, audited, policy, sign

if TYPE_CHECKING:
    from pathlib import Path

TIME = "2026-05-02T10:00:00+00:00"


def page(folder: Path, code: int = 0) -> str:
    done = audit("history", "--html", cwd=folder)
    assert done.returncode == code, done.stderr
    assert done.stdout.splitlines()[-1] == "reports/index.html: written"
    return (folder / "reports" / "index.html").read_text()


def test_runs_stand_newest_first_with_what_became_of_them(tmp_path: Path) -> None:
    """Each links to its report, with signatures, reviews and promotions; the values of each requirement are drawn."""
    first = audited(tmp_path)
    answered(first)
    sign(first, "Olga Owner", "owner")
    ledger = Ledger(first.parent / "ledger.sqlite")
    run = json.loads(next(one.payload for one in ledger.verified() if one.kind == "run"))
    moved = {"name": "triage", "version": "7", "bundle_sha256": run["bundle_sha256"], "run": run["run"], "move": "m", "target": "folder:x"}
    ledger.append(TIME, "promotion", moved | {"started": TIME, "finished": TIME})
    second = audited(tmp_path, policy(PASSING, OPEN | {"severity": "high"}, version=4))
    html = page(tmp_path)
    assert re.findall(r'href="\./([^"]+)/report\.html"', html) == [second.name, first.name]
    assert (first.parent / f"./{first.name}/report.html").is_file()
    for words in (
        "signed by Olga Owner as owner",
        "reviewed by Rita Reviewer: agrees on 1 of 2",
        "promoted as triage version 7 on 2026-05-02",
    ):
        assert html.count(words) == 1
    assert html.count("<b>BLOCK</b>") == html.count("<b>PROMOTE WITH CONDITIONS</b>") == 1
    assert "Two runs: 1 promote with conditions and 1 block. Newest first." in html
    value = json.loads((second / "results.json").read_text())["findings"][0]["headline"]["value"]
    assert f"{value:.3f}; " in html
    assert html.count('class="lostf"') == html.count('class="gainf"') == 2  # one requirement fails in both runs, one passes
    assert "<script" not in html
    assert "http" not in re.sub(r"Content-Security-Policy|http-equiv", "", html)


def test_a_bundle_that_is_gone_or_changed_is_no_link(tmp_path: Path) -> None:
    """Its values stay, since the ledger keeps them; what is not as recorded is said on the page and by the exit code."""
    gone = audited(tmp_path)
    changed = audited(tmp_path)
    shutil.rmtree(gone)
    (changed / "report.html").write_text("promoted")
    html = page(tmp_path, code=1)
    assert "report.html" not in html
    assert "no bundle here" in html
    assert "its bundle was changed after it was recorded" in html
    assert html.count('class="gainf"') == 2


def test_an_empty_ledger_gives_an_empty_page(tmp_path: Path) -> None:
    assert "The ledger holds no runs yet." in page(tmp_path)


def outcome(value: float, status: str = "pass") -> dict[str, object]:
    return {
        "finding": "drift/ks", "status": status, "unit": "distance", "value": value, "interval": [value - 0.02, value + 0.02], "n": 500,
        "minimum": None, "maximum": 0.1, "margin": None, "severity": "high",
    }  # fmt: skip


def window(day: date, value: float, result: str = "keep", relative: float = 0.01, **more: object) -> dict[str, object]:
    """An entry of a window as `audit monitor` writes it, as far as the history reads it."""
    start = f"{day.isoformat()}T00:00:00+00:00"
    return {
        "policy": "triage", "policy_version": "3", "candidate_sha256": "ab" * 32, "key": day.isoformat(), "start": start, "run": f"w-{day}",
        "outcome": result, "bundle_sha256": f"b-{day}", "evidence": {"drift/ks": relative}, "labels_due": None,
        "outcomes": [outcome(value, "fail" if relative >= 1 else "pass")], **more,
    }  # fmt: skip


def test_windows_are_drawn_over_time_with_alarms_and_moves(tmp_path: Path) -> None:
    """A month of windows with an alarm at its end: one line for the quiet ones, one for each that stands out."""
    ledger, first = Ledger(tmp_path / "ledger.sqlite"), date(2026, 5, 1)
    for i in range(28):
        ledger.append(TIME, "window", window(first + timedelta(days=i), 0.02))
    moved = {"name": "triage", "version": "7", "bundle_sha256": "x", "run": "r", "move": "m", "target": "folder:x", "policy": "triage"}
    ledger.append("2026-05-10T10:00:00+00:00", "promotion", moved | {"started": TIME, "finished": TIME})
    drill = {"name": "triage", "target": "folder:x", "champion": "7", "version": "6", "passed": False, "seconds": 1.0}
    ledger.append("2026-05-11T10:00:00+00:00", "rollback-drill", drill)
    ledger.append(TIME, "window", window(first + timedelta(days=28), 0.2, "roll-back", 2.5, labels_due="2026-06-12"))
    html = history_page.write(tmp_path).read_text()
    assert "Twenty-nine" not in html
    assert "29 windows under one policy." in html
    assert "29 windows: 28 keep and 1 roll back. Newest first." in html
    assert "<bdi>2026-05-01 to 2026-05-28</bdi><details><summary>28 windows</summary>" in html
    assert html.count("<b>ROLL BACK</b>") == html.count("<b>KEEP</b>") == 1
    assert "alarm since 29 May 2026" in html
    assert "labels may come until 2026-06-12" in html
    assert html.count('class="lostf"') == 2  # the bar of the window and the diamond of its value
    assert "rollback drill of triage to version 6 on 11 May 2026, FAILED" in html
    assert "to version 6 on 11 May 2026, FAILED" in html
    assert "by a promotion on 10 May 2026" in html
    assert "29 May 2026 fail 0.2, alarm" in re.sub(r"0\.200", "0.2", html)
    told = list(trend_lines(past.history(tmp_path, ledger.verified())))
    assert told[1] == "triage: 29 windows, the newest of 2026-05-29: roll-back"
    assert told[2] == f"  drift/ks  {'▁' * 28}!  0.200 [0.180, 0.220]  ALARM since 2026-05-29  at most 0.1"


def test_the_newest_arrival_says_whether_an_alarm_stands(tmp_path: Path) -> None:
    """Labels of an old window may end an alarm, though a later window is still drawn last."""
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.append(TIME, "window", window(date(2026, 5, 1), 0.02))
    ledger.append(TIME, "window", window(date(2026, 5, 2), 0.2, "roll-back", 2.5))
    entries = past.history(tmp_path, ledger.verified())
    assert alarm(observations(entries.of("triage"))["drift/ks"]) == "2026-05-02T00:00:00+00:00"
    ledger.append(TIME, "window", window(date(2026, 5, 1), 0.02, relative=0.5))
    entries = past.history(tmp_path, ledger.verified())
    found = observations(entries.of("triage"))["drift/ks"]
    assert [one.past.number for one in found] == [3, 2]
    assert alarm(found) is None
    assert "Alarms that stand" not in history_page.write(tmp_path).read_text()


def test_the_page_of_a_thousand_entries_is_quick_and_small(tmp_path: Path) -> None:
    ledger, first = Ledger(tmp_path / "ledger.sqlite"), date(2024, 1, 1)
    names = [f"drift/ks-{i}" for i in range(20)]
    entries: list[Entry] = []
    for i in range(1000):
        told = window(first + timedelta(days=i), 0.02, relative=1.5 if i > 980 else 0.1)
        told |= {"outcomes": Large([outcome(0.02 + i / 9000) | {"finding": name} for name in names])}
        entries.append(following_entry(entries, TIME, "window", told))
    ledger.settle(lambda _before: entries)
    begun = time.process_time()
    html = history_page.write(tmp_path).read_text()
    assert time.process_time() - begun < 3  # 0.6 s on a free machine
    assert len(html) < 1_500_000
    assert html.count("<figure") == 0
    assert html.count('<div class="fig">') == len(names)


def test_a_page_that_cannot_be_written_is_told_and_changes_nothing(tmp_path: Path) -> None:
    """The run keeps its exit code, and its bundle is recorded."""
    (tmp_path / "reports" / "index.html").mkdir(parents=True)
    done, results = running.run(tmp_path, running.policy())
    assert results is not None
    assert done.returncode == results["exit_code"] == 0
    assert "history not rebuilt: reports/index.html: cannot be written" in done.stderr


def test_a_page_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    place = tmp_path / "reports" / "index.html"
    place.parent.mkdir()
    place.write_text("<title>Our documents</title>")
    done, results = running.run(tmp_path, running.policy())
    assert results is not None
    assert done.returncode == 0
    assert "history not rebuilt: reports/index.html: is another page than the history of audits" in done.stderr
    assert place.read_text() == "<title>Our documents</title>"
    assert audit("history", "--html", cwd=tmp_path).returncode == 2


def test_every_run_rebuilds_the_page(tmp_path: Path) -> None:
    _, results = running.run(tmp_path, running.policy())
    assert results is not None
    page = (tmp_path / "reports" / "index.html").read_text()
    assert f'href="./{results["run"]["id"]}/report.html"' in page
    assert list((tmp_path / "reports").glob(".*partial")) == []


def test_hostile_names_are_inert(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    evil = '"><script>alert(1)</script>\x1b[31m\u202e::error::'
    outcome: dict[str, object] = {
        "finding": evil, "status": evil, "unit": evil, "value": 0.5, "interval": [0.4, None], "n": 3,
        "minimum": 0.4, "maximum": None, "margin": None, "severity": evil,
    }  # fmt: skip
    entry = {
        "run": "../../" + evil,
        "policy": evil,
        "policy_version": evil,
        "candidate_sha256": evil,
        "decision": evil,
        "bundle_sha256": "x",
    }
    ledger.append(TIME, "run", entry | {"outcomes": [outcome, outcome | {"finding": "b", "status": "fail"}]})
    ledger.append(TIME, "sign-off", {"by": evil, "role": evil, "bundle_sha256": "x"})
    evil_window = {"key": evil, "start": evil, "outcome": evil, "evidence": {evil: 2.0}, "labels_due": evil, "waivers": [evil]}
    ledger.append(TIME, "window", entry | evil_window | {"outcomes": [outcome | {"finding": evil}]})
    move = {"name": evil, "version": evil, "target": evil, "policy": evil, "finished": evil, "move": evil}
    ledger.append(evil, "promotion", move)
    ledger.append(evil, "rollback-drill", move | {"passed": "yes"})
    html = history_page.write(tmp_path, [evil]).read_text()
    assert "<script" not in html
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert 'href="./' not in html
    assert "&lt;script&gt;alert(1)" in html
